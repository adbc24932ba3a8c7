"""Pictures of any proportions at one size: scaled until they cover it, the middle cut out; nothing is stretched."""

from __future__ import annotations

import re
from typing import Any

from eyeshot.errors import UsageError

_LARGEST = 10_000


def size_given(size: Any) -> tuple[int, int]:
    """Height and width as a user gives them: a text such as 20x30 or 32, a number for squares, or a pair.

    Raises:
        UsageError: it is none.

    Example:
        >>> size_given("20x30"), size_given(32)
        ((20, 30), (32, 32))
    """
    text = "x".join(map(str, size)) if isinstance(size, tuple | list) else str(size)
    match = re.fullmatch(r"(\d{1,5})(?:[x×](\d{1,5}))?", text.strip().lower())
    sizes = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not all(1 <= n <= _LARGEST for n in sizes):
        raise UsageError(f"size {text!r}: needed are height and width in pixels, such as 20x30, or 32 for both")
    return sizes


def fitted(image: Any, size: tuple[int, int], *, shorter: int | None = None, method: str = "bilinear") -> Any:
    """A Pillow image at a size.

    Args:
        image: any mode.
        size: height and width.
        shorter: what the shorter side becomes before the middle is cut out; what just covers ``size`` unless given.
        method: of interpolation, as Pillow names it.
    """
    from PIL import Image

    height, width = size
    # along neither axis smaller than what is cut out, so that proportions are kept
    scale = max(width / image.width, height / image.height, 0 if shorter is None else shorter / min(image.size))
    scaled = tuple(max(round(scale * n), side) for n, side in zip(image.size, (width, height), strict=True))
    image = image.resize(scaled, Image.Resampling[method.upper()])
    left, top = ((n - side) // 2 for n, side in zip(scaled, (width, height), strict=True))
    return image.crop((left, top, left + width, top + height))
