"""Recurrent layers, kept whole: features are mixed, then positions one after the other."""

from __future__ import annotations

from typing import Any

import torch

from eyeshot.network.ops import Arithmetic, Mixing, Pointwise, Rearrange, Recurrent
from eyeshot.read.aten.rules import rule
from eyeshot.read.steps import Step
from eyeshot.read.trace import Call, Trace, tensors_in, unknown


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(trace: Trace, call: Call) -> Any:
    """Features are mixed, the given states added at every position, then positions one after the other."""
    out = call.run()
    sequence, *ends = tensors_in(out)
    x = call.arguments.get("input")
    if "batch_first" not in call.arguments or x is None or x.dim() != 3:
        unknown(trace, call.name, tensors_in(call.arguments), tensors_in(out), "a packed sequence")
        return out
    axis = 1 if call["batch_first"] else 0
    params = list(call["params"])
    weights = sum(p.numel() for p in params if p.dim() > 1)
    parts = (
        [trace.record(Mixing(name="gates", axes=(2,)), [trace.step_of(x)], sequence.shape)] if trace.knows(x) else []
    )
    parts += [_at_every_position(trace, state, axis) for state in tensors_in(call["hx"]) if trace.knows(state)]
    mixed = parts[0]
    if len(parts) > 1 or mixed.shape != tuple(sequence.shape):
        mixed = trace.record(Arithmetic(name="add"), parts, sequence.shape)
    op = Recurrent(name=call.name.partition("_")[0], axis=axis, both_ways=bool(call["bidirectional"]), weights=weights)
    step = trace.record(op, [mixed], sequence.shape, trace.params_of(params), trace.owner_of(params))
    trace.bind(sequence, step)
    for end in ends:
        trace.bind(end, _end(trace, step, tuple(end.shape), axis))
    return out


def _at_every_position(trace: Trace, state: torch.Tensor, axis: int) -> Step:
    """A state of layers × sequences × features, told for a sequence's positions: of each sequence its own."""
    of_each = trace.record(Mixing(name="state", axes=(0, 2)), [trace.step_of(state)], (1, state.shape[1], 1))
    if axis == 0:
        return of_each
    return trace.record(Rearrange(name="reshape"), [of_each], (state.shape[1], 1, 1))


def _end(trace: Trace, step: Step, shape: tuple[int, ...], axis: int) -> Step:
    """The last state of each layer and direction: all positions of each sequence."""
    of_each = trace.record(
        Mixing(name="state", axes=(axis, 2)), [step], tuple(1 if a != 1 - axis else n for a, n in enumerate(step.shape))
    )
    row = of_each if axis == 0 else trace.record(Rearrange(name="reshape"), [of_each], (1, shape[1], 1))
    return trace.record(Pointwise(name="expand"), [row], shape)
