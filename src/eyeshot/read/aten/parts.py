"""Ops that PyTorch runs as one and that are several of ours: each written as the plain ops that it stands for.

The call's output is PyTorch's own; what the parts record says what it depends on, what it costs, and which weights it
uses, so that a fused op and its parts are read alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eyeshot.read.aten.rules import RULES, rule
from eyeshot.read.recorder import Recorder
from eyeshot.read.trace import Call, Trace, tensors_in

Parts = Callable[[Call], Any]
"""What a call computes, in plain ops: its outputs, in order; further outputs are left out."""


def in_parts(*names: str) -> Callable[[Parts], Parts]:
    """Register what some ops are made of as their rule."""

    def register(parts: Parts) -> Parts:
        rule(*names)(lambda trace, call: read_in_parts(trace, call, parts))
        return parts

    return register


def read_in_parts(trace: Trace, call: Call, parts: Parts) -> Any:
    """Run the op itself, then its parts, which are recorded."""
    out = call.run()  # first, since it complains where the parts would not
    with Recorder(trace, RULES, has_numbers=call.has_numbers):
        results = tensors_in(parts(call))
    for tensor, result in zip(tensors_in(out), results, strict=False):
        if trace.knows(result):
            trace.bind(tensor, trace.step_of(result))
    return out
