"""Layers by name and who reads whom, from a configuration of Keras 3 or of Keras 2.

    Keras 3     "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__",
                 "config": {"keras_history": ["conv1", 0, 0], "shape": [null, 55, 55, 96]}}], "kwargs": {}}]
    Keras 2     "inbound_nodes": [[["conv1", 0, 0, {}]]]

A layer that is called twice has two nodes; ["conv1", 1, 0] is the first output of its second call.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.relations import Shape
from eyeshot.read.masks import Array
from eyeshot.read.steps import CallSite

MOST_LAYERS = 50_000
MOST_NUMBERS = 1 << 20
"""Elements of an array among the arguments up to which its numbers are looked at."""
Tensor = tuple[str, int, int]
"""Layer, number of its call, number of the output."""


@dataclass(frozen=True)
class Layer:
    """A layer's class, name and settings; ``module`` is where the class is defined."""

    kind: str
    name: str
    config: Mapping[str, Any]
    module: str = ""


@dataclass(frozen=True)
class Table:
    """Numbers among a call's arguments that do not depend on the input; ``weight`` tells one weight from another.

    ``compute`` finds the numbers where they are known.
    """

    shape: Shape
    weight: object = None
    compute: Callable[[], Array | None] | None = field(default=None, compare=False)

    @property
    def numbers(self) -> Array | None:
        """The numbers; None where they are not known, or too many to look at."""
        return self.compute() if self.compute is not None and math.prod(self.shape) <= MOST_NUMBERS else None


@dataclass
class Node:
    """One call of a layer: what it reads, in order, and what else it was called with.

    Of a call that Keras itself was seen to make, ``shapes`` are its outputs', ``site`` is where in the user's code a
    function of keras.ops was called, and ``weights`` how many a layer has.
    """

    layer: Layer
    number: int
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[Shape, ...] = ()
    site: CallSite | None = None
    weights: int = 0

    @property
    def reads(self) -> list[Tensor]:
        """The tensors among its arguments."""
        return list(tensors_in([self.args, self.kwargs]))


@dataclass(frozen=True)
class Reference:
    """A tensor in a call's arguments."""

    tensor: Tensor


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors that nested arguments refer to."""
    if isinstance(value, Reference):
        yield value.tensor
    elif isinstance(value, list):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)


def layer_of(entry: Any) -> Layer:
    """A layer as it was written down."""
    config = entry.get("config") if isinstance(entry, dict) else None
    kind = entry.get("class_name") if isinstance(entry, dict) else None
    if not isinstance(config, dict) or not isinstance(kind, str):
        raise ReadError("a layer in it has no class or no settings")
    name = config.get("name") or entry.get("name") or kind.lower()
    return Layer(kind, str(name), config, str(entry.get("module") or ""))


class Graph:
    """A functional or sequential model's layers, calls, inputs and outputs."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        entries = config.get("layers")
        if not isinstance(entries, list) or not entries:
            raise ReadError("its configuration has no layers")
        if len(entries) > MOST_LAYERS:
            raise ReadError(f"it has {len(entries):,} layers; {MOST_LAYERS:,} at most are read")
        self.shapes: dict[Tensor, tuple[Any, ...]] = {}
        self.nodes: dict[tuple[str, int], Node] = {}
        if "input_layers" in config or "output_layers" in config:
            for entry in entries:
                layer = layer_of(entry)
                for number, node in enumerate(self._calls(entry, layer)):
                    self.nodes[layer.name, number] = node
            self.inputs = _tensors(config.get("input_layers"))
            self.outputs = _tensors(config.get("output_layers"))
        else:
            self._in_a_row([layer_of(entry) for entry in entries])

    @classmethod
    def of(cls, nodes: Iterable[Node], inputs: list[Tensor], outputs: list[Tensor]) -> Graph:
        """Calls that are known already."""
        graph = cls.__new__(cls)
        graph.nodes = {(node.layer.name, node.number): node for node in nodes}
        graph.inputs, graph.outputs = inputs, outputs
        graph.shapes = {
            (name, number, i): shape
            for (name, number), node in graph.nodes.items()
            for i, shape in enumerate(node.shapes)
        }
        return graph

    def _in_a_row(self, layers: list[Layer]) -> None:
        """A sequential model, each layer reading the one before it."""
        first = layers[0]
        if first.kind != "InputLayer":  # Keras 2 says the input's shape in the first layer; unbuilt models nowhere
            shape = first.config.get("batch_shape") or first.config.get("batch_input_shape")
            layers = [Layer("InputLayer", "input", {"name": "input", "batch_shape": shape}), *layers]
        before: Tensor | None = None
        counts: dict[str, int] = {}
        for layer in layers:
            number = counts[layer.name] = counts.get(layer.name, -1) + 1
            self.nodes[layer.name, number] = Node(layer, number, [Reference(before)] if before else [])
            before = (layer.name, number, 0)
        assert before is not None
        self.inputs, self.outputs = [(layers[0].name, 0, 0)], [before]

    def _calls(self, entry: Mapping[str, Any], layer: Layer) -> Iterator[Node]:
        calls = entry.get("inbound_nodes") or []
        if not isinstance(calls, list):
            raise ReadError(f"{layer.name}: its inbound_nodes are no list")
        if not calls:
            yield Node(layer, 0)
        for number, call in enumerate(calls):
            if isinstance(call, dict):
                args = self._resolved(call.get("args") or [])
                kwargs = self._resolved(call.get("kwargs") or {})
                yield Node(layer, number, args if isinstance(args, list) else [args], kwargs)
            else:
                yield Node(layer, number, *_of_keras_2(call, layer))

    def _resolved(self, value: Any) -> Any:
        """Arguments with references where tensors were."""
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "__keras_tensor__":
            config = value.get("config") or {}
            tensor = _tensor(config.get("keras_history"))
            if isinstance(config.get("shape"), list):
                self.shapes[tensor] = tuple(config["shape"])
            return Reference(tensor)
        if value.get("class_name") in ("__numpy__", "__tensor__"):
            return _table(value.get("config"))
        return {key: self._resolved(item) for key, item in value.items()}

    def in_order(self) -> Iterator[Node]:
        """Calls, each behind those that it reads; as they stand in the file where that allows it.

        Raises:
            ReadError: some wait for each other, or for what is not there.
        """
        place = {key: i for i, key in enumerate(self.nodes)}
        readers: dict[tuple[str, int], list[tuple[str, int]]] = {}
        waits: dict[tuple[str, int], int] = {}
        for key, node in self.nodes.items():
            sources = {(name, number) for name, number, _ in node.reads}
            if missing := sources - self.nodes.keys():
                raise ReadError(f"{node.layer.name} reads {min(missing)[0]!r}, which is not there")
            waits[key] = len(sources)
            for source in sources:
                readers.setdefault(source, []).append(key)
        ready = [(place[key], key) for key, count in waits.items() if not count]
        heapq.heapify(ready)
        done = 0
        while ready:
            _, key = heapq.heappop(ready)
            done += 1
            yield self.nodes[key]
            for reader in readers.get(key, ()):
                waits[reader] -= 1
                if not waits[reader]:
                    heapq.heappush(ready, (place[reader], reader))
        if done < len(self.nodes):
            stuck = next(name for (name, _), count in waits.items() if count)
            raise ReadError(f"{stuck} waits for its own output: the layers read each other in a circle")


def _table(config: Any) -> Table:
    """Numbers that are written down."""
    try:
        numbers = np.asarray(config["value"])
    except (TypeError, KeyError, ValueError):
        raise ReadError("an array among its arguments has no values, or rows of several lengths") from None
    return Table(numbers.shape, compute=lambda: numbers)


def _of_keras_2(call: Any, layer: Layer) -> tuple[list[Any], dict[str, Any]]:
    """A call as Keras 2 wrote it: [layer, call, output, further arguments] for each input, or one such alone."""
    if not isinstance(call, list):
        raise ReadError(f"{layer.name}: an inbound node is no list")
    entries = [call] if call and isinstance(call[0], str) else call
    references: list[Any] = []
    kwargs: dict[str, Any] = {}
    for entry in entries:
        references.append(Reference(_tensor(entry)))
        further = entry[3] if len(entry) > 3 and isinstance(entry[3], dict) else {}
        for key, value in further.items():
            is_tensor = isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str)
            kwargs[key] = Reference(_tensor(value)) if is_tensor else value
    return references if len(references) < 2 else [references], kwargs


def _tensor(history: Any) -> Tensor:
    try:
        name, number, output = history[:3]
        return str(name), int(number), int(output)
    except (TypeError, ValueError):
        raise ReadError(f"{str(history)[:60]!r} is no place of a tensor: layer, call, output") from None


def _tensors(value: Any) -> list[Tensor]:
    """Inputs or outputs of a model: one, a list, or by name."""
    if isinstance(value, dict):
        return [tensor for each in value.values() for tensor in _tensors(each)]
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return [_tensor(value)]
    return [tensor for each in value or [] for tensor in _tensors(each)]
