"""A plan of tiles in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from eyeshot.report.table import Column, Pieces, Table
from eyeshot.report.wording import listed, times
from eyeshot.tile.plan import TilePlan, Tolerance
from eyeshot.tile.tolerance import thinned

if TYPE_CHECKING:
    from eyeshot.tile.files import FileRun
    from eyeshot.tile.others import Settings
    from eyeshot.tile.split import Split

_UNITS = ("B", "kB", "MB", "GB", "TB")


def words(plan: TilePlan) -> Iterator[Pieces]:
    """One paragraph for the verdict, one for each layer that prevents equality, one for each number."""
    yield verdict(plan)
    for each in plan.prevents:
        yield [(f"  {each.layer}", "strong"), (f" ({each.op}) {each.why}.", ""), (f" To do: {each.cure}.", "dim")]
    yield []
    for label, text in _rows(plan):
        yield [(f"{label:<9}", "dim"), (text, "")]


def verdict(plan: TilePlan) -> Pieces:
    """Whether tiles equal the whole image, in a sentence."""
    image = times(plan.network.extent)
    of = f"{listed(plan.layers)} on {image}"
    if plan.verdict == "equal":
        return [("equal: ", "good"), (f"tiles give the whole image's numbers for {of}", "")]
    if plan.verdict == "tolerance" and plan.tolerance is not None:
        asked, predicted, measured = plan.tolerance.asked, plan.tolerance.predicted, plan.tolerance.measured
        seen = "not measured yet" if measured is None else f"measured {measured:.1e}"
        text = f"tiles give {of} with an error below {asked:.1e} of its spread: predicted {predicted:.1e}, {seen}"
        return [("tolerance: ", "warn"), (text, "")]
    n = len(plan.prevents)
    return [("differs: ", "warn"), (f"{n} layer{'s' * (n > 1)} keep{'s' * (n == 1)} tiles from giving {of}", "")]


def settings_words(others: Settings) -> Iterator[Pieces]:
    """Another runner's settings, one a line, and whether they can give the whole image's numbers."""
    for name, value in others.settings.items():
        yield [(f"{name}: ", "dim"), (json.dumps(value), "")]
    word, style = ("equal: ", "good") if others.can_be_equal else ("differs: ", "warn")
    yield [(word, style), (others.why, "")]


def curve_table(tolerance: Tolerance, most: int = 12) -> Table:
    """Error and work of halos up to the exact one; the one that was taken is marked."""
    headings = ("halo", "predicted error", "measured", "work")
    table = Table([Column(heading=heading) for heading in headings])
    taken = next(
        (s for s in tolerance.curve if (s.predicted, s.measured) == (tolerance.predicted, tolerance.measured)), None
    )
    for step in thinned(tolerance.curve, most, taken):
        table.add(
            str(step.halo),
            f"{step.predicted:.1e}",
            "" if step.measured is None else f"{step.measured:.1e}",
            "tile too small" if step.work is None else f"{step.work:.2f}×",
            style="strong" if step == taken else "",
        )
    return table


def splits_table(splits: Sequence[Split], chosen: Split | None) -> Table:
    """A line per number of patches; the best one for a memory is marked."""
    headings = ("patches", "side", "overlap", "extra work", "of all", "memory", "whole")
    table = Table([Column(heading=heading) for heading in headings])
    for each in splits:
        table.add(
            times(each.patches) + (" best" if each == chosen else ""),
            times(each.side),
            times(each.overlap),
            f"+{100 * each.extra:.1f} %",
            f"+{100 * each.extra_in_all:.1f} %",
            size(each.peak),
            size(each.whole),
            style="strong" if each == chosen else "",
        )
    return table


def run_words(run: FileRun) -> Pieces:
    """What was run, and how far from the whole image it came out."""
    text = f"{run.source} → {run.output}: {_count(run.plan)} of {times(run.plan.tile)}"
    if run.difference is None:
        return [(text, "")]
    return [(text, ""), (f"; largest difference from the whole image {run.difference:.2e}", "strong")]


def _rows(plan: TilePlan) -> Iterator[tuple[str, str]]:
    yield "halo", f"{_sides(plan.halo)} a core"
    if plan.exact and plan.exact != plan.halo:
        yield "", f"exact would be {_sides(plan.exact)} a core"
    yield "lattice", f"cores and tiles begin at multiples of {times(plan.lattice)}"
    core = times(plan.core)
    yield "tile", f"{times(plan.tile)}, of which {core} are its core; {_count(plan)}"
    if plan.limit is not None and plan.fits:
        best = "least extra work of all tiles that fit" if plan.is_best else "least extra work of the sizes compared"
        yield "", f"the {best}, by MACs and by what is alive at once"
    yield "work", f"{plan.work:.2f} times the whole image's MACs"
    yield "memory", _memory(plan)
    if len(plan.tile) == 1:
        before, after = plan.halo[0]
        chunks = f"chunks of multiples of {plan.lattice[0]}; latency {plan.latency[0]}"
        yield "stream", f"looks back {before} and ahead {after}; {chunks}"
    if any(plan.offset):
        yield "offset", f"output 0 lies on pixel {times(plan.offset)}: the network leaves out the border"


def _count(plan: TilePlan) -> str:
    if plan.tiles == 1:
        return "one tile, the whole image"
    return f"{times(plan.grid)} = {plan.tiles:,} tiles" if len(plan.grid) > 1 else f"{plan.tiles:,} tiles"


def _memory(plan: TilePlan) -> str:
    memory = plan.memory
    text = (
        f"{size(memory.tile)} a tile and {size(memory.weights)} of weights, against {size(memory.whole)} for the whole"
    )
    if plan.limit is None:
        return text
    if not plan.fits:
        needed = memory.tile + memory.weights
        return f"{text}; {size(plan.limit)} are too little for any tile, and the smallest needs {size(needed)}"
    return f"{text}; {size(plan.limit)} hold {memory.batch} at once"


def _sides(halo: Sequence[tuple[int, int]]) -> str:
    if len(set(halo)) == 1:
        before, after = halo[0]
        return f"{before} pixels before and {after} after" + (" along every axis of" if len(halo) > 1 else "")
    return ", ".join(f"{before} pixels before and {after} after" for before, after in halo)


def size(count: int) -> str:
    """Bytes in words, by powers of 1024."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if value >= 10 or unit == 0 else f"{value:.1f} {_UNITS[unit]}"
