"""The ledger of a network as a table and as records, its lines folded or one a layer."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from eyeshot.analyse.field import Field
from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.landmarks import has_gates, horizon
from eyeshot.report import looking
from eyeshot.report.folded import lines
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import (
    NONE,
    axis_letters,
    image_share,
    line_of_code,
    percent,
    times,
)

SEES_ALL = "from here on every unit sees the whole image"
MAY_SEE_ALL = "from here on fields are bounds: every unit may see the whole image"


def has_lines(report: Inspection) -> bool:
    """Whether layers know the lines of code that called them."""
    return any(layer.node.line for layer in report)


def ledger(
    report: Inspection,
    *,
    folded: bool = True,
    depth: int | None = None,
    with_centre: bool = False,
    rate: float | None = None,
) -> Table:
    """The ledger as a table, totals included.

    Args:
        report: what its layers see and cost.
        folded, depth: as of ``lines``.
        with_centre: start and centre of unit 0's field as columns.
        rate: positions a second, so that fields of sequences are told in seconds.
    """
    rows = lines(report, folded=folded, depth=depth)
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
            *looking.columns(report, with_centre=with_centre),
            Column(heading="params", priority=3),
            Column(heading="MACs", priority=2),
            Column(heading="of MACs", priority=8, style="dim"),
            Column(heading="line" if has_lines(report) else "", is_number=False, priority=9, style="dim"),
        ]
    )
    rules = rule_words(report)
    macs = report.totals.macs
    for line in rows:
        for at, words in rules.items():
            if line.layers[0].name == at:
                table.rule(words)
            elif line.output and any(layer.name == at for layer in line.layers):
                table.rule(words.replace("from here on", f"from {at} on"))
        layer = line.shown
        field = layer.field
        table.add(
            line.name,
            line.op,
            times(layer.out),
            looking.size_cell(field, rate),
            looking.size_cell(layer.data.field, rate) if gates else "",
            ("" if field.is_exact else "≤") + percent(image_share(field, extent)),
            looking.stride_cell(field, rate),
            *looking.cells(report, layer, with_centre=with_centre, rate=rate),
            f"{line.params:,}" if line.params else NONE,
            f"{line.macs:,}" if line.macs else NONE,
            percent(line.macs / macs) if line.macs else NONE,
            line_of_code(layer.node.line),
        )
    table.rule()
    table.add(
        "total",
        *[""] * (6 + len(looking.columns(report, with_centre=with_centre))),
        f"{report.totals.params:,}",
        f"{macs:,}",
        "100 %" if macs else NONE,
        "",
        style="strong",
    )
    return table


def rule_words(report: Inspection) -> dict[str, str]:
    """Words to stand above lines, by the name of the line's first layer."""
    first, along = horizon(report), horizon(report, data=True)
    if first and not first.field.is_exact:
        return {first.name: MAY_SEE_ALL}
    if not has_gates(report) or first is along:
        return {first.name: SEES_ALL} if first else {}
    rules = {first.name: SEES_ALL + ", through gates or statistics"} if first else {}
    if along:
        rules[along.name] = SEES_ALL + " along the data path too"
    return rules


def _by_axis(field: Field) -> dict[str, int | float | None]:
    """Size and stride as numbers, a column per axis."""
    letters = axis_letters(len(field.size))
    columns: dict[str, int | float | None] = {}
    for name, values in (("field", field.size), ("stride", field.stride or [None] * len(letters))):
        columns |= {f"{name}_{axis}": _plain(value) for axis, value in zip(letters, values, strict=True)}
    return columns


def _plain(value: int | Fraction | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def records(
    report: Inspection,
    *,
    folded: bool = False,
    depth: int | None = None,
    with_centre: bool = False,
    rate: float | None = None,
) -> list[dict[str, Any]]:
    """The ledger's lines as plain values, unrounded, for CSV; the arguments are those of ``ledger``."""
    macs, with_lines = report.totals.macs, has_lines(report)
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
            **looking.values(line.shown, with_centre=with_centre, rate=rate),
            "global": line.shown.field.is_global,
            "exact": line.shown.field.is_exact,
            "params": line.params,
            "macs": line.macs,
            "macs_share": line.macs / macs if macs else 0.0,
            **_by_axis(line.shown.field),
            **({"line": line.shown.node.line} if with_lines else {}),
        }
        for line in lines(report, folded=folded, depth=depth)
    ]
