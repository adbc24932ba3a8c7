"""One rule per ATen op: what a call means in the network's own ops.

A rule records the call's steps in the trace and returns its output. Names are those of PyTorch's schemas; a rule
serves the in-place twin of its op as well. To add an op, add a rule: find the relation in network/relations.py that
says which positions it reads, choose or add the op in network/ops.py, and record it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Arithmetic,
    Concatenate,
    Conv,
    Dropout,
    Linear,
    Norm,
    Op,
    Pad,
    Pointwise,
    Pool,
    Rearrange,
    Slice,
    Sliding,
    Softmax,
)
from eyeshot.network.relations import Sides
from eyeshot.read.trace import AtenRule, Call, Step, Trace, tensors_in, unknown

RULES: dict[str, AtenRule] = {}

POINTWISE = (
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "hardswish", "mish", "softplus",
    "sigmoid", "hardsigmoid", "log_sigmoid", "tanh", "hardtanh", "hardshrink", "softshrink", "softsign", "threshold",
    "exp", "log", "sqrt", "rsqrt", "abs", "neg", "pow", "square", "reciprocal", "clamp", "clamp_min", "clamp_max",
    "erf", "sin", "cos", "floor", "round", "sign", "logical_not", "expand", "expand_as", "broadcast_to",
)  # fmt: skip
ARITHMETIC = ("add", "sub", "rsub", "mul", "div", "maximum", "minimum", "where", "addcmul", "lerp")
SAME = ("contiguous", "clone", "detach", "alias", "to", "_to_copy", "type_as", "lift_fresh", "resolve_conj")
FRESH = (
    "empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like",
    "new_empty", "new_zeros", "new_ones", "new_full", "sym_size", "size", "dim", "is_same_size",
)  # fmt: skip
RESHAPES = (
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "_reshape_alias", "view_as",
)  # fmt: skip
AGGREGATES = ("mean", "sum", "amax", "amin", "prod", "var", "std", "logsumexp")


def rule(*names: str) -> Callable[[AtenRule], AtenRule]:
    """Register a rule for some ops."""

    def register(function: AtenRule) -> AtenRule:
        for name in names:
            assert name not in RULES, f"a second rule for {name}"
            RULES[name] = function
        return function

    return register


def _one(trace: Trace, call: Call, op: Op, inputs: Sequence[torch.Tensor], out: torch.Tensor) -> torch.Tensor:
    """Record one op that reads the given tensors and uses whatever weights are among the call's arguments."""
    params = trace.params_of(tensors_in(list(call.arguments.values())))
    trace.bind(out, trace.record(op, [trace.step_of(tensor) for tensor in inputs], out.shape, params))
    return out


def _like_input(call: Call, tensor: torch.Tensor) -> torch.Tensor:
    """An output of the input's shape, without asking PyTorch: the input itself for in-place ops."""
    return tensor if call.name.endswith("_") else torch.empty_like(tensor)


def _each(value: Any, axes: int) -> tuple[int, ...]:
    sizes = (value,) if isinstance(value, int) else tuple(int(v) for v in value)
    return sizes * axes if len(sizes) == 1 else sizes


def _both_sides(padding: Iterable[int]) -> Sides:
    return tuple((p, p) for p in padding)


def _axis(axis: int, rank: int) -> int:
    return axis + rank if axis < 0 else axis


# --- windows --------------------------------------------------------------------------------------------------------


@rule("conv1d", "conv2d", "conv3d")
def _conv(trace: Trace, call: Call) -> Any:
    x, weight = call.x, call["weight"]
    if not trace.knows(x) or trace.knows(weight) or x.dim() != weight.dim():
        out = call.run()
        unknown(
            trace,
            call.name,
            tensors_in(list(call.arguments.values())),
            [out],
            "its kernel depends on the data",
        )
        return out
    axes = weight.dim() - 2
    kernel = tuple(weight.shape[2:])
    stride, dilation = _each(call["stride"], axes), _each(call["dilation"], axes)
    padding = call["padding"]
    if padding == "same":
        spread = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        sides: Sides = tuple((s // 2, s - s // 2) for s in spread)
    else:
        sides = _both_sides(_each(0 if padding == "valid" else padding, axes))
    op = Conv(
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=sides,
        groups=call["groups"],
        bias=call["bias"] is not None,
    )
    return _with_padding_folded(trace, call, op, x, call.run())


@rule("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d")
def _pool(trace: Trace, call: Call) -> Any:
    mode, axes = call.name[:3], int(call.name[-2])
    kernel = _each(call["kernel_size"], axes)
    x = call.x
    op = Pool(
        mode=mode,
        kernel=kernel,
        stride=_each(call["stride"], axes) if call["stride"] else kernel,
        dilation=_each(call.arguments.get("dilation", 1), axes),
        padding=_both_sides(_each(call["padding"], axes)),
        ceil=bool(call["ceil_mode"]),
    )
    return _with_padding_folded(trace, call, op, x, call.run())


@rule("max_pool2d_with_indices", "max_pool3d_with_indices")
def _pool_with_indices(trace: Trace, call: Call) -> Any:
    values, indices = call.run()
    plain = Call(call.name.removesuffix("_with_indices"), call.arguments, lambda: values)
    _pool(trace, plain)
    trace.bind(indices, trace.step_of(values))
    return values, indices


def _with_padding_folded(trace: Trace, call: Call, op: Sliding, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Record a window op; constant padding just before it, in the same module, becomes its own.

    PyTorch pads in a step of its own for uneven padding; people and the relation know one op.
    """
    before = trace.step_of(x)
    first_axis = 2
    if (
        isinstance(before.op, Pad)
        and before.place == trace.place
        and before.place.is_leaf
        and trace.steps[-1] is before
        and all(axis >= first_axis for axis in before.op.axes)
    ):
        from dataclasses import replace

        extra = dict(zip(before.op.axes, before.op.padding, strict=True))
        sides = tuple(
            (a + extra.get(axis, (0, 0))[0], b + extra.get(axis, (0, 0))[1])
            for axis, (a, b) in enumerate(op.padding, start=first_axis)
        )
        trace.steps.pop()
        params = trace.params_of(tensors_in(list(call.arguments.values())))
        trace.bind(out, trace.record(replace(op, padding=sides), before.inputs, out.shape, params))
        return out
    return _one(trace, call, op, [x], out)


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
      "_adaptive_avg_pool2d", "_adaptive_avg_pool3d",
      "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")  # fmt: skip
def _adaptive_pool(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    first = next(iter(tensors_in(out)))
    mode = "max" if "max" in call.name else "avg"
    sizes, wanted = list(x.shape[2:]), list(first.shape[2:])
    step = trace.step_of(x)
    uneven = [a for a, (n, m) in enumerate(zip(sizes, wanted, strict=True)) if n % m]
    for a in uneven[:-1] if all(m == 1 for m in wanted) or len(uneven) > 1 else []:
        sizes[a] = wanted[a]
        step = trace.record(AdaptivePool(mode=mode, size=tuple(sizes)), [step], (*x.shape[:2], *sizes))
    if uneven and sizes != wanted:
        sizes[uneven[-1]] = wanted[uneven[-1]]
        step = trace.record(AdaptivePool(mode=mode, size=tuple(sizes)), [step], (*x.shape[:2], *sizes))
    if not uneven or sizes != wanted:
        step = trace.record(AdaptivePool(mode=mode, size=tuple(wanted)), [step], first.shape)
    for tensor in tensors_in(out):
        trace.bind(tensor, step)
    return out


@rule("constant_pad_nd", "pad")
def _pad(trace: Trace, call: Call) -> Any:
    x, amounts, out = call.x, list(call["pad"]), call.run()
    if call.arguments.get("mode", "constant") != "constant":
        unknown(trace, f"pad_{call['mode']}", [x], [out])
        return out
    rank = x.dim()
    axes = [rank - 1 - i for i in range(len(amounts) // 2)]
    pairs = {axis: (amounts[2 * i], amounts[2 * i + 1]) for i, axis in enumerate(axes)}
    pairs = {axis: pair for axis, pair in sorted(pairs.items()) if pair != (0, 0)}
    if not pairs:
        trace.bind(out, trace.step_of(x))
        return out
    return _one(trace, call, Pad(axes=tuple(pairs), padding=tuple(pairs.values())), [x], out)


@rule("slice")
def _slice(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    axis = _axis(call["dim"] or 0, x.dim())
    size = x.shape[axis]
    start = min(max(_axis(call["start"] or 0, size), 0), size)
    if tuple(out.shape) == tuple(x.shape):
        trace.bind(out, trace.step_of(x))
        return out
    return _one(trace, call, Slice(axis=axis, start=start, step=call["step"]), [x], out)


@rule("narrow")
def _narrow(trace: Trace, call: Call) -> Any:
    x = call.x
    axis = _axis(call["dim"], x.dim())
    return _one(trace, call, Slice(axis=axis, start=_axis(int(call["start"]), x.shape[axis])), [x], call.run())


@rule("select")
def _select(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    axis = _axis(call["dim"], x.dim())
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    piece = trace.record(Slice(axis=axis, start=_axis(int(call["index"]), x.shape[axis])), [trace.step_of(x)], one)
    trace.bind(out, trace.record(Rearrange(name="select"), [piece], out.shape))
    return out


@rule("chunk", "split", "split_with_sizes", "tensor_split")
def _split(trace: Trace, call: Call) -> Any:
    x, parts = call.x, call.run()
    axis = _axis(call["dim"], x.dim())
    source, start = trace.step_of(x), 0
    for part in parts:
        trace.bind(part, trace.record(Slice(axis=axis, start=start), [source], part.shape))
        start += part.shape[axis]
    return parts


# --- everything at a position, or all positions -----------------------------------------------------------------------


@rule(*POINTWISE)
def _pointwise(trace: Trace, call: Call) -> Any:
    x = call.x
    if not trace.knows(x):
        out = call.run()
        unknown(trace, call.name, tensors_in(list(call.arguments.values())), tensors_in(out))
        return out
    name = call.name.rstrip("_")
    if name == "hardtanh" and (call["min_val"], call["max_val"]) == (0, 6):
        name = "relu6"
    same_shape = name not in {"expand", "expand_as", "broadcast_to", "pow"}
    return _one(trace, call, Pointwise(name=name), [x], _like_input(call, x) if same_shape else call.run())


@rule("batch_norm", "native_batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(trace: Trace, call: Call) -> Any:
    x = call.x
    statistics = () if not call.arguments.get("training") else (0, *range(2, x.dim()))
    op = Norm(mode="batch", statistics=statistics)
    if call.name != "batch_norm":
        out = call.run()
        _one(trace, call, op, [x], out[0])
        return out
    return _one(trace, call, op, [x], torch.empty_like(x))


@rule("layer_norm", "rms_norm")
def _layer_norm(trace: Trace, call: Call) -> Any:
    x = call.x
    axes = tuple(range(x.dim() - len(call["normalized_shape"]), x.dim()))
    op = Norm(mode=call.name.split("_")[0], statistics=axes)
    return _one(trace, call, op, [x], torch.empty_like(x))


@rule("group_norm", "instance_norm")
def _group_norm(trace: Trace, call: Call) -> Any:
    x = call.x
    mode = call.name.split("_")[0]
    first = 1 if mode == "group" else 2
    op = Norm(mode=mode, statistics=tuple(range(first, x.dim())))
    return _one(trace, call, op, [x], torch.empty_like(x))


@rule("dropout", "feature_dropout", "alpha_dropout")
def _dropout(trace: Trace, call: Call) -> Any:
    x = call.x
    return _one(trace, call, Dropout(p=float(call["p"])), [x], _like_input(call, x))


@rule("softmax", "_softmax", "log_softmax", "_log_softmax")
def _softmax(trace: Trace, call: Call) -> Any:
    x = call.x
    return _one(trace, call, Softmax(axis=_axis(call["dim"], x.dim())), [x], torch.empty_like(x))


@rule("linear")
def _linear(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if not trace.knows(x) or trace.knows(call["weight"]):
        unknown(
            trace,
            call.name,
            tensors_in(list(call.arguments.values())),
            [out],
            "its weights depend on the data",
        )
        return out
    return _one(trace, call, Linear(bias=call["bias"] is not None), [x], out)


@rule(*AGGREGATES)
def _aggregate(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    given = call.arguments.get("dim")
    axes = range(x.dim()) if given is None or given == [] else [given] if isinstance(given, int) else given
    op = Aggregate(
        name=call.name,
        axes=tuple(sorted(_axis(a, x.dim()) for a in axes)),
        keep=bool(call.arguments.get("keepdim", False)),
    )
    return _one(trace, call, op, [x], out)


@rule(*ARITHMETIC)
def _arithmetic(trace: Trace, call: Call) -> Any:
    inputs = [t for t in tensors_in(list(call.arguments.values())) if trace.knows(t)]
    if len({id(t) for t in inputs}) == 1:
        inputs = inputs[:1]
    return _one(trace, call, Arithmetic(name=call.name.rstrip("_")), inputs, call.run())


@rule(*FRESH)
def _fresh(trace: Trace, call: Call) -> Any:
    """Takes a shape from its input, and no numbers."""
    return call.run()


# --- rearranging ----------------------------------------------------------------------------------------------------


@rule(*SAME)
def _same(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if out is not x:
        trace.bind(out, trace.step_of(x))
    return out


@rule(*RESHAPES)
def _reshape(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if tuple(out.shape) == tuple(x.shape):
        if out is not x:
            trace.bind(out, trace.step_of(x))
        return out
    name = call.name.strip("_") if call.name in {"flatten", "squeeze", "unsqueeze"} else "reshape"
    return _one(trace, call, Rearrange(name=name), [x], out)


@rule("permute")
def _permute(trace: Trace, call: Call) -> Any:
    x = call.x
    return _reorder(trace, call, [_axis(a, x.dim()) for a in call["dims"]])


@rule("transpose", "swapaxes", "swapdims")
def _transpose(trace: Trace, call: Call) -> Any:
    x = call.x
    a, b = (_axis(v, x.dim()) for v in list(call.arguments.values())[1:3])
    order = list(range(x.dim()))
    order[a], order[b] = order[b], order[a]
    return _reorder(trace, call, order)


@rule("t")
def _t(trace: Trace, call: Call) -> Any:
    return _reorder(trace, call, list(range(call.x.dim()))[::-1])


def _reorder(trace: Trace, call: Call, order: list[int]) -> Any:
    return _one(trace, call, Rearrange(name="permute", order=tuple(order)), [call.x], call.run())


@rule("cat", "concat", "concatenate")
def _cat(trace: Trace, call: Call) -> Any:
    tensors, out = list(call["tensors"]), call.run()
    if not all(trace.knows(t) for t in tensors):
        unknown(trace, "concat", tensors, [out], "some of what is concatenated does not depend on the input")
        return out
    if len(tensors) == 1:
        trace.bind(out, trace.step_of(tensors[0]))
        return out
    return _one(trace, call, Concatenate(axis=_axis(call["dim"], out.dim())), tensors, out)


@rule("stack")
def _stack(trace: Trace, call: Call) -> Any:
    tensors, out = list(call["tensors"]), call.run()
    if not all(trace.knows(t) for t in tensors):
        unknown(trace, "stack", tensors, [out], "some of what is stacked does not depend on the input")
        return out
    axis = _axis(call["dim"], out.dim())
    parts: list[Step] = []
    for tensor in tensors:
        shape = (*tensor.shape[:axis], 1, *tensor.shape[axis:])
        parts.append(trace.record(Rearrange(name="unsqueeze"), [trace.step_of(tensor)], shape))
    trace.bind(out, trace.record(Concatenate(axis=axis), parts, out.shape))
    return out
