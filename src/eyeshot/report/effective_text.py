"""What a unit really uses, in a sentence, as a table of widths, and as a small map of characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.axes import axis_names
from eyeshot.report.effective import WITHOUT_WEIGHTS, Box, EffectiveField
from eyeshot.report.footprints import COLUMNS, ROWS
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import NONE, percent, plain, signed, times

_CONTOURS = ((0.5, "█"), (0.68, "▓"), (0.95, "▒"), (0.99, "░"))
_LEGEND = "█ half of the mass   ▓ 68 %   ▒ 95 %   ░ 99 %   · sees, hardly uses"
_MEASURES = {"abs": "|gradient|", "square": "gradient²", "signed": "signed gradient", "positive": "positive gradient"}


def sentence(result: EffectiveField) -> list[tuple[str, str]]:
    """The unit, in what boxes its use lies, and how much that is of what it sees."""
    origin = result.origin
    where = "" if not origin.unit else f"[{','.join(map(str, origin.unit))}]"
    who = f"{result.layer}{where}" if origin.unit is not None else f"a unit of {result.layer}"
    half, most = (result.boxes[share] for share in (50, 95))
    bound = "" if result.is_exact else "at most "
    return [
        (who, "strong"),
        (f" of {result.network} has half of what it uses in ", ""),
        (times(half.size), "strong"),
        (" pixels and 95 % in ", ""),
        (times(most.size), "strong"),
        (f": {percent(result.share_of(most))} of the {bound}{_seen(result)}.", ""),
    ]


def _seen(result: EffectiveField) -> str:
    whole, inside = times(result.field_size), times(result.frame.field)
    if result.origin.unit is None or whole == inside:
        return f"{whole} pixels that it sees"
    return f"{inside} pixels that it sees inside the image ({whole} on an endless one)"


def source(result: EffectiveField) -> str:
    """Where the numbers come from."""
    origin = result.origin
    if origin.source in WITHOUT_WEIGHTS:
        paths = "all paths, gates and statistics included" if origin.gates else "paths along the data path"
        counted = "counted alike" if origin.source == "paths" else "each unit sharing among what it reads"
        which = ", mean over all units, aligned by their fields' centres" if origin.unit is None else ""
        return f"source: {origin.source}, {paths}, {counted} (no weights, no images){which}"
    which = "all units, aligned by their fields' centres" if origin.unit is None else "one unit"
    channel = {"mixed": "all channels", "sum": "all channels summed"}.get(
        str(origin.channel), f"channel {origin.channel}"
    )
    return (
        f"source: {origin.source}, mean {_MEASURES[origin.measure]} of {which}, {channel};"
        f" {origin.weights}; {origin.inputs}"
    )


def widths_table(result: EffectiveField) -> Table:
    """Widths that hold 50 … 99 % of the mass per axis, and σ; each with its interval where there is one."""
    names = axis_names(result.map.ndim)
    columns = [Column(heading="", is_number=False)]
    for name in names:
        columns.append(Column(heading=f"along {name}, px", style="strong"))
        columns.append(Column(heading="95 % interval" if result.intervals else "", priority=1, style="dim"))
        columns.append(Column(heading="of field", priority=2))
    table = Table(columns)
    rows = [(f"{share} % in", f"width_{share}", 1) for share in result.widths] + [("σ", "sigma", 3)]
    for label, key, decimals in rows:
        cells = [label]
        for axis, value in enumerate(result.measures[key]):
            share = percent(value / result.frame.field[axis]) if key != "sigma" else ""
            cells += [f"{value:.{decimals}f}", _interval(result, key, axis, decimals), share]
        table.add(*cells)
    table.rule()
    seen = ["field"]
    for size, inside in zip(result.field_size, result.frame.field, strict=True):
        seen += [str(size), "", "100 %" if size == inside else f"{inside} inside"]
    table.add(*(seen if result.origin.unit is not None else ["field", *_plain_sizes(result.field_size)]))
    return table


def _plain_sizes(sizes: Sequence[int]) -> Iterator[str]:
    for size in sizes:
        yield from (str(size), "", "")


def _interval(result: EffectiveField, key: str, axis: int, decimals: int) -> str:
    ends = None if result.intervals is None else result.intervals.ends.get(key)
    if ends is None:
        return ""
    low, high = ends[axis]
    return f"{plain(low, decimals)} … {plain(high, decimals)}"


def remarks(result: EffectiveField) -> Iterator[str]:
    """Place, shape and padding, a line each."""
    measures = result.measures
    half, most = (_lies(result.boxes[share], result.map.ndim) for share in (50, 95))
    place = ", counted from the centre of its field" if result.origin.unit is None else ""
    yield f"The half lies in {half}, the 95 % in {most}{place}."
    ends = _share_interval(result, "residual")
    noise = "; noise of so few images adds to that" if result.origin.images and not ends else ""
    noise = f"; without the noise of its images by{ends}" if ends else noise
    yield f"From a Gaussian of this σ it differs by {percent(measures['residual'][0])} of the mass{noise}."
    shift = ", ".join(f"{signed(s, 2)}" for s in measures["shift"])
    if any(abs(s) >= 0.005 for s in measures["shift"]):
        yield f"Its centre of mass lies ({shift}) px from the centre of its field."
    padding = result.share_on_padding
    if padding is not None:
        share = percent(padding) if padding > 1e-12 else "None"
        yield f"{share} of its paths fall on padding{' (counted on an endless image)' if padding > 1e-12 else ''}."
    elif result.origin.source in WITHOUT_WEIGHTS:
        yield "What share of its paths falls on padding is not known for this layer."
    if result.area_ratios is not None:
        ratios = ", ".join(f"{t} %: {NONE if r is None else percent(r)}" for t, r in result.area_ratios.items())
        yield (
            f"Area ratios after Ding et al. 2022 (arXiv:2203.06717): {ratios}. They depend on the gradients' scale,"
            " so compare them only between networks measured alike; the widths above do not."
        )
    if result.intervals is not None:
        over = {"seeds": "seeds"}.get(result.intervals.over, f"groups of {result.intervals.over}")
        yield f"Intervals: 95 %, from {result.intervals.groups} {over} (jackknife)."


def _lies(box: Box, axes: int) -> str:
    ranges = (
        f"{name} {plain(first, 0)}–{plain(last, 0)}"
        for name, (first, last) in zip(axis_names(axes), box.ranges, strict=True)
    )
    return f"{', '.join(ranges)} ({percent(box.holds)})"


def _share_interval(result: EffectiveField, key: str) -> str:
    ends = None if result.intervals is None else result.intervals.ends.get(key)
    return "" if ends is None else f" ({percent(max(ends[0][0], 0.0))} … {percent(min(ends[0][1], 1.0))})"


def map_of(result: EffectiveField, width: int | None) -> tuple[str, list[str]] | None:
    """The map with its title; None where it is not a picture."""
    if result.map.ndim > 2:
        return None
    values = np.atleast_2d(np.abs(result.map))
    height, length = values.shape
    columns = min(COLUMNS, (width or 80) - 2, 2 * length)
    rows = max(1, min(ROWS, round(columns * height / length / 2), height)) if result.map.ndim == 2 else 1
    columns = min(columns, max(1, round(2 * rows * length / height))) if result.map.ndim == 2 else columns
    cells = _cells(values, rows, columns)
    ranges = ", ".join(
        f"{name} {plain(first, 0)}–{plain(first + n - 1, 0)}"
        for name, first, n in zip(axis_names(result.map.ndim), result.start, result.map.shape, strict=True)
    )
    place = "from the field's centre" if result.origin.unit is None else f"of {times(result.frame.extent)}"
    return f"{ranges} {place}   {_LEGEND}", _drawn(cells)


def _cells(values: npt.NDArray[np.float64], rows: int, columns: int) -> npt.NDArray[np.float64]:
    """Mean weight of a pixel in each cell."""
    picture = values
    for axis, n in enumerate((rows, columns)):
        length = picture.shape[axis]
        edges = [i * length // n for i in range(n)]
        if n >= length:
            picture = picture.take(edges, axis=axis)
        else:
            counts = np.diff([*edges, length]).reshape((-1, 1) if axis == 0 else (1, -1))
            picture = np.add.reduceat(picture, edges, axis=axis) / counts
    return picture


def _drawn(cells: npt.NDArray[np.float64]) -> list[str]:
    """Each cell with the sign of the smallest set of densest cells that holds it."""
    # Rounded, so that symmetric cells are alike in spite of their last bits.
    cells = np.round(cells / cells.max(), 9)
    order = np.argsort(-cells, axis=None, kind="stable")
    held = np.empty(cells.size)
    # What the denser cells hold without it: the densest cell is in every set.
    sums = np.cumsum(cells.ravel()[order])
    held[order] = np.concatenate([[0.0], sums[:-1]]) / sums[-1]
    # Cells of equal weight are of one set.
    for value in np.unique(cells):
        alike = cells.ravel() == value
        held[alike] = held[alike].min()
    signs = np.full(cells.size, "·")
    for share, sign in reversed(_CONTOURS):
        signs[held < share - 1e-12] = sign
    signs[cells.ravel() == 0] = " "
    return ["  " + "".join(row).rstrip() for row in signs.reshape(cells.shape)]
