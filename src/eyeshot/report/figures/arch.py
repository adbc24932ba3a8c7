"""The design itself: its layers from top to bottom, beside them the graph on lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.network.ops import AdaptivePool, Conv, Input, Linear, Op, Pool
from eyeshot.report.blocks import blocks
from eyeshot.report.figures.facts import facts
from eyeshot.report.figures.lanes import draw_lanes
from eyeshot.report.figures.style import Panel, shortened, width_of
from eyeshot.report.folded import lines
from eyeshot.report.lanes import Lanes, contracted, lanes
from eyeshot.report.wording import field_size, op_words, percent, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_ROWS = 60
_HEADINGS = ("layer", "op", "out", "sees", "of MACs")
_LEFT = 2
"""Columns that begin at one edge; those after them end at one."""
_GAP = 2.0
_CHARACTER = 0.072
"""Inches that a character takes."""


@dataclass(frozen=True)
class _Row:
    name: str
    op: str
    out: tuple[int, ...]
    sees: str
    macs: int
    last: str
    """The layer that others read of this row."""
    kind: Op | None
    """The row's op; None for several layers."""


def arch(report: Inspection) -> Panel:
    """The ledger's lines, or blocks where those are many, from the input on, with what reads what on lanes."""
    rows = _rows(report)
    # Rows stand in the order in which their last layers run, so that all lines go down.
    place = {node.name: i for i, node in enumerate(report.network)}
    rows.sort(key=lambda row: place[row.last])
    graph = lanes(contracted(report.network, [row.last for row in rows]))
    total = report.totals.macs or 1
    records = [
        {
            "panel": "arch",
            "layer": row.name,
            "op": row.op,
            "out": times(row.out),
            "field": row.sees,
            "macs": row.macs,
            "lane": graph.of[i],
            "reads": " ".join(rows[edge.source].name for edge in graph.edges if edge.reader == i),
        }
        for i, row in enumerate(rows)
    ]
    cells = [_cells(row, total) for row in rows]
    title = f"{shortened(report.network.name)}, input {times(report.network.input.shape[1:])}"
    width = _CHARACTER * (_places(cells)[-1] + 2 * _GAP + (graph.width - 1) * _pitch(graph))
    size = max(width, 4.5), 1.2 + 0.21 * len(rows)
    return Panel(
        size=size,
        records=records,
        draw=lambda axes: _draw(axes, title, cells, rows, graph, 8 * min(1.0, width_of(axes) / size[0])),
        caption=[
            "The layers from the input on: op, output, receptive field in px and share of the MACs; lines lead from"
            " each layer to those that read it.",
            *facts([report], [report.network.name]),
        ],
    )


def _rows(report: Inspection) -> list[_Row]:
    node = report.network.input
    first = _Row(node.name, "input", node.shape[1:], "", 0, node.name, node.op)
    ledger = lines(report)
    if len(ledger) <= _MOST_ROWS:
        told = [
            _Row(line.name, line.op, line.shown.out, field_size(line.shown.field), line.macs, line.layers[-1].name,
                 None if line.blocks else line.shown.node.op)
            for line in ledger
        ]  # fmt: skip
        return [first, *told]
    told = [_of_block(block.name, block.layers) for block in blocks(report, _MOST_ROWS)]
    return [first, *told]


def _of_block(name: str, layers: Sequence[Layer]) -> _Row:
    last = layers[-1]
    words = f"{len(layers)} layers" if len(layers) > 1 else op_words(last.node.op)
    macs = sum(layer.macs for layer in layers)
    kind = last.node.op if len(layers) == 1 else None
    return _Row(name, words, last.out, field_size(last.field), macs, last.name, kind)


def _cells(row: _Row, total: int) -> tuple[str, ...]:
    share = percent(row.macs / total) if row.macs else ""
    return shortened(row.name), shortened(row.op, 34), times(row.out), row.sees, share


def _places(cells: Sequence[Sequence[str]]) -> list[float]:
    """Where columns stand, in characters: left edges of the first, right edges of the others."""
    lefts, start = [], 0.0
    for column, texts in enumerate(zip(_HEADINGS, *cells, strict=True)):
        width = max(map(len, texts)) * (1.12 if column == 0 else 1.0)
        lefts.append(start if column < _LEFT else start + width)
        start += width + _GAP
    return lefts


def _draw(
    axes: Axes, title: str, cells: Sequence[Sequence[str]], rows: Sequence[_Row], graph: Lanes, letters: float
) -> None:
    places = _places(cells)
    draw_lanes(axes, graph, right=-_GAP, pitch=_pitch(graph), down=True)
    for marker, xs, ys in _glyphs(rows, graph):
        axes.plot(xs, ys, linestyle="", marker=marker, markersize=6, color="0.15", markerfacecolor="0.85", zorder=3)
    for i, texts in enumerate((_HEADINGS, *cells)):
        for column, (x, text) in enumerate(zip(places, texts, strict=True)):
            axes.text(
                x, 1 - i, text, ha="left" if column < _LEFT else "right", va="center", fontsize=letters,
                color="0.4" if i == 0 else "0", fontweight="bold" if i and column == 0 else "normal",
            )  # fmt: skip
    left = -_GAP - (graph.width - 1) * _pitch(graph)
    axes.plot([left, places[-1]], [0.5, 0.5], color="0.7", linewidth=0.8)
    axes.set_xlim(left - 1, places[-1] + 0.5)
    axes.set_ylim(-len(rows) + 0.4, 1.6)
    axes.axis("off")
    axes.set_title(title)


def _pitch(graph: Lanes) -> float:
    return min(1.8, 18 / graph.width)


def _glyphs(rows: Sequence[_Row], graph: Lanes) -> list[tuple[str, list[float], list[float]]]:
    """Markers by kind of op, and where they stand."""
    places: dict[str, tuple[list[float], list[float]]] = {}
    for i, row in enumerate(rows):
        xs, ys = places.setdefault(_marker(row.kind), ([], []))
        xs.append(-_GAP - graph.of[i] * _pitch(graph))
        ys.append(-float(i))
    return [(marker, xs, ys) for marker, (xs, ys) in places.items()]


def _marker(op: Op | None) -> str:
    """Squares slide with weights, triangles narrow, diamonds read everything; stars stand for several layers."""
    if op is None:
        return "*"
    if isinstance(op, Conv):
        return "s"
    if isinstance(op, Pool | AdaptivePool):
        return "v"
    if isinstance(op, Linear):
        return "D"
    return "^" if isinstance(op, Input) else "o"
