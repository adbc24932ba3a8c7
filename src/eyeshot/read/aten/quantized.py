"""Quantised layers, which hold their weights packed: convolutions and fully connected layers of eager quantisation."""

from __future__ import annotations

from typing import Any

from eyeshot.network.ops import Arithmetic, Concatenate, Conv, Linear, Pointwise
from eyeshot.read.aten.rules import both_sides, one, rule
from eyeshot.read.trace import Call, Trace

_RELUS = ("", "_relu")


@rule(*(f"quantized::conv{axes}d{relu}" for axes in (1, 2, 3) for relu in _RELUS))
def _conv(trace: Trace, call: Call) -> Any:
    x, out = call["qx"], call.run()
    packed = call["packed_weight"]
    weight, bias = packed.unpack()
    # in one dimension the packed layer is a convolution over one row
    axes = x.dim() - 2
    op = Conv(
        kernel=tuple(weight.shape[2:])[-axes:],
        stride=tuple(packed.stride())[-axes:],
        dilation=tuple(packed.dilation())[-axes:],
        padding=both_sides(tuple(packed.padding())[-axes:]),
        groups=packed.groups(),
        bias=bias is not None,
    )
    return _with_packed(trace, call, op, x, out, weight.numel() + (0 if bias is None else bias.numel()))


@rule(*(f"quantized::linear{form}" for form in ("", "_relu", "_dynamic", "_relu_dynamic", "_dynamic_fp16")))
def _linear(trace: Trace, call: Call) -> Any:
    x, out = call["X"], call.run()
    weight, bias = call["W_prepack"].unpack()
    params = weight.numel() + (0 if bias is None else bias.numel())
    return _with_packed(trace, call, Linear(bias=bias is not None), x, out, params)


def _with_packed(trace: Trace, call: Call, op: Conv | Linear, x: Any, out: Any, params: int) -> Any:
    step = trace.record(op, [trace.step_of(x)], out.shape, params)
    if "_relu" in call.name:
        step = trace.record(Pointwise(name="relu"), [step], out.shape)
    trace.bind(out, step)
    return out


@rule(*(f"quantized::{name}{form}" for name in ("add", "mul") for form in ("", "_relu", "_scalar", "_scalar_relu")))
def _arithmetic(trace: Trace, call: Call) -> Any:
    inputs = [tensor for tensor in call.tensors if trace.knows(tensor)]
    name = call.name.removeprefix("quantized::").partition("_")[0]
    out = one(trace, call, Arithmetic(name=name), inputs, call.run())
    if call.name.endswith("_relu"):
        trace.bind(out, trace.record(Pointwise(name="relu"), [trace.step_of(out)], out.shape))
    return out


@rule("quantized::cat", "quantized::cat_relu")
def _cat(trace: Trace, call: Call) -> Any:
    return one(trace, call, Concatenate(axis=int(call["dim"])), list(call["qx"]), call.run())


@rule(*(f"quantized::{name}" for name in ("relu6", "hardswish", "leaky_relu", "elu", "sigmoid", "batch_norm2d")))
def _pointwise(trace: Trace, call: Call) -> Any:
    x = call["qx"]
    return one(trace, call, Pointwise(name=call.name.removeprefix("quantized::")), [x], call.run())
