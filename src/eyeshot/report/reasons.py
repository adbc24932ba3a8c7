"""A field's reasons in words and as a table: the recurrence with its numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from eyeshot.analyse.axes import axis_names, check_positions
from eyeshot.analyse.field import Field
from eyeshot.analyse.inspection import Layer, View
from eyeshot.analyse.layouts import unit_axes
from eyeshot.analyse.recurrence import Recurrence, Term, first_gates, recurrence
from eyeshot.network.graph import Node
from eyeshot.network.ops import Rearrange
from eyeshot.report.table import Column, Table
from eyeshot.report.verdict import along_data
from eyeshot.report.wording import NONE, field_pixels, field_size, field_stride, listed, op_words, times

SCHEMA = "eyeshot.why/1"
_MOST_MEETINGS = 3


@dataclass(frozen=True)
class Part:
    """A number per axis and the sums that make it; ``title`` says of what, where there are several."""

    title: str
    axes: list[Recurrence]

    def told(self) -> list[tuple[str, Recurrence]]:
        """Each recurrence with what to call it; one for all axes where they are alike."""
        first = self.axes[0]
        if all(replace(each, axis=first.axis) == first for each in self.axes):
            return [(self.title, first)]
        names = axis_names(len(self.axes))
        return [
            (f"{self.title}, {name}" if self.title else f"along {name}", each)
            for name, each in zip(names, self.axes, strict=True)
        ]


def parts(layer: Layer) -> list[Part]:
    """The sums of what a layer sees along the data path and, where that is another number, with gates."""
    if layer.field == layer.data.field:
        return [Part("", reasons(layer))]
    along_data = Part("along the data path", reasons(layer.data))
    with_gates = Part("with gates and statistics", reasons(layer))
    if not any(layer.data.field.size):
        return [with_gates]
    return [along_data] if layer.field.size == layer.data.field.size else [along_data, with_gates]


def reasons(view: View) -> list[Recurrence]:
    """The recurrence along each axis."""
    return [recurrence(view.fields, view.name, axis) for axis in range(len(view.fields.network.axes))]


def headline(layer: Layer) -> str:
    """What the layer sees, to follow its name."""
    check_positions(layer.fields.network)
    if not all(layer.field.size):
        return "sees nothing of the image"
    source = _read_whole(layer.node, layer)
    if layer.op == "flatten" or not (_is_placed(layer.field) or _is_placed(layer.data.field)):
        base = f"sees {field_pixels(layer.field)}{along_data(layer)}"
        if source is None:
            return base
        if isinstance(layer.node.op, Rearrange):
            return f"rearranges {source.name}, a unit of which {base}"
        return f"reads all positions of {source.name} and so {base}"
    is_alike = layer.field == layer.data.field or not all(layer.data.field.size)
    field = layer.field if is_alike else layer.data.field
    steps = "" if field.stride is None else f", in steps of {field_stride(field)}"
    path = "" if is_alike else " along the data path"
    base = f"sees {field_pixels(field)} of {times(layer.fields.network.extent)}{path}{steps}"
    if is_alike:
        return base
    in_all = field_size(layer.field) if layer.field.one_sided is None else field_pixels(layer.field)
    return f"{base}; with gates and statistics {in_all}"


def gate_sentence(layer: Layer) -> str:
    """Which gate first reads everything; empty where none does."""
    gate = whole_through(layer)
    if gate is None:
        return ""
    name, reader = gate
    how = f"{name} takes statistics over it" if name == reader else f"{name} is weighted by what {reader} reads of it"
    return f"with gates and statistics every unit sees the whole image: {how}"


def whole_through(layer: Layer) -> tuple[str, str] | None:
    """The layer at which a gate first shows the whole image, and the one that reads it for that gate."""
    return first_gates(layer.fields).get(layer.name)


def _read_whole(node: Node, layer: Layer) -> Node | None:
    """The last layer before this one whose units still see different parts."""
    network = layer.fields.network
    while node is not network.input and node.inputs:
        node = network[node.inputs[0]]
        if _is_placed(layer.fields[node.name]) and unit_axes(network, node.name):
            return node
    return None


def _is_placed(field: Field) -> bool:
    """Whether units have places of their own on the image: they step, or each sees all up to its own."""
    return field.stride is not None or field.one_sided is not None


def table(recurrence: Recurrence) -> Table:
    """The terms from the input on, and their sum."""
    shows_dilation = any(term.dilation not in (None, 1) for term in recurrence.terms)
    table = Table(
        [
            Column(heading="layer", is_number=False, style="strong"),
            Column(heading="k", priority=2),
            Column(heading="s", priority=3),
            Column(heading="d" if shows_dilation else "", priority=4),
            Column(heading="J before", priority=1),
            Column(heading="adds", is_number=False),
            Column(heading="sees", style="strong"),
        ]
    )
    table.add("input", NONE, NONE, NONE if shows_dilation else "", NONE, "", "1")
    for term in recurrence.terms:
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
    total = f"1 + {recurrence.size - 1:,}" if recurrence.terms else ""
    table.add("sum", "", "", "", "", total, f"{recurrence.size:,}", style="strong")
    return table


def without_sum(recurrence: Recurrence) -> str:
    """What to say where no sum makes the number; empty where one does."""
    if not recurrence.size:
        return "nothing of the image is seen"
    if recurrence.lost_at is None:
        return ""
    where = "" if recurrence.lost_at == recurrence.layer else f" from {recurrence.lost_at} on"
    units = "its units have no even steps in common"
    if recurrence.one_sided:
        units = f"each unit sees all {recurrence.one_sided} it"
    return (
        f"there is no closed form{where}: {units}, so no sum makes the number;"
        f" the widest of them inside the image sees {recurrence.size:,}"
    )


def formula(term: Term) -> str:
    """What a layer adds, with its numbers where they make it: + (3 − 1)·16 = 32."""
    plain = f"− {-term.adds:,}" if term.adds < 0 else f"+ {term.adds:,}"
    if term.jump is not None and term.kernel is not None and term.dilation is not None:
        expected = (term.kernel - 1) * term.dilation * term.jump
        factors = [f"({term.kernel} − 1)", *([str(term.dilation)] if term.dilation > 1 else []), _step(term.jump)]
    elif term.jump is not None and term.positions is not None:
        expected = (term.positions - 1) * term.jump
        factors = [f"({term.positions} − 1)", _step(term.jump)]
    else:
        return plain
    return f"+ {'·'.join(factors)} = {_step(Fraction(expected))}" if term.adds == expected else plain


def _step(step: Fraction) -> str:
    return f"{step.numerator:,}" if step.denominator == 1 else str(step)


def sentences(recurrence: Recurrence) -> list[str]:
    """The legend, and which branch binds where branches meet."""
    if not recurrence.terms:
        return []
    has_dilation = any(term.dilation not in (None, 1) for term in recurrence.terms)
    letters, adds = ("d dilation, ", "(k − 1)·d·J") if has_dilation else ("", "(k − 1)·J")
    words = [f"k kernel, s stride, {letters}J input pixels per step before the layer; each layer adds {adds}"]
    if any(_is_plain(term) for term in recurrence.terms):
        words.append(
            "a number without a formula: what the units that see most gain, since units or branches differ there"
        )
    deciding = [m for m in recurrence.meetings if len({size for _, size in m.sizes}) > 1]
    for meeting in deciding[-_MOST_MEETINGS:]:
        (name, size), *others = meeting.sizes
        rest = listed([f"{other} ({n:,})" for other, n in others])
        words.append(f"{meeting.layer} takes the largest: {name} ({size:,}) binds, not {rest}")
    if len(deciding) > _MOST_MEETINGS:
        words.append(f"and so at {len(deciding) - _MOST_MEETINGS} earlier meetings of branches")
    return words


def _is_plain(term: Term) -> bool:
    return "·" not in formula(term)


def to_json(layer: Layer) -> dict[str, Any]:
    """The document of schema eyeshot.why/1: one list of terms per axis, with gates and along the data path."""
    check_positions(layer.fields.network)
    gate = whole_through(layer)
    return {
        "schema": SCHEMA,
        "layer": layer.name,
        "op": op_words(layer.node.op),
        "field": list(layer.field.size),
        "exact": layer.field.is_exact,
        "axes": [_axis(each) for each in reasons(layer)],
        "data_field": list(layer.data.field.size),
        "data_axes": [_axis(each) for each in reasons(layer.data)],
        "gate": None if gate is None else {"layer": gate[0], "reads": gate[1]},
    }


def _axis(recurrence: Recurrence) -> dict[str, Any]:
    return {
        "size": recurrence.size,
        "terms": [_term(term) for term in recurrence.terms],
        "meetings": [
            {"layer": m.layer, "inputs": [{"layer": name, "size": n} for name, n in m.sizes]}
            for m in recurrence.meetings
        ],
        "lost_at": recurrence.lost_at,
        **({"one_sided": recurrence.one_sided} if recurrence.one_sided else {}),
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
