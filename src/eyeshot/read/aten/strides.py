"""Diagonals, triangles and strided views: elements by their place in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import torch

from eyeshot.network.ops import Arithmetic, Concatenate, Pointwise, Rearrange, Slice, Unknown
from eyeshot.network.relations import Shape
from eyeshot.read.aten.picking import MOST_POSITIONS, elements_at
from eyeshot.read.aten.rules import axis_of, rule
from eyeshot.read.trace import Call, Step, Trace, unknown

_MOST_TAPS = 64
"""Positions of a window at most that become a slice each."""


@rule("triu", "tril")
def _triangle(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if x.numel():
        places = _moved(call, _places(x.shape[-2:], first=1), diagonal=call["diagonal"]) - 1
        trace.bind(out, _elements(trace, call, trace.step_of(x), 2, places, out))
    return out


@rule("diagonal", "diagonal_copy")
def _diagonal(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if trace.knows(x) and out.numel():
        matrices = _permuted(trace, trace.step_of(x), _matrices_last(call, x.dim()))
        places = _places(matrices.shape[-2:]).diagonal(call["offset"])
        trace.bind(out, _elements(trace, call, matrices, 2, places, out))
    return out


@rule("diag_embed")
def _diag_embed(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if x.numel():
        places = _places(x.shape[-1:], first=1).diag_embed(call["offset"]) - 1
        step = _elements(trace, call, trace.step_of(x), 1, places, out.new_empty((*x.shape[:-1], *places.shape)))
        order = _matrices_last(call, out.dim())
        trace.bind(out, _permuted(trace, step, [order.index(axis) for axis in range(out.dim())]))
    return out


@rule("diagonal_scatter")
def _diagonal_scatter(trace: Trace, call: Call) -> Any:
    """What was there beside the diagonal, and what is put on it."""
    base, part, out = call.x, call["src"], call.run()
    order = _matrices_last(call, out.dim())
    back = [order.index(axis) for axis in range(out.dim())]
    shape = torch.Size(out.shape[axis] for axis in order)
    nothing = torch.full(shape[-2:], -1)
    matrices = out.new_empty(shape)
    steps = []
    if trace.knows(base):
        kept = _places(shape[-2:]).diagonal_scatter(nothing.diagonal(call["offset"]), call["offset"])
        step = _permuted(trace, trace.step_of(base), order)
        steps.append(_permuted(trace, _elements(trace, call, step, 2, kept, matrices), back))
    if trace.knows(part):
        put = nothing.diagonal_scatter(_places(part.shape[-1:]), call["offset"])
        steps.append(_permuted(trace, _elements(trace, call, trace.step_of(part), 1, put, matrices), back))
    trace.bind(out, trace.record(Arithmetic(name="add"), steps, out.shape) if len(steps) > 1 else steps[0])
    return out


@rule("masked_select")
def _masked_select(trace: Trace, call: Call) -> Any:
    """The elements at which a constant mask is set."""
    x, mask, out = call.x, call["mask"], call.run()
    numbers = trace.numbers_of(mask)
    if not trace.knows(x) or numbers is None or not out.numel():
        unknown(trace, call.name, [x, mask], [out], "how much it takes depends on the data")
        return out
    places = _places(x.shape).masked_select(numbers.cpu())
    trace.bind(out, _elements(trace, call, trace.step_of(x), x.dim(), places, out))
    return out


def _places(shape: Shape, first: int = 0) -> torch.Tensor:
    """Elements in row-major order, by their number."""
    return torch.arange(first, first + math.prod(shape)).view(shape)


def _moved(call: Call, places: torch.Tensor, **settings: int) -> torch.Tensor:
    """Places moved by PyTorch's own op, as it moves elements."""
    moved: torch.Tensor = getattr(torch, call.name.rstrip("_"))(places, **settings)
    return moved


def _matrices_last(call: Call, rank: int) -> list[int]:
    """The order of axes that has those of a diagonal last."""
    last = [axis_of(call[name], rank) for name in ("dim1", "dim2")]
    return [axis for axis in range(rank) if axis not in last] + last


def _permuted(trace: Trace, step: Step, order: Sequence[int]) -> Step:
    if list(order) == list(range(len(order))):
        return step
    op = Rearrange(name="permute", order=tuple(order))
    return trace.record(op, [step], [step.shape[axis] for axis in order])


def _elements(trace: Trace, call: Call, step: Step, axes: int, places: torch.Tensor, out: torch.Tensor) -> Step:
    """The elements at some places of the last axes in a row; −1 for a constant."""
    name = call.name.rstrip("_")
    if places.numel() > MOST_POSITIONS:
        op = Unknown(name=name, reason="too many elements to follow one by one")
        return trace.record(op, [step], out.shape)
    rank = len(step.shape) - axes
    lead, size = step.shape[:rank], math.prod(step.shape[rank:])
    rows = step if axes == 1 else trace.record(Rearrange(name="flatten"), [step], (*lead, size))
    picked = elements_at(trace, name, rows, places.flatten().tolist())
    shape = (*lead, *places.shape)
    return picked if shape == picked.shape else trace.record(Rearrange(name="reshape"), [picked], shape)


@rule("as_strided", "as_strided_copy")
def _as_strided(trace: Trace, call: Call) -> Any:
    """Slices and windows where each stride keeps to one axis; else element by element."""
    x, out = call.x, call.run()
    if not trace.knows(x):
        return out
    if out is x:
        unknown(trace, call.name, [x], [out], "its memory is shown in another way from here on")
        return out
    order = sorted(range(x.dim()), key=lambda axis: (-x.stride(axis), axis))
    start = 0 if call["storage_offset"] is None else call["storage_offset"] - x.storage_offset()
    strides = call["stride"]
    last = start + sum((n - 1) * s for n, s in zip(out.shape, strides, strict=True))
    if not x.permute(order).is_contiguous() or start < 0 or last >= x.numel() or 0 in out.shape:
        unknown(trace, call.name, [x], [out], "it shows memory beside its input's")
        return out
    step = trace.step_of(x)
    step = _permuted(trace, step, order)
    windows = _axis_by_axis(trace, step, tuple(out.shape), strides, start)
    if windows is None and out.numel() <= MOST_POSITIONS:
        places = torch.arange(x.numel()).as_strided(tuple(out.shape), strides, start)
        windows = _elements(trace, call, step, x.dim(), places, out)
    if windows is None:
        unknown(trace, call.name, [x], [out], "its strides are neither slices nor windows")
        return out
    trace.bind(out, windows)
    return out


def _axis_by_axis(trace: Trace, step: Step, sizes: Shape, strides: Sequence[int], start: int) -> Step | None:
    """A strided view as slices and windows along each axis; None where a stride leads from one axis into the next."""
    shape = step.shape
    weights = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    moves: dict[int, list[int]] = {axis: [] for axis in range(len(shape))}
    for j, (size, stride) in enumerate(zip(sizes, strides, strict=True)):
        axis = next((a for a, w in enumerate(weights) if shape[a] > 1 and stride and stride % w == 0), None)
        if size > 1 and stride:
            if axis is None:
                return None
            moves[axis].append(j)
    starts = []
    for axis, weight in enumerate(weights):
        first, start = divmod(start, weight)
        starts.append(first)
        reach = sum((sizes[j] - 1) * strides[j] // weight for j in moves[axis])
        if first + reach >= shape[axis]:
            return None
    axes: list[int] = []
    for axis, weight in enumerate(weights):
        steps = [(j, strides[j] // weight) for j in sorted(moves[axis], key=lambda j: -sizes[j])]
        windows = _windows(trace, step, len(axes), starts[axis], [(sizes[j], each) for j, each in steps])
        if windows is None:
            return None
        step = windows
        axes += [j for j, _ in steps]
    step = _permuted(trace, step, sorted(range(len(axes)), key=lambda i: axes[i]))
    seen = tuple(n if j in axes else 1 for j, n in enumerate(sizes))
    step = trace.record(Rearrange(name="as_strided"), [step], seen)
    return step if seen == sizes else trace.record(Pointwise(name="expand"), [step], sizes)


def _windows(trace: Trace, step: Step, axis: int, start: int, moves: list[tuple[int, int]]) -> Step | None:
    """Positions along an axis from a start on, for each of some (size, step) an axis; the first is the longest."""
    before, behind = step.shape[:axis], step.shape[axis + 1 :]
    (count, stride), *taps = moves or [(1, 1)]
    if math.prod(size for size, _ in taps) > _MOST_TAPS:
        return None
    slices = []
    for tap in product(*(range(size) for size, _ in taps)):
        first = start + sum(i * each for i, (_, each) in zip(tap, taps, strict=True))
        piece = step
        if (first, stride, count) != (0, 1, step.shape[axis]):
            piece = trace.record(Slice(axis=axis, start=first, step=stride), [step], (*before, count, *behind))
        if taps:
            piece = trace.record(Rearrange(name="unsqueeze"), [piece], (*before, count, 1, *behind))
        slices.append(piece)
    if taps:
        step = trace.record(Concatenate(axis=axis + 1), slices, (*before, count, len(slices), *behind))
    else:
        step = slices[0]
    kept = (*before, *((count,) if moves else ()), *(size for size, _ in taps), *behind)
    return step if kept == step.shape else trace.record(Rearrange(name="reshape"), [step], kept)
