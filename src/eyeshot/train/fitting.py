"""Pictures of any proportions at one size: scaled until they cover it, and the middle cut out, unless another way is
said, which keeps the whole picture."""

from __future__ import annotations

import re
from typing import Any

from eyeshot.errors import UsageError

_LARGEST = 10_000
CROP, STRETCH, PAD = "crop", "stretch", "pad"
WAYS = (CROP, STRETCH, PAD)
"""Scaled until it covers the size, and the middle cut out; scaled along each side by itself, which changes proportions;
scaled until it fits in, with black around."""


def way_given(size: Any) -> tuple[tuple[int, int], str]:
    """A size, and the way that stands behind it: 64:pad. The first of ``WAYS`` unless one does.

    Raises:
        UsageError: it is no size, or there is no such way.

    Example:
        >>> way_given("20x30:pad"), way_given(32)
        (((20, 30), 'pad'), ((32, 32), 'crop'))
    """
    if not isinstance(size, str):
        return size_given(size), CROP
    text, is_said, way = size.partition(":")
    sizes = size_given(text)
    if is_said and way.strip().lower() not in WAYS:
        raise UsageError(f"size {size!r}: after the colon stands how pictures come to it: {', '.join(WAYS)}")
    return sizes, way.strip().lower() or CROP


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


def fitted(
    image: Any, size: tuple[int, int], *, way: str = CROP, shorter: int | None = None, method: str = "bilinear"
) -> Any:
    """A Pillow image at a size.

    Args:
        image: any mode.
        size: height and width.
        way: one of ``WAYS``.
        shorter: what the shorter side becomes before the middle is cut out; what just covers ``size`` unless given.
        method: of interpolation, as Pillow names it.
    """
    from PIL import Image

    height, width = size
    resampling = Image.Resampling[method.upper()]
    if way == STRETCH:
        return image.resize((width, height), resampling)
    if way == PAD:
        scale = min(width / image.width, height / image.height)
        inner = image.resize(tuple(max(round(scale * n), 1) for n in image.size), resampling)
        around = Image.new(image.mode, (width, height))  # black
        around.paste(inner, ((width - inner.width) // 2, (height - inner.height) // 2))
        return around
    # along neither axis smaller than what is cut out, so that proportions are kept
    scale = max(width / image.width, height / image.height, 0 if shorter is None else shorter / min(image.size))
    scaled = tuple(max(round(scale * n), side) for n, side in zip(image.size, (width, height), strict=True))
    image = image.resize(scaled, resampling)
    left, top = ((n - side) // 2 for n, side in zip(scaled, (width, height), strict=True))
    return image.crop((left, top, left + width, top + height))
