"""The table of rules for ATen ops, and what rules share.

A rule records the call's steps in the trace and returns its output. Names are those of PyTorch's schemas; a rule serves
the in-place twin of its op as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from eyeshot.network.ops import Op, Rearrange, Sliding
from eyeshot.network.relations import Shape, Sides
from eyeshot.read.registering import registered
from eyeshot.read.trace import AtenRule, Call, MemoryView, Step, Trace
from eyeshot.read.views import Hidden, Same

RULES: dict[str, AtenRule] = {}


def rule(*names: str) -> Callable[[AtenRule], AtenRule]:
    """Register a rule for some ops."""
    return registered(RULES, *names)


def one(trace: Trace, call: Call, op: Op, inputs: Sequence[torch.Tensor], out: torch.Tensor) -> torch.Tensor:
    """Record one op that reads the given tensors and uses whatever weights are among the call's arguments."""
    params, owner = trace.weights_among(call.tensors)
    trace.bind(out, trace.record(op, [trace.step_of(tensor) for tensor in inputs], out.shape, params, owner))
    return out


def varying(trace: Trace, tensors: Iterable[torch.Tensor], rank: int, without: int | None = None) -> tuple[int, ...]:
    """Axes of an output of some rank along which constants differ from place to place, or may; ``without`` one axis."""
    axes: set[int] = set()
    for tensor in tensors:
        if trace.knows(tensor):
            continue
        wide = [axis for axis, n in enumerate(tensor.shape) if n > 1 and axis + rank - tensor.dim() != without]
        numbers = trace.numbers_of(tensor) if wide else None
        for axis in wide:
            if numbers is not None and numbers.stride(axis) == 0:  # one number shown many times
                continue
            if numbers is None or bool((numbers != numbers.narrow(axis, 0, 1)).any()):
                axes.add(axis + rank - tensor.dim())
    return tuple(sorted(axes))


def slide(trace: Trace, call: Call, op: Sliding, inputs: Sequence[Step], out: torch.Tensor) -> torch.Tensor:
    """Record a window over the last axes; a map without batch axis gets one for as long as that takes."""
    params, owner = trace.weights_among(call.tensors)
    x, *others = inputs
    if len(x.shape) == len(op.kernel) + 2:
        trace.bind(out, trace.record(op, inputs, out.shape, params, owner))
        return out
    batch = reshaped(trace, x, (1, *x.shape), "unsqueeze")
    step = trace.record(op, [batch, *others], (1, *out.shape), params, owner)
    trace.bind(out, reshaped(trace, step, out.shape, "squeeze"))
    return out


def reshaped(trace: Trace, step: Step, shape: Shape, name: str = "reshape") -> Step:
    """The same elements under another shape; no step where that is the same."""
    return step if step.shape == tuple(shape) else trace.record(Rearrange(name=name), [step], shape)


def show(trace: Trace, whole: torch.Tensor, view: MemoryView, out: torch.Tensor) -> torch.Tensor:
    """Record that an output shows the memory of a tensor, or a copy of it, or is the tensor itself turned in place."""
    if out is whole:
        held = None if isinstance(view, Same) else trace.held_by(whole)
        if held is not None:
            trace.turn(whole, view.take(trace, held, tuple(out.shape)), Hidden())
        return out
    if out.untyped_storage()._cdata == whole.untyped_storage()._cdata:
        trace.share(out, whole, view)
        trace.held_by(out)
    elif (held := trace.held_by(whole)) is not None:
        trace.bind(out, view.take(trace, held, tuple(out.shape)))
    return out


def each(value: Any, axes: int) -> tuple[int, ...]:
    """One integer per axis, from one for all or a list."""
    sizes = (value,) if isinstance(value, int) else tuple(map(int, value))
    return sizes * axes if len(sizes) == 1 else sizes


def both_sides(padding: Iterable[int]) -> Sides:
    """The same padding before and after."""
    return tuple((p, p) for p in padding)


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    return axis + rank if axis < 0 else axis
