"""The table of rules for ATen ops, and what rules share.

A rule records the call's steps in the trace and returns its output. Names are those of PyTorch's schemas; a rule serves
the in-place twin of its op as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from eyeshot.network.ops import Op
from eyeshot.network.relations import Sides
from eyeshot.read.trace import AtenRule, Call, Trace, tensors_in

RULES: dict[str, AtenRule] = {}


def rule(*names: str) -> Callable[[AtenRule], AtenRule]:
    """Register a rule for some ops."""

    def register(function: AtenRule) -> AtenRule:
        for name in names:
            assert name not in RULES, f"a second rule for {name}"
            RULES[name] = function
        return function

    return register


def one(trace: Trace, call: Call, op: Op, inputs: Sequence[torch.Tensor], out: torch.Tensor) -> torch.Tensor:
    """Record one op that reads the given tensors and uses whatever weights are among the call's arguments."""
    params = trace.params_of(tensors_in(list(call.arguments.values())))
    trace.bind(out, trace.record(op, [trace.step_of(tensor) for tensor in inputs], out.shape, params))
    return out


def like_input(call: Call, tensor: torch.Tensor) -> torch.Tensor:
    """An output of the input's shape, without asking PyTorch: the input itself for in-place ops."""
    return tensor if call.name.endswith("_") else torch.empty_like(tensor)


def each(value: Any, axes: int) -> tuple[int, ...]:
    """One integer per axis, from one for all or a list."""
    sizes = (value,) if isinstance(value, int) else tuple(int(v) for v in value)
    return sizes * axes if len(sizes) == 1 else sizes


def both_sides(padding: Iterable[int]) -> Sides:
    """The same padding before and after."""
    return tuple((p, p) for p in padding)


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    return axis + rank if axis < 0 else axis
