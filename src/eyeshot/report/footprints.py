"""What one unit sees, in a sentence, as ranges, and as a small map of characters."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.axes import axis_names
from eyeshot.analyse.inspection import Inspection, Layer, Unit
from eyeshot.analyse.layouts import unit_axes
from eyeshot.report.looking import unit_sentence
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import NONE, listed, percent, times

ROWS, COLUMNS = 24, 60
"""Characters of a map at most; one is about twice as high as it is wide."""
_ZOOM = 33
"""Pixels along a side up to which a footprint with holes is shown pixel by pixel."""
_SHADES = "·░▒█"
_LEGEND = "█ sees   ▒ ░ sees some of   · does not"


def sentence(report: Inspection, layer: Layer, unit: Unit) -> list[tuple[str, str]]:
    """The unit and how much it sees; where and how much of the image."""
    network = report.network
    place = f"[{','.join(map(str, unit.at))}]" if unit_axes(network, layer.name) else ""
    head = [(f"{layer.name}{place}", "strong"), (f" of {network.name} ", "")]
    clipped, count = unit.hull.clipped, unit.footprint.count
    if count == 0:
        return [*head, ("sees nothing of the image.", "")]
    size = times(last - first + 1 for first, last in unit.hull.unclipped)
    bound = "" if layer.field.is_exact else "at most "
    where = ", ".join(
        f"{name} {first}–{last}" for name, (first, last) in zip(axis_names(len(clipped)), clipped, strict=True)
    )
    is_inside = unit.hull.unclipped == clipped
    head += [("sees " if is_inside else "has a field of ", ""), (f"{bound}{size}", "strong"), (" pixels", "")]
    if unit.is_global and count == math.prod(network.extent):
        return [*head, (f"{':' if is_inside else ', which covers'} all of the {times(network.extent)} image.", "")]
    if not is_inside:
        within = times(last - first + 1 for first, last in clipped)
        head += [(", of which ", ""), (f"{bound}{within}", "strong"), (" lie in the image", "")]
    share = percent(count / math.prod(network.extent))
    return [*head, (f": {where} of {times(network.extent)} ({share} of the image).", "")]


def ranges(report: Inspection, layer: Layer, unit: Unit) -> Table:
    """Per axis what the unit sees on an endless image, and what of that is inside; and along the data path if less."""
    table = Table(
        [
            Column(heading="axis", is_number=False),
            Column(heading="image"),
            Column(heading="sees"),
            Column(heading="range"),
            Column(heading="inside", style="strong"),
            Column(heading="range", style="strong"),
            Column(heading="outside", priority=1),
        ]
    )
    data = layer.data.unit(*unit.at)
    for view, of in ((unit.hull, ""), (data.hull, ", data path")):
        if of and view == unit.hull:
            break
        names = axis_names(len(view.clipped))
        for name, n, whole, inside in zip(names, report.network.extent, view.unclipped, view.clipped, strict=True):
            sees, held = whole[1] - whole[0] + 1, inside[1] - inside[0] + 1
            table.add(name + of, str(n), str(sees), _range(whole), str(held), _range(inside), str(sees - held))
    return table


def _range(ends: tuple[int, int]) -> str:
    return " … ".join(str(end).replace("-", "−") for end in ends) if ends[0] <= ends[1] else NONE


def remarks(report: Inspection, layer: Layer, unit: Unit, rate: float | None = None) -> Iterator[str]:
    """Holes in the footprint, how far a unit of a sequence looks, and gates that see more than the data path."""
    if looks := unit_sentence(unit, rate):
        yield looks
    hull = math.prod(last - first + 1 for first, last in unit.hull.clipped)
    count = unit.footprint.count
    if 0 < count < hull:
        yield (
            f"It has holes: {count:,} of the {hull:,} pixels between these ends are seen ({percent(count / hull)}),"
            f" in {unit.footprint.box_count:,} boxes."
        )
    if layer.field.phases is not None:
        turns = [turn and listed([str(n) for n in dict.fromkeys(turn)], "or") for turn in layer.field.phases]
        names = axis_names(len(turns))
        told = ", ".join(f"{name} {turn}" for name, turn in zip(names, turns, strict=True) if turn)
        yield f"Units of {layer.name} differ in a fixed turn; on an endless image they see, in this order: {told}."
    data = layer.data.unit(*unit.at)
    if data.hull != unit.hull:
        size = times(last - first + 1 for first, last in data.hull.unclipped)
        yield f"Part of that is seen through gates or statistics only; along the data path it sees {size}."


def maps(unit: Unit, width: int | None) -> Iterator[tuple[str, list[str]]]:
    """Titled maps: of the image, and pixel by pixel of a small footprint with holes."""
    footprint = unit.footprint
    if len(footprint.extent) > 2 or footprint.count in (0, math.prod(footprint.extent)):
        return
    height, length = footprint.extent if len(footprint.extent) == 2 else (1, *footprint.extent)
    columns = min(COLUMNS, (width or 80) - 2, 2 * length)
    rows = max(1, min(ROWS, round(columns * height / length / 2), height)) if height > 1 else 1
    columns = min(columns, max(1, round(2 * rows * length / height))) if len(footprint.extent) == 2 else columns
    cells = (rows, columns) if len(footprint.extent) == 2 else (columns,)
    yield f"the image, {times(footprint.extent)} pixels   {_LEGEND}", shaded(footprint.shares(cells))
    if max(last - first + 1 for first, last in footprint.hull) > _ZOOM:
        return
    bits = footprint.bits
    if not bits.all() and max(bits.shape) <= min(_ZOOM, ((width or 80) - 2) // 2):
        yield (
            "the pixels between the ends",
            ["  " + "".join("██" if bit else "· " for bit in row).rstrip() for row in np.atleast_2d(bits)],
        )


def shaded(shares: npt.NDArray[np.float64]) -> list[str]:
    """The share of each cell that is seen, as a shade: none, under half, half or more, all."""
    picture = np.atleast_2d(shares)
    # Shares of whole cells are exact quotients, so 1 is met exactly where all is seen.
    levels = np.where(picture >= 1 - 1e-9, 3, np.where(picture >= 0.5, 2, np.where(picture > 0, 1, 0)))
    return ["  " + "".join(_SHADES[level] for level in row) for row in levels]
