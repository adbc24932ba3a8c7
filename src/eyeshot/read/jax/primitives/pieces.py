"""Pieces of arrays, of which some depend on the input and others are constants: cut out, and put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from eyeshot.network.ops import Concatenate
from eyeshot.read.jax.calls import Call, Known
from eyeshot.read.jax.values import Constant, Numbers, Value


def cut(call: Call, x: Known, axis: int, start: int, size: int) -> Known:
    """Positions along an axis."""
    if isinstance(x, Value):
        return call.cut(x, axis, start, size) if size else Constant((*x.shape[:axis], 0, *x.shape[axis + 1 :]))
    shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])

    def compute() -> Numbers | None:
        return None if x.numbers is None else x.numbers.take(range(start, start + size), axis)

    return Constant(shape, compute, x.weights, x.alike)


def joined(call: Call, parts: Sequence[Known], axis: int) -> Known:
    """Parts side by side."""
    parts = [part for part in parts if part.shape[axis]]
    if any(isinstance(part, Value) for part in parts):
        return _side_by_side(call, parts, axis)
    shape = (*parts[0].shape[:axis], sum(part.shape[axis] for part in parts), *parts[0].shape[axis + 1 :])
    constants = [part for part in parts if isinstance(part, Constant)]

    def compute() -> Numbers | None:
        numbers = [part.numbers for part in constants]
        known = [each for each in numbers if each is not None]
        return np.concatenate(known, axis) if len(known) == len(numbers) else None

    return Constant(shape, compute, frozenset[str]().union(*(part.weights for part in constants)))


def unsqueezed(call: Call, x: Known, axis: int) -> Known:
    """A new axis of size 1."""
    shape = (*x.shape[:axis], 1, *x.shape[axis:])
    if isinstance(x, Value):
        return call.reshaped(x, shape, "unsqueeze")

    def compute() -> Numbers | None:
        return None if x.numbers is None else x.numbers.reshape(shape)

    return Constant(shape, compute, x.weights, frozenset(a + (a >= axis) for a in x.alike))


def _side_by_side(call: Call, parts: Sequence[Known], axis: int) -> Value:
    """Parts of which some depend on the input."""
    order = next(part.order for part in parts if isinstance(part, Value))
    if len(parts) == 1:
        return next(part for part in parts if isinstance(part, Value))
    data = [call.ordered(call.whole(part), order) for part in parts if isinstance(part, Value)]
    constants = [part for part in parts if isinstance(part, Constant)]
    ends = list(accumulate(part.shape[axis] for part in parts))
    starts = [end - part.shape[axis] for end, part in zip(ends, parts, strict=True)]
    offsets = tuple(start for start, part in zip(starts, parts, strict=True) if isinstance(part, Value))
    varies = sorted({order[a] for part in constants for a in part.varies if a != axis})
    op = Concatenate(axis=order[axis], offsets=offsets if constants else None, varies=tuple(varies))
    shape = (*parts[0].shape[:axis], ends[-1], *parts[0].shape[axis + 1 :])
    sizes = [0] * len(shape)
    for a, n in enumerate(shape):
        sizes[order[a]] = n
    return Value(call.draft(op, [part.made for part in data], sizes, constants), shape, order)
