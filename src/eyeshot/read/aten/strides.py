"""Diagonals, triangles and strided views: elements by their place in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import torch

from eyeshot.network.ops import Arithmetic, Concatenate, Index, Pointwise, Rearrange, Slice
from eyeshot.network.relations import Shape
from eyeshot.read.aten.picking import MOST_POSITIONS
from eyeshot.read.aten.rules import rule
from eyeshot.read.trace import Call, Step, Trace, unknown

_MOST_TAPS = 64
"""Positions of a window at most that become a slice each."""


@rule("triu", "tril", "diagonal", "diagonal_copy", "diag_embed")
def _by_place(trace: Trace, call: Call) -> Any:
    """The elements that PyTorch's own op moves, found by moving their places: 0 is nothing, element i is i + 1."""
    x, out = call.x, call.run()
    if not trace.knows(x):
        return out
    if max(x.numel(), out.numel()) > MOST_POSITIONS:
        unknown(trace, call.name, [x], [out], "too many elements to follow one by one")
        return out
    others = {name: value for name, value in call.arguments.items() if name != "self"}
    places = getattr(torch.ops.aten, call.name.rstrip("_"))(torch.arange(1, x.numel() + 1).view(x.shape), **others)
    trace.bind(out, _elements(trace, call.name.rstrip("_"), trace.step_of(x), places - 1))
    return out


def _elements(trace: Trace, name: str, step: Step, places: torch.Tensor) -> Step:
    """The elements at some places of a row of all; −1 for a constant."""
    row = trace.record(Rearrange(name="flatten"), [step], (math.prod(step.shape),))
    op = Index(axis=0, positions=tuple(places.flatten().tolist()), name=name)
    return trace.record(Rearrange(name="reshape"), [trace.record(op, [row], (places.numel(),))], places.shape)


@rule("diagonal_scatter")
def _diagonal_scatter(trace: Trace, call: Call) -> Any:
    """What was there beside the diagonal, and what is put on it."""
    base, part, out = call.x, call["src"], call.run()
    if max(base.numel(), part.numel()) > MOST_POSITIONS:
        unknown(trace, call.name, [base, part], [out], "too many elements to follow one by one")
        return out
    where = {name: call[name] for name in ("offset", "dim1", "dim2")}
    nothing = torch.full(base.shape, -1)
    kept = torch.arange(base.numel()).view(base.shape).diagonal_scatter(torch.full(part.shape, -1), **where)
    put = nothing.diagonal_scatter(torch.arange(part.numel()).view(part.shape), **where)
    pairs = [(tensor, places) for tensor, places in ((base, kept), (part, put)) if trace.knows(tensor)]
    steps = [_elements(trace, call.name, trace.step_of(tensor), places) for tensor, places in pairs]
    trace.bind(out, trace.record(Arithmetic(name="add"), steps, out.shape) if len(steps) > 1 else steps[0])
    return out


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
    shape = tuple(x.shape[axis] for axis in order)
    start = 0 if call["storage_offset"] is None else call["storage_offset"] - x.storage_offset()
    strides = call["stride"]
    last = start + sum((n - 1) * s for n, s in zip(out.shape, strides, strict=True))
    if not x.permute(order).is_contiguous() or start < 0 or last >= x.numel() or 0 in out.shape:
        unknown(trace, call.name, [x], [out], "it shows memory beside its input's")
        return out
    step = trace.step_of(x)
    if order != list(range(x.dim())):
        step = trace.record(Rearrange(name="permute", order=tuple(order)), [step], shape)
    windows = _axis_by_axis(trace, step, tuple(out.shape), strides, start)
    if windows is None and out.numel() <= MOST_POSITIONS:
        places = torch.arange(x.numel()).as_strided(tuple(out.shape), strides, start)
        windows = _elements(trace, "as_strided", step, places)
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
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    if order != list(range(len(order))):
        step = trace.record(Rearrange(name="permute", order=tuple(order)), [step], [step.shape[i] for i in order])
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
