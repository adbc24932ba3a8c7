"""Positions given by numbers: gathering, scattering, sampling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import GridSample, Index, Mixing, Pad, Pick, Pointwise, Scatter, Slice, Unknown
from eyeshot.read.grids import taps_of_grid
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.folding import FOLDS
from eyeshot.read.onnx.operators.layout import joined
from eyeshot.read.onnx.operators.table import rule
from eyeshot.read.onnx.values import LostError, Numbers, Value

MOST_POSITIONS = 1 << 16


@rule("Gather")
def _gather(call: Call) -> Value:
    x, table = call.x, call[1]
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    shape = (*x.shape[:axis], *table.shape, *x.shape[axis + 1 :])
    if x.step is None and table.step is not None:
        return _rows_of_weights(call, x, table, axis, shape)
    if x.step is None:
        return Value(shape, weights=x.weights)
    lead, behind, size = x.shape[:axis], x.shape[axis + 1 :], x.shape[axis]
    numbers = None if table.step is not None else table.numbers
    if numbers is None or not 0 < table.count <= MOST_POSITIONS:
        op = Pick(name="gather", axes=(axis,), by_data=table.step is not None)
        inputs = [x, table] if table.step is not None else [x]
        return call.reshaped(call.record(op, inputs, (*lead, table.count, *behind)), shape)
    places = [_inside(int(n), size) for n in numbers.reshape(-1).tolist()]
    if not table.shape:
        part = x if size == 1 else call.record(Slice(axis=axis, start=places[0]), [x], (*lead, 1, *behind))
        return call.reshaped(part, shape, "select")
    call.reader.spend(len(places))
    picked = call.record(Index(axis=axis, positions=tuple(places)), [x], (*lead, len(places), *behind))
    return call.reshaped(picked, shape)


def _inside(place: int, size: int) -> int:
    if not -size <= place < size:
        raise ReadError(f"position {place} of {size}")
    return place + size if place < 0 else place


def _rows_of_weights(call: Call, weight: Value, table: Value, axis: int, shape: Sequence[int]) -> Value:
    """An embedding: a row of weights for each number."""
    if axis:
        return call.record(Unknown(name="gather", reason="it reads a table at positions of the data"), [table], shape)
    column = call.reshaped(table, (*table.shape, *(1 for _ in weight.shape[1:])), "unsqueeze")
    return call.record(Pointwise(name="embedding"), [column], shape, [weight])


@rule("GatherElements", "GatherND")
def _gather_elements(call: Call) -> Value:
    x, table = call.x, call[1]
    if call.op == "GatherElements":
        axis = call.axis(call.integer("axis", 0), len(x.shape))
        shape: tuple[int, ...] = table.shape
        axes: tuple[int, ...] = (axis,)
    else:
        lead = call.integer("batch_dims", 0)
        depth = table.shape[-1]
        if lead + depth > len(x.shape):
            raise ReadError(f"it tells {lead + depth:,} positions of {len(x.shape)} axes")
        shape = (*table.shape[:-1], *x.shape[lead + depth :])
        axes = tuple(range(lead, lead + depth))
    if x.step is None and table.step is None:
        return Value(shape, weights=x.weights)
    if table.step is None and table.numbers is not None and math.prod(shape) <= MOST_POSITIONS and x.step is not None:
        return moved(call, [x], shape)
    if x.step is not None and len(shape) == len(x.shape) and call.op == "GatherElements":
        x = _cut_to(call, x, [n if a == axis else shape[a] for a, n in enumerate(x.shape)])
        inputs = [x, table] if table.step is not None else [x]
        return call.record(Pick(name="gather", axes=axes, by_data=table.step is not None), inputs, shape)
    return call.record(Unknown(name=call.op, reason="it picks positions that depend on the data"), [x, table], shape)


def _cut_to(call: Call, x: Value, sizes: Sequence[int]) -> Value:
    """The first so many positions along each axis."""
    if any(m > n for m, n in zip(sizes, x.shape, strict=True)):
        raise ReadError("its indices have more positions than its input")
    for axis, n in enumerate(sizes):
        if n != x.shape[axis]:
            shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])
            x = call.record(Slice(axis=axis, start=0), [x], shape)
    return x


@rule("ScatterElements", "ScatterND", "Scatter", "TensorScatter")
def _scatter(call: Call) -> Value:
    """Places that the file knows are followed one by one; others are a bound."""
    x = call.x
    at, updates = (1, 2) if call.op != "TensorScatter" else (2, 1)
    table, values = call.get(at), call[updates]
    is_plain = call.op != "TensorScatter" and call.text("reduction", "none") == "none"
    if x.step is None and values.step is None and (table is None or table.step is None):
        return Value(x.shape, weights=x.weights | values.weights)
    numbers = table.numbers if table is not None and table.step is None else None
    if is_plain and numbers is not None and x.count + values.count <= MOST_POSITIONS:
        return moved(call, [x, values], x.shape)
    return call.record(Scatter(name="scatter", has_base=x.step is not None), [x, values, table], x.shape)


def moved(call: Call, data: Value | Sequence[Value], shape: Sequence[int]) -> Value:
    """Elements of some inputs elsewhere: the operator moves their numbers; 0 stands for what is no input's."""
    sources = [data] if isinstance(data, Value) else list(data)
    arrays: list[Numbers | None] = []
    start = 1
    for value in call.inputs:
        if value is None:
            arrays.append(None)
        elif value.step is None and not any(value is source for source in sources):
            arrays.append(call.numbers(call.inputs.index(value)))
        elif value.step is None:
            arrays.append(np.zeros(value.shape, "i8"))
        else:
            arrays.append(np.arange(start, start + value.count).reshape(value.shape))
            start += value.count
    if start - 1 > MOST_POSITIONS or math.prod(shape) > MOST_POSITIONS:
        return call.record(Unknown(name=call.op, reason="it moves too many elements one by one"), sources, shape)
    table = np.asarray(FOLDS[call.op](call, arrays)).reshape(-1)
    if table.size != math.prod(shape):
        raise ReadError(f"it gives {table.size:,} elements, and not {'×'.join(map(str, shape))}")
    rows = [call.reshaped(value, (value.count,), "flatten") for value in sources if value.step is not None]
    return at_elements(call, joined(call, rows, 0), table - 1, shape)


def at_elements(call: Call, row: Value, table: Numbers, shape: Sequence[int]) -> Value:
    """Elements of a row, −1 for constants: padding behind the row holds those."""
    places = [int(n) for n in table.tolist()]
    if not places:
        return Value(tuple(shape))
    size = row.count
    if min(places) < 0:
        row = call.record(Pad(axes=(0,), padding=((0, 1),)), [row], (size + 1,))
        places = [size if place < 0 else place for place in places]
    call.reader.spend(len(places))
    picked = call.record(Index(axis=0, positions=tuple(places), name=call.op.lower()), [row], (len(places),))
    return call.reshaped(picked, shape)


@rule("Trilu")
def _trilu(call: Call) -> Value:
    x = call.x
    if len(x.shape) < 2:
        raise ReadError("a triangle of what is no matrix")
    if x.step is None:
        return Value(x.shape, weights=x.weights)
    if x.count > MOST_POSITIONS or (call.get(1) is not None and call[1].step is not None):
        return call.record(Pointwise(name="trilu"), [x], x.shape)
    return moved(call, x, x.shape)


@rule("Compress")
def _compress(call: Call) -> Value:
    x = call.x
    if call[1].step is not None:
        raise LostError("how many positions it keeps depends on the data")
    mask = call.numbers(1).reshape(-1).astype(bool)
    told = call.attribute("axis")
    row = x if told is not None else call.reshaped(x, (x.count,), "flatten")
    axis = 0 if told is None else call.axis(call.integer("axis"), len(x.shape))
    places = tuple(int(n) for n in np.nonzero(mask[: row.shape[axis]])[0])
    call.reader.spend(len(places))
    shape = (*row.shape[:axis], len(places), *row.shape[axis + 1 :])
    if not places:
        return Value(shape)
    return call.record(Index(axis=axis, positions=places), [row], shape)


@rule("OneHot")
def _one_hot(call: Call) -> Value:
    x, depth = call.x, int(call.numbers(1).reshape(-1)[0])
    axis = call.axis(call.integer("axis", -1), len(x.shape) + 1)
    column = call.reshaped(x, (*x.shape[:axis], 1, *x.shape[axis:]), "unsqueeze")
    return call.record(Pointwise(name="one_hot"), [column], (*x.shape[:axis], depth, *x.shape[axis:]))


@rule("GridSample")
def _grid_sample(call: Call) -> Value:
    x, grid = call.x, call[1]
    axes = len(x.shape) - 2
    if len(grid.shape) != axes + 2 or grid.shape[-1] != axes:
        raise ReadError(f"a grid of {grid.shape} for {axes} axes of positions")
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(told := call.text("mode", "bilinear"), told)
    padding = ("zeros", "border", "reflection").index(call.text("padding_mode", "zeros"))
    shape = (*x.shape[:2], *grid.shape[1:-1])
    numbers = grid.numbers if grid.step is None else None
    if grid.step is None and x.step is not None:
        if numbers is None:
            return call.record(GridSample(mode=mode), [x], shape)
        is_aligned = bool(call.integer("align_corners", 0))
        sides = [taps_of_grid(numbers, a, x.shape, mode, padding, is_aligned=is_aligned) for a in range(axes)]
        call.reader.spend(sum(len(taps) for reads, _ in sides for taps in reads))
        is_exact = all(is_apart for _, is_apart in sides)
        return call.record(GridSample(mode=mode, taps=tuple(r for r, _ in sides), is_exact=is_exact), [x], shape)
    # coordinates stand on the grid's last axis: first on the channels', then all of them for every channel
    where = call.record(Mixing(name="grid", axes=(axes + 1,)), [grid], (*grid.shape[:-1], 1))
    where = call.reshaped(where, (grid.shape[0], 1, *grid.shape[1:-1]))
    if x.step is not None:
        return call.record(GridSample(mode=mode), [x, where], shape)
    return call.record(Pointwise(name="grid_sample"), [where], shape)


@rule("AffineGrid")
def _affine_grid(call: Call) -> Value:
    """Coordinates of each position, each a product of its place with the matrix."""
    theta, size = call.x, call.whole(1)
    sizes = size[2:]
    shape = (size[0], *sizes, len(sizes))
    if theta.step is None:
        is_aligned = bool(call.integer("align_corners", 0))
        return Value(shape, compute=lambda: _affine(call.numbers(0), sizes, is_aligned), weights=theta.weights)
    of_each = call.record(Mixing(name="affine", axes=(1, 2)), [theta], (size[0], 1, 1))
    wide = call.reshaped(of_each, (size[0], *(1 for _ in shape[1:])))
    return call.record(Pointwise(name="affine_grid"), [wide], shape)


def _affine(theta: Numbers, sizes: Sequence[int], is_aligned: bool) -> Numbers:
    lines = [np.linspace(-1, 1, n) if is_aligned and n > 1 else (2 * np.arange(n) + 1) / n - 1 for n in sizes]
    places = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(sizes)], -1)
    grid: Numbers = np.einsum("...k,bjk->b...j", places, theta)
    return grid


@rule("ReverseSequence")
def _reverse_sequence(call: Call) -> Value:
    return moved(call, call.x, call.x.shape)
