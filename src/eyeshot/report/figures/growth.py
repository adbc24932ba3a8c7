"""How fields grow with depth, the input's size as a line."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from eyeshot.network.ops import AdaptivePool, Linear, Sliding
from eyeshot.report.figures.style import Panel, colour, line_style
from eyeshot.report.inspection import Layer, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMES = 16


def growth(reports: Sequence[Report], labels: Sequence[str]) -> Panel:
    """The largest side of the field at every layer that slides, layers of one name at one place."""
    curves = [curve(report) for report in reports]
    return Panel(
        size=(7.5, 4.6),
        records=_records(curves, labels, reports),
        draw=lambda axes: _draw(axes, curves, labels, reports),
    )


def curve(report: Report) -> list[Layer]:
    """The layers at which the field grows or is sampled, up to the first fully connected one."""
    found = []
    for layer in report:
        if isinstance(layer.node.op, Linear | AdaptivePool):
            break
        if isinstance(layer.node.op, Sliding) and layer.field.stride is not None:
            found.append(layer)
    return found


def _common_axis(curves: list[list[Layer]]) -> list[str]:
    """Names of the layers of all designs in one order: what they share stands at one place."""
    names: list[str] = []
    for curve in curves:
        added = [layer.name for layer in curve]
        merged: list[str] = []
        matcher = SequenceMatcher(a=names, b=added, autojunk=False)
        for kind, a0, a1, b0, b1 in matcher.get_opcodes():
            merged += names[a0:a1] if kind != "insert" else []
            merged += added[b0:b1] if kind in ("insert", "replace") else []
        names = list(dict.fromkeys(merged))
    return names


def _draw(axes: Axes, curves: list[list[Layer]], labels: Sequence[str], reports: Sequence[Report]) -> None:
    names = _common_axis(curves)
    place = {name: i for i, name in enumerate(names)}
    for i, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        xs, ys = [place[layer.name] for layer in curve], [max(layer.field.size) for layer in curve]
        axes.plot(xs, ys, label=label, markersize=5, **line_style(i))
        if xs:
            axes.annotate(
                f"{ys[-1]} px", (xs[-1], ys[-1]), (0, 7), textcoords="offset points", ha="center", color=colour(i)
            )
    for size in sorted({max(report.network.extent) for report in reports}):
        axes.axhline(size, color="0.45", linewidth=1)
        axes.annotate(f"input, {size} px", (0, size), (-0.5, 3), textcoords="offset points", color="0.35", fontsize=9)
    step = -(-len(names) // _MOST_NAMES)
    axes.set_xticks(range(0, len(names), step), names[::step], rotation=45, ha="right", rotation_mode="anchor")
    axes.set_ylabel("receptive field, px")
    axes.set_ylim(bottom=0)
    axes.margins(y=0.1)
    axes.set_title("What each design sees")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.97))


def _records(curves: list[list[Layer]], labels: Sequence[str], reports: Sequence[Report]) -> list[dict[str, Any]]:
    return [
        {
            "panel": "growth",
            "design": label,
            "layer": layer.name,
            "field": max(layer.field.size),
            "input": max(report.network.extent),
        }
        for curve, label, report in zip(curves, labels, reports, strict=True)
        for layer in curve
    ]
