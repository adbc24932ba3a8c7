"""What notebooks show of reports and comparisons: a table and side views in HTML, without script, below 60 KiB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from eyeshot.analyse.axes import axis_names
from eyeshot.analyse.inspection import Inspection
from eyeshot.errors import UsageError
from eyeshot.report.cone import cone
from eyeshot.report.cone_svg import cone_svg
from eyeshot.report.effective import EffectiveField
from eyeshot.report.folded import folded_notes
from eyeshot.report.heat_svg import heat_svg, heat_words
from eyeshot.report.ledger import ledger
from eyeshot.report.outputs import outputs_table
from eyeshot.report.quantities import Quantity
from eyeshot.report.sidebyside import quantity_table
from eyeshot.report.sides import labels, legend
from eyeshot.report.table import Row, Rule, Table
from eyeshot.report.verdict import on_one, on_several
from eyeshot.report.wording import beginning, memory_words, middle_out, times
from eyeshot.shown import encodable

MOST_BYTES = 60 * 1024
_FOR_THE_REST = 4 * 1024
_FOR_OUTPUTS = 6 * 1024
_LONGEST_CELL = 60
_MOST_VIEWS = 3
_STYLE = (
    "<style>.eyeshot svg{max-width:100%;height:auto}"
    ".eyeshot table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".eyeshot td,.eyeshot th{padding:1px 8px;text-align:right;white-space:pre}"
    ".eyeshot td.t,.eyeshot th.t{text-align:left}.eyeshot tr.r td{text-align:left;font-weight:bold}</style>"
)


def report_html(report: Inspection) -> str:
    """A report's ledger, its sentences, its outputs and the side view below the middle unit of the last convolution."""
    network = report.network
    view = _views([report])
    sentences = [
        on_one(report),
        f"{beginning(memory_words(report.totals))}.",
        *(f"{note.kind}: {f'{note.layer}: ' if note.layer else ''}{note.text}" for note in folded_notes(report)),
    ]
    head = f"<p><b>{_text(network.name)}</b>, input {times(network.input.shape[1:])}</p>"
    ends = outputs_table(report)
    outputs = "" if ends is None else _table(ends, _FOR_OUTPUTS, "report.network.outputs names them all")
    return _page(head, ledger(report), sentences, outputs + view, "report", "report.layers has them all")


def comparison_html(reports: Sequence[Inspection], quantities: Sequence[Quantity], verdict: str = "") -> str:
    """A comparison's quantities, its sentences, a study's verdict, and the side views of up to three designs."""
    view = _views(reports) if len(reports) <= _MOST_VIEWS else ""
    called = labels(reports)
    names = "".join(f"<p>{_text(line)}</p>" for line in legend(reports)) if called[0] == "A" else ""
    sentences = [*on_several(reports, called), *verdict.splitlines()]
    table = quantity_table(quantities, called)
    return _page(names, table, sentences, view, "comparison", "comparison.quantities has them all")


def effective_html(result: EffectiveField) -> str:
    """An effective field's map, what its colours are, the widths that hold its shares, and the way to the page."""
    names = axis_names(result.map.ndim)
    head = _cells("th", "of what it uses", "lies in", *(f"along {name}" for name in names))
    rows = "".join(
        _cells("td", f"{share} %", times(result.boxes[share].size), *(f"{width:.1f}" for width in widths))
        for share, widths in result.widths.items()
    )
    sigma = _cells("td", "σ", "", *(f"{s:.2f}" for s in result.sigma))
    caption = f"{result.layer} of {result.network}: what it uses ({result.origin.source}), px"
    table = f"<table><caption>{_text(caption)}</caption>{head}{rows}{sigma}</table>"
    more = "Look into it: report.explore(effective=[…]), or report.save_html(…, effective=[…])."
    words = f"<p><small>{_text(heat_words(result))}</small></p>"
    return f"<div>{heat_svg(result)}{words}{table}<p><small>{more}</small></p></div>"


def _cells(kind: str, first: str, *others: str) -> str:
    return f"<tr><th>{first}</th>{''.join(f'<{kind}>{cell}</{kind}>' for cell in others)}</tr>"


def _page(head: str, table: Table, sentences: Iterable[str], view: str, what: str, where: str) -> str:
    """A table below a head, sentences and pictures below it, and the way to the page."""
    words = "".join(f"<p>{_text(sentence, 600)}</p>" for sentence in sentences if sentence)
    view += f"<p><small>Look into it: {what}.explore(), or {what}.save_html(…) for a page of its own.</small></p>"
    bytes_left = MOST_BYTES - _FOR_THE_REST - sum(len(part.encode()) for part in (head, view, words))
    return f'<div class="eyeshot">{_STYLE}{head}{_table(table, bytes_left, where)}{words}{view}</div>'


def _views(reports: Sequence[Inspection]) -> str:
    """The side views that can be drawn."""
    views = []
    for report in reports:
        try:
            view = cone(report)
        except UsageError:
            continue
        who = f"{', '.join(view.names)} of {report.network.name}"
        views.append(f"<p>What {_text(who)} sees:</p><p>{cone_svg(view)}</p>")
    return encodable("".join(views))


def _text(text: str, most: int = 200) -> str:
    return escape(middle_out(text, most))


def _table(table: Table, bytes_left: int, where: str) -> str:
    """A table; where it needs more bytes than there are, lines of its middle are left out and counted."""
    kept = [i for i, column in enumerate(table.columns) if column.heading or any(_cells_of(table, i))]
    head = "".join(f"<th{_kind(table, i)}>{_text(table.columns[i].heading)}" for i in kept)
    lines = [_line(table, row, kept) for row in table.rows]
    bytes_left -= len(head.encode())
    left_out = _too_many(lines, bytes_left)
    if left_out:
        words = f"{len(left_out)} lines left out; {where}"
        lines[left_out.start : left_out.stop] = [f'<tr class="r"><td colspan="{len(kept)}">… {words}']
    return f"<table><tr>{head}{''.join(lines)}</table>"


def _cells_of(table: Table, i: int) -> list[str]:
    return [row.cells[i] for row in table.rows if isinstance(row, Row)]


def _kind(table: Table, i: int) -> str:
    return "" if table.columns[i].is_number else ' class="t"'


def _line(table: Table, row: Row | Rule, kept: Sequence[int]) -> str:
    if isinstance(row, Rule):
        return f'<tr class="r"><td colspan="{len(kept)}">{_text(row.text)}' if row.text else ""
    return "<tr>" + "".join(f"<td{_kind(table, i)}>{_text(row.cells[i], _LONGEST_CELL)}" for i in kept)


def _too_many(lines: Sequence[str], bytes_left: int) -> range:
    """The lines to leave out: none, or as few as must be, two thirds of the others before them."""
    sizes = [len(line.encode()) for line in lines]
    excess = sum(sizes) - bytes_left
    if excess <= 0:
        return range(0)
    first = last = len(lines) * 2 // 3
    while excess > 0 and last - first < len(lines):
        # Grown to both sides by turns, so that first lines and last ones stay.
        if ((last - first) % 3 and first > 0) or last == len(lines):
            first -= 1
            excess -= sizes[first]
        else:
            excess -= sizes[last]
            last += 1
    return range(first, last)
