"""What a field costs: the field against the MACs done by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.report.figures.facts import facts
from eyeshot.report.figures.growth import curve, draw_lines, field_words, input_lines, side
from eyeshot.report.figures.style import Panel, whole_steps, with_prefixes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def price(reports: Sequence[Inspection], labels: Sequence[str]) -> Panel:
    """The largest side of the field at every layer that slides, against the MACs done once it has run."""
    paid = [_records(report, label) for report, label in zip(reports, labels, strict=True)]
    return Panel(
        size=(7.5, 4.6),
        records=[record for records in paid for record in records],
        draw=lambda axes: _draw(axes, reports, labels, paid),
        caption=[
            f"The larger side of the {field_words(reports)}, against the MACs done, at every layer that slides.",
            *facts(reports, labels),
        ],
        legend_below=len(reports) > 1,
    )


def _records(report: Inspection, label: str) -> list[dict[str, Any]]:
    grown = {layer.name for layer in curve(report)}
    done, steps = 0, []
    for layer in report:
        done += layer.macs
        if layer.name in grown:
            steps.append({"panel": "price", "design": label, "layer": layer.name, "field": side(layer), "macs": done})
    return steps


def _draw(
    axes: Axes, reports: Sequence[Inspection], labels: Sequence[str], paid: Sequence[Sequence[dict[str, Any]]]
) -> None:
    lines = [([0, *(r["macs"] for r in records)], [1, *(r["field"] for r in records)]) for records in paid]
    draw_lines(axes, lines, labels, reports)
    input_lines(axes, reports, max(max(ys) for _, ys in lines), at=0 if len(lines) <= 2 else None)
    with_prefixes(axes)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("MACs done by then")
    axes.set_ylabel(field_words(reports))
    whole_steps(axes.yaxis)
    axes.margins(y=0.14)
    axes.set_ylim(bottom=0)
    axes.set_title("What the view costs")
