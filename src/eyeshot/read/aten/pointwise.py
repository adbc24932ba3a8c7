"""Functions of one position, arithmetic, norms."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from eyeshot.network.ops import Dropout, Norm, Pointwise
from eyeshot.read.aten.masking import arithmetic
from eyeshot.read.aten.rules import one, rule, show
from eyeshot.read.trace import Call, Trace, tensors_in, unknown
from eyeshot.read.views import Repeated

POINTWISE = (
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "hardswish", "mish", "softplus",
    "sigmoid", "hardsigmoid", "log_sigmoid", "tanh", "hardtanh", "hardshrink", "softshrink", "softsign", "threshold",
    "exp", "log", "sqrt", "rsqrt", "abs", "neg", "pow", "square", "reciprocal", "clamp", "clamp_min", "clamp_max",
    "erf", "sin", "cos", "floor", "round", "sign", "logical_not",
    "bitwise_not", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
    "log2", "log10", "log1p", "exp2", "expm1", "ceil", "trunc", "frac", "logit", "erfc", "erfinv", "lgamma", "digamma",
    "isnan", "isinf", "isfinite", "nan_to_num", "signbit", "sgn", "rrelu", "sinc", "quantize_per_tensor",
    "dequantize", "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine", "angle", "positive",
    "deg2rad", "rad2deg", "i0", "mvlgamma", "polygamma", "isposinf", "isneginf", "special_entr", "special_erfcx",
    "special_i0e", "special_i1", "special_i1e", "special_log_ndtr", "special_ndtri", "special_bessel_j0",
    "special_bessel_j1",
)  # fmt: skip
ARITHMETIC = (
    "add", "sub", "rsub", "mul", "div", "maximum", "minimum", "addcmul", "lerp",
    "addcdiv", "fmod", "remainder", "atan2", "eq", "ne", "lt", "le", "gt", "ge",
    "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "floor_divide",
    "true_divide", "copysign", "hypot", "xlogy", "logaddexp", "fmax", "fmin", "heaviside", "nextafter", "isclose",
    "logaddexp2", "ldexp", "special_zeta", "special_xlog1py", "special_gammainc", "special_gammaincc",
    "igamma", "igammac", "gcd", "lcm",
)  # fmt: skip
CHANGING = frozenset(
    {"pow", "isnan", "isinf", "isfinite", "logical_not", "signbit", "prelu", "angle", "isposinf", "isneginf"}
    | {"bitwise_not", "quantize_per_tensor", "dequantize"}
)
"""Functions whose output may have another shape or type than the input, or that take some types only."""
FRESH = (
    "empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like",
    "new_empty", "new_zeros", "new_ones", "new_full", "sym_size", "size", "dim", "is_same_size",
)  # fmt: skip


@rule(*POINTWISE)
def _pointwise(trace: Trace, call: Call) -> Any:
    x = call.x
    if not trace.knows(x) or trace.knows(call.arguments.get("exponent")):
        return arithmetic(trace, call)
    name = call.name.rstrip("_")
    if name == "hardtanh" and (call["min_val"], call["max_val"]) == (0, 6):
        name = "relu6"
    is_like = name not in CHANGING and x.dtype.is_floating_point
    return one(trace, call, _function(name), [x], call.like(x) if is_like else call.run())


@cache
def _function(name: str) -> Pointwise:
    """The function of that name: a network has many of few."""
    return Pointwise(name=name)


@rule("expand", "expand_as", "broadcast_to")
def _expand(trace: Trace, call: Call) -> Any:
    return show(trace, call.x, Repeated(call.name), call.run())


@rule(*FRESH)
def _fresh(trace: Trace, call: Call) -> Any:
    """Takes a shape from its input, and no numbers; what it fills holds one number everywhere."""
    out = call.run()
    name = call.name.removeprefix("new_").removesuffix("_like")
    fill = {"zeros": 0, "ones": 1, "full": call.arguments.get("fill_value")}.get(name)
    if isinstance(fill, int | float) and not call.has_numbers:
        trace.remember_numbers(out, lambda: torch.full((), fill, dtype=out.dtype).expand(out.shape))
    return out


@rule("resize_as")
def _resize_as(trace: Trace, call: Call) -> Any:
    """Takes a shape too; what it resizes holds no numbers yet, or others than before."""
    out = call.run()
    if trace.knows(call.x):
        unknown(trace, call.name, [call.x], [out], "it was resized in place")
    return out


@rule("batch_norm", "native_batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    statistics = () if not call.arguments.get("training") else (0, *range(2, x.dim()))
    op = Norm(mode="batch", statistics=statistics) if statistics else _OF_KEPT_STATISTICS
    one(trace, call, op, [x], tensors_in(out)[0])
    return out


_OF_KEPT_STATISTICS = Norm(mode="batch")


@rule("layer_norm", "rms_norm")
def _layer_norm(trace: Trace, call: Call) -> Any:
    x = call.x
    axes = tuple(range(x.dim() - len(call["normalized_shape"]), x.dim()))
    op = Norm(mode=call.name.split("_")[0], statistics=axes)
    return one(trace, call, op, [x], call.run())


@rule("group_norm")
def _group_norm(trace: Trace, call: Call) -> Any:
    x = call.x
    return one(
        trace, call, Norm(mode="group", statistics=tuple(range(1, x.dim())), groups=call["num_groups"]), [x], call.run()
    )


@rule("instance_norm")
def _instance_norm(trace: Trace, call: Call) -> Any:
    """Statistics of the channel's own positions, or those that were kept in training."""
    x = call.x
    statistics = tuple(range(2, x.dim())) if call["use_input_stats"] else ()
    return one(trace, call, Norm(mode="instance", statistics=statistics), [x], call.run())


@rule("dropout", "feature_dropout", "alpha_dropout")
def _dropout(trace: Trace, call: Call) -> Any:
    x, is_in_use = call.x, not call.arguments.get("train", True)
    # in use PyTorch hands on what it was given
    out = torch.ops.aten.alias.default(x) if is_in_use and not call.name.endswith("_") else call.run()
    one(trace, call, Dropout(p=float(call["p"])), [x], out)
    trace.lie_with(trace.step_of(out), out, is_view=out is not x and is_in_use)
    return out


rule(*ARITHMETIC)(arithmetic)
