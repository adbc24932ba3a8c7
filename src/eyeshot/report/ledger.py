"""The ledger of a network: one line a layer, what only follows it folded in, repeated blocks told once.

A line adds up what it folds, so the columns of the ledger add up to the totals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from eyeshot.network.ops import Dropout, LocalResponseNorm, Norm, Pointwise, Rearrange
from eyeshot.report.inspection import Layer, Report
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import (
    NONE,
    field_size,
    field_stride,
    image_share,
    line_of_code,
    op_name,
    op_words,
    percent,
    times,
)

SEES_ALL = "from here on every unit sees the whole image"
MAY_SEE_ALL = "from here on fields are bounds: every unit may see the whole image"


@dataclass(frozen=True)
class Line:
    """Layers told together: the first with those that only follow it, or blocks that repeat the one before.

    ``blocks`` is empty for a layer, else the names of the blocks; ``members`` are then the lines folded in.
    """

    layers: tuple[Layer, ...]
    blocks: tuple[str, ...] = ()
    members: tuple[Line, ...] = ()

    @property
    def shown(self) -> Layer:
        """The layer whose shape and field stand in the line."""
        return self.layers[-1] if self.blocks else self.layers[0]

    @property
    def name(self) -> str:
        """The layer's name, or the range of the blocks."""
        if not self.blocks:
            return self.layers[0].name
        return self.blocks[0] if len(self.blocks) == 1 else f"{self.blocks[0]} … {self.blocks[-1]}"

    @property
    def op(self) -> str:
        """The op and what follows it."""
        if self.blocks:
            return f"the same ×{len(self.blocks)}"
        return " +".join([op_words(self.layers[0].node.op), *(op_name(layer.node.op) for layer in self.layers[1:])])

    @property
    def params(self) -> int:
        """Weights of all layers told."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers told."""
        return sum(layer.macs for layer in self.layers)


def lines(report: Report, *, folded: bool = True) -> list[Line]:
    """The lines of a report's ledger; ``folded`` False gives every layer a line of its own."""
    if not folded:
        return [Line((layer,)) for layer in report]
    found = steps(report)
    horizons = {line.layers[0].name for line in (horizon(found), horizon(found, data=True)) if line}
    for level in range(3):
        found = _fold_repeats(found, level, horizons)
    return found


def steps(report: Report) -> list[Line]:
    """A line for every layer but those that only follow another; repeated blocks in full."""
    groups: list[list[Layer]] = []
    for layer in report:
        if groups and _only_follows(layer, groups[-1]):
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return [Line(tuple(group)) for group in groups]


def _only_follows(layer: Layer, group: Sequence[Layer]) -> bool:
    """Whether a layer changes values alone, and those of the line's last layer."""
    op, last = layer.node.op, group[-1]
    if layer.node.inputs != (last.name,):
        return False
    if isinstance(op, Rearrange):
        return op.name == "flatten"
    follows = isinstance(op, Pointwise | Dropout | LocalResponseNorm) or (isinstance(op, Norm) and not op.statistics)
    return follows and (layer.field == last.field or last.op == "flatten")


def _fold_repeats(found: list[Line], level: int, horizons: set[str]) -> list[Line]:
    """Runs of blocks alike, by the ``level``-th number in their names: the first in full, the others in a line."""
    blocks = [(name, list(members)) for name, members in groupby(found, key=lambda line: _block(line, level))]
    result: list[Line] = []
    for _, run in groupby(blocks, key=lambda block: _signature(block[0], block[1], horizons)):
        (_, first), *others = run
        result += first
        if len(others) < 2:
            result += [line for _, members in others for line in members]
            continue
        folded = tuple(line for _, members in others for line in members)
        layers = tuple(layer for line in folded for layer in line.layers)
        result.append(Line(layers, tuple(str(name) for name, _ in others), folded))
    return result


def _block(line: Line, level: int) -> str | None:
    """The line's name up to its ``level``-th number; None where it has none or is folded already."""
    if line.blocks:
        return None
    ends = [match.end() for match in re.finditer(r"(?:^|\.)\d+(?=\.|$|#)", line.name)]
    return line.name[: ends[level]] if len(ends) > level else None


def _signature(name: str | None, members: list[Line], horizons: set[str]) -> object:
    """What blocks alike have in common; a block of one line, or where the whole image comes into view, is alone."""
    if name is None or len(members) < 2 or any(line.layers[0].name in horizons for line in members):
        return object()
    return (
        re.sub(r"\d+$", "", name),
        tuple((line.name[len(name) :], line.op, line.shown.out, line.params, line.macs) for line in members),
    )


def horizon(found: Sequence[Line], *, data: bool = False) -> Line | None:
    """The first line from which on every unit of every layer sees the whole image."""
    first = None
    for line in reversed(found):
        if not (line.shown.data.field if data else line.shown.field).is_global:
            break
        first = line
    return first


def has_gates(report: Report) -> bool:
    """Whether gates or statistics let some layer see more than its data path does."""
    return any(layer.field != layer.data.field for layer in report)


def has_lines(report: Report) -> bool:
    """Whether layers know the lines of code that called them."""
    return any(layer.node.line for layer in report)


def differing(report: Report) -> list[Layer]:
    """Layers whose units differ in a fixed turn."""
    return [layer for layer in report if layer.field.phases is not None]


def ledger(report: Report, *, folded: bool = True) -> Table:
    """The ledger as a table, totals included."""
    found = lines(report, folded=folded)
    gates = has_gates(report)
    extent = report.network.extent
    table = Table(
        [
            Column(heading="layer", is_number=False, style="strong"),
            Column(heading="op", is_number=False, priority=5),
            Column(heading="out", priority=4),
            Column(heading="sees", style="strong"),
            Column(heading="data path" if gates else "", priority=1),
            Column(heading="of image", priority=7),
            Column(heading="stride", priority=6),
            Column(heading="params", priority=3),
            Column(heading="MACs", priority=2),
            Column(heading="of MACs", priority=8, style="dim"),
            Column(heading="line" if has_lines(report) else "", is_number=False, priority=9, style="dim"),
        ]
    )
    rules = rule_words(found, gates)
    macs = report.totals.macs
    for line in found:
        if line.layers[0].name in rules:
            table.rule(rules[line.layers[0].name])
        layer = line.shown
        field = layer.field
        table.add(
            line.name,
            line.op,
            times(layer.out),
            field_size(field),
            field_size(layer.data.field) if gates else "",
            ("" if field.is_exact else "≤") + percent(image_share(field, extent)),
            field_stride(field),
            f"{line.params:,}" if line.params else NONE,
            f"{line.macs:,}" if line.macs else NONE,
            percent(line.macs / macs) if line.macs else NONE,
            line_of_code(layer.node.line),
        )
    table.rule()
    table.add(
        "total",
        "",
        "",
        "",
        "",
        "",
        "",
        f"{report.totals.params:,}",
        f"{macs:,}",
        "100 %" if macs else NONE,
        "",
        style="strong",
    )
    return table


def rule_words(found: list[Line], gates: bool) -> dict[str, str]:
    """Words to stand above lines, by the name of the line's first layer."""
    first, along = horizon(found), horizon(found, data=True)
    if first and not first.shown.field.is_exact:
        return {first.layers[0].name: MAY_SEE_ALL}
    if not gates or first is along:
        return {first.layers[0].name: SEES_ALL} if first else {}
    rules = {first.layers[0].name: SEES_ALL + ", through gates or statistics"} if first else {}
    if along:
        rules[along.layers[0].name] = SEES_ALL + " along the data path too"
    return rules


def records(report: Report, *, folded: bool = False) -> list[dict[str, Any]]:
    """The ledger's lines as plain values, unrounded, for CSV."""
    macs = report.totals.macs
    return [
        {
            "layer": line.name,
            "op": line.op,
            "out": "x".join(map(str, line.shown.out)),
            "field": "x".join(map(str, line.shown.field.size)),
            "data_field": "x".join(map(str, line.shown.data.field.size)),
            "image_share": image_share(line.shown.field, report.network.extent),
            "stride": ""
            if line.shown.field.stride is None
            else "x".join("" if step is None else str(step) for step in line.shown.field.stride),
            "global": line.shown.field.is_global,
            "exact": line.shown.field.is_exact,
            "params": line.params,
            "macs": line.macs,
            "macs_share": line.macs / macs if macs else 0.0,
            **({"line": line.shown.node.line} if has_lines(report) else {}),
        }
        for line in lines(report, folded=folded)
    ]
