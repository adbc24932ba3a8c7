"""How fields grow with depth, the input's size as a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import has_gates
from eyeshot.network.ops import Sliding
from eyeshot.report.figures.depth import depth, draw_depth
from eyeshot.report.figures.facts import facts
from eyeshot.report.figures.style import Panel, colour, halo, line_style, points, whole_steps
from eyeshot.report.wording import listed, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_ENDS = 5
_ABOVE = 0.16
"""Of the height, what a value above its point takes."""
_FAR = 6
"""A side of the input this many times as large as all fields is no longer drawn as a line."""


def growth(reports: Sequence[Inspection], labels: Sequence[str]) -> Panel:
    """The largest side of the field at every layer that slides, layers of one name at one place."""
    curves = [curve(report) for report in reports]
    return Panel(
        size=(7.5, 4.6),
        records=_records(curves, labels, reports),
        draw=lambda axes: _draw(axes, curves, labels, reports),
        caption=[_caption(reports), *facts(reports, labels)],
        legend_below=len(reports) > 1,
    )


def _caption(reports: Sequence[Inspection]) -> str:
    lines = "horizontal lines: the inputs' sides" if len(reports) > 1 else "horizontal line: the input's side"
    return f"The larger side of the {field_words(reports)}, at every layer that slides, from the input on; {lines}."


def curve(report: Inspection) -> list[Layer]:
    """The layers that slide or see more than all before, as long as units step; none that sees less than one before."""
    growing: list[Layer] = []
    for layer in report:
        stride = layer.data.field.stride
        if stride is None or None in stride:
            continue
        grown = side(layer) - (side(growing[-1]) if growing else 0)
        if grown > 0 or (grown == 0 and isinstance(layer.node.op, Sliding)):
            growing.append(layer)
    return growing


def side(layer: Layer) -> int:
    """The largest side of the field along the data path."""
    return max(layer.data.field.size)


def _draw(axes: Axes, curves: list[list[Layer]], labels: Sequence[str], reports: Sequence[Inspection]) -> None:
    layers = depth([[layer.name for layer in curve] for curve in curves])
    sides = [[side(layer) for layer in curve] for curve in curves]
    draw_lines(axes, list(zip(layers.places, sides, strict=True)), labels, reports)
    input_lines(axes, reports, max((max(ys) for ys in sides if ys), default=1), at=1 if len(curves) <= 2 else None)
    draw_depth(axes, layers, "layers that slide, from the input on")
    whole_steps(axes.yaxis)
    axes.set_ylabel(field_words(reports))
    axes.margins(y=0.14)
    axes.set_ylim(bottom=0)
    axes.set_title("What each design sees" if len(curves) > 1 else f"What {labels[0]} sees")


def field_words(reports: Sequence[Inspection]) -> str:
    """What the vertical axis shows."""
    along = " along the data path" if any(has_gates(report) for report in reports) else ""
    return f"receptive field{along}, px"


def input_sides(reports: Sequence[Inspection]) -> list[int]:
    """The sides of all inputs, each once, ascending."""
    return sorted({size for report in reports for size in report.network.extent})


def draw_lines(
    axes: Axes,
    lines: Sequence[tuple[Sequence[float], Sequence[int]]],
    labels: Sequence[str],
    reports: Sequence[Inspection],
) -> None:
    """A line per design with its last value, in the legend where there are too many to tell apart at their ends.

    Of two designs, values stand beside their points where the line of an input would cross them above.
    """
    is_crowded = len(lines) > _MOST_ENDS
    for i, ((xs, ys), label) in enumerate(zip(lines, labels, strict=True)):
        words = f"{label}, {ys[-1]} px" if is_crowded and ys else label
        axes.plot(xs, ys, label=words, markersize=5 if len(xs) <= 40 else 3, **line_style(i))
    if not is_crowded:
        _end_words(axes, lines, input_sides(reports) if len(lines) <= 2 else [])


def _end_words(axes: Axes, lines: Sequence[tuple[Sequence[float], Sequence[int]]], crossing: Sequence[int]) -> None:
    """The last value of every line above its end, higher where two would meet."""
    ends = [(xs[-1], ys[-1]) for xs, ys in lines if xs]
    width = max((x for x, _ in ends), default=1) or 1
    height = max((y for _, y in ends), default=1) or 1
    taken: list[tuple[float, float]] = []
    for i, (xs, ys) in enumerate(lines):
        if not xs:
            continue
        x, y, lift = xs[-1] / width, ys[-1] / height, 0
        while any(abs(x - a) < 0.09 and abs(y + lift * 0.01 - b) < 0.055 for a, b in taken):
            lift += 1
        taken.append((x, y + lift * 0.01))
        is_crossed = any(0 <= size - ys[-1] < _ABOVE * height for size in crossing)
        place: dict[str, Any] = {"xytext": (0, 7 + 2.4 * lift), "ha": "center"}
        if is_crossed:
            place = {"xytext": (7, 0), "ha": "left", "va": "center"}
        axes.annotate(
            f"{ys[-1]} px", (xs[-1], ys[-1]), textcoords="offset points", color=colour(i), path_effects=halo(), **place
        )


def input_lines(axes: Axes, reports: Sequence[Inspection], top: float, at: float | None = None) -> None:
    """A line at every side of an input, its words at ``at`` or beyond the right edge; near ones share their words.

    Sides far above ``top``, the largest field, are told at the upper right: lines there would flatten all curves.
    """
    sides = input_sides(reports)
    groups: list[list[int]] = []
    for size in (size for size in sides if size <= _FAR * top):
        axes.axhline(size, color="0.45", linewidth=1)
        if groups and size < 1.06 * groups[-1][-1]:
            groups[-1].append(size)
        else:
            groups.append([size])
    words: dict[str, Any] = {"color": "0.35", "fontsize": points(9), "path_effects": halo()}
    for group in groups:
        text = f"input, {listed(list(map(str, group)))} px"
        if at is None:
            words |= {"textcoords": "offset points", "xycoords": axes.get_yaxis_transform(), "va": "center"}
            axes.annotate(text.replace(", ", "\n", 1), (1, group[-1]), (3, 0), **words)
        else:
            axes.annotate(text, (at, group[-1]), (-0.5, 3), textcoords="offset points", **words)
    far = [str(size) for size in sides if size > _FAR * top]
    if far:
        axes.text(
            1,
            1.01,
            f"input, {listed(far)} px ↑",
            transform=axes.transAxes,
            ha="right",
            fontsize=points(9),
            color="0.35",
        )


def _records(curves: list[list[Layer]], labels: Sequence[str], reports: Sequence[Inspection]) -> list[dict[str, Any]]:
    return [
        {
            "panel": "growth",
            "design": label,
            "layer": layer.name,
            "field": side(layer),
            "input": times(report.network.extent).replace("×", "x"),
        }
        for curve, label, report in zip(curves, labels, reports, strict=True)
        for layer in curve
    ]
