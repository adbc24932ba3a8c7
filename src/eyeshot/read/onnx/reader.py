"""The walk along a file's graph: each node's rule records steps, and says what is known of its outputs.

Everything is bounded: nodes that are run (functions and bodies of loops included), positions, depth. What comes behind
a value whose shape cannot be known is left out, and the network says so.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from eyeshot.errors import EyeshotError, ReadError
from eyeshot.network.check import check
from eyeshot.network.graph import Network, Note
from eyeshot.network.ops import Input
from eyeshot.opening import opened
from eyeshot.read.naming import nodes_of
from eyeshot.read.notes import bounds, other_inputs
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.folding import folded
from eyeshot.read.onnx.inputs import Source, sources
from eyeshot.read.onnx.messages import Attribute, Function, Graph, Model, NodeProto, parse_model
from eyeshot.read.onnx.names import Sites
from eyeshot.read.onnx.operators import RULES
from eyeshot.read.onnx.recording import DEEPEST, Recording, Scope
from eyeshot.read.onnx.values import LostError, Value, constant
from eyeshot.read.onnx.wire import Wire
from eyeshot.read.steps import CallSite, Step

_UNFIT = (
    ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError, AttributeError, StopIteration
)  # fmt: skip
_A_GRAPH = 16
"""Nodes as which a graph counts each time that it is run, beside its own: turns of loops are not for nothing."""


def read_file(
    path: str | Path, input_shape: Any = None, *, name: str | None = None, with_constants: bool = False
) -> Network:
    """The network of an ONNX file.

    Args:
        path: the file; nothing else is opened, and weights are not read.
        input_shape: sizes of inputs, as `eyeshot.read.inputs` has them, with the batch or without.
        name: the network's name; the path unless given.
        with_constants: note what numbers besides the image's each layer takes, for readings at two sizes to compare.

    Raises:
        ReadError: the file is not there, is no model, is cut off, or asks for more than any network needs.
        UsageError: the input named is none of the graph's.
    """
    path, name = Path(path), name or str(path)
    try:
        with opened(path) as file:
            if not os.fstat(file.fileno()).st_size:
                raise ReadError(f"{name}: the file is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return read_model(data, input_shape, name=name, with_constants=with_constants)
    except FileNotFoundError:
        raise ReadError(f"{name}: no such file") from None
    except OSError as error:
        raise ReadError(f"{name}: it cannot be opened: {error.strerror or error}") from None


def read_model(data: Any, input_shape: Any = None, *, name: str, with_constants: bool = False) -> Network:
    """The same of a model's bytes."""
    wire = Wire(data)
    try:
        model = parse_model(wire)
        if model.graph is None or not model.graph.nodes:
            raise ReadError("it holds no graph of ONNX; is it another kind of file?")
    except (ReadError, IndexError) as error:
        raise ReadError(f"{name} cannot be read as ONNX: {error}") from None
    return Reader(model, wire, name, with_constants=with_constants).network(model.graph, input_shape)


class Reader(Recording):
    """One file's graph, walked along."""

    def __init__(self, model: Model, wire: Wire, name: str, *, with_constants: bool = False) -> None:
        super().__init__(wire, with_constants=with_constants)
        self.name, self.model = name, model
        self.functions = {(f.domain, f.name, f.overload): f for f in model.functions}
        self.lost: list[str] = []
        self.why_lost = ""
        self.sites = Sites((), ())

    def network(self, graph: Graph, input_shape: Any) -> Network:
        """The network of the file's graph."""
        scope = Scope(self.model.opsets or {"": 1})
        names = {tensor.name for tensor in graph.constants}
        self.sites = Sites(graph.nodes, names)
        values = [value for value in graph.inputs if value.name not in names]
        given, remarks = sources(values, input_shape, self.name)
        inputs = self._inputs(given, scope)
        if not inputs:
            raise ReadError(f"{self.name} has no input, so there is nothing to see")
        try:
            self.run(graph, scope)
        except ReadError as error:
            failure = ReadError(f"{self.name}: {error}")
            if len(self.steps) > len(inputs):
                stopped = Note(None, "bound", "what comes after the failure is missing, and totals are at least")
                with suppress(ReadError):
                    failure.partial = self._network(inputs, (), [stopped])
            raise failure from None
        except RecursionError:
            raise ReadError(f"{self.name}: its graphs, functions or constants lie too deep in each other") from None
        ends = [value for out in graph.outputs if (value := scope.get(out.name)) is not None]
        results = [value.step for value in ends if value.step is not None]
        if not results and not self.lost:
            raise ReadError(f"{self.name}: its outputs do not depend on its input, so there is nothing to see")
        return self._network(inputs, results, [Note(None, "remark", text) for text in remarks])

    def _network(self, inputs: Mapping[Step, str], results: Sequence[Step], notes: list[Note]) -> Network:
        try:
            nodes = nodes_of(self, dict(inputs))
            check(nodes.values())
        except ReadError as error:
            raise ReadError(f"{self.name}: {error}") from None
        except _UNFIT as error:
            raise ReadError(f"{self.name}: an operator does not fit its inputs: {_first_line(error)}") from error
        if self.lost:
            more = f" and {len(self.lost) - 1:,} more nodes" if len(self.lost) > 1 else ""
            notes.append(
                Note(None, "bound", f"left out: {self.lost[0]}{more}, since {self.why_lost}; totals are at least")
            )
        notes += [*other_inputs(inputs), *bounds(nodes.values())]
        outputs = tuple(dict.fromkeys(nodes[step].name for step in results if step in nodes))
        taken = {nodes[step].name: constants for step, constants in (self.constants or {}).items() if step in nodes}
        return Network(
            name=self.name,
            source="onnx",
            nodes=tuple(nodes.values()),
            notes=tuple(notes),
            outputs=outputs,
            constants=taken,
        )

    def _inputs(self, given: Sequence[Source], scope: Scope) -> dict[Step, str]:
        names: dict[Step, str] = {}
        for source in given:
            if source.number is not None:
                scope.values[source.name] = constant(np.array(source.number))
                continue
            if 0 in source.shape:
                scope.values[source.name] = Value(source.shape)
                continue
            axes = source.axes if not names else ()
            step = Step(Input(axes=axes), (), source.shape, 0, CallSite())
            self.steps.append(step)
            names[step] = source.name if len(given) > 1 else "input"
            scope.values[source.name] = Value(source.shape, step)
        return names

    # --- the walk -----------------------------------------------------------------------------------------------------

    def run(self, graph: Graph, scope: Scope) -> None:
        """Walk along a graph; its values are in the scope afterwards."""
        self.spend_nodes(_A_GRAPH + len(graph.constants))
        for tensor in graph.constants:
            scope.values[tensor.name] = self.weight(tensor, f"{scope.path}/{tensor.name}")
        self._walk(graph.nodes, scope, [out.name for out in graph.outputs])

    def _walk(self, nodes: Sequence[NodeProto], scope: Scope, ends: Sequence[str]) -> None:
        outer, self.readers = self.readers, dict.fromkeys(ends, 1)
        for node in nodes:
            for name in node.inputs:
                self.readers[name] = self.readers.get(name, 0) + 1
        for node in nodes:
            self.spend_nodes(1)
            self._node(node, scope)
        self.readers = outer

    def _node(self, node: NodeProto, scope: Scope) -> None:
        inputs: list[Value | None] = []
        for name in node.inputs:
            if name and name not in scope:
                raise ReadError(f"{_called(node)} reads {name!r}, which nothing before it makes")
            value = scope.get(name) if name else None
            if name and value is None:
                self._lose(node, scope, f"{_called(node)} reads what was left out")
                return
            inputs.append(value)
        try:
            outputs = self._outputs(node, inputs, scope)
        except LostError as error:
            self._lose(node, scope, f"of {_called(node)}: {error}")
            return
        except (ReadError, RecursionError):
            raise
        except EyeshotError as error:
            raise ReadError(f"{_called(node)}: {error}") from None
        except _UNFIT as error:
            raise ReadError(f"{_called(node)} does not fit its inputs: {_first_line(error)}") from error
        for name, value in zip(node.outputs, outputs, strict=False):
            if name:
                scope.values[name] = value
                if value is not None and value.step is not None:
                    self.names.setdefault(value.step, []).append(name)
        for name in node.outputs[len(outputs) :]:
            if name:
                scope.values[name] = None

    def _outputs(self, node: NodeProto, inputs: list[Value | None], scope: Scope) -> Sequence[Value | None]:
        site = self.sites.of(node, scope.path)
        function = self.functions.get((node.domain, node.op, node.overload))
        if function is not None:
            return self._inlined(function, node, inputs, scope, site)
        call = Call(self, node, inputs, scope, site)
        rule = RULES.get((node.domain, node.op))
        if rule is None:
            where = f" of {node.domain}" if node.domain else ""
            raise LostError(f"the operator {node.op}{where} has no rule")
        try:
            result = rule(call)
        except ReadError as error:
            raise ReadError(f"{_called(node)}{call.shapes()}: {error}") from error.__cause__
        outputs: list[Value | None] = [result] if isinstance(result, Value) else list(result)
        folded(call, outputs)
        return outputs

    def _inlined(
        self, function: Function, node: NodeProto, inputs: list[Value | None], scope: Scope, site: CallSite
    ) -> list[Value | None]:
        """The nodes that a function stands for, in a scope of their own."""
        if scope.depth >= DEEPEST:
            raise ReadError(f"functions within functions, {DEEPEST} deep; does one call itself?")
        passed = {name: resolved(attribute, scope.attributes) for name, attribute in node.attributes.items()}
        attributes = {**function.defaults, **{name: each for name, each in passed.items() if each is not None}}
        inner = Scope(
            opsets=function.opsets or scope.opsets, attributes=attributes, path=site.path, depth=scope.depth + 1
        )
        inner.values = dict(zip(function.inputs, inputs, strict=False))
        inner.values |= dict.fromkeys(function.inputs[len(inputs) :])
        self._walk(function.nodes, inner, function.outputs)
        return [inner.get(name) for name in function.outputs]

    def _lose(self, node: NodeProto, scope: Scope, why: str) -> None:
        """Leave a node out, and with it all that reads it."""
        self.why_lost = self.why_lost or why
        self.lost.append(_called(node))
        for name in node.outputs:
            scope.values[name] = None


def resolved(attribute: Attribute, attributes: Mapping[str, Attribute]) -> Attribute | None:
    """An attribute's value, which may be that of the function around it."""
    return attributes.get(attribute.refers_to) if attribute.refers_to else attribute


def _called(node: NodeProto) -> str:
    name = node.name or next((out for out in node.outputs if out), "")
    return f"{name} ({node.op})" if name else node.op


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
