"""A field's reasons in words and as a table: the recurrence with its numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from eyeshot.analyse.inspection import Layer
from eyeshot.analyse.layouts import unit_axes
from eyeshot.analyse.recurrence import Recurrence, Term, recurrence
from eyeshot.network.graph import Node
from eyeshot.network.ops import Rearrange
from eyeshot.report.table import Column, Table
from eyeshot.report.verdict import along_data
from eyeshot.report.wording import NONE, field_size, field_stride, listed, op_words, times

SCHEMA = "eyeshot.why/1"
_AXES = {1: ("positions",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}
_MOST_MEETINGS = 3


def axis_names(count: int) -> tuple[str, ...]:
    """What the axes of an image are called."""
    return _AXES[count]


def reasons(layer: Layer) -> list[Recurrence]:
    """The recurrence along each axis; of what a layer rearranges, where it does nothing else."""
    network = layer.fields.network
    name = layer.name
    while isinstance(network[name].op, Rearrange):
        name = network[name].inputs[0]
    return [recurrence(layer.fields, name, axis) for axis in range(len(network.axes))]


def headline(layer: Layer) -> str:
    """What the layer sees, to follow its name."""
    network = layer.fields.network
    source = _read_whole(layer.node, layer)
    if not all(layer.field.size):
        return "sees nothing of the image"
    if layer.op == "flatten" or (layer.field.stride is None and layer.data.field.stride is None):
        base = f"sees {field_size(layer.field)} pixels{along_data(layer)}"
        if source is None:
            return base
        if isinstance(layer.node.op, Rearrange):
            return f"rearranges {source.name}, a unit of which {base}"
        return f"reads all positions of {source.name} and so {base}"
    steps = "" if layer.field.stride is None else f", in steps of {field_stride(layer.field)}"
    return f"sees {field_size(layer.field)} pixels of {times(network.extent)}{steps}{along_data(layer)}"


def _read_whole(node: Node, layer: Layer) -> Node | None:
    """The last layer before this one whose units still see different parts."""
    network = layer.fields.network
    while node is not network.input and node.inputs:
        node = network[node.inputs[0]]
        if layer.fields[node.name].stride is not None and unit_axes(network, node.name):
            return node
    return None


def table(found: Recurrence) -> Table:
    """The terms from the input on, and their sum."""
    table = Table(
        [
            Column(heading="layer", is_number=False, style="strong"),
            Column(heading="k", priority=2),
            Column(heading="s", priority=3),
            Column(heading="d" if any(term.dilation not in (None, 1) for term in found.terms) else "", priority=4),
            Column(heading="J before", priority=1),
            Column(heading="adds", is_number=False),
            Column(heading="sees", style="strong"),
        ]
    )
    shows_dilation = bool(table.columns[3].heading)
    table.add("input", NONE, NONE, NONE if shows_dilation else "", NONE, "", "1")
    for term in found.terms:
        kernel = f"all {term.positions}" if term.positions else NONE if term.kernel is None else str(term.kernel)
        table.add(
            term.layer,
            kernel,
            NONE if term.stride is None else str(term.stride),
            "" if not shows_dilation else NONE if term.dilation is None else str(term.dilation),
            NONE if term.jump is None else _step(term.jump),
            formula(term),
            f"{term.size:,}",
        )
    table.rule()
    total = f"1 + {found.size - 1:,}" if found.terms else ""
    table.add("sum", "", "", "", "", total, f"{found.size:,}", style="strong")
    return table


def formula(term: Term) -> str:
    """What a layer adds, with its numbers: + (3 − 1)·16 = 32."""
    if term.jump is not None and term.kernel is not None and term.dilation is not None:
        expected = (term.kernel - 1) * term.dilation * term.jump
        factors = [f"({term.kernel} − 1)", *([str(term.dilation)] if term.dilation > 1 else []), _step(term.jump)]
    elif term.jump is not None and term.positions is not None:
        expected = (term.positions - 1) * term.jump
        factors = [f"({term.positions} − 1)", _step(term.jump)]
    else:
        return f"+ {term.adds:,}"
    rest = term.adds - expected
    text = f"+ {'·'.join(factors)} = {_step(Fraction(expected))}"
    return text if not rest else f"{text}, + {_step(Fraction(rest))} at the other branches' far sides"


def _step(step: Fraction) -> str:
    return f"{step.numerator:,}" if step.denominator == 1 else str(step)


def sentences(found: Recurrence) -> list[str]:
    """The legend, and which branch binds where branches meet."""
    words = ["k kernel, s stride, J input pixels per step before the layer; each layer adds (k − 1)·J"]
    if any(term.dilation not in (None, 1) for term in found.terms):
        words = [
            "k kernel, s stride, d dilation, J input pixels per step before the layer; each layer adds (k − 1)·d·J"
        ]
    deciding = [m for m in found.meetings if len({size for _, size in m.sizes}) > 1]
    for meeting in deciding[-_MOST_MEETINGS:]:
        (name, size), *others = meeting.sizes
        rest = listed([f"{other} ({n:,})" for other, n in others])
        words.append(f"{meeting.layer} takes the largest: {name} ({size:,}) binds, not {rest}")
    if len(deciding) > _MOST_MEETINGS:
        words.append(f"and so at {len(deciding) - _MOST_MEETINGS} earlier meetings of branches")
    return words


def to_json(layer: Layer, found: list[Recurrence]) -> dict[str, Any]:
    """The document of schema eyeshot.why/1: one list of terms per axis."""
    return {
        "schema": SCHEMA,
        "layer": layer.name,
        "op": op_words(layer.node.op),
        "field": list(layer.field.size),
        "exact": layer.field.is_exact,
        "axes": [
            {
                "size": r.size,
                "terms": [_term(term) for term in r.terms],
                "meetings": [
                    {"layer": m.layer, "inputs": [{"layer": name, "size": n} for name, n in m.sizes]}
                    for m in r.meetings
                ],
            }
            for r in found
        ],
    }


def _term(term: Term) -> dict[str, Any]:
    jump = term.jump
    return {
        "layer": term.layer,
        "kernel": term.kernel,
        "stride": term.stride,
        "dilation": term.dilation,
        "positions": term.positions,
        "jump": None if jump is None else int(jump) if jump.denominator == 1 else float(jump),
        "adds": term.adds,
        "size": term.size,
    }
