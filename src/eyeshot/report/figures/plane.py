"""Designs by what they see and what they cost, and the line of those that nothing beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.landmarks import last_convolution
from eyeshot.report.figures.facts import facts
from eyeshot.report.figures.growth import input_lines
from eyeshot.report.figures.style import MARKERS, Panel, colour, halo, points, whole_steps, with_prefixes
from eyeshot.report.wording import listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plane(reports: Sequence[Inspection], labels: Sequence[str]) -> Panel:
    """Every design at its MACs and at the field of its last convolution; a line joins those of which no other sees
    as much for as little.
    """
    points = []
    for report, label in zip(reports, labels, strict=True):
        layer = last_convolution(report)
        if layer is not None:
            points.append((label, layer.name, report.totals.macs, max(layer.data.field.size)))
    best = {i for i, (_, _, macs, field) in enumerate(points) if not _is_beaten(macs, field, points)}
    records = [
        {"panel": "plane", "design": label, "layer": layer, "macs": macs, "field": field, "pareto": i in best}
        for i, (label, layer, macs, field) in enumerate(points)
    ]
    is_lettered = any(_short(label) != label for label in labels)
    return Panel(
        size=(7.5, 5),
        records=records,
        draw=lambda axes: _draw(axes, reports, records),
        caption=[_caption(records), *facts(reports, labels)],
        legend_below=is_lettered,
    )


def _caption(records: Sequence[dict[str, Any]]) -> str:
    best = listed([record["design"] for record in records if record["pareto"]])
    return (
        "The receptive field of each design's last convolution, its larger side in px, against the MACs of the whole"
        f" design; filled, and joined by a line, where no other sees as much for as little: {best}."
    )


def _short(label: str) -> str:
    """A label's letter where it has one, else the label."""
    return label.split(": ")[0]


def _is_beaten(macs: int, field: int, points: Sequence[tuple[str, str, int, int]]) -> bool:
    return any(m <= macs and f >= field and (m, f) != (macs, field) for _, _, m, f in points)


def _draw(axes: Axes, reports: Sequence[Inspection], records: Sequence[dict[str, Any]]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    line = sorted((record["macs"], record["field"]) for record in records if record["pareto"])
    xs, ys = [macs for macs, _ in line], [field for _, field in line]
    axes.plot(xs, ys, color="0.5", linewidth=1.2, drawstyle="steps-post", zorder=1)
    for i, record in enumerate(records):
        axes.plot(
            record["macs"], record["field"], linestyle="", marker=MARKERS[i % 7], color=colour(i), markersize=8,
            label=record["design"], markerfacecolor=colour(i) if record["pareto"] else "white", markeredgewidth=1.6,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.margins(x=0.2, y=0.18)
    _label(axes, records)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    with_prefixes(axes)
    axes.xaxis.set_minor_formatter(NullFormatter())
    input_lines(axes, reports, max((record["field"] for record in records), default=1))
    whole_steps(axes.yaxis)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("MACs")
    axes.set_ylabel("field of the last convolution, px")
    axes.set_title("What each design sees, and for how much")
    axes.text(
        0.99, 0.02, "filled: no other sees as much for as little", transform=axes.transAxes, ha="right",
        fontsize=points(9), color="0.35", path_effects=halo(),
    )  # fmt: skip


def _label(axes: Axes, records: Sequence[dict[str, Any]]) -> None:
    """Names above the points, higher where two would meet."""
    top = max((record["field"] for record in records), default=1) or 1
    taken: list[tuple[float, float]] = []
    for i, record in sorted(enumerate(records), key=lambda pair: (pair[1]["field"], pair[1]["macs"])):
        across, lift = math.log10(record["macs"] or 1), 0
        while any(abs(across - a) < 0.6 and abs(record["field"] / top + lift * 0.01 - b) < 0.05 for a, b in taken):
            lift += 1
        taken.append((across, record["field"] / top + lift * 0.01))
        axes.annotate(
            _short(record["design"]), (record["macs"], record["field"]), xytext=(0, 9 + 2.8 * lift), ha="center",
            textcoords="offset points", color=colour(i), fontsize=points(9), path_effects=halo(),
        )  # fmt: skip
