"""The textbook's plates as an inline picture: on every level's map the exact set of units that one unit or two see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from eyeshot.analyse.footprint import Box, Footprint, footprints
from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.marks import Bits
from eyeshot.errors import UsageError
from eyeshot.report.cone import Level, cone
from eyeshot.report.wording import middle_out, times

_SIDE, _MARGIN, _WORDS = 104, 5, 34
"""Pixels: of a plate's longer side, beside it, and for the two lines below."""
_LETTER = 8.0
"""Pixels that a bold letter takes."""
_MOST_PLATES = 12
_MOST_LINES = 20
_FIRST, _SECOND, _BOTH = "#0072B2", "#E69F00", "#777777"
LEGEND = (("A", _FIRST), ("B", _SECOND), ("both", _BOTH))
"""What the colours of two units' plates stand for."""


def plates_svg(report: Inspection, layer: str | None = None, units: Sequence[tuple[int, ...]] = ()) -> list[str]:
    """A picture for every level: first the units' layer, then what they see of each level below, the image last.

    Of two units, the most that there may be, A is blue, B orange, and what both see grey.

    Raises:
        UsageError: the network is not followed along two axes, or has more levels than can stand side by side.
    """
    if len(report.network.axes) != 2:
        raise UsageError(f"{report.network.name}: plates need an image of rows and columns")
    view = cone(report, layer, units[:2])
    levels = [level for level in reversed(view.levels) if level.place.axis is not None]
    if len(levels) > _MOST_PLATES:
        raise UsageError(f"{report.network.name}: {len(levels)} levels are more than {_MOST_PLATES} plates")
    fields = view.fields
    sets = [footprints(fields.network, view.layer, at, gates=fields.gates) for at in view.units]
    return [_plate(level, [each[level.name] for each in sets]) for level in levels]


def _plate(level: Level, sets: Sequence[Footprint]) -> str:
    sizes = " and ".join(dict.fromkeys(_side_by_side(each) for each in sets))
    name = middle_out(level.name, 18)
    width = max(_SIDE + 2 * _MARGIN, round(_LETTER * max(len(name), len(sizes))))
    left = (width - _wide(sets[0])) / 2
    words = f"{escape(name, quote=False)}: {sizes}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -1 {width} {_SIDE + _WORDS + 1}" width="{width}"'
        f' height="{_SIDE + _WORDS + 1}" role="img" font-size="12" fill="currentColor"><title>{words}</title>'
        f'<g transform="translate({_n(left)})">{"".join(_drawn(sets))}</g>'
        f'<text x="{width / 2}" y="{_SIDE + 15}" text-anchor="middle">{escape(name, quote=False)}</text>'
        f'<text x="{width / 2}" y="{_SIDE + 30}" text-anchor="middle" font-weight="bold">{sizes}</text></svg>'
    )


def _cell(pixels: Footprint) -> float:
    return _SIDE / max(pixels.extent)


def _wide(pixels: Footprint) -> float:
    return pixels.extent[1] * _cell(pixels)


def _drawn(sets: Sequence[Footprint]) -> Iterator[str]:
    rows, columns = sets[0].extent
    cell = _cell(sets[0])
    parts = _parts(sets)
    for boxes, paint in zip(parts, (_FIRST, _SECOND, _BOTH), strict=False):
        yield f'<path fill="{paint}" d="{"".join(_box(box, cell) for box in boxes)}"/>' if boxes else ""
    lines = _grid(rows, columns, cell) if max(rows, columns) <= _MOST_LINES else ""
    frame = f"M0 0H{_n(columns * cell)}V{_n(rows * cell)}H0z"
    yield f'<path fill="none" stroke="currentColor" stroke-opacity=".3" d="{lines}{frame}"/>'
    if len(sets) == 2:
        yield from _letters(sets, cell)


def _letters(sets: Sequence[Footprint], cell: float) -> Iterator[str]:
    """A and B beside what each sees, on the sides away from each other, inside the plate."""
    (_, (a, a_last)), (_, (b, b_last)) = (each.hull for each in sets)
    is_a_left = a + a_last <= b + b_last
    for text, pixels, is_left in (("A", sets[0], is_a_left), ("B", sets[1], not is_a_left)):
        (top, bottom), (left, right) = pixels.hull
        y = min(max((top + bottom + 1) / 2 * cell + 4, 12), _SIDE - 3)
        room = left * cell if is_left else (pixels.extent[1] - 1 - right) * cell
        inwards = 1 if room >= _LETTER + 4 else -1
        edge = left * cell if is_left else (right + 1) * cell
        x = edge + (-3 if is_left else 3) * inwards
        anchor = "end" if is_left == (inwards > 0) else "start"
        yield f'<text class="over" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" font-weight="bold">{text}</text>'


def _parts(sets: Sequence[Footprint]) -> list[list[Box]]:
    """Boxes seen by the first unit alone, by the second alone, by both; for one unit its own."""
    if len(sets) == 1:
        return [sets[0].boxes()]
    one, other = (each.mask() for each in sets)
    return [_boxes(bits) for bits in (one & ~other, other & ~one, one & other)]


def _boxes(bits: Bits) -> list[Box]:
    """A plane's marks as boxes, alike rows together."""
    boxes: list[Box] = []
    for first, last in _alike(bits):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], bits[first].view(np.int8), [0]]))).tolist()
        boxes += [((first, last), (a, b - 1)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return boxes


def _alike(bits: Bits) -> list[tuple[int, int]]:
    changes = np.flatnonzero(np.any(bits[1:] != bits[:-1], axis=1)) + 1
    return [(first, end - 1) for first, end in pairwise([0, *changes.tolist(), len(bits)])]


def _side_by_side(pixels: Footprint) -> str:
    """Sides of the box around a set."""
    return times(last - first + 1 for first, last in pixels.hull)


def _box(box: Box, cell: float) -> str:
    (top, bottom), (left, right) = box
    return f"M{_n(left * cell)} {_n(top * cell)}H{_n((right + 1) * cell)}V{_n((bottom + 1) * cell)}H{_n(left * cell)}z"


def _grid(rows: int, columns: int, cell: float) -> str:
    across = "".join(f"M0 {_n(row * cell)}H{_n(columns * cell)}" for row in range(1, rows))
    return across + "".join(f"M{_n(column * cell)} 0V{_n(rows * cell)}" for column in range(1, columns))


def _n(value: float) -> str:
    """A coordinate to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
