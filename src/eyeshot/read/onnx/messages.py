"""ONNX's messages as far as they say what depends on what: models, graphs, nodes, attributes, where tensors lie.

Field numbers are those of onnx.proto3 (IR version 13); fields that are not named here are stepped over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eyeshot.errors import ReadError
from eyeshot.read.onnx.wire import Wire, signed

DEEPEST = 32
"""Graphs within graphs: branches and bodies of loops."""


@dataclass(slots=True)
class Tensor:
    """A tensor as it is written: its shape, its type, and where its numbers lie; they are read by ``numbers``."""

    name: str = ""
    shape: tuple[int, ...] = ()
    dtype: int = 0
    raw: tuple[int, int] | None = None
    lists: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    is_external: bool = False


@dataclass(slots=True)
class Attribute:
    """A value, or the name of the function's attribute that gives it."""

    value: Any = None
    refers_to: str = ""


@dataclass(slots=True)
class NodeProto:
    """A node: what it runs on what, what it is called, and what the exporter tells of it."""

    op: str = ""
    domain: str = ""
    overload: str = ""
    name: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ValueInfo:
    """A name with its type: sizes are numbers, symbols, or None; ``shape`` None where not even their number is told."""

    name: str = ""
    dtype: int = 0
    shape: tuple[int | str | None, ...] | None = None


@dataclass(slots=True)
class Graph:
    """Nodes in the order in which they run, their constants, what goes in and what comes out."""

    name: str = ""
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[Tensor] = field(default_factory=list)
    inputs: list[ValueInfo] = field(default_factory=list)
    outputs: list[ValueInfo] = field(default_factory=list)
    values: list[ValueInfo] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """Nodes that one node stands for."""

    name: str = ""
    domain: str = ""
    overload: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    defaults: dict[str, Attribute] = field(default_factory=dict)
    nodes: list[NodeProto] = field(default_factory=list)
    opsets: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Model:
    """A file: its graph, its functions, the versions of the sets of operators."""

    graph: Graph | None = None
    functions: list[Function] = field(default_factory=list)
    opsets: dict[str, int] = field(default_factory=dict)
    producer: str = ""


def parse_model(wire: Wire) -> Model:
    """The model that a file holds.

    Raises:
        ReadError: where the file ends too early, or holds something else.
    """
    model = Model()
    for number, a, b in wire.fields(0, len(wire.data)):
        if b < 0:
            continue
        if number == 2:
            model.producer = wire.text(a, b)
        elif number == 7:
            model.graph = _graph(wire, a, b, 0)
        elif number == 8:
            model.opsets.update([_opset(wire, a, b)])
        elif number == 25:
            model.functions.append(_function(wire, a, b))
    return model


def _opset(wire: Wire, start: int, end: int) -> tuple[str, int]:
    domain, version = "", 1
    for number, a, b in wire.fields(start, end):
        if number == 1:
            domain = wire.text(a, b)
        elif number == 2 and b < 0:
            version = signed(a)
    return plain_domain(domain), version


def plain_domain(domain: str) -> str:
    """ONNX's own operators have no domain, or its name."""
    return "" if domain == "ai.onnx" else domain


def _graph(wire: Wire, start: int, end: int, depth: int) -> Graph:
    if depth > DEEPEST:
        raise ReadError(f"graphs within graphs, {depth} deep")
    graph = Graph()
    for number, a, b in wire.fields(start, end):
        if b < 0:
            continue
        if number == 1:
            graph.nodes.append(_node(wire, a, b, depth))
        elif number == 2:
            graph.name = wire.text(a, b)
        elif number == 5:
            graph.constants.append(_tensor(wire, a, b))
        elif number == 11:
            graph.inputs.append(_value(wire, a, b))
        elif number == 12:
            graph.outputs.append(_value(wire, a, b))
        elif number == 13:
            graph.values.append(_value(wire, a, b))
        elif number == 15:
            graph.constants.append(_sparse(wire, a, b))
    return graph


def _node(wire: Wire, start: int, end: int, depth: int) -> NodeProto:
    node = NodeProto()
    for number, a, b in wire.fields(start, end):
        if b < 0:
            continue
        if number == 1:
            node.inputs.append(wire.text(a, b))
        elif number == 2:
            node.outputs.append(wire.text(a, b))
        elif number == 3:
            node.name = wire.text(a, b)
        elif number == 4:
            node.op = wire.text(a, b)
        elif number == 5:
            name, attribute = _attribute(wire, a, b, depth)
            node.attributes[name] = attribute
        elif number == 7:
            node.domain = plain_domain(wire.text(a, b))
        elif number == 8:
            node.overload = wire.text(a, b)
        elif number == 9:
            node.metadata.update(_entry(wire, a, b))
    return node


_TOLD = ("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy")


def _entry(wire: Wire, start: int, end: int) -> dict[str, str]:
    """What an exporter tells of where a node was; other entries, such as traces of calls, are long."""
    key, value = "", (0, 0)
    for number, a, b in wire.fields(start, end):
        if number == 1:
            key = wire.text(a, b)
        elif number == 2 and b >= 0:
            value = (a, b)
    return {key: wire.text(*value)} if key in _TOLD else {}


def _attribute(wire: Wire, start: int, end: int, depth: int) -> tuple[str, Attribute]:
    many: list[Any] = []
    name, kind, one = "", 0, Attribute()
    for number, a, b in wire.fields(start, end):
        if number == 1:
            name = wire.text(a, b)
        elif number == 20:
            kind = a
        elif number == 21:
            one.refers_to = wire.text(a, b)
        elif number == 2 and b >= 0:
            one.value = (wire.floats(a, b) or [0.0])[0]
        elif number == 3:
            one.value = signed(a)
        elif number == 4:
            one.value = wire.text(a, b)
        elif number == 5:
            one.value = _tensor(wire, a, b)
        elif number == 6:
            one.value = _graph(wire, a, b, depth + 1)
        elif number == 22:
            one.value = _sparse(wire, a, b)
        elif number == 7:
            many += wire.floats(a, b)
        elif number == 8:
            many += [signed(a)] if b < 0 else wire.integers(a, b)
        elif number == 9:
            many.append(wire.text(a, b))
        elif number == 10:
            many.append(_tensor(wire, a, b))
        elif number == 11:
            many.append(_graph(wire, a, b, depth + 1))
    if many or (6 <= kind <= 10 and one.value is None):
        one.value = many
    elif one.value is None and not one.refers_to:  # what is zero need not be written
        one.value = {1: 0.0, 2: 0, 3: ""}.get(kind)
    return name, one


def _tensor(wire: Wire, start: int, end: int) -> Tensor:
    tensor, shape = Tensor(), []
    for number, a, b in wire.fields(start, end):
        if number == 1:
            shape += [signed(a)] if b < 0 else wire.integers(a, b)
        elif number == 2:
            tensor.dtype = a
        elif number == 8:
            tensor.name = wire.text(a, b)
        elif number == 9 and b >= 0:
            tensor.raw = (a, b)
        elif number in (4, 5, 7, 10, 11):
            tensor.lists.setdefault(number, []).append((a, b))
        elif number == 13 or (number == 14 and a == 1):
            tensor.is_external = True
    tensor.shape = _sizes(shape, tensor.name)
    return tensor


def _sizes(shape: list[int], name: str) -> tuple[int, ...]:
    if len(shape) > 64 or any(n < 0 for n in shape):
        raise ReadError(f"the tensor {name!r} has the sizes {'×'.join(map(str, shape[:8]))}")
    return tuple(shape)


def _sparse(wire: Wire, start: int, end: int) -> Tensor:
    """A tensor of which some numbers are written: its shape is what counts, its numbers are not asked for."""
    tensor, shape = Tensor(is_external=True), []
    for number, a, b in wire.fields(start, end):
        if number == 1 and b >= 0:
            values = _tensor(wire, a, b)
            tensor.name, tensor.dtype = values.name, values.dtype
        elif number == 3:
            shape += [signed(a)] if b < 0 else wire.integers(a, b)
    tensor.shape = _sizes(shape, tensor.name)
    return tensor


def _value(wire: Wire, start: int, end: int) -> ValueInfo:
    value = ValueInfo()
    for number, a, b in wire.fields(start, end):
        if number == 1:
            value.name = wire.text(a, b)
        elif number == 2 and b >= 0:
            for kind, c, d in wire.fields(a, b):
                if kind == 1 and d >= 0:
                    value.dtype, value.shape = _type(wire, c, d)
    return value


def _type(wire: Wire, start: int, end: int) -> tuple[int, tuple[int | str | None, ...] | None]:
    dtype, shape = 0, None
    for number, a, b in wire.fields(start, end):
        if number == 1 and b < 0:
            dtype = a
        elif number == 2 and b >= 0:
            shape = tuple(_size(wire, c, d) for kind, c, d in wire.fields(a, b) if kind == 1 and d >= 0)
    return dtype, shape


def _size(wire: Wire, start: int, end: int) -> int | str | None:
    size: int | str | None = None
    for number, a, b in wire.fields(start, end):
        if number == 1 and b < 0:
            size = signed(a)
        elif number == 2:
            size = wire.text(a, b) or None
    return None if isinstance(size, int) and size < 0 else size


def _function(wire: Wire, start: int, end: int) -> Function:
    function = Function()
    texts = {4: function.inputs, 5: function.outputs, 6: function.attributes}
    for number, a, b in wire.fields(start, end):
        if b < 0:
            continue
        if number == 1:
            function.name = wire.text(a, b)
        elif number in texts:
            texts[number].append(wire.text(a, b))
        elif number == 7:
            function.nodes.append(_node(wire, a, b, 1))
        elif number == 9:
            function.opsets.update([_opset(wire, a, b)])
        elif number == 10:
            function.domain = plain_domain(wire.text(a, b))
        elif number == 11:
            function.defaults.update([_attribute(wire, a, b, 1)])
        elif number == 13:
            function.overload = wire.text(a, b)
    return function
