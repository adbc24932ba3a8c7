"""The side view below a unit: level by level the units of every earlier layer that it sees, holes included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eyeshot.report.cone import Cone, Level
from eyeshot.report.figures.lanes import draw_lanes
from eyeshot.report.figures.style import Panel, points, row_points, shortened, width_of
from eyeshot.report.sides import letter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNITS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
_MOST_CELLS = 80
"""Units of a level up to which each is drawn as a cell of its own."""
_MOST_NAMES = 48
_NARROW = 4.5
"""Inches below which a level has its name alone, without its op."""


def cone_panel(cone: Cone) -> Panel:
    """The side view as a panel; the deeper the net, the flatter its levels."""
    count = len(cone.levels)
    size = 7.5, _height(count)
    return Panel(size=size, records=cone.records(), draw=lambda axes: _draw(axes, cone), caption=_caption(cone))


def _caption(cone: Cone) -> list[str]:
    seen = [f"{cone.counts(level)} of {level.name}" for level in reversed(cone.levels[:-1])]
    notes = f" ({'; '.join(cone.notes)})" if cone.notes else ""
    return [
        f"What {', '.join(cone.names)} of {cone.fields.network.name} sees of every earlier layer, along {cone.along}"
        f" and united over other axes{notes}: {', '.join(seen)}."
    ]


def _height(levels: int) -> float:
    return 1.5 + (0.42 * levels if levels <= 24 else 10 + 0.07 * min(levels - 24, 100))


def _draw(axes: Axes, cone: Cone) -> None:
    thick = 0.5 if len(cone.levels) <= 24 else 0.78
    wires = cone.wires()
    _draw_reading(axes, cone, thick, dim=bool(wires))
    _draw_wires(axes, cone, thick, wires)
    for row, level in enumerate(cone.levels):
        _draw_level(axes, level, row, thick)
    left = _left_end(cone)
    if not cone.is_chain and not cone.left_out:
        pitch = 0.022 * cone.extent * min(1.0, 12 / cone.lanes.width)
        left = draw_lanes(axes, cone.lanes, right=left - 0.02 * cone.extent, pitch=pitch)
    _draw_words(axes, cone, left)


def _left_end(cone: Cone) -> float:
    return min(level.place.edges(0, 0)[0] for level in cone.levels)


def _draw_level(axes: Axes, level: Level, row: int, thick: float) -> None:
    where = level.place
    cells = where.count if where.count <= _MOST_CELLS else 1
    edges = [where.edges(i, i) for i in range(cells)] if cells > 1 else [where.edges(0, where.count - 1)]
    inset = 0.06 * where.step if cells > 1 else 0.0
    axes.broken_barh(
        [(a + inset, b - a - 2 * inset) for a, b in edges],
        (row - thick / 2, thick),
        facecolors="white" if cells > 1 else "0.93",
        edgecolors="0.72",
        linewidth=0.6,
    )
    part = thick / len(level.seen)
    for i, runs in enumerate(level.seen):
        low = row + thick / 2 - (i + 1) * part
        shown = [(p, p) for a, b in runs for p in range(a, b + 1)] if cells > 1 else runs
        bars = [(a + inset, b - a - 2 * inset) for a, b in (where.edges(*run) for run in shown)]
        axes.broken_barh(bars, (low, part), facecolors=_UNITS[i % len(_UNITS)], linewidth=0)


def _draw_reading(axes: Axes, cone: Cone, thick: float, *, dim: bool) -> None:
    """From the hull of each level to that of each level that it reads; across others only where there are few."""
    from matplotlib.collections import PolyCollection

    is_small = len(cone.levels) <= 12 and not cone.left_out
    shapes = []
    for row, level in enumerate(cone.levels):
        for source in level.inputs:
            if source == row - 1 or is_small:
                for (a, b), (c, d) in _hulls(level, cone.levels[source]):
                    upper, lower = row - thick / 2, source + thick / 2
                    shapes.append([(a, upper), (b, upper), (d, lower), (c, lower)])
    axes.add_collection(PolyCollection(shapes, facecolors=(0, 0, 0, 0.05 if dim else 0.11), linewidth=0, zorder=0.5))


def _hulls(level: Level, source: Level) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    for above, below in zip(level.seen, source.seen, strict=True):
        if above and below:
            yield level.place.edges(above[0][0], above[-1][1]), source.place.edges(below[0][0], below[-1][1])


def _draw_wires(axes: Axes, cone: Cone, thick: float, wires: list[tuple[int, int, int, int]]) -> None:
    from matplotlib.collections import LineCollection

    def centre(row: int, position: int) -> float:
        where = cone.levels[row].place
        return where.centre + position * where.step

    lines = [[(centre(i, p), i - thick / 2), (centre(j, q), j + thick / 2)] for i, p, j, q in wires]
    axes.add_collection(LineCollection(lines, colors="0.55", linewidths=0.7, zorder=0.6))


def _draw_words(axes: Axes, cone: Cone, left: float) -> None:
    from matplotlib.ticker import MaxNLocator

    rows = range(len(cone.levels))
    step = -(-len(rows) // int(_MOST_NAMES * min(1.0, row_points(axes, _MOST_NAMES, 9) / 4.5)))
    named = sorted({*rows[-1::-step], 0}) if step > 1 else list(rows)
    if step > 1 and len(named) > 1 and named[1] - named[0] < step:
        del named[1]
    size = row_points(axes, len(named), 9)
    is_narrow = width_of(axes) < _NARROW
    words = [shortened(cone.levels[row].name) if is_narrow else _words(cone.levels[row]) for row in named]
    axes.set_yticks(named, words, fontsize=size)
    axes.tick_params(axis="y", length=0)
    for row in named:
        axes.text(
            1.01, row, cone.counts(cone.levels[row]), transform=axes.get_yaxis_transform(), fontsize=size,
            va="center", color="0.3",
        )  # fmt: skip
    right = max(level.place.edges(0, level.place.count - 1)[1] for level in cone.levels)
    margin = 0.015 * (right - left)
    axes.set_xlim(left - margin, right + margin)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_bounds(-0.5, cone.extent - 0.5)
    ticks = MaxNLocator(nbins=6, integer=True).tick_values(0, cone.extent - 1)
    axes.set_xticks([tick for tick in ticks if 0 <= tick < cone.extent])
    words = [f"input, {cone.along}, px", "; ".join(cone.notes)]
    axes.set_xlabel("\n".join(filter(None, words)), fontsize=points(9), color="0.3")
    if len(cone.units) > 1:
        _draw_letters(axes, cone)
    axes.set_title(_title(cone), loc="left")


def _draw_letters(axes: Axes, cone: Cone) -> None:
    row, level = len(cone.levels) - 1, cone.levels[-1]
    for i, runs in enumerate(level.seen):
        a, b = level.place.edges(runs[0][0], runs[-1][1])
        axes.text((a + b) / 2, row + 0.3, letter(i), ha="center", va="bottom", fontsize=points(9), fontweight="bold")
    axes.set_ylim(top=len(cone.levels) + 0.05)


def _words(level: Level) -> str:
    name = shortened(level.name)
    return name if level.what in ("", name) else f"{name}  {level.what}"


def _title(cone: Cone) -> str:
    who = ", ".join(shortened(name, 36) for name in cone.names)
    lines = f"What {who}", f"of {shortened(cone.fields.network.name)} sees"
    return ("\n" if len(" ".join(lines)) > 44 else " ").join(lines)
