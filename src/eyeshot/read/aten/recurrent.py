"""Recurrent layers, kept whole: features are mixed, then positions one after the other."""

from __future__ import annotations

from typing import Any

from eyeshot.network.ops import Mixing, Pointwise, Recurrent
from eyeshot.read.aten.rules import rule
from eyeshot.read.trace import Call, Trace, tensors_in, unknown


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    sequence, *states = tensors_in(out)
    if "batch_first" not in call.arguments or not trace.knows(x) or x.dim() != 3:
        unknown(trace, call.name, tensors_in(call.arguments), tensors_in(out), "a packed sequence")
        return out
    axis = 1 if call["batch_first"] else 0
    params = list(call["params"])
    weights = sum(p.numel() for p in params if p.dim() > 1)
    mixed = trace.record(Mixing(name="gates", axes=(2,)), [trace.step_of(x)], sequence.shape)
    op = Recurrent(name=call.name.partition("_")[0], axis=axis, both_ways=bool(call["bidirectional"]), weights=weights)
    step = trace.record(op, [mixed], sequence.shape, trace.params_of(params), trace.owner_of(params))
    trace.bind(sequence, step)
    for state in states:
        last = trace.record(Mixing(name="state", axes=(0, 1, 2)), [step], (1, 1, 1))
        trace.bind(state, trace.record(Pointwise(name="expand"), [last], state.shape))
    return out
