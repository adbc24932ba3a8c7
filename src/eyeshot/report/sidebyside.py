"""Designs next to each other as tables: their quantities, and their layers of the same role."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.analyse.inspection import Inspection
from eyeshot.report.quantities import Quantity
from eyeshot.report.sides import layers_aligned, letter
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import NONE, field_size, relative, short, times

MOST_LAYERS = 30
"""Rows up to which the table of layers is shown unasked."""


def quantity_table(quantities: Sequence[Quantity], labels: Sequence[str]) -> Table:
    """Quantities down, designs across; each change against the first next to its design."""
    columns = [Column(heading="", is_number=False), Column(heading=labels[0], style="strong")]
    for i, label in enumerate(labels[1:], start=1):
        # Changes leave before designs, and the last design before the second.
        columns.append(Column(heading=label, style="strong", priority=max(i - 1, 0)))
        columns.append(Column(heading="change", priority=len(labels) + i, style="dim"))
    table = Table(columns, kept_below=len(labels))
    group = quantities[0].group
    for quantity in quantities:
        if quantity.group != group:
            table.rule()
            group = quantity.group
        cells = [quantity.name, quantity.texts[0]]
        for text, change in zip(quantity.texts[1:], quantity.change_texts[1:], strict=True):
            cells += [text, change]
        table.add(*cells)
    return table


def layer_table(reports: Sequence[Inspection]) -> Table:
    """Weighted layers down; map, field and MACs of each design across, the designs by their letters."""
    marks = [letter(i) for i in range(len(reports))]
    columns = [Column(heading="layer", is_number=False, style="strong")]
    columns += [Column(heading=f"map {mark}", priority=3) for mark in marks]
    columns += [Column(heading=f"sees {mark}", style="strong") for mark in marks]
    columns += [Column(heading=f"MACs {mark}", priority=1) for mark in marks]
    columns += [Column(heading=f"{mark} to {marks[0]}", priority=2, style="dim") for mark in marks[1:]]
    table = Table(columns)
    for pair in layers_aligned(reports):
        present = pair.layers
        maps = [NONE if x is None else times(x.out[1:]) or "1" for x in present]
        fields = [NONE if x is None else field_size(x.field) for x in present]
        macs = [NONE if x is None else short(x.macs) for x in present]
        first = present[0]
        changes = ["" if x is None or first is None else relative(x.macs, first.macs) for x in present[1:]]
        table.add(pair.role, *maps, *fields, *macs, *changes)
    return table
