"""One call of a layer: its settings as they should be, its tensors in the order that an op needs, steps recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from eyeshot.errors import ReadError
from eyeshot.network.ops import Index, Op, Rearrange, Slice
from eyeshot.network.relations import Shape, Sizes
from eyeshot.read.keras.graph import Layer, Node, Table, Tensor
from eyeshot.read.keras.values import Value, as_is, channels_first
from eyeshot.read.masks import Masks
from eyeshot.read.steps import CallSite, Step

LARGEST = 1 << 20
"""A setting at most: units, filters, kernels, padding."""


class UnreadError(Exception):
    """A layer that has no rule, or none for its settings; what it says becomes the reason of a bound."""


class Recording(Protocol):
    """What a call needs of the walk that it is part of."""

    masks: Masks

    def add(self, step: Step) -> None:
        """Append a step."""

    def spend(self, taps: int) -> None:
        """Count what is kept besides outputs."""

    def params(self, key: object, count: int) -> int:
        """Weights at their first use, and none later."""

    def outputs_of(self, call: Call, where: str, shapes: Mapping[Tensor, Sequence[Any]]) -> Sequence[Value | None]:
        """What a layer's rule makes of a call."""

    def outputs_within(self, call: Call, where: str) -> Sequence[Value | None]:
        """What a layer or a model makes that another layer has among its settings."""


class Call:
    """A layer's call, and what its rule does with it."""

    def __init__(
        self,
        reader: Recording,
        node: Node,
        inputs: Sequence[Value],
        site: CallSite,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.reader, self.node, self.inputs, self.site = reader, node, list(inputs), site
        self.args, self.kwargs = args, kwargs
        self.layer: Layer = node.layer

    @property
    def x(self) -> Value:
        """The first input."""
        if not self.inputs:
            raise ReadError("it reads nothing")
        return self.inputs[0]

    # --- settings -----------------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """A setting; the default where it is absent or null."""
        value = self.layer.config.get(key)
        return default if value is None else value

    def whole(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        """A setting that is a whole number."""
        return _whole(self.get(key, default), key, least)

    def sizes(self, key: str, axes: int, default: int | None = None, *, least: int = 1) -> Sizes:
        """A setting of one whole number per axis, or one for all."""
        value = self.get(key, default)
        numbers = value if isinstance(value, list | tuple) else [value] * axes
        if len(numbers) != axes:
            raise ReadError(f"its {key} are {value}, for {axes} axes")
        return tuple(_whole(n, key, least) for n in numbers)

    @property
    def has_channels_first(self) -> bool:
        """Whether the layer's data_format says so."""
        return bool(self.get("data_format") == "channels_first")

    # --- numbers ------------------------------------------------------------------------------------------------------

    @property
    def tables(self) -> list[Table]:
        """Arrays and weights among the arguments, where a call in memory has any."""
        return [value for value in _flat([self.args, self.kwargs]) if isinstance(value, Table)]

    def weights(self) -> int:
        """The weights among the arguments, each counted at its first use."""
        return sum(
            self.reader.params(table.weight, math.prod(table.shape))
            for table in self.tables
            if table.weight is not None
        )

    # --- tensors ------------------------------------------------------------------------------------------------------

    def logical(self, value: Value) -> Value:
        """The tensor with its axes in Keras' order."""
        return self.ordered(value, tuple(range(value.rank)))

    def map(self, value: Value) -> Value:
        """The tensor with channels on axis 1, as windows need it."""
        order = tuple(range(value.rank)) if self.has_channels_first else channels_first(value.rank)
        return self.ordered(value, order)

    def ordered(self, value: Value, order: tuple[int, ...]) -> Value:
        """The tensor with its axes where ``order`` says; a permutation where they lie elsewhere."""
        if value.order == order:
            return value
        keras_axis = {place: axis for axis, place in enumerate(order)}
        moves = tuple(value.order[keras_axis[place]] for place in range(value.rank))
        step = self.step(Rearrange(name="permute", order=moves), [value.step], [value.step.shape[a] for a in moves])
        return Value(step, value.shape, order)

    def like(self, value: Value, step: Step) -> Value:
        """A step whose axes lie as those of a tensor do."""
        return Value(step, tuple(step.shape[place] for place in value.order), value.order)

    def cut(self, value: Value, axis: int, start: int, size: int, step: int = 1) -> Value:
        """Positions along one of Keras' axes."""
        if size == value.shape[axis] and step == 1:
            return value
        place = value.order[axis]
        shape = [size if a == place else n for a, n in enumerate(value.step.shape)]
        return self.like(value, self.step(Slice(axis=place, start=start, step=step), [value.step], shape))

    # --- steps --------------------------------------------------------------------------------------------------------

    def step(self, op: Op, inputs: Sequence[Step], shape: Sequence[int], params: int = 0) -> Step:
        """A step of this call; with weights it takes the layer's name."""
        step = Step(op, tuple(inputs), tuple(int(n) for n in shape), params, self.site, "", params > 0)
        self.reader.add(step)
        return step

    def reads_one(self, op: Op, step: Step, shape: Shape) -> Step:
        """A step that reads one other."""
        if isinstance(op, Index):
            self.reader.spend(len(op.positions))
        return self.step(op, [step], shape)

    def same(self, op: Op, value: Value, params: int = 0) -> Value:
        """An op whose output has its input's shape."""
        return self.like(value, self.step(op, [value.step], value.step.shape, params))

    def reshaped(self, value: Value, shape: Sequence[int], name: str = "reshape") -> Value:
        """The same elements, in Keras' order, under another shape."""
        value = self.logical(value)
        if math.prod(shape) != math.prod(value.shape):
            raise ReadError(f"{_shown(value.shape)} does not fit into {_shown(tuple(shape))}")
        return value if value.shape == tuple(shape) else as_is(self.step(Rearrange(name=name), [value.step], shape))

    def permuted(self, value: Value, order: Sequence[int]) -> Value:
        """Keras' axes in another order: axis j of the output is axis order[j]; nothing is moved yet."""
        if sorted(order) != list(range(value.rank)):
            raise ReadError(f"{tuple(order)} is no order of {value.rank} axes")
        shape = tuple(value.shape[axis] for axis in order)
        return Value(value.step, shape, tuple(value.order[axis] for axis in order))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _whole(value: Any, key: str, least: int) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
        raise ReadError(f"its {key} is {str(value)[:40]!r}, no whole number")
    if not least <= value <= LARGEST:
        raise ReadError(f"its {key} is {value}; {least} to {LARGEST:,} are read")
    return int(value)


def _shown(shape: Shape) -> str:
    return "×".join(map(str, shape))
