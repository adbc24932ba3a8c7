"""The map of an effective field as an inline picture, without script: heat, boxes of half and 95 %, what is seen."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from eyeshot.report.effective import EffectiveField
from eyeshot.report.wording import middle_out, times

_WIDTH, _PROFILE = 300, 120
"""CSS pixels: of a map's longer side, and the height of a profile."""
_MOST_CELLS = 128
"""Cells along an axis; larger maps are drawn from sums of neighbours."""
_STOPS = (
    (0, 32, 77), (0, 51, 111), (57, 72, 107), (87, 93, 109), (112, 113, 115),
    (138, 134, 119), (166, 157, 117), (197, 181, 108), (229, 207, 92), (254, 232, 56),
)  # fmt: skip
"""Cividis (Nuñez, Anderton & Renslow 2018) at even steps, as the page has it."""
_GREY = (209, 209, 209)
_SEEN = "#D55E00"


def heat_svg(result: EffectiveField) -> str:
    """Of two axes the map, on the image or, averaged over units, around the field's centre; else a profile each."""
    name = f"{result.layer} of {result.network}"
    title = f"<title>What {escape(middle_out(name, 160), quote=False)} uses ({result.origin.source})</title>"
    if result.map.ndim == 2:
        return _map(result, title)
    return "".join(_profile(result, axis, title) for axis in range(result.map.ndim))


def _frame(result: EffectiveField) -> list[tuple[float, float]]:
    """The outer edges of what is shown per axis: the image, or what the aligned fields cover."""
    if result.origin.unit is not None:
        return [(-0.5, extent - 0.5) for extent in result.frame.extent]
    return [(c - n / 2, c + n / 2) for c, n in zip(result.frame.centre, result.frame.field, strict=True)]


def _map(result: EffectiveField, title: str) -> str:
    (top, bottom), (left, right) = _frame(result)
    scale = _WIDTH / max(bottom - top, right - left)

    def rect(ends: Sequence[tuple[float, float]], style: str) -> str:
        (a, b), (c, d) = ends
        return (
            f'<rect x="{(c - left) * scale:.1f}" y="{(a - top) * scale:.1f}" width="{(d - c) * scale:.1f}"'
            f' height="{(b - a) * scale:.1f}" fill="none" {style}/>'
        )

    high, wide = (bottom - top) * scale, (right - left) * scale
    covered = [(start - 0.5, start + n - 0.5) for start, n in zip(result.start, result.map.shape, strict=True)]
    (first, last), (near, far) = covered
    heat = base64.b64encode(_png(np.abs(result.map))).decode()
    picture = (
        f'<image href="data:image/png;base64,{heat}" x="{(near - left) * scale:.1f}" y="{(first - top) * scale:.1f}"'
        f' width="{(far - near) * scale:.1f}" height="{(last - first) * scale:.1f}" preserveAspectRatio="none"'
        ' style="image-rendering:pixelated"/>'
    )
    half, most = ([(a - 0.5, b + 0.5) for a, b in result.boxes[share].ranges] for share in (50, 95))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {wide + 2:.1f} {high + 2:.1f}" width="{wide + 2:.1f}"'
        f' role="img">{title}<rect width="{wide:.1f}" height="{high:.1f}" fill="rgb{_GREY}"/>{picture}'
        + rect(covered, f'stroke="{_SEEN}" stroke-width="2"')
        + rect(most, 'stroke="#fff" stroke-dasharray="4 3"')
        + rect(half, 'stroke="#000"')
        + "</svg>"
    )


def _png(values: npt.NDArray[np.float64]) -> bytes:
    """Weights as a picture in 256 colours, by their square root against the largest; grey where there is nothing."""
    for axis in range(2):
        values = _summed(values, axis)
    levels = np.ceil(255 * np.sqrt(values / values.max())).astype(np.uint8)
    at = np.linspace(0, len(_STOPS) - 1, 255)
    stops = np.arange(len(_STOPS))
    colours = np.stack([np.interp(at, stops, channel) for channel in zip(*_STOPS, strict=True)], axis=1).round()
    palette = bytes(_GREY) + colours.astype(np.uint8).tobytes()
    rows, columns = levels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in levels)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _summed(values: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    """As many cells as can be told apart, each the mean of its neighbours."""
    count = values.shape[axis]
    if count <= _MOST_CELLS:
        return values
    edges = np.linspace(0, count, _MOST_CELLS + 1).astype(int)
    sums: npt.NDArray[np.float64] = np.add.reduceat(values, edges[:-1], axis=axis)
    sizes = np.diff(edges).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return sums / sizes


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _profile(result: EffectiveField, axis: int, title: str) -> str:
    """The shares along one axis as an area below the line of what is seen."""
    low, high = _frame(result)[axis]
    scale = _WIDTH / (high - low)
    shares = _summed(result.profile(axis), 0)
    start, count = result.start[axis] - 0.5, len(result.profile(axis))
    step = count / len(shares)
    tops = (_PROFILE * (1 - shares / shares.max())).tolist()
    steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in _corners(tops, start - low, step, scale))
    begin, end = (start - low) * scale, (start - low + count) * scale
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -5 {_WIDTH + 2} {_PROFILE + 6}" width="{_WIDTH + 2}"'
        f' role="img">{title}<path fill="#0072B2" d="M{begin:.1f} {_PROFILE}{steps}H{end:.1f}V{_PROFILE}z"/>'
        f'<path stroke="{_SEEN}" stroke-width="3" d="M{begin:.1f} -3H{end:.1f}"/>'
        f'<path stroke="currentColor" stroke-opacity=".4" d="M0 {_PROFILE}H{_WIDTH}"/></svg>'
    )


def _corners(tops: Sequence[float], start: float, step: float, scale: float) -> Iterator[tuple[float, float]]:
    for i, y in enumerate(tops):
        yield (start + i * step) * scale, y


def heat_words(result: EffectiveField) -> str:
    """What the picture shows, in a line below it."""
    if result.map.ndim != 2:
        return "height: share of the mass along the axis; orange: what is seen"
    where = f"on the {times(result.frame.extent)} image" if result.origin.unit is not None else "around the centre"
    return f"{where}; black box: half; dashed: 95 %; orange: what is seen; grey: nothing"
