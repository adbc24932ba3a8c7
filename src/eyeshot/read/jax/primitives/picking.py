"""Positions given by numbers: gathering, scattering, slices whose start is computed.

Where numbers say which positions, JAX itself is asked: the primitive moves the numbers of positions as it would move
what stands there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import jax
import numpy as np

from eyeshot.network.ops import Arithmetic, Banded, Index, Pad, Pick, Pointwise, Scatter
from eyeshot.read.jax.calls import Call, Known, UnreadError
from eyeshot.read.jax.folding import computed
from eyeshot.read.jax.primitives.mixing import aggregate
from eyeshot.read.jax.primitives.pieces import cut, joined
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Numbers, Value, in_order

MOST_POSITIONS = 1 << 16


def at_elements(call: Call, row: Value, table: Numbers, name: str, axis: int = 0) -> Value:
    """Positions along an axis by a table, −1 for what is no position: padding behind the row holds that."""
    row = call.whole(row)
    places, size, place = [int(n) for n in table.tolist()], row.shape[axis], row.order[axis]
    if min(places) < 0:
        row = call.along(Pad(axes=(place,), padding=((0, 1),)), row, axis, size + 1)
        places = [size if n < 0 else n for n in places]
    return call.along(Index(axis=place, positions=tuple(places), name=name), row, axis, len(places))


# --- gathering --------------------------------------------------------------------------------------------------------


@rule("gather")
def _gather(call: Call) -> Known:
    x, table = call.inputs
    if not isinstance(x, Value):
        return _rows_of_weights(call)
    numbers = table.numbers if isinstance(table, Constant) else None
    if numbers is None:
        return _picked(call, x, table)
    axis = _only_axis(call, x)
    if axis is not None:
        return _along_axis(call, x, axis, numbers)
    if x.count > MOST_POSITIONS or math.prod(call.out) > MOST_POSITIONS:
        return _picked(call, x, table)
    moved = computed(call.eqn, [np.arange(1, x.count + 1, dtype="i4").reshape(x.shape), numbers], fill_value=0)
    row = at_elements(call, call.row(x), moved.reshape(-1) - 1, "gather")
    return call.reshaped(row, call.out)


def _only_axis(call: Call, x: Value) -> int | None:
    """The axis along which single positions are gathered, all others whole; None where it is more than that."""
    numbers, sizes = call["dimension_numbers"], call["slice_sizes"]
    axes = tuple(numbers.start_index_map)
    if len(axes) != 1 or tuple(numbers.collapsed_slice_dims) != axes or numbers.operand_batching_dims:
        return None
    others = [axis for axis in range(x.rank) if axis != axes[0]]
    return int(axes[0]) if all(int(sizes[axis]) == x.shape[axis] for axis in others) else None


def _along_axis(call: Call, x: Value, axis: int, numbers: Numbers) -> Value:
    """Positions of one axis, in the shape of their table; outside there are none, or the nearest."""
    n, mode = x.shape[axis], str(call["mode"]).upper()
    places = numbers.reshape(-1).astype("i8")
    is_outside = (places < 0) | (places >= n)
    places = places.clip(0, n - 1)
    if "FILL" in mode:
        places = np.where(is_outside, -1, places)
    behind = [a for a in range(x.rank) if a != axis]
    picked = at_elements(call, x, places, "index", axis)
    # the table's axes stand where the output's other axes leave room
    offsets = [int(a) for a in call["dimension_numbers"].offset_dims]
    batch = [a for a in range(len(call.out)) if a not in offsets]
    first = call.permuted(picked, [axis, *behind])
    apart = call.reshaped(first, (*(call.out[a] for a in batch), *(x.shape[a] for a in behind)))
    order = [*batch, *offsets]
    return call.permuted(apart, [order.index(a) for a in range(len(order))])


def _picked(call: Call, x: Value, table: Known) -> Value:
    """Positions that depend on the data or are not known: any along the axes that are indexed, as a bound."""
    numbers = call["dimension_numbers"]
    axes = sorted(set(map(int, numbers.start_index_map)))
    if not isinstance(table, Value) and table.weights:
        table = Constant(table.shape)  # a table of weights picks as any other
    offsets = [int(a) for a in numbers.offset_dims]
    kept = [a for a in range(x.rank) if a not in numbers.collapsed_slice_dims]
    if numbers.operand_batching_dims or any(
        call["slice_sizes"][a] != x.shape[a] for a in range(x.rank) if a not in axes
    ):
        raise UnreadError("it picks positions that depend on the data")
    x = call.logical(x)
    # to one position along the axes that are indexed, then to as many as are picked
    shape = [1 if a in axes else n for a, n in enumerate(x.shape)]
    inputs = [x.made]
    if isinstance(table, Value):
        inputs.append(call.logical(table).made)
    op = Pick(name="gather", axes=tuple(axes), by_data=isinstance(table, Value))
    seen = in_order(call.draft(op, inputs, shape))
    lead = dict(zip(offsets, kept, strict=True))
    spread = call.reshaped(seen, [shape[lead[a]] if a in lead else 1 for a in range(len(call.out))])
    return Value(spread.made, call.out, spread.order)


def _rows_of_weights(call: Call) -> Value:
    """An embedding: of a table of weights what a number of the input's says."""
    weight, table = call.inputs
    assert isinstance(table, Value)
    numbers = call["dimension_numbers"]
    batch = [a for a in range(len(call.out)) if a not in numbers.offset_dims]
    if table.shape[-1] != 1:  # several numbers say which: all of them are read
        table = aggregate(call, table, "sum", [table.rank - 1])
    else:
        table = call.reshaped(table, table.shape[:-1])
    column = call.reshaped(table, [call.out[a] if a in batch else 1 for a in range(len(call.out))])
    shape = [0] * len(call.out)
    for axis, n in enumerate(call.out):
        shape[column.order[axis]] = n
    made = call.draft(Pointwise(name="embedding"), [call.whole(column).made], shape, [weight])
    return Value(made, call.out, column.order)


# --- slices at a start that is computed -------------------------------------------------------------------------------


def _starts(call: Call, starts: Sequence[Known], shape: Sequence[int], sizes: Sequence[int]) -> list[int] | None:
    """Where a slice starts, held within the array as JAX does; None where that is not known."""
    found = []
    for start, n, size in zip(starts, shape, sizes, strict=True):
        number = start.number if isinstance(start, Constant) else None
        if number is None and n != size:
            return None
        found.append(min(max(int(number or 0), 0), n - size))
    return found


@rule("dynamic_slice")
def _dynamic_slice(call: Call) -> Known:
    x, *starts = call.inputs
    if not isinstance(x, Value):
        raise UnreadError("it cuts from constants where the data say")
    found = _starts(call, starts, x.shape, call.out)
    if found is not None:
        for axis, (start, size) in enumerate(zip(found, call.out, strict=True)):
            x = call.cut(x, axis, start, size)
        return x
    x = call.logical(x)
    axes = tuple(axis for axis, (n, m) in enumerate(zip(x.shape, call.out, strict=True)) if n != m)
    where = [call.whole(start).made for start in starts if isinstance(start, Value)]
    op = Pick(name="dynamic_slice", axes=axes, by_data=bool(where))
    return in_order(call.draft(op, [x.made, *dict.fromkeys(where)], call.out))


@rule("dynamic_update_slice")
def _dynamic_update_slice(call: Call) -> Known:
    x, update, *starts = call.inputs
    found = _starts(call, starts, x.shape, update.shape)
    if found is None:
        return _written_anywhere(call, x, update, starts)
    return _written(call, x, update, found, 0)


def _written(call: Call, x: Known, update: Known, starts: Sequence[int], axis: int) -> Known:
    """What lies before, what is written, and what lies behind it, axis by axis."""
    while axis < len(x.shape) and x.shape[axis] == update.shape[axis]:
        axis += 1
    if axis == len(x.shape):
        return update
    start, size = starts[axis], update.shape[axis]
    parts = [
        cut(call, x, axis, 0, start),
        _written(call, cut(call, x, axis, start, size), update, starts, axis + 1),
        cut(call, x, axis, start + size, x.shape[axis] - start - size),
    ]
    return joined(call, parts, axis)


def _written_anywhere(call: Call, x: Known, update: Known, where: Sequence[Known]) -> Value:
    """What was there, and any of what is written, as a bound."""
    values = [call.logical(each) for each in (x, update, *where) if isinstance(each, Value)]
    op = Scatter(name=call.name, has_base=isinstance(x, Value))
    made = list(dict.fromkeys(each.made for each in values))
    return in_order(call.draft(op, made, call.out, [each for each in (x, update) if isinstance(each, Constant)]))


# --- scattering -------------------------------------------------------------------------------------------------------


@rule("scatter", "scatter-add", "scatter-mul", "scatter-min", "scatter-max", "scatter-sub")
def _scatter(call: Call) -> Known:
    """Places that are known are followed one by one; of several that overwrite each other it is not told which does."""
    x, table, updates = call.inputs
    numbers = table.numbers if isinstance(table, Constant) else None
    size = math.prod(x.shape)
    if numbers is None or max(size, math.prod(updates.shape)) > MOST_POSITIONS:
        return _written_anywhere(call, x, updates, [table])
    places = _destinations(call, numbers, x.shape, updates.shape)
    counts = np.bincount(places[places >= 0], minlength=size)
    if call.name == "scatter" and counts.max(initial=0) > 1:
        return _written_anywhere(call, x, updates, [table])
    parts: list[Value] = []
    if isinstance(x, Value):
        kept = np.where(counts > 0, -1, np.arange(size)) if call.name == "scatter" else None
        left = x if kept is None else call.reshaped(at_elements(call, call.row(x), kept, "scatter"), x.shape)
        parts.append(call.logical(left))
    if isinstance(updates, Value):
        row = call.row(updates)
        order = np.argsort(places, kind="stable")
        ends = np.searchsorted(places[order], np.arange(size + 1))
        taps = tuple(tuple(map(int, order[a:b])) for a, b in pairwise(ends))
        spread = call.along(Banded(name="scatter", axes=(row.order[0],), taps=(taps,)), call.whole(row), 0, size)
        parts.append(call.logical(call.reshaped(spread, x.shape)))
    weights = [each for each in (x, updates) if isinstance(each, Constant)]
    return in_order(call.draft(Arithmetic(name="scatter"), [part.made for part in parts], x.shape, weights))


def _destinations(call: Call, table: Numbers, shape: Sequence[int], updates: Sequence[int]) -> Numbers:
    """For each update the element that it is written to, −1 for none: what a gather by the same table would read."""
    told = call["dimension_numbers"]
    inserted = (*told.inserted_window_dims, *told.operand_batching_dims)
    window = iter(updates[axis] for axis in told.update_window_dims)
    numbers = jax.lax.GatherDimensionNumbers(
        offset_dims=told.update_window_dims,
        collapsed_slice_dims=told.inserted_window_dims,
        start_index_map=told.scatter_dims_to_operand_dims,
        operand_batching_dims=told.operand_batching_dims,
        start_indices_batching_dims=told.scatter_indices_batching_dims,
    )
    sizes = tuple(1 if axis in inserted else next(window) for axis in range(len(shape)))
    numbered = np.arange(1, math.prod(shape) + 1, dtype="i4").reshape(shape)
    found = jax.lax.gather(numbered, table, numbers, sizes, mode=call["mode"], fill_value=0)
    return np.asarray(found).reshape(-1) - 1
