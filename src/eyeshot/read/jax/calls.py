"""One equation of a program as its rule sees it: operands, parameters, and how to record what it makes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from eyeshot.network.ops import Op, Pointwise, Rearrange, Slice
from eyeshot.network.relations import Shape
from eyeshot.read.jax.values import Constant, Draft, Value, in_order
from eyeshot.read.masks import Masks
from eyeshot.read.steps import CallSite

Known = Value | Constant


class UnreadError(Exception):
    """An equation that has no rule, or none for its parameters; what it says becomes the reason of a bound."""


class Recording(Protocol):
    """What a call needs of the walk that it is part of."""

    functions: list[str]
    masks: Masks

    def add(self, draft: Draft) -> None:
        """Append a draft."""

    def run(self, program: Any, inputs: Sequence[Known], call: Call | None) -> list[Known]:
        """Walk along a program within."""

    def parts_of(self, weights: frozenset[str], turn: int, count: int) -> frozenset[str]:
        """One turn's part of weights that are scanned over."""


class Call:
    """An equation to be read."""

    def __init__(
        self, reader: Recording, eqn: Any, inputs: Sequence[Known], site: CallSite, stack: str = "", line: str = ""
    ) -> None:
        self.reader, self.eqn, self.inputs, self.site = reader, eqn, list(inputs), site
        self.stack, self.line = stack, line

    @property
    def name(self) -> str:
        """The primitive's name."""
        return str(self.eqn.primitive.name)

    def __getitem__(self, parameter: str) -> Any:
        return self.eqn.params[parameter]

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of what it makes."""
        return [shape_of(var.aval) for var in self.eqn.outvars]

    @property
    def out(self) -> Shape:
        """The shape of the first that it makes."""
        return self.shapes[0]

    @property
    def data(self) -> list[Value]:
        """The operands that depend on the input."""
        return [each for each in self.inputs if isinstance(each, Value)]

    @property
    def x(self) -> Value:
        """The first operand, which is to depend on the input."""
        x = self.inputs[0]
        if not isinstance(x, Value):
            raise UnreadError("only others of its operands depend on the input")
        return x

    # --- what made a value, with its axes where an op needs them ------------------------------------------------------

    def whole(self, value: Value) -> Value:
        """The value with what waited to be repeated repeated."""
        if value.is_whole:
            return value
        shape = [0] * value.rank
        for place, n in zip(value.order, value.shape, strict=True):
            shape[place] = n
        return Value(self.draft(Pointwise(name="expand"), [value.made], shape), value.shape, value.order)

    def ordered(self, value: Value, order: Sequence[int]) -> Value:
        """The value with JAX's axes where ``order`` says; what is to be repeated still is."""
        order = tuple(order)
        if value.order == order:
            return value
        axis_at = {place: axis for axis, place in enumerate(order)}
        moves = [value.order[axis_at[place]] for place in range(value.rank)]
        return Value(self._moved(value.made, moves), value.shape, order)

    def _moved(self, made: Draft, moves: Sequence[int]) -> Draft:
        """Axes in another order: a reshape where only axes of size 1 change places."""
        shape = tuple(made.shape[place] for place in moves)
        wide = [place for place in moves if made.shape[place] > 1]
        if wide == sorted(wide):
            return self.reshape(made, shape)
        if isinstance(made.op, Rearrange) and made.op.order is not None:  # one permutation after another
            moves, made = [made.op.order[place] for place in moves], made.inputs[0]
            if list(moves) == sorted(moves):
                return made
        return self.draft(Rearrange(name="permute", order=tuple(moves)), [made], shape)

    def reshape(self, made: Draft, shape: Iterable[int], name: str = "reshape") -> Draft:
        """The same elements under another shape; one reshape after another is one."""
        shape = tuple(map(int, shape))
        if isinstance(made.op, Rearrange) and made.op.order is None:
            name, made = made.op.name, made.inputs[0]
        return made if made.shape == shape else self.draft(Rearrange(name=name), [made], shape)

    def logical(self, value: Value) -> Value:
        """The value whole, with its axes in JAX's order."""
        value = self.whole(value)
        return self.ordered(value, range(value.rank))

    def placed(self, value: Value, axes: Sequence[int]) -> Value:
        """The value whole, with some axes behind two others at least, as windows need them."""
        value = self.whole(value)
        if all(value.order[axis] >= 2 for axis in axes):
            return value
        others = sorted(set(range(value.rank)) - set(axes), key=value.order.__getitem__)
        for _ in range(2 - len(others)):  # a row or a map without batch and channels gets such axes
            value = Value(
                self.reshape(value.made, (1, *value.made.shape)),
                (1, *value.shape),
                (0, *(place + 1 for place in value.order)),
            )
            axes, others = [axis + 1 for axis in axes], [0, *(axis + 1 for axis in others)]
        order = [0] * value.rank
        for place, axis in enumerate((*others, *sorted(axes, key=value.order.__getitem__))):
            order[axis] = place
        return self.ordered(value, order)

    # --- recording ----------------------------------------------------------------------------------------------------

    def draft(
        self,
        op: Op,
        inputs: Sequence[Draft],
        shape: Iterable[int],
        weights: Iterable[Known | None] = (),
        operands: tuple[Draft | Constant, ...] = (),
    ) -> Draft:
        """A step of this call, and the weights that it uses."""
        used = frozenset[str]().union(*(each.weights for each in weights if isinstance(each, Constant)))
        made = Draft(op, list(inputs), tuple(map(int, shape)), self.site, used, operands, self.line)
        self.reader.add(made)
        return made

    def reads_one(self, op: Op, made: Draft, shape: Shape) -> Draft:
        """A step that reads one other."""
        return self.draft(op, [made], shape)

    def same(self, op: Op, value: Value, weights: Iterable[Known | None] = ()) -> Value:
        """An op whose output has its input's shape."""
        return Value(self.draft(op, [value.made], value.made.shape, weights), value.shape, value.order)

    def along(self, op: Op, value: Value, axis: int, size: int, weights: Iterable[Known | None] = ()) -> Value:
        """An op that changes the size of one axis only."""
        place = value.order[axis]
        shape = [size if a == place else n for a, n in enumerate(value.made.shape)]
        made = self.draft(op, [value.made], shape, weights)
        return Value(made, (*value.shape[:axis], size, *value.shape[axis + 1 :]), value.order)

    def cut(self, value: Value, axis: int, start: int, size: int, step: int = 1) -> Value:
        """Positions along an axis."""
        if size == value.shape[axis] and step == 1:
            return value
        if value.made.shape[value.order[axis]] == 1:  # still to be repeated
            return Value(value.made, (*value.shape[:axis], size, *value.shape[axis + 1 :]), value.order)
        return self.along(Slice(axis=value.order[axis], start=start, step=step), value, axis, size)

    def reshaped(self, value: Value, shape: Sequence[int], name: str = "reshape") -> Value:
        """The same elements, in JAX's order, under another shape."""
        shape = tuple(map(int, shape))
        if shape == value.shape:
            return value
        if [n for n in shape if n != 1] == [n for n in value.shape if n != 1]:
            return self._unsqueezed(value, shape)
        value = self.logical(value)
        return in_order(self.reshape(value.made, shape, name))

    def _unsqueezed(self, value: Value, shape: Shape) -> Value:
        """Axes of size 1 put in or taken out; the others stay where they lie."""
        wide = [axis for axis, n in enumerate(value.shape) if n != 1]
        kept = dict(zip((axis for axis, n in enumerate(shape) if n != 1), wide, strict=True))
        # an axis of size 1 goes before the one behind it, wherever that lies
        keys: list[tuple[int, int]] = []
        for axis in range(len(shape)):
            if axis in kept:
                keys.append((value.order[kept[axis]], 1))
            else:
                behind = next((value.order[kept[a]] for a in range(axis, len(shape)) if a in kept), value.rank)
                is_first = not any(a in kept for a in range(axis))
                keys.append((-1 if is_first else behind, 0))
        order = [0] * len(shape)
        sizes = []
        for place, axis in enumerate(sorted(range(len(shape)), key=lambda a: (*keys[a], a))):
            order[axis] = place
            sizes.append(value.made.shape[value.order[kept[axis]]] if axis in kept else 1)
        name = "unsqueeze" if len(shape) > value.rank else "squeeze"
        return Value(self.reshape(value.made, sizes, name), shape, tuple(order))

    def permuted(self, value: Value, order: Sequence[int]) -> Value:
        """Axes in another order: axis j of the output is axis ``order[j]``; nothing is moved yet."""
        return Value(value.made, tuple(value.shape[axis] for axis in order), tuple(value.order[axis] for axis in order))

    def row(self, value: Value) -> Value:
        """All elements one behind the other."""
        return self.reshaped(value, (math.prod(value.shape),), "flatten")


def shape_of(aval: Any) -> Shape:
    """The shape of a variable; none for what is no array."""
    return tuple(int(n) for n in getattr(aval, "shape", ()))
