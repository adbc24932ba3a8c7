"""Layers of several designs next to each other by their role: the n-th convolution, the n-th fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eyeshot.network.ops import Conv
from eyeshot.report.inspection import Layer, Report
from eyeshot.report.table import Column, Table
from eyeshot.report.verdict import weighted
from eyeshot.report.wording import NONE, field_size, relative, short, times

if TYPE_CHECKING:
    from eyeshot.report.comparison import Comparison

MOST_LAYERS = 30
"""Rows up to which the table of layers is shown unasked."""


@dataclass(frozen=True)
class Pair:
    """The layers of one role, one per design; None where a design has none."""

    role: str
    layers: tuple[Layer | None, ...]


def layers_aligned(reports: Sequence[Report]) -> list[Pair]:
    """Convolutions in their order, then fully connected layers in theirs."""
    pairs = []
    for role, is_conv in (("conv", True), ("fc", False)):
        columns = [[x for x in weighted(r) if isinstance(x.node.op, Conv) is is_conv] for r in reports]
        for i in range(max(map(len, columns))):
            layers = tuple(column[i] if i < len(column) else None for column in columns)
            names = {layer.name for layer in layers if layer}
            pairs.append(Pair(names.pop() if len(names) == 1 else f"{role} {i + 1}", layers))
    return pairs


def quantity_table(comparison: Comparison) -> Table:
    """Quantities down, designs across; each change against the first next to its design."""
    columns = [Column(heading="", is_number=False), Column(heading=comparison.labels[0], style="strong")]
    for i, label in enumerate(comparison.labels[1:], start=1):
        # Changes leave before designs, and the last design before the second.
        columns.append(Column(heading=label, style="strong", priority=max(i - 1, 0)))
        columns.append(Column(heading="change", priority=100 + i, style="dim"))
    table = Table(columns)
    group = comparison.quantities[0].group
    for quantity in comparison.quantities:
        if quantity.group != group:
            table.rule()
            group = quantity.group
        cells = [quantity.name, quantity.texts[0]]
        for text, change in zip(quantity.texts[1:], quantity.change_texts[1:], strict=True):
            cells += [text, change]
        table.add(*cells)
    return table


def layer_table(comparison: Comparison) -> Table:
    """Weighted layers down; map, field and MACs of each design across, the designs by their letters."""
    marks = [letter(i) for i in range(len(comparison.reports))]
    columns = [Column(heading="layer", is_number=False, style="strong")]
    columns += [Column(heading=f"map {mark}", priority=3) for mark in marks]
    columns += [Column(heading=f"sees {mark}", style="strong") for mark in marks]
    columns += [Column(heading=f"MACs {mark}", priority=1) for mark in marks]
    columns += [Column(heading=f"{mark} to {marks[0]}", priority=2, style="dim") for mark in marks[1:]]
    table = Table(columns)
    for pair in comparison.layers:
        present = pair.layers
        maps = [NONE if x is None else times(x.out[1:]) or "1" for x in present]
        fields = [NONE if x is None else field_size(x.field) for x in present]
        macs = [NONE if x is None else short(x.macs) for x in present]
        first = present[0]
        changes = ["" if x is None or first is None else relative(x.macs, first.macs) for x in present[1:]]
        table.add(pair.role, *maps, *fields, *macs, *changes)
    return table


def letter(index: int) -> str:
    """A, B, C … for the designs in their order."""
    return chr(ord("A") + index) if index < 26 else f"#{index + 1}"


def legend(comparison: Comparison) -> list[str]:
    """What the letters stand for."""
    return [f"{letter(i)} = {report.network.name}" for i, report in enumerate(comparison.reports)]
