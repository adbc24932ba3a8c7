"""The graph: nodes in the order in which they run, each with its name, op, inputs, shape and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from eyeshot.errors import UsageError
from eyeshot.nearest import did_you_mean
from eyeshot.network.ops import Input, Op
from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Permute,
    Read,
    Reduce,
    Relation,
    Reshape,
    Shape,
    Taps,
    Window,
)


class Memory(NamedTuple):
    """Where an output lies: ``block`` numbers a piece of memory, which holds ``elements``; ``is_view`` says that
    nothing was written there. ``copies`` are elements that were copied of each input before it was read, where any
    were, as products do of operands that lie otherwise than they need.
    """

    block: int
    elements: int
    is_view: bool = False
    copies: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of the network.

    ``inputs`` are names of earlier nodes; ``shape`` is the output's, batch axis included; ``params`` counts the
    weights that this node uses first (a shared weight counts once); ``reads`` are its relations to its inputs;
    ``line`` is the line of code that called it, where that was asked for; ``memory`` is where a forward pass put the
    output, where one was watched.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: Shape
    params: int
    reads: tuple[Read, ...] = field(compare=False)
    line: str = field(default="", compare=False)
    memory: Memory | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Constant:
    """Numbers that do not come from the image: a digest of them, None where they are not known, and of their origin."""

    numbers: str | None
    origin: str

    def equals(self, other: Constant) -> bool:
        """Whether both are the same numbers, as far as can be told."""
        if self.numbers is not None and other.numbers is not None:
            return self.numbers == other.numbers
        return self.origin == other.origin


@dataclass(frozen=True)
class Note:
    """Something a reader of the results should know: ``kind`` is bound, slip or remark."""

    layer: str | None
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """An immutable network: every node reads nodes before it.

    ``source`` says where it came from; the nodes whose op is Input are its inputs, and the first whose axes are
    followed is the one that fields are about; ``outputs`` names its results. ``modules`` has, by the paths of the
    user's modules, the nodes that made what each gave; ``path#2`` is a module's second call. ``constants`` has, by
    node, the numbers besides its inputs' that it computes with, where that was asked for.
    """

    name: str
    source: str
    nodes: tuple[Node, ...]
    notes: tuple[Note, ...] = ()
    outputs: tuple[str, ...] = field(default=(), compare=False)
    modules: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    constants: Mapping[str, tuple[Constant, ...]] = field(default_factory=dict, compare=False)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, name: str) -> Node:
        """The node of that name, or the one that makes the output of the module of that name."""
        found = self._by_name.get(name)
        return self._by_name[self._output_of(name)] if found is None else found

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @cached_property
    def memo(self) -> dict[object, Any]:
        """What analyses have found out about this network and want to find again, by their own keys."""
        return {}

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    def _output_of(self, module: str) -> str:
        ends = self.module_outputs.get(module, ())
        if len(ends) > 1:
            raise UsageError(f"{module} of {self.name} gives {len(ends)} outputs, {', '.join(ends)}: name one of them")
        if not ends:
            raise UsageError(self._no_layer(module))
        return ends[0]

    @cached_property
    def module_outputs(self) -> Mapping[str, tuple[str, ...]]:
        """By the paths of modules the nodes that make what each gives.

        Where nothing was recorded of a module, these are its nodes that are read from outside or are results.
        """
        leaving: dict[str, dict[str, None]] = {}
        results = self.outputs or (self.output.name,)
        for source, reader in [
            *((source, f"{node.name}.") for node in self.nodes for source in node.inputs),
            *((result, "") for result in results),
        ]:
            for end in (i for i, letter in enumerate(source) if letter == "." and i):
                if not reader.startswith(source[: end + 1]):
                    leaving.setdefault(source[:end], {})[source] = None
        order = {node.name: i for i, node in enumerate(self.nodes)}
        ends = {module: tuple(sorted(names, key=order.__getitem__)) for module, names in leaving.items()}
        return {**ends, **self.modules}

    def _no_layer(self, name: str) -> str:
        layers = [node.name for node in self.layers]
        hint = did_you_mean(name, [*layers, *self.module_outputs]) or f"its layers run from {layers[0]} to {layers[-1]}"
        return f"{self.name} has no layer {name!r}; {hint} (eyeshot show lists them)"

    @cached_property
    def input(self) -> Node:
        """The input whose pixels fields are about: the first whose axes are followed."""
        inputs = self.inputs
        return next((node for node in inputs if isinstance(node.op, Input) and node.op.axes), inputs[0])

    @cached_property
    def inputs(self) -> tuple[Node, ...]:
        """All inputs."""
        return tuple(node for node in self.nodes if isinstance(node.op, Input))

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """The input's axes whose positions are followed, such as (2, 3) for images."""
        op = self.input.op
        assert isinstance(op, Input)
        return op.axes

    @cached_property
    def extent(self) -> tuple[int, ...]:
        """The input's size along the followed axes: (height, width) for images."""
        return tuple(self.input.shape[axis] for axis in self.axes)

    @cached_property
    def layers(self) -> tuple[Node, ...]:
        """Every node but the inputs."""
        return tuple(node for node in self.nodes if not isinstance(node.op, Input))

    @property
    def output(self) -> Node:
        """The last node."""
        return self.nodes[-1]

    @cached_property
    def tells_channels_apart(self) -> bool:
        """Whether maps that see differently are put side by side along axis 1 and may be read one without the other.

        Where that never happens, what all channels see together is all there is to know.
        """
        reads = [(read.relation, self[n.inputs[read.source]].shape, n.shape) for n in self.nodes for read in n.reads]
        return any(isinstance(relation, Concat) and relation.axis == 1 for relation, _, _ in reads) and (
            1 in self.axes or any(_parts_axis_1(*read) for read in reads)
        )


def _parts_axis_1(relation: Relation, before: Shape, after: Shape) -> bool:
    """Whether a relation reads a part of axis 1, or makes another axis the first."""
    if isinstance(relation, Concat):  # of flattened maps, whose positions lie on axis 1
        return relation.axis == 1 and len(after) == 2
    if isinstance(relation, Window | Taps):
        return 1 in relation.axes
    if isinstance(relation, Reshape):
        return len(after) > 2 and before[1:2] != after[1:2]
    if isinstance(relation, Permute):
        return len(after) > 1 and relation.order[1] != 1
    if isinstance(relation, Reduce):
        return not relation.keep and min(relation.axes, default=2) < 2
    return isinstance(relation, Elementwise) and len(before) != len(after)


def node(
    *,
    name: str,
    op: Op,
    inputs: tuple[Node, ...],
    shape: Shape,
    params: int = 0,
    line: str = "",
    memory: Memory | None = None,
) -> Node:
    """Make a node and derive its relations from its op and the shapes around it."""
    return Node(
        name=name,
        op=op,
        inputs=tuple(n.name for n in inputs),
        shape=shape,
        params=params,
        reads=op.reads(tuple(n.shape for n in inputs), shape),
        line=line,
        memory=memory,
    )
