"""What the explorer page shows, as one versioned JSON document: schema eyeshot.page/1.

The page draws from this alone and follows relations by itself, so the document holds the graph with its relations,
and what Python knows better: words, folded ledgers, closed forms, costs, reasons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.field import Field
from eyeshot.analyse.inspection import Inspection, Layer, View
from eyeshot.analyse.landmarks import has_gates, horizon, last_convolution
from eyeshot.analyse.layouts import axes_counting, unit_axes
from eyeshot.analyse.recurrence import first_gates, lost_at, steps
from eyeshot.design.published import bearing
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Conv, ConvTranspose, Input, Linear
from eyeshot.report.folded import Line, folded_notes, lines
from eyeshot.report.ledger import rule_words
from eyeshot.report.outputs import outputs, outputs_table
from eyeshot.report.published import SCALE, record
from eyeshot.report.quantities import quantities
from eyeshot.report.reasons import formula
from eyeshot.report.sides import labels, layers_aligned
from eyeshot.report.verdict import on_one, on_several
from eyeshot.report.wording import op_words
from eyeshot.view.measured import packed
from eyeshot.view.relation import form_of, relation_of

SCHEMA = "eyeshot.page/1"


def document(
    reports: Sequence[Inspection],
    *,
    image: str | None = None,
    effective: Sequence[Mapping[str, Any]] = (),
    evidence: Mapping[str, Any] | None = None,
    tiles: Sequence[Mapping[str, Any] | None] = (),
    decide: Sequence[Mapping[str, Any] | None] = (),
) -> dict[str, Any]:
    """The document of schema eyeshot.page/1, ready for json.dumps.

    Args:
        reports: one per design; the first is the one that others are compared to.
        image: a picture for the input, as a data URI.
        effective: measured effective fields, documents of schema eyeshot.effective/1.
        evidence: scores of trained designs, as ``Evidence.for_page`` gives them.
        tiles: for each design how its image is run piece by piece, where that was asked for.
        decide: for each design what is wrong with it and what moves make of it, where that was asked for.
    """
    none = [None] * len(reports)
    asked = [
        {key: dict(each) for key, each in (("tiles", a), ("decide", b)) if each is not None}
        for a, b in zip(tiles or none, decide or none, strict=True)
    ]
    designs = [design(report) | claims(report) | more for report, more in zip(reports, asked, strict=True)]
    return {
        "schema": SCHEMA,
        "version": version("eyeshot"),
        "designs": designs,
        "comparison": _comparison(reports) if len(reports) > 1 else None,
        "evidence": evidence,
        "effective": [packed(each) for each in effective],
        "image": image,
        **({"claims": SCALE} if any("published" in each for each in designs) else {}),
    }


def design(report: Inspection) -> dict[str, Any]:
    """One design: its nodes in the order in which they run, and its ledger."""
    network = report.network
    index = {node.name: i for i, node in enumerate(network)}
    relations = _Table()
    folded = lines(report)
    gates = has_gates(report)
    through = first_gates(report.layers[0].fields) if gates and report.layers else {}
    end, end_data = horizon(report), horizon(report, data=True)
    return {
        "name": network.name,
        "source": network.source,
        "typed": network.source if ":" in network.source or "." in network.source else network.name,
        "input": index[network.input.name],
        "modules": {
            module: index[ends[0]]
            for module, ends in network.module_outputs.items()
            if len(ends) == 1 and module not in index
        },
        "axes": list(network.axes),
        "nodes": [_node(node, report, index, relations, through) for node in network],
        "relations": relations.entries,
        "lines": [_line(line, index) for line in folded],
        "rules": {str(index[name]): words for name, words in rule_words(report).items()},
        "gates": gates,
        "apart": network.tells_channels_apart,
        "exact": report.is_exact,
        "start": _start(report, index),
        "horizon": None if end is None else index[end.name],
        "data_horizon": None if end_data is None else index[end_data.name],
        "data_path": sorted(index[name] for name in data_path(network)),
        "totals": report.to_json()["totals"],
        "notes": [{"layer": note.layer, "kind": note.kind, "text": note.text} for note in folded_notes(report)],
        "verdict": on_one(report),
        "outputs": _outputs(report, index),
    }


def claims(report: Inspection) -> dict[str, Any]:
    """The published claims that bear on a design, where some do, each with the layers that it is about."""
    found = [record(each) | {"layers": list(each.layers)} for each in bearing(report)]
    return {"published": found} if found else {}


def _outputs(report: Inspection, index: Mapping[str, int]) -> dict[str, Any] | None:
    """The table of the outputs as ``show`` prints it, with the layers of its lines."""
    table = outputs_table(report)
    if table is None:
        return None
    return {**table.plain(), "layers": [index[layer.name] for layer in outputs(report)]}


def _start(report: Inspection, index: Mapping[str, int]) -> int:
    """The layer that the page opens with: the last one with weights that still has a map, on the data's path."""
    carrying = data_path(report.network)
    for layer in reversed(report.layers):
        is_weighted = isinstance(layer.node.op, Conv | ConvTranspose | Linear)
        if is_weighted and layer.name in carrying and _has_map(layer):
            return index[layer.name]
    last = last_convolution(report) or (report.layers[-1] if report.layers else None)
    return 0 if last is None else index[last.name]


def _has_map(layer: Layer) -> bool:
    node = layer.node
    return any(place is not None and node.shape[place] > 1 for place in places(layer.fields.network, node.name))


class _Table:
    """Relations told once each, by number."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._known: dict[object, int] = {}

    def number(self, relation: Any) -> int:
        if relation not in self._known:
            self._known[relation] = len(self.entries)
            self.entries.append(relation_of(relation))
        return self._known[relation]


def _node(
    node: Node, report: Inspection, index: Mapping[str, int], relations: _Table, gates: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": node.name,
        "op": node.op.kind,
        "words": op_words(node.op),
        "shape": list(node.shape),
        "reads": [
            [index[node.inputs[read.source]], relations.number(read.relation), *([1] if read.gate else [])]
            for read in node.reads
        ],
    }
    if isinstance(node.op, Input):
        is_image = node is report.network.input
        return entry | {"places": [axis if is_image else None for axis in report.network.axes]}
    layer = report[node.name]
    entry |= {"places": places(report.network, node.name), "form": form_of(node.op), **_field(layer.field)}
    lying = unit_axes(report.network, node.name)
    if len(lying) != len([place for place in entry["places"] if place is not None]):
        entry["units"] = math.prod(node.shape[axis] for axis in lying)
    if layer.data.field != layer.field:
        entry["data"] = _field(layer.data.field)
    for key, value in (("params", layer.params), ("macs", layer.macs), ("view", int(not layer.activations))):
        if value:
            entry[key] = value
    entry["why"] = _why(layer, index)
    if layer.data.fields is not layer.fields:
        along_data = _why(layer.data, index)
        entry |= {"data_why": along_data} if along_data != entry["why"] else {}
        if node.name in gates:
            entry["gate"] = [index[name] for name in gates[node.name]]
    return entry


def places(network: Network, name: str) -> list[int | None]:
    """For each followed axis of the image the axis of the tensor along which its units lie; None where there is none.

    None for all axes where units lie otherwise, as tokens and the windows of attention do: the page then takes all
    units of the layer together.
    """
    counting = [axes_counting(network, name, axis) for axis in range(len(network.axes))]
    single = [axes[0] for axes in counting if len(axes) == 1]
    if any(len(axes) > 1 for axes in counting) or len(set(single)) < len(single):
        return [None] * len(counting)
    return [axes[0] if axes else None for axes in counting]


def _field(field: Field) -> dict[str, Any]:
    entry: dict[str, Any] = {"size": list(field.size)}
    if field.stride is not None:
        entry["stride"] = [None if step is None else float(step) if step.denominator > 1 else int(step)
                           for step in field.stride]  # fmt: skip
    if field.start is not None:
        entry["start"] = list(field.start)
    if field.one_sided is not None:
        entry["sides"] = list(field.one_sided)
    flags = {"irregular": not field.is_regular, "global": field.is_global, "bound": not field.is_exact}
    return entry | {name: 1 for name, holds in flags.items() if holds}


def _why(view: View, index: Mapping[str, int]) -> list[dict[str, Any]]:
    """The recurrence's step at a layer per axis, once where all axes agree."""
    taken = []
    for axis in range(len(view.fields.network.axes)):
        step = steps(view.fields, axis).get(view.name)
        if step is None:
            return []
        entry: dict[str, Any] = {"from": index[step.source.name], "size": step.size}
        lost = lost_at(view.fields, view.name, axis)
        if lost is not None:
            entry["lost"] = index[lost]
        if step.term is not None:
            term = step.term
            entry |= {
                "window": None if term.kernel is None else [term.kernel, term.stride, term.dilation],
                "all": term.positions,
                "jump": None if term.jump is None else str(term.jump),
                "adds": formula(term),
            }
        if step.meeting is not None and len({size for _, size in step.meeting.sizes}) > 1:
            entry["meeting"] = [[index[name], size] for name, size in step.meeting.sizes]
        taken.append({key: value for key, value in entry.items() if value is not None})
    return taken[:1] if all(each == taken[0] for each in taken) else taken


def _line(line: Line, index: Mapping[str, int]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": line.name, "op": line.op, "layers": [index[layer.name] for layer in line.layers]}
    if line.blocks:
        entry |= {"blocks": len(line.blocks), "members": [_line(member, index) for member in line.members]}
    return entry


def _comparison(reports: Sequence[Inspection]) -> dict[str, Any]:
    called = labels(reports)
    return {
        "labels": called,
        "quantities": [
            {"name": q.name, "group": q.group, "texts": list(q.texts), "changes": list(q.change_texts)}
            for q in quantities(reports)
        ],
        "sentences": on_several(reports, called),
        "layers": [
            {
                "role": pair.role,
                "nodes": [
                    None if layer is None else _index_in(report.network, layer.name)
                    for report, layer in zip(reports, pair.layers, strict=True)
                ],
            }
            for pair in layers_aligned(reports)
        ],
    }


def _index_in(network: Network, name: str) -> int:
    return next(i for i, node in enumerate(network) if node.name == name)
