"""Adaptive pools, resizing, rolls and flips."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from eyeshot.network.ops import AdaptivePool, Rearrange, Resize, Shift, Tile
from eyeshot.read.aten.rules import axis_of, each, one, rule
from eyeshot.read.trace import Call, Trace, tensors_in


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
      "_adaptive_avg_pool2d", "_adaptive_avg_pool3d",
      "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")  # fmt: skip
def _adaptive_pool(trace: Trace, call: Call) -> Any:
    out = call.run()
    first, *others = tensors_in(out)
    sizes = tuple(first.shape[first.dim() - int(call.name[-2]) :])
    one(trace, call, AdaptivePool(mode="max" if "max" in call.name else "avg", size=sizes), [call.x], first)
    for other in others:
        trace.bind(other, trace.step_of(first))
    return out


_RESIZES = {
    "upsample_nearest": "nearest",
    "_upsample_nearest_exact": "nearest-exact",
    "upsample_linear": "linear",
    "upsample_bilinear": "bilinear",
    "_upsample_bilinear": "bilinear",
    "upsample_trilinear": "trilinear",
    "upsample_bicubic": "bicubic",
    "_upsample_bicubic": "bicubic",
}


@rule(
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d", "upsample_bilinear2d"),
    *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "upsample_trilinear3d"),
    *("upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
)
def _resize(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    name = call.name.removesuffix("_aa")
    axes = int(name[-2])
    aligned = bool(call.arguments.get("align_corners", False))
    scales = _scales(call, axes)
    steps = [_step(n, m, scale, aligned) for n, m, scale in zip(x.shape[2:], out.shape[2:], scales, strict=True)]
    op = Resize(
        mode=_RESIZES[name[:-2]],
        steps=tuple((step.numerator, step.denominator) for step in steps),
        aligned=aligned,
        antialiased=call.name.endswith("_aa"),
    )
    return one(trace, call, op, [x], out)


def _scales(call: Call, axes: int) -> list[float | None]:
    """The scale factors that the user gave; None where the sizes decide."""
    factors = call.arguments.get("scale_factors")
    if factors is not None:
        return list(factors)
    names = ("scales",) if axes == 1 else ("scales_d", "scales_h", "scales_w")[-axes:]
    return [call.arguments.get(name) for name in names]


def _step(n: int, m: int, scale: float | None, aligned: bool) -> Fraction:
    """Input positions per output position."""
    if aligned:
        return Fraction(n - 1, m - 1) if m > 1 else Fraction(0)
    return 1 / Fraction(scale).limit_denominator(1 << 20) if scale else Fraction(n, m)


@rule("roll")
def _roll(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    step = trace.step_of(x)
    if not call["dims"]:  # over all elements in a row
        (shift,) = each(call["shifts"], 1)
        step = trace.record(Rearrange(name="flatten"), [step], (x.numel(),))
        step = trace.record(Shift(axis=0, shift=shift), [step], (x.numel(),))
        trace.bind(out, trace.record(Rearrange(name="reshape"), [step], x.shape))
        return out
    for shift, axis in zip(each(call["shifts"], 1), each(call["dims"], 1), strict=True):
        step = trace.record(Shift(axis=axis_of(axis, x.dim()), shift=shift), [step], x.shape)
    trace.bind(out, step)
    return out


@rule("flip")
def _flip(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    step = trace.step_of(x)
    for axis in call["dims"]:
        step = trace.record(Shift(axis=axis_of(axis, x.dim()), step=-1), [step], x.shape)
    trace.bind(out, step)
    return out


@rule("repeat", "tile")
def _repeat(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    step = trace.step_of(x)
    if out.dim() > x.dim():
        shape = (*(1 for _ in range(out.dim() - x.dim())), *x.shape)
        step = trace.record(Rearrange(name="unsqueeze"), [step], shape)
    trace.bind(out, trace.record(Tile(), [step], out.shape))
    return out
