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

_SIDE, _GAP, _WORDS = 120, 28, 34
"""Pixels: of a plate's longer side, between plates, and for the two lines below."""
_MOST_PLATES = 8
_MOST_LINES = 20
_FIRST, _SECOND, _BOTH = "#0072B2", "#E69F00", "#777777"


def plates_svg(report: Inspection, layer: str | None = None, units: Sequence[tuple[int, ...]] = ()) -> str:
    """The units' layer on the left, then what they see of each level below, the image last; two units at most.

    Raises:
        UsageError: the network is not followed along two axes, or has more levels than can stand in a row.
    """
    if len(report.network.axes) != 2:
        raise UsageError(f"{report.network.name}: plates need an image of rows and columns")
    view = cone(report, layer, units[:2])
    levels = [level for level in reversed(view.levels) if level.place.axis is not None]
    if len(levels) > _MOST_PLATES:
        raise UsageError(f"{report.network.name}: {len(levels)} levels are more than {_MOST_PLATES} plates")
    fields = view.fields
    sets = [footprints(fields.network, view.layer, at, gates=fields.gates) for at in view.units]
    width = len(levels) * (_SIDE + _GAP) - _GAP
    title = escape(f"{', '.join(view.names)} of {middle_out(report.network.name, 100)}", quote=False)
    plates = [
        f'<g transform="translate({i * (_SIDE + _GAP)})">{"".join(_plate(level, [s[level.name] for s in sets]))}</g>'
        for i, level in enumerate(levels)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {width + 2} {_SIDE + _WORDS + 2}" width="{width + 2}"'
        f' role="img" font-size="12" fill="currentColor"><title>What {title} sees on every map below</title>'
        + "".join(plates)
        + "</svg>"
    )


def _plate(level: Level, sets: Sequence[Footprint]) -> Iterator[str]:
    rows, columns = sets[0].extent
    cell = _SIDE / max(rows, columns)
    high, wide = rows * cell, columns * cell
    for footprint, paint in zip(_parts(sets), (_FIRST, _SECOND, _BOTH), strict=False):
        yield f'<path fill="{paint}" d="{"".join(_box(box, cell) for box in footprint)}"/>' if footprint else ""
    lines = _grid(rows, columns, cell) if max(rows, columns) <= _MOST_LINES else ""
    frame = f"M0 0H{_n(wide)}V{_n(high)}H0z"
    yield f'<path fill="none" stroke="currentColor" stroke-opacity=".3" d="{lines}{frame}"/>'
    sizes = " and ".join(dict.fromkeys(_side_by_side(each) for each in sets))
    yield f'<text x="{_n(wide / 2)}" y="{_SIDE + 15}" text-anchor="middle">{escape(middle_out(level.name, 18))}</text>'
    yield f'<text x="{_n(wide / 2)}" y="{_SIDE + 30}" text-anchor="middle" font-weight="bold">{sizes}</text>'


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
