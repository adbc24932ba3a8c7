"""What is recorded while a graph is walked along: steps, weights that they use, who reads them; all bounded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from eyeshot.errors import ReadError
from eyeshot.network.graph import Constant, Memory
from eyeshot.network.relations import Shape
from eyeshot.read.masks import Masks
from eyeshot.read.onnx.messages import Attribute, Graph, Tensor
from eyeshot.read.onnx.values import Value, is_float, numbers_in
from eyeshot.read.onnx.wire import Wire
from eyeshot.read.steps import MOST_TAPS, Step, taps_of

MOST_NODES = 200_000
MOST_STEPS = 400_000
"""Of all nodes together: one that splits or unfolds records many."""
MOST_POSITIONS = 60_000_000
"""Positions along axes, of all outputs together: analyses keep some numbers of each."""
MOST_MASKED = 1 << 26
"""Numbers of masks that are looked at, of all together."""
DEEPEST = 64
"""Functions within functions."""


@dataclass
class Scope:
    """The names that nodes may read, and those around them; what stands for the attributes of a function."""

    opsets: Mapping[str, int]
    values: dict[str, Value | None] = field(default_factory=dict)
    around: Scope | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    path: str = ""
    depth: int = 0

    def __contains__(self, name: str) -> bool:
        return name in self.values or (self.around is not None and name in self.around)

    def get(self, name: str) -> Value | None:
        """The value of that name; None where it was left out, or there is none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.around
        return None


class Recording:
    """Steps so far, and how much more of them there may be."""

    def __init__(self, wire: Wire, *, with_constants: bool = False) -> None:
        self.wire = wire
        self.constants: dict[Step, tuple[Constant, ...]] | None = {} if with_constants else None
        self.steps: list[Step] = []
        self.memory: dict[Step, Memory] = {}
        self.masks = Masks(MOST_MASKED)
        self.sizes: dict[str, int] = {}
        self.fractions: set[str] = set()
        self.used: set[str] = set()
        self.readers: dict[str, int] = {}
        self.names: dict[Step, list[str]] = {}
        self.nodes_left, self.positions_left, self.taps_left = MOST_NODES, MOST_POSITIONS, MOST_TAPS

    @abstractmethod
    def run(self, graph: Graph, scope: Scope) -> None:
        """Walk along a graph; its values are in the scope afterwards."""

    def weight(self, tensor: Tensor, key: str) -> Value:
        """A constant of the file."""
        value = Value(tensor.shape, compute=lambda: numbers_in(tensor, self.wire), weights=frozenset({key}))
        self.sizes[key] = value.count
        if is_float(tensor):
            self.fractions.add(key)
        return value

    def add(self, step: Step) -> None:
        """Append a step, if its positions are not too many."""
        self.check_shape(step.shape)
        if len(self.steps) >= MOST_STEPS:
            raise ReadError(f"it makes more than {MOST_STEPS:,} steps, which no network needs")
        self.positions_left -= sum(step.shape)
        if self.positions_left < 0:
            raise ReadError(f"its outputs have more than {MOST_POSITIONS:,} positions along their axes")
        self.spend(taps_of(step))
        self.steps.append(step)

    def spend_nodes(self, count: int) -> None:
        """Count nodes that are run, and what else each turn of a loop takes."""
        self.nodes_left -= count
        if self.nodes_left < 0:
            raise ReadError(f"more than {MOST_NODES:,} nodes are run, which no network needs")

    def check_shape(self, shape: Shape) -> None:
        """Complain of sizes that no tensor has."""
        if len(shape) > 32 or any(n < 0 or n > 1 << 31 for n in shape):
            raise ReadError(f"an output of {'×'.join(map(str, shape[:8]))}")

    def spend(self, taps: int) -> None:
        """Count what is kept besides outputs: taps of windows, tables of positions."""
        self.taps_left -= taps
        if self.taps_left < 0:
            raise ReadError(f"its windows and tables have more than {MOST_TAPS:,} taps")

    def params(self, weights: frozenset[str]) -> int:
        """Weights among some constants that no step before has used."""
        fresh = weights - self.used
        self.used |= fresh
        return sum(self.sizes.get(key, 0) for key in fresh)
