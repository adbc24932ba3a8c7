"""Where the cost is: MACs and weights by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.report.blocks import blocks
from eyeshot.report.figures.facts import facts
from eyeshot.report.figures.style import Panel, colour, row_points, shortened
from eyeshot.report.folded import Line
from eyeshot.report.wording import percent, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BLOCKS = 18
_MOST_PARTS = 10
_QUANTITIES = (("macs", "MACs"), ("params", "params"))


def cost(reports: Sequence[Inspection], labels: Sequence[str]) -> Panel:
    """One design: each block's share of the MACs and of the weights. Several: both as bars made of their blocks."""
    most = _MOST_BLOCKS if len(reports) == 1 else _MOST_PARTS
    records = [
        {
            "panel": "cost",
            "design": label,
            "block": block.name,
            "macs": block.macs,
            "params": block.params,
            "activations": block.activations,
        }
        for report, label in zip(reports, labels, strict=True)
        for block in blocks(report, most, _costs)
    ]
    caption = ["MACs and weights, block by block.", *facts(reports, labels)]
    if len(reports) == 1:
        size = 7.5, 1.4 + 0.46 * len(records)
        return Panel(
            size=size, records=records, draw=lambda axes: _draw_one(axes, records), caption=caption, legend_below=True
        )
    size = 7.5, 1.2 + 0.8 * len(reports)
    return Panel(size=size, records=records, draw=lambda axes: _draw_several(axes, records, labels), caption=caption)


def _costs(line: Line) -> bool:
    return line.macs > 0 or line.params > 0


def _draw_one(axes: Axes, records: Sequence[dict[str, Any]]) -> None:
    for i, (key, words) in enumerate(_QUANTITIES):
        total = sum(record[key] for record in records)
        shares = [100 * record[key] / (total or 1) for record in records]
        texts = [f"{short(record[key])}  {percent(record[key] / total)}" if record[key] else "" for record in records]
        bars = axes.barh(
            [row - 0.2 + 0.4 * i for row in range(len(records))], shares, 0.37, label=f"{words}, {short(total)} in all",
            color=colour(i), hatch="////" * i, edgecolor="white", linewidth=0,
        )  # fmt: skip
        axes.bar_label(bars, texts, padding=3, fontsize=row_points(axes, 2.2 * len(records), 7.5), color="0.3")
    names = [shortened(record["block"]) for record in records]
    axes.set_yticks(range(len(names)), names, fontsize=row_points(axes, len(names), 9))
    axes.set_ylim(len(records) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.25)
    axes.set_xlim(left=0)
    axes.set_xlabel("share of all, %")
    axes.set_title("Where the cost is")


def _draw_several(axes: Axes, records: Sequence[dict[str, Any]], labels: Sequence[str]) -> None:
    names, rows = [], []
    size = row_points(axes, 2 * len(labels) + 2, 9)
    for group, (key, words) in enumerate(_QUANTITIES):
        totals = {label: sum(r[key] for r in records if r["design"] == label) for label in labels}
        largest = max(totals.values()) or 1
        for i, label in enumerate(labels):
            row = group * (len(labels) + 0.7) + i
            parts = [(r["block"], r[key] / largest) for r in records if r["design"] == label and r[key]]
            _draw_stack(axes, row, i, parts, min(size, 8))
            axes.text(totals[label] / largest + 0.012, row, short(totals[label]), va="center", fontsize=size)
            names.append(label)
            rows.append(row)
        axes.text(0, group * (len(labels) + 0.7) - 0.62, words, fontsize=size, color="0.35", va="center")
    axes.set_yticks(rows, [shortened(name, 24) for name in names], fontsize=size)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(rows[-1] + 0.6, -0.95)
    axes.set_xlim(0, 1.15)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title("Where the cost is")


def _draw_stack(axes: Axes, row: float, i: int, parts: Sequence[tuple[str, float]], size: float) -> None:
    """One bar of blocks, named where there is room."""
    start = 0.0
    for number, (name, share) in enumerate(parts):
        axes.barh(row, share, 0.8, left=start, color=colour(i), alpha=0.85 if number % 2 else 0.55, edgecolor="white",
                  linewidth=1)  # fmt: skip
        text = shortened(name, 12)
        if share > 0.015 * len(text) + 0.01:
            axes.text(start + share / 2, row, text, ha="center", va="center", fontsize=size)
        start += share
