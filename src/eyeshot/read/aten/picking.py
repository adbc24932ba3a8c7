"""Indexing, gathering, sorting, sampling, and writing into memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from eyeshot.network.ops import (
    Aggregate,
    Arithmetic,
    Constant,
    DeformConv,
    FractionalPool,
    GridSample,
    Index,
    Mixing,
    Op,
    Pick,
    Pointwise,
    Pool,
    Rearrange,
    Scatter,
    Unknown,
    Unpool,
)
from eyeshot.read.aten.rules import axis_of, each, one, reshaped, rule, slide
from eyeshot.read.grids import taps_of_grid
from eyeshot.read.steps import Step
from eyeshot.read.trace import Call, Trace, tensors_in, unknown

MOST_POSITIONS = 1 << 16


_MASKS = (torch.bool, torch.uint8)


@rule("index_select")
def _index_select(trace: Trace, call: Call) -> Any:
    x, table, out = call.x, call["index"], call.run()
    axis = axis_of(call["dim"], x.dim())
    return (
        _at_table(trace, call, x, axis, table, out)
        if trace.knows(x)
        else _picked(trace, call, (axis,), x, [table], out)
    )


@rule("index")
def _index(trace: Trace, call: Call) -> Any:
    """Tables and masks of numbers are followed; other forms are bounds along the axes that they index."""
    x, out = call.x, call.run()
    tables = [(axis, table) for axis, table in enumerate(call["indices"]) if table is not None]
    if trace.knows(x) and len(tables) == 1:
        return _at_table(trace, call, x, *tables[0], out)
    if trace.knows(x) and (elements := _elements_by_tables(trace, x, call["indices"])) is not None:
        return _at_elements(trace, call, x, elements, out)
    axes = tuple(axis for axis, _ in tables)
    is_in_place = len(axes) == axes[-1] - axes[0] + 1  # tables of axes apart put theirs in front
    is_told = any(trace.knows(table) or table.dtype in _MASKS for _, table in tables)
    if trace.knows(x) and not is_told and out.dim() == x.dim() and is_in_place:
        return one(trace, call, Pick(name="index", axes=axes, by_data=False), [x], out)
    unknown(trace, "index", call.tensors, [out], "it picks positions by several tables")
    return out


def _at_table(trace: Trace, call: Call, x: torch.Tensor, axis: int, table: torch.Tensor, out: torch.Tensor) -> Any:
    """Positions along an axis one after the other, put into their table's shape; a mask is of several axes as one."""
    behind = axis + (table.dim() if table.dtype in _MASKS else 1)
    count = math.prod(x.shape[axis:behind])
    lead, rest = x.shape[:axis], x.shape[behind:]
    row = reshaped(trace, trace.step_of(x), (*lead, count, *rest), "flatten")
    picked = (*lead, math.prod(out.shape[axis : out.dim() - len(rest)]), *rest)
    numbers = trace.numbers_of(table)
    params, owner = trace.weights_among([x, table])
    if numbers is not None and 0 < picked[axis] <= MOST_POSITIONS:
        places = (numbers.flatten().nonzero() if table.dtype in _MASKS else numbers % count).flatten().tolist()
        op: Op = Index(axis=axis, positions=tuple(places))
        inputs = [row]
    else:
        inputs = [row, trace.step_of(table)] if trace.knows(table) else [row]
        op = Pick(name=call.name, axes=(axis,), by_data=len(inputs) > 1)
    trace.bind(out, reshaped(trace, trace.record(op, inputs, picked, params, owner), tuple(out.shape)))
    return out


def elements_at(trace: Trace, name: str, rows: Step, places: Sequence[int], axis: int = -1) -> Step:
    """What stands along an axis at some places, each −1 a constant."""
    axis = axis_of(axis, len(rows.shape))
    op = Index(axis=axis, positions=tuple(places), name=name)
    return trace.record(op, [rows], (*rows.shape[:axis], len(places), *rows.shape[axis + 1 :]))


def _picked(
    trace: Trace, call: Call, axes: tuple[int, ...], x: Any, which: list[Any], out: torch.Tensor
) -> torch.Tensor:
    """Positions along some axes that are not known, or depend on the data."""
    if not trace.knows(x):
        known = [tensor for tensor in which if trace.knows(tensor)]
        unknown(trace, call.name, known, [out], "a table of numbers is read at positions that depend on the data")
        return out
    inputs = [x, *(tensor for tensor in which if trace.knows(tensor))]
    by_data = len(inputs) > 1 or not which
    return one(trace, call, Pick(name=call.name, axes=axes, by_data=by_data), inputs, out)


def _numbered(x: torch.Tensor) -> torch.Tensor:
    """The place of each element of a tensor among all, in row-major order."""
    return torch.arange(x.numel()).view(x.shape)


def _elements_by_tables(trace: Trace, x: torch.Tensor, tables: Sequence[Any]) -> torch.Tensor | None:
    """Which elements several tables pick; None where one has no numbers."""
    numbers = [None if table is None else trace.numbers_of(table) for table in tables]
    if any(n is None for n, table in zip(numbers, tables, strict=True) if table is not None):
        return None
    return _numbered(x)[tuple(slice(None) if n is None else n for n in numbers)]


def _at_elements(trace: Trace, call: Call, x: torch.Tensor, elements: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Elements one by one, out of all in a row; too many of them are a bound along all axes."""
    if not 0 < elements.numel() <= MOST_POSITIONS or 0 in out.shape:
        return one(trace, call, Unknown(name=call.name, reason="it picks too many elements one by one"), [x], out)
    row = trace.record(Rearrange(name="flatten"), [trace.step_of(x)], (x.numel(),))
    positions = tuple(elements.flatten().tolist())
    picked = trace.record(Index(axis=0, positions=positions, name=call.name), [row], (len(positions),))
    trace.bind(out, trace.record(Rearrange(name="reshape"), [picked], out.shape))
    return out


@rule("gather", "take_along_dim")
def _gather(trace: Trace, call: Call) -> Any:
    x, index, out = call.x, call.arguments.get("index", call.arguments.get("indices")), call.run()
    numbers = trace.numbers_of(index) if trace.knows(x) else None
    if numbers is not None and call["dim"] is not None:
        places, axis = _numbered(x), int(call["dim"])
        is_gather = call.name == "gather"
        elements = places.gather(axis, numbers) if is_gather else places.take_along_dim(numbers, axis)
        return _at_elements(trace, call, x, elements, out)
    return _picked(trace, call, (axis_of(call["dim"], x.dim()),), x, [index], out)


@rule("embedding")
def _embedding(trace: Trace, call: Call) -> Any:
    """A row of weights for each number."""
    numbers, weight, out = call["indices"], call["weight"], call.run()
    if trace.knows(weight):
        return _at_table(trace, call, weight, 0, numbers, out)
    params, owner = trace.weights_among([weight])
    column = trace.record(Rearrange(name="unsqueeze"), [trace.step_of(numbers)], (*numbers.shape, 1))
    trace.bind(out, trace.record(Pointwise(name="embedding"), [column], out.shape, params, owner))
    return out


@rule("_embedding_bag", "_embedding_bag_forward_only")
def _embedding_bag(trace: Trace, call: Call) -> Any:
    """The sum, mean or maximum of the rows of weights of each bag of numbers."""
    out = call.run()
    numbers, weight, factors = call["indices"], call["weight"], call["per_sample_weights"]
    starts = trace.numbers_of(call["offsets"])
    known = [trace.step_of(tensor) for tensor in (numbers, factors) if trace.knows(tensor)]
    if trace.knows(weight) or starts is None:
        reason = "its rows or the ends of its bags depend on the data"
        unknown(trace, "embedding_bag", call.tensors, [out[0]], reason)
        return out
    params, owner = trace.weights_among([weight])
    count, width = out[0].shape
    rows = trace.record(Pointwise(name="embedding"), known[:1], numbers.shape, params, owner)
    if len(known) > 1:
        rows = trace.record(Arithmetic(name="mul"), [rows, known[1]], numbers.shape)
    ends = [*starts.tolist()[1 : count + 1], len(numbers)][:count]
    bags = _bags(trace, rows, starts.tolist()[:count], ends)
    column = trace.record(Rearrange(name="unsqueeze"), [bags], (count, 1))
    trace.bind(out[0], trace.record(Pointwise(name="embedding_bag"), [column], (count, width)))
    return out


def _bags(trace: Trace, rows: Step, starts: list[int], ends: list[int]) -> Step:
    """All that each bag holds, bags side by side; those of one length are the rows of a matrix."""
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    op = Aggregate(name="bag", axes=(1,), keep=False)
    if len(set(lengths)) == 1 and lengths[0] and starts[0] == 0:
        matrix = trace.record(Rearrange(name="reshape"), [rows], (len(starts), lengths[0]))
        return trace.record(op, [matrix], (len(starts),))
    # a position for each place in the longest bag, behind the end of a shorter one none
    longest = max(1, *lengths)
    places = [start + i if i < n else -1 for start, n in zip(starts, lengths, strict=True) for i in range(longest)]
    picked = elements_at(trace, "bags", rows, places)
    matrix = trace.record(Rearrange(name="reshape"), [picked], (len(starts), longest))
    return trace.record(op, [matrix], (len(starts),))


@rule("searchsorted", "bucketize")
def _searchsorted(trace: Trace, call: Call) -> Any:
    """Where a value would stand in a sorted row; each value alone where the row is constant."""
    row = call.arguments.get("boundaries", call.arguments.get("sorted_sequence"))
    x, out = call["self"], call.run()
    parts = [trace.step_of(x)] if trace.knows(x) else []
    if trace.knows(row):
        op = Aggregate(name=call.name, axes=(row.dim() - 1,), keep=True)
        whole = trace.record(op, [trace.step_of(row)], (*row.shape[:-1], 1))
        parts.append(whole)
    trace.bind(out, trace.record(Arithmetic(name=call.name), parts, out.shape))
    return out


@rule("nonzero", "nonzero_numpy", "nonzero_static")
def nonzero(trace: Trace, call: Call) -> Any:
    """Positions whose number and order the data decide."""
    out = call.run()
    unknown(trace, call.name, call.tensors, tensors_in(out), "it lists positions that depend on the data")
    return out


@rule("one_hot")
def _one_hot(trace: Trace, call: Call) -> Any:
    numbers, out = call.x, call.run()
    column = trace.record(Rearrange(name="unsqueeze"), [trace.step_of(numbers)], (*numbers.shape, 1))
    trace.bind(out, trace.record(Pointwise(name="one_hot"), [column], out.shape))
    return out


@rule("sort", "topk", "argsort", "msort", "kthvalue", "median", "nanmedian", "mode", "argmax", "argmin", "aminmax")
def _sort(trace: Trace, call: Call) -> Any:
    """Each result depends on all positions along the axis, as a maximum does."""
    x, out = call.x, call.run()
    dim = call.arguments.get("dim", None if call.name != "msort" else 0)
    axes = tuple(range(x.dim())) if dim is None else (axis_of(int(dim), x.dim()),)
    first, *others = tensors_in(out)
    op = Mixing(name=call.name, axes=axes)
    step = trace.record(op, [trace.step_of(x)], first.shape if first.dim() == x.dim() else _kept(x, axes))
    if first.dim() != x.dim():
        step = trace.record(Rearrange(name="squeeze"), [step], first.shape)
    for tensor in (first, *others):
        trace.bind(tensor, step)
    return out


def _kept(x: torch.Tensor, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))


@rule("max_unpool2d", "max_unpool3d")
def _max_unpool(trace: Trace, call: Call) -> Any:
    """Each value somewhere inside the window that it is the largest of, where the pool that told where is known."""
    x, indices, out = call.x, call["indices"], call.run()
    axes = int(call.name[-2])
    pool = trace.step_of(indices).op if trace.knows(indices) else None
    is_apart = isinstance(pool, Pool) and pool.stride == pool.kernel and set(pool.dilation) == {1}
    if not trace.knows(x) or not is_apart or trace.step_of(indices).shape != tuple(x.shape):
        return _picked(trace, call, tuple(range(x.dim() - axes, x.dim())), x, [indices], out)
    assert isinstance(pool, Pool)
    op = Unpool(kernel=pool.kernel, stride=pool.stride, dilation=pool.dilation, padding=pool.padding)
    inputs = [x, indices] if trace.step_of(x) is not trace.step_of(indices) else [x]
    return slide(trace, call, op, [trace.step_of(tensor) for tensor in inputs], out)


@rule("fractional_max_pool2d", "fractional_max_pool3d")
def _fractional_pool(trace: Trace, call: Call) -> Any:
    out = call.run()
    values, indices = out
    axes = int(call.name[-2])
    op = FractionalPool(kernel=each(call["kernel_size"], axes), size=each(call["output_size"], axes))
    one(trace, call, op, [call.x], values)
    trace.bind(indices, trace.step_of(values))
    return out


# --- sampling ---------------------------------------------------------------------------------------------------------


@rule("grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "_grid_sampler_2d_cpu_fallback")
def _grid_sample(trace: Trace, call: Call) -> Any:
    x, grid, out = call.x, call["grid"], call.run()
    mode = ("bilinear", "nearest", "bicubic")[call["interpolation_mode"]]
    numbers = None if trace.knows(grid) else trace.numbers_of(grid)
    if trace.knows(x) and numbers is not None:
        table, is_aligned = numbers.double().cpu().numpy(), bool(call["align_corners"])
        shape, outside = tuple(x.shape), int(call["padding_mode"])
        taps = [taps_of_grid(table, a, shape, mode, outside, is_aligned=is_aligned) for a in range(x.dim() - 2)]
        is_exact = all(is_apart for _, is_apart in taps)
        return one(
            trace, call, GridSample(mode=mode, taps=tuple(reads for reads, _ in taps), is_exact=is_exact), [x], out
        )
    if not trace.knows(grid):
        return one(trace, call, GridSample(mode=mode), [x], out)
    # coordinates stand on the grid's last axis: first on the channels', then all of them for every channel
    channels = (grid.shape[0], 1, *grid.shape[1:-1])
    where = trace.record(Mixing(name="grid", axes=(grid.dim() - 1,)), [trace.step_of(grid)], (*grid.shape[:-1], 1))
    where = trace.record(Rearrange(name="reshape"), [where], channels)
    if trace.knows(x):
        trace.bind(out, trace.record(GridSample(mode=mode), [trace.step_of(x), where], out.shape))
    else:
        trace.bind(out, trace.record(Pointwise(name="grid_sample"), [where], out.shape))
    return out


@rule("torchvision::deform_conv2d")
def _deform_conv(trace: Trace, call: Call) -> Any:
    """The operator is compiled in torchvision; its output's shape is that of the offsets."""
    x, weight, offset = call["input"], call["weight"], call["offset"]
    out = x.new_empty((x.shape[0], weight.shape[0], *offset.shape[2:])) if not call.has_numbers else call.run()
    inputs = [t for t in (x, offset, call["mask"]) if trace.knows(t)]
    if not trace.knows(x):
        unknown(trace, "deform_conv2d", inputs, [out], "only its offsets depend on the data")
        return out
    return one(trace, call, DeformConv(kernel=tuple(weight.shape[2:]), groups=call["groups"]), inputs, out)


# --- writing ----------------------------------------------------------------------------------------------------------


@rule("copy")
def _copy(trace: Trace, call: Call) -> Any:
    source, out = call["src"], call.run()
    if not trace.knows(source):
        trace.bind(out, trace.record(Constant(name="copy"), (), out.shape))
        return out
    step = trace.step_of(source)
    if tuple(source.shape) != tuple(out.shape):
        step = trace.record(Pointwise(name="expand"), [step], out.shape)
    trace.bind(out, step)
    return out


@rule("fill", "zero")
def _fill(trace: Trace, call: Call) -> Any:
    value, out = call.arguments.get("value"), call.run()
    step: Step
    if isinstance(value, torch.Tensor) and trace.knows(value):
        step = trace.record(Pointwise(name="fill"), [trace.step_of(value)], out.shape)
    else:
        step = trace.record(Constant(name=call.name.rstrip("_")), (), out.shape)
    trace.bind(out, step)
    return out


@rule(
    *("index_put", "_index_put_impl", "scatter", "scatter_add", "scatter_reduce", "index_copy", "index_add"),
    *("index_fill", "masked_scatter", "put", "index_reduce"),
)
def _scatter(trace: Trace, call: Call) -> Any:
    base, out = call.x, call.run()
    sources = [tensor for tensor in call.tensors if trace.knows(tensor)]
    return one(trace, call, Scatter(name=call.name.strip("_"), has_base=trace.knows(base)), sources, out)
