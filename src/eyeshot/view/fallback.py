"""What a reader without scripts gets: each design's verdict, ledger, cone and findings, as plain HTML and SVG."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.design.published import Published, bearing
from eyeshot.report.folded import lines
from eyeshot.report.ledger import ledger
from eyeshot.report.outputs import outputs_table
from eyeshot.report.published import HEADS, SCALE, amount, confidence, ends
from eyeshot.report.sides import labels
from eyeshot.report.table import Row, Rule, Table
from eyeshot.report.verdict import on_one, on_several
from eyeshot.report.wording import field_size, times

_WIDTH, _STEP, _MOST_BARS = 300, 10, 60
"""Of the cone, in CSS pixels: its width, the height of a layer, and how many layers it shows."""


def fallback(reports: Sequence[Inspection], decide: Sequence[Mapping[str, Any] | None] = ()) -> str:
    """The designs as plain HTML; ``decide`` has for each an entry of ``view.decide``, or none."""
    parts = ['<div class="plain">', "<h1>eyeshot</h1>", "<p>Scripts are off; this is the page's plain form.</p>"]
    for report, advice in zip_longest(reports, decide):
        parts += [*_design(report), *([] if advice is None else _findings(advice["findings"])), *_claims(report)]
    if len(reports) > 1:
        sentences = on_several(reports, labels(reports))
        parts += ["<h2>Side by side</h2>", *(f"<p>{html.escape(text)}</p>" for text in sentences)]
    return "\n".join([*parts, "</div>"])


def _design(report: Inspection) -> list[str]:
    name, shape = html.escape(report.network.name), times(report.network.input.shape[1:])
    ends = outputs_table(report)
    return [
        f"<h2>{name} · input {shape}</h2>",
        f"<p>{html.escape(on_one(report))}</p>",
        _cone(report),
        *_table(ledger(report)),
        *([] if ends is None else _table(ends)),
    ]


def _findings(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    told = [
        f"<li>{html.escape(each['kind'])}: {html.escape(each['says'])}"
        + (f" Moves: {html.escape(', '.join(move['move'] for move in each['moves']))}." if each["moves"] else "")
        + "</li>"
        for each in findings
    ]
    return ["<ul>", *told, "</ul>"] if told else ["<p>Nothing is wrong: no finding passes its threshold.</p>"]


def _claims(report: Inspection) -> list[str]:
    """The published claims that bear on a design."""
    found = bearing(report)
    return ["<h3>Published claims, measured again</h3>", f"<p>{SCALE}</p>", claims_table(found)] if found else []


def claims_table(found: Sequence[Published]) -> str:
    """A table for each claim with what came out; lesson and plain page have them."""
    parts = []
    for each in found:
        rows = [
            f'<tr><th scope="row" class="claim-says">{html.escape(outcome.says)}</th>'
            f"<td>{html.escape(amount(outcome))}</td>"
            f"<td>{html.escape(ends(outcome, outcome.interval))}</td><td>{confidence(outcome)}</td>"
            f'<td class="claim-says">{outcome.verdict}</td></tr>'
            for outcome in each.outcomes
        ]
        heads = "".join(f'<th scope="col">{words}</th>' for words in HEADS)
        about = f"{each.title}: {each.claim} Source: {each.source.replace('*', '')}; findings/{each.name}"
        parts.append(
            f'<table class="quantities claim"><caption>{html.escape(about)}</caption><thead><tr>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>"
        )
    return "\n".join(parts)


def _table(table: Table) -> list[str]:
    shown = [i for i, column in enumerate(table.columns) if column.heading]
    head = "".join(f'<th scope="col">{html.escape(table.columns[i].heading)}</th>' for i in shown)
    rows = (_row(row, shown) for row in table.rows)
    return [f"<table><thead><tr>{head}</tr></thead><tbody>", *rows, "</tbody></table>"]


def _row(row: Row | Rule, shown: Sequence[int]) -> str:
    if isinstance(row, Rule):
        return f'<tr><td colspan="{len(shown)}">{html.escape(row.text)}</td></tr>' if row.text else ""
    first, *others = (html.escape(row.cells[i]) for i in shown)
    return f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in others) + "</tr>"


def _cone(report: Inspection) -> str:
    """Each line's field as a bar against the image's width, the first layer on top: the cone that opens downward."""
    if not report.network.axes:
        return ""
    extent = report.network.extent[-1]
    shown = [line.shown for line in lines(report)][:_MOST_BARS]
    bars = []
    for i, layer in enumerate(shown):
        width = _WIDTH * min(layer.field.size[-1], extent) / extent
        bars.append(
            f'<rect x="{(_WIDTH - width) / 2:.1f}" y="{i * _STEP}" width="{width:.1f}" height="{_STEP - 2}"'
            ' fill="#0072b2">'
            f"<title>{html.escape(layer.name)} sees {html.escape(field_size(layer.field))}</title></rect>"
        )
    high = len(shown) * _STEP
    frame = f'<rect x="0" y="0" width="{_WIDTH}" height="{high}" fill="none" stroke="#888"/>'
    label = f"How wide each layer sees, against the {times(report.network.extent)} input"
    return (
        f'<svg role="img" aria-label="{html.escape(label)}" viewBox="-1 -1 {_WIDTH + 2} {high + 2}"'
        f' width="{_WIDTH + 2}" height="{high + 2}">{frame}{"".join(bars)}</svg>'
    )
