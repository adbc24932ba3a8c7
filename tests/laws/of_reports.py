"""What holds of every network's report, whatever the network: laws, each a function from a report to what breaks it.

A violation is a sentence; no violations, and the law is kept. Tests try the laws on random networks, `make
conformance` on every model of the libraries at hand.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import numpy as np

from eyeshot.analyse.footprint import centre_unit
from eyeshot.analyse.hulls import all_see_everything, hulls
from eyeshot.analyse.inspection import Layer, View
from eyeshot.analyse.layouts import unit_axes
from eyeshot.analyse.recurrence import Recurrence
from eyeshot.api.comparison import Comparison
from eyeshot.api.report import Report
from eyeshot.errors import EyeshotError
from eyeshot.network.ops import EdgePad
from eyeshot.report import footprints, reasons
from eyeshot.report.ledger import ledger, records
from eyeshot.report.table import Row, Table
from eyeshot.report.wording import field_size, times
from eyeshot.view.document import document

Law = Callable[[Report], Iterator[str]]
MOST_UNITS = 36
"""Units of a layer that are looked at one by one, where its hulls do not say enough."""


def no_unit_is_wider_than_its_layer(report: Report) -> Iterator[str]:
    """No unit's clipped hull is wider than `field.size`, along the data path either.

    An endless image, of which the size is told, has no other side, which units at the border see by circular padding.
    """
    if any(isinstance(layer.node.op, EdgePad) and layer.node.op.mode == "circular" for layer in report):
        return
    for layer in report:
        for path, view in (("", layer), (" along the data path", layer.data)):
            for axis, size in enumerate(view.field.size):
                width = widest_unit(report, layer, view, axis)
                if width > size:
                    yield f"{layer.name} says {size} along axis {axis}{path}, and a unit of it sees {width}"


def widest_unit(report: Report, layer: Layer, view: View, axis: int) -> int:
    """Pixels along an axis that the widest unit sees, as far as it is seen to be wider than the layer says."""
    size, (first, last) = view.field.size[axis], view.hulls[axis]
    widths = np.where(first <= last, last - first + 1, 0)
    if widths.max(initial=0) <= size:
        return int(widths.max(initial=0))
    # hulls are united over the other axes, so that single units have the word
    seen = (view.unit(*unit).hull.clipped[axis] for unit in units(report, layer))
    return max(last - first + 1 for first, last in seen)


def units(report: Report, layer: Layer) -> Iterator[tuple[int, ...]]:
    """Positions of units, all or some that lie evenly; one where all units have one field."""
    sizes = [layer.node.shape[axis] for axis in unit_axes(report.network, layer.name)]
    if not sizes:
        return iter([centre_unit(report.network, layer.name)])
    step = [-(-n // max(1, int(MOST_UNITS ** (1 / len(sizes))))) for n in sizes]
    return itertools.product(*(range(0, n, s) for n, s in zip(sizes, step, strict=True)))


def a_regular_layers_middle_is_as_wide_as_it_says(report: Report) -> Iterator[str]:
    """The middle unit's unclipped range is the layer's size, and is seen where it lies in an image twice as large."""
    repeats = any(isinstance(layer.node.op, EdgePad) for layer in report)
    for layer in report:
        if not layer.field.is_regular or not all(layer.field.size):
            continue
        hull = layer.unit(*centre_unit(report.network, layer.name)).hull
        for axis, (size, n) in enumerate(zip(layer.field.size, report.network.extent, strict=True)):
            (low, high), seen = hull.unclipped[axis], hull.clipped[axis]
            if seen[1] < seen[0]:
                continue
            if high - low + 1 != size:
                yield f"{layer.name} says {size} along axis {axis}, and its middle unit's range is {low} to {high}"
            elif 2 * size <= n and low >= 0 and high < n and not repeats and seen != (low, high):
                yield f"{layer.name} says {low} to {high} of its middle unit along axis {axis}, and it sees {seen}"


def the_data_path_sees_no_more(report: Report) -> Iterator[str]:
    """What is seen with gates and statistics left out lies within what is seen with them."""
    for layer in report:
        if any(a > b for a, b in zip(layer.data.field.size, layer.field.size, strict=True)):
            yield f"{layer.name} sees {layer.field.size}, and {layer.data.field.size} along the data path alone"
        for axis, ((first, last), (low, high)) in enumerate(zip(layer.hulls, layer.data.hulls, strict=True)):
            if np.any((low <= high) & ((low < first) | (high > last))):
                yield f"{layer.name}: some unit sees more along axis {axis} by the data path alone"


def global_is_said_where_every_unit_sees_the_whole_image(report: Report) -> Iterator[str]:
    """A layer is global, and only then, where the hull of each of its elements is the whole image."""
    labels, extent = hulls(report.network), report.network.extent
    for layer in report:
        whole = all_see_everything(labels[layer.name], extent)
        if whole != layer.field.is_global:
            does = "does" if whole else "does not"
            yield f"{layer.name} says global {layer.field.is_global}, and each of its units {does} see the whole image"


def all_that_is_shown_says_one_number(report: Report) -> Iterator[str]:
    """Table, records, JSON, notebook and the page's document say `field` of every layer, and its data path's."""
    told = {layer.name: (layer.field.size, layer.data.field.size) for layer in report}
    entries = report.to_json()["layers"]
    yield from _parted("JSON", told, {e["name"]: (e["field"]["size"], e["data_field"]["size"]) for e in entries})
    nodes = [node for node in document([report])["designs"][0]["nodes"] if "size" in node]
    pages = {node["name"]: (node["size"], node.get("data", node)["size"]) for node in nodes}
    yield from _parted("the page", told, pages)
    rows = {row["layer"]: (_sizes(row["field"]), _sizes(row["data_field"])) for row in records(report)}
    yield from _parted("CSV", told, rows)
    sees = {layer.name: field_size(layer.field) for layer in report}
    table = ledger(report, folded=False)
    yield from _parted("the table", sees, dict(zip(column(table, "layer"), column(table, "sees"), strict=True)))
    folded = ledger(report)
    for name, text in zip(column(folded, "layer"), column(folded, "sees"), strict=True):
        if name in sees and text != sees[name]:
            yield f"{name} sees {sees[name]}, and {text} says the folded table"
    yield from _in_notebooks(folded, report._repr_html_())


def _parted(where: str, told: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Where a place says another thing of a layer; lists and tuples are alike."""
    for name, value in told.items():
        if name in other and json.dumps(other[name]) != json.dumps(value):
            yield f"{name} sees {value}, and {other[name]} says {where}"
        elif name not in other:
            yield f"{name} is missing in {where}"


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split("x")] if text else []  # none of a network of numbers


def column(table: Table, heading: str, *, total: bool = True) -> list[str]:
    """The cells of a table's column, its last row left out where that is the total."""
    i = next(i for i, each in enumerate(table.columns) if each.heading == heading)
    cells = [row.cells[i] for row in table.rows if isinstance(row, Row)]
    return cells[:-1] if total else cells


def _in_notebooks(table: Table, text: str) -> Iterator[str]:
    """A notebook's lines are the table's, some of them left out."""
    cells = [[unescape(cell) for cell in re.findall(r"<td[^>]*>([^<]*)", line)] for line in text.split("<tr>")[1:]]
    known = {tuple(cell for cell in row.cells) for row in table.rows if isinstance(row, Row)}
    kept = [i for i, each in enumerate(table.columns) if each.heading]
    short = {tuple(row[i][:10] for i in kept) for row in known}
    for line in cells:
        if len(line) == len(kept) and tuple(cell[:10] for cell in line) not in short:
            yield f"a notebook shows {line}, which no line of the table is"


def every_sum_ends_at_its_number(report: Report) -> Iterator[str]:
    """`why` ends at what `field` says, term by term from 1, in words and JSON; or it says that there is no sum."""
    for layer in some(list(report)):
        ends = reasons.to_json(layer)
        told = {"field": (layer.field.size, ends["axes"]), "data_field": (layer.data.field.size, ends["data_axes"])}
        for key, (sizes, axes) in told.items():
            if list(ends[key]) != list(sizes) or [axis["size"] for axis in axes] != list(sizes):
                yield f"{layer.name} sees {sizes}, and why's JSON says {ends[key]} and {axes}"
        for part in reasons.parts(layer):
            for title, recurrence in part.told():
                yield from _sum(layer.name, title, recurrence)
        headline = reasons.headline(layer)
        for seen in (layer.field, layer.data.field):
            # of a sequence whose positions see all before them that is said, and no number
            said = field_size(seen) if seen.one_sided and len(seen.size) == 1 else times(seen.size)
            if all(seen.size) and said not in headline:
                yield f"{layer.name} sees {said}, and why begins {headline!r}"


def _sum(name: str, title: str, recurrence: Recurrence) -> Iterator[str]:
    if reasons.without_sum(recurrence):
        return
    running = list(itertools.accumulate((term.adds for term in recurrence.terms), initial=1))
    if running[-1] != recurrence.size:
        yield f"{name} sees {recurrence.size}, and why's sum ends at {running[-1]} {title}"
    if [term.size for term in recurrence.terms] != running[1:]:
        yield f"{name}: why's terms do not add up {title}"
    lines = [row.cells[-1] for row in reasons.table(recurrence).rows if isinstance(row, Row)]
    if lines[-1] != f"{recurrence.size:,}":
        yield f"{name} sees {recurrence.size}, and why's last line says {lines[-1]} {title}"


def a_unit_is_told_as_its_layer(report: Report) -> Iterator[str]:
    """`field` tells a regular layer's middle unit by the layer's own size, and its sentence by its own ranges."""
    for layer in some(list(report)):
        unit = layer.unit(*centre_unit(report.network, layer.name))
        sees = column(footprints.ranges(report, layer, unit), "sees", total=False)[: len(report.network.axes)]
        text = "".join(piece for piece, _ in footprints.sentence(report, layer, unit))
        if "sees nothing" not in text and "×".join(sees) not in text:
            yield f"{layer.name}: field's rows say {'×'.join(sees)}, and its sentence {text!r}"
        size = times(layer.field.size)
        if layer.field.is_regular and all(layer.field.size) and unit.footprint.count and size not in text:
            yield f"{layer.name} sees {size}, and field says {text!r}"


def compared_with_itself_nothing_differs(report: Report) -> Iterator[str]:
    """`compare` says of a network what `inspect` says, and no change against itself."""
    comparison = Comparison([report, report])
    for quantity in comparison.quantities:
        if len(set(map(str, quantity.values))) > 1 or any(change for change in quantity.changes[1:]):
            yield f"compared with itself, {quantity.name} is {quantity.values}"
    by_key = {quantity.key: quantity.values[0] for quantity in comparison.quantities}
    totals = report.totals
    for key, value in (("params", totals.params), ("macs", totals.macs), ("activations", totals.activations)):
        if by_key.get(key, 0) != value:
            yield f"{value} {key} in all, and {by_key.get(key)} in a comparison"
    extent = report.network.extent
    sizes = {tuple(layer.field.size) for layer in report}
    sizes |= {tuple(min(n, whole) for n, whole in zip(size, extent, strict=False)) for size in sizes}
    for key in ("field_last_conv", "field_deepest"):
        if by_key.get(key) and tuple(by_key[key]) not in sizes:
            yield f"compare says {by_key[key]} for {key}, which no layer sees"


def no_verb_ends_in_a_traceback(report: Report) -> Iterator[str]:
    """Every verb answers, or refuses in words."""
    for verb, act in _verbs(report).items():
        try:
            act()
        except EyeshotError as error:
            if not str(error).strip():
                yield f"{verb} refuses without a word"
        except Exception as error:
            yield f"{verb} ends in {where(error)}"


def _verbs(report: Report) -> dict[str, Callable[[], object]]:
    from eyeshot.view.export import page

    each = list(report)
    return {
        "show": lambda: ledger(report).lines(100),
        "show --all": lambda: ledger(report, folded=False).lines(None),
        "show --json": lambda: json.dumps(report.to_json(), allow_nan=False),
        "the data frame": report.to_frame,
        "hulls": lambda: [(layer.hulls, layer.data.hulls) for layer in each],
        "field": lambda: [_field(report, layer) for layer in some(each, 12)],
        "why": lambda: [_why(layer) for layer in some(each)],
        "compare": lambda: json.dumps(Comparison([report, report]).to_json(), allow_nan=False),
        "the notebook": lambda: (report._repr_html_(), Comparison([report, report])._repr_html_()),
        "the page": lambda: page([report]),
    }


def some(layers: list[Layer], most: int = 40) -> list[Layer]:
    """All layers, or some that lie evenly, and the last."""
    return layers[:: -(-len(layers) // most)] + layers[-1:] if len(layers) > most else layers


def _field(report: Report, layer: Layer) -> None:
    unit = layer.unit(*centre_unit(report.network, layer.name))
    footprints.sentence(report, layer, unit)
    footprints.ranges(report, layer, unit).lines(100)
    list(footprints.remarks(report, layer, unit))
    list(footprints.maps(unit, 80))
    json.dumps(unit.to_dict(), allow_nan=False)


def _why(layer: Layer) -> None:
    reasons.headline(layer)
    reasons.gate_sentence(layer)
    for part in reasons.parts(layer):
        for _, recurrence in part.told():
            if not reasons.without_sum(recurrence):
                reasons.table(recurrence).lines(100)
                reasons.sentences(recurrence)
    json.dumps(reasons.to_json(layer), allow_nan=False)


def where(error: Exception) -> str:
    """An unforeseen error, with the line of ours that it came from."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "/eyeshot/" in file:
            place = f" at {file.rpartition('/eyeshot/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:160]}{place}"


LAWS: tuple[Law, ...] = (
    no_verb_ends_in_a_traceback,
    no_unit_is_wider_than_its_layer,
    a_regular_layers_middle_is_as_wide_as_it_says,
    the_data_path_sees_no_more,
    global_is_said_where_every_unit_sees_the_whole_image,
    all_that_is_shown_says_one_number,
    every_sum_ends_at_its_number,
    a_unit_is_told_as_its_layer,
    compared_with_itself_nothing_differs,
)
"""Those of a report alone."""
OF_UNITS = (a_regular_layers_middle_is_as_wide_as_it_says, every_sum_ends_at_its_number, a_unit_is_told_as_its_layer)
"""Those that a network without positions has nothing to hold to: asked for its units it refuses."""


def violations(report: Report, laws: tuple[Law, ...] = LAWS) -> list[str]:
    """What breaks some laws; one that cannot be tried is broken, too."""
    found: list[str] = []
    for law in laws:
        if law in OF_UNITS and not report.network.axes:
            continue
        try:
            found += [f"{law.__name__}: {text}" for text in law(report)]
        except Exception as error:
            found.append(f"{law.__name__}: {where(error)}")
    return found
