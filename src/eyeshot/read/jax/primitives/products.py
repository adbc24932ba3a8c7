"""Products: fully connected layers where one side depends on no input, products of two arrays that both do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eyeshot.network.ops import Banded, Linear, MatMul
from eyeshot.network.slide import Reads
from eyeshot.read.jax.calls import Call, Known
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Numbers, Value, in_order


@rule("dot_general")
def _product(call: Call) -> Known:
    """JAX's output has the axes of both that are a batch, then the first's others, then the second's."""
    (left, right), (batch_left, batch_right) = (
        tuple(tuple(map(int, axes)) for axes in each) for each in call["dimension_numbers"]
    )
    a, b = call.inputs
    if isinstance(a, Value) and isinstance(b, Value):
        return _of_two(call, (a, left, batch_left), (b, right, batch_right))
    if isinstance(a, Value):
        assert isinstance(b, Constant)
        return _by_constant(call, a, left, batch_left, (b, right, batch_right), is_first=True)
    assert isinstance(b, Value)
    return _by_constant(call, b, right, batch_right, (a, left, batch_left), is_first=False)


_RESIZING = frozenset({"_resize", "_scale_and_translate", "scale_and_translate"})
"""Functions of JAX that resize by a product with a matrix."""
_ROUNDING = 1e-6
"""Weights of a resizing that are 0 come out as small as this beside the largest, by rounding."""
Side = tuple[Value, tuple[int, ...], tuple[int, ...]]


def _of_two(call: Call, first: Side, second: Side) -> Value:
    """Both as matrices, one for each of the batch: rows by what is summed, and what is summed by columns."""

    def matrix(side: Side, *, is_first: bool) -> tuple[Value, list[int]]:
        x, summed, batch = side
        free = [axis for axis in range(x.rank) if axis not in (*summed, *batch)]
        groups = (free, summed) if is_first else (summed, free)
        x = call.permuted(x, [*batch, *(axis for group in groups for axis in group)])
        sizes = [math.prod(side[0].shape[axis] for axis in group) for group in groups]
        return call.reshaped(x, (*(side[0].shape[axis] for axis in batch), *sizes)), free

    (a, rows), (b, columns) = matrix(first, is_first=True), matrix(second, is_first=False)
    a, b = call.logical(a), call.logical(b)
    shape = (*a.shape[:-1], b.shape[-1])
    whole = in_order(call.draft(MatMul(), [a.made, b.made], shape))
    assert len(call.out) == len(first[2]) + len(rows) + len(columns)
    return call.reshaped(whole, call.out)


def _by_constant(
    call: Call,
    x: Value,
    summed: tuple[int, ...],
    batch: tuple[int, ...],
    other: tuple[Constant, tuple[int, ...], tuple[int, ...]],
    *,
    is_first: bool,
) -> Value:
    """A fully connected layer over an axis, wherever it lies; over several, over all of them as one."""
    weight, weight_summed, weight_batch = other
    outputs = [n for axis, n in enumerate(weight.shape) if axis not in (*weight_summed, *weight_batch)]
    free = [axis for axis in range(x.rank) if axis not in (*summed, *batch)]
    x = call.whole(x)
    if len(summed) != 1 or len(outputs) > 1:
        x = call.permuted(x, [*batch, *free, *summed])
        sizes = [x.shape[i] for i in range(len(batch) + len(free))]
        x = call.reshaped(x, (*sizes, math.prod(x.shape[len(sizes) :])))
        batch, free = tuple(range(len(batch))), list(range(len(batch), len(sizes)))
        summed = (len(sizes),)
        x = call.logical(x)
    axis, size = summed[0], math.prod(outputs)
    is_resizing = not _RESIZING.isdisjoint(call.reader.functions)
    taps = None if weight_batch else _taps(weight, weight_summed, is_resizing=is_resizing)
    if taps is None:
        place = x.order[axis] - x.rank
        out = call.along(Linear(bias=False, axis=place), x, axis, size, [weight])
    else:
        op = Banded(name="resize" if is_resizing else "taps", axes=(x.order[axis],), taps=(taps,))
        out = call.along(op, x, axis, size)
    last = [*batch, *free, axis] if is_first else [*batch, axis, *free]
    return call.reshaped(call.permuted(out, last), call.out)


def _taps(weight: Constant, summed: Sequence[int], *, is_resizing: bool) -> Reads | None:
    """For each output the positions with a weight other than 0; None where weights are learned, or all are there."""
    numbers: Numbers | None = None if weight.weights or len(summed) != 1 else weight.numbers
    if numbers is None or not numbers.size or numbers.dtype.kind not in "fiub":
        return None
    lines = np.abs(np.moveaxis(numbers, summed[0], -1).reshape(-1, numbers.shape[summed[0]]).astype("f8"))
    table = lines > _ROUNDING * lines.max()
    if bool(table.all()) and not is_resizing:
        return None
    return tuple(tuple(int(j) for j in np.flatnonzero(line)) for line in table)
