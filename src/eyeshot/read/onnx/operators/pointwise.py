"""Functions of one position, arithmetic, norms."""

from __future__ import annotations

import re

from eyeshot.errors import ReadError
from eyeshot.network.ops import Arithmetic, Dropout, Masked, Norm, Pointwise, Softmax
from eyeshot.network.relations import Shape
from eyeshot.read.masks import Constant, is_mask, without
from eyeshot.read.onnx import fused
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.table import broadcast, rule
from eyeshot.read.onnx.values import Value
from eyeshot.read.steps import Step

_NAMES = {
    "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish", "Softplus": "softplus", "Softsign": "softsign",
    "ThresholdedRelu": "threshold", "IsNaN": "isnan", "IsInf": "isinf", "BitwiseNot": "bitwise_not",
    "Reciprocal": "reciprocal", "Swish": "silu",
}  # fmt: skip
POINTWISE = (
    "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softplus",
    "Softsign", "Mish", "ThresholdedRelu", "Swish", "Exp", "Log", "Sqrt", "Abs", "Neg", "Reciprocal", "Floor", "Ceil",
    "Round", "Sign", "Not", "BitwiseNot", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh",
    "Acosh", "Atanh", "IsNaN", "IsInf", "Shrink", "Binarizer",
)  # fmt: skip
ARITHMETIC = (
    "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Sum", "Mean", "And", "Or", "Xor", "Equal", "Less",
    "Greater", "LessOrEqual", "GreaterOrEqual", "Where", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
)  # fmt: skip


def name_of(op: str) -> str:
    """The usual name of an operator's function: leaky_relu of LeakyRelu."""
    return _NAMES.get(op) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", op).lower()


@rule(*POINTWISE)
def _pointwise(call: Call) -> Value:
    return call.record(Pointwise(name=name_of(call.op)), [call.x], call.x.shape)


@rule("Gelu", "FastGelu", "QuickGelu", "BiasGelu", domain="com.microsoft")
def _gelu(call: Call) -> Value:
    bias = call.get(1)
    return call.record(Pointwise(name="gelu"), [call.x], call.x.shape, [bias] if bias is not None else [])


def activated(call: Call, x: Value, activation: str) -> Value:
    """What a fused operator does last."""
    return x if not activation else call.record(Pointwise(name=name_of(activation)), [x], x.shape)


@rule("PRelu")
def _prelu(call: Call) -> Value:
    x, slope = call.x, call[1]
    if slope.step is not None:
        return call.record(Arithmetic(name="prelu"), [x, slope], broadcast(x.shape, slope.shape))
    return call.record(Pointwise(name="prelu"), [x], x.shape, [slope])


@rule("Clip")
def _clip(call: Call) -> Value:
    low, high = (_limit(call, name, i) for i, name in ((1, "min"), (2, "max")))
    name = "relu6" if (low, high) == (0, 6) else "clamp"
    return call.record(Pointwise(name=name), [call.x], call.x.shape)


def _limit(call: Call, name: str, i: int) -> float | None:
    value = call.get(i)
    if value is None:
        return call.fraction(name, 0.0) if call.attribute(name) is not None else None
    numbers = value.numbers if value.step is None else None
    return float(numbers.reshape(-1)[0]) if numbers is not None and numbers.size == 1 else None


@rule("Identity", "Cast", "CastLike", "StopGradient", "BitCast")
def _same(call: Call) -> Value:
    return call.x


@rule("Dropout")
def _dropout(call: Call) -> list[Value]:
    """Does nothing in use."""
    x = call.x
    return [call.record(Dropout(p=call.fraction("ratio", 0.5)), [x], x.shape), Value(x.shape)]


@rule(*ARITHMETIC)
def _arithmetic(call: Call) -> Value:
    inputs = call.present
    shape = broadcast(*(value.shape for value in inputs))
    name = name_of(call.op)
    if call.op in ("Add", "Mul", "Div"):
        whole = fused.recognised(call, shape)
        if whole is not None:
            return whole
    if call.op == "Where" and inputs[0].step is None and any(value.step is not None for value in inputs[1:]):
        return _chosen(call, shape)
    others = {id(value.step): value for value in inputs if value.step is not None}
    sources = list(others.values())
    if len(sources) == 1 and len(inputs) == 2 and sources[0] is inputs[0] is inputs[1] and name == "mul":
        return call.record(Pointwise(name="square"), sources, shape)
    if call.op == "Sum" and len(inputs) == 1:
        return call.x
    out = call.record(Arithmetic(name=name), sources or inputs, shape, _weights(call))
    if out.step is not None:
        masks = call.reader.masks
        if call.op == "Where":
            masks.choose_by_data(out.step, [operand(value) for value in inputs[1:]])
        else:
            masks.follow(out.step, name, [operand(value) for value in inputs])
    return out


def _chosen(call: Call, shape: Shape) -> Value:
    """A choice by numbers: of each case the elements where it is taken; any of them where those are not known."""
    numbers = call[0].numbers
    sources, taken = [], []
    for place in (1, 2):
        value, table = call[place], None if numbers is None else (numbers != 0) == (place == 1)
        taken.append((operand(value), table))
        if value.step is None:
            continue
        value = call.reshaped(value, (1,) * (len(shape) - len(value.shape)) + value.shape, "unsqueeze")
        wide = value if value.shape == shape else call.record(Pointwise(name="expand"), [value], shape)
        assert wide.step is not None
        if table is None:
            sources.append(call.record(Masked(), [wide], shape))
        else:
            sources.append(Value(shape, without(call.reads_one, "where", wide.step, ~table)))
    out = call.record(Arithmetic(name="where"), sources, shape, _weights(call))
    if out.step is not None:
        call.reader.masks.choose(out.step, [(case, table) for case, table in taken if table is not None])
    return out


def operand(value: Value) -> Step | Constant:
    """What a mask may come from, or lie on."""
    return value.step or Constant(lambda: value.numbers, varies=value.count > 1)


def _weights(call: Call) -> list[Value]:
    """Constants with fractions of more than one number are weights; others are part of the formula, as masks are."""
    fractions = call.reader.fractions
    found = [v for v in call.present if v.step is None and v.count > 1 and v.weights and v.weights <= fractions]
    return [v for v in found if call.op not in ("Add", "Sub") or not is_mask(v.numbers)]


# --- norms ------------------------------------------------------------------------------------------------------------


def _with_channels(call: Call) -> Value:
    if len(call.x.shape) < 2:
        raise ReadError(f"its input has {len(call.x.shape)} axes, and so no channels")
    return call.x


@rule("BatchNormalization")
def _batch_norm(call: Call) -> list[Value | None]:
    """The statistics that were kept in training, unless it is in training."""
    x = _with_channels(call)
    statistics = (0, *range(2, len(x.shape))) if call.integer("training_mode", 0) else ()
    return [call.record(Norm(mode="batch", statistics=statistics), [x], x.shape, [call.get(1), call.get(2)])]


@rule("InstanceNormalization")
def _instance_norm(call: Call) -> Value:
    x = _with_channels(call)
    op = Norm(mode="instance", statistics=tuple(range(2, len(x.shape))))
    return call.record(op, [x], x.shape, [call.get(1), call.get(2)])


@rule("GroupNormalization")
def _group_norm(call: Call) -> Value:
    x = _with_channels(call)
    op = Norm(mode="group", statistics=tuple(range(1, len(x.shape))), groups=call.integer("num_groups"))
    return call.record(op, [x], x.shape, [call.get(1), call.get(2)])


@rule("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def _layer_norm(call: Call) -> list[Value | None]:
    x = call.x
    first = call.axis(call.integer("axis", -1), len(x.shape))
    op = Norm(mode="layer" if call.op == "LayerNormalization" else "rms", statistics=tuple(range(first, len(x.shape))))
    return [call.record(op, [x], x.shape, [call.get(1), call.get(2)])]


@rule("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain="com.microsoft")
def _skip_norm(call: Call) -> list[Value | None]:
    x = call.record(Arithmetic(name="add"), [call.x, call[1]], call.x.shape, [call.get(4)])
    op = Norm(mode="rms" if "Simplified" in call.op else "layer", statistics=(len(x.shape) - 1,))
    return [call.record(op, [x], x.shape, [call.get(2), call.get(3)]), None, None, x]


@rule("LpNormalization")
def _lp_norm(call: Call) -> Value:
    x = call.x
    return call.record(Norm(mode="lp", statistics=(call.axis(call.integer("axis", -1), len(x.shape)),)), [x], x.shape)


@rule("MeanVarianceNormalization")
def _mean_variance_norm(call: Call) -> Value:
    x = call.x
    axes = call.integers("axes") or (0, 2, 3)
    op = Norm(mode="mean_variance", statistics=tuple(sorted(call.axis(a, len(x.shape)) for a in axes)))
    return call.record(op, [x], x.shape)


@rule("Softmax", "LogSoftmax", "Hardmax")
def _softmax(call: Call) -> Value:
    """Along one axis from version 13 on; before over all axes from one on, the second unless told."""
    x = call.x
    axis = call.axis(call.integer("axis", -1 if call.opset >= 13 else 1), len(x.shape))
    if call.opset >= 13 or all(n == 1 for n in x.shape[axis + 1 :]):
        return weighed(call, x, axis)
    rows = 1
    for n in x.shape[:axis]:
        rows *= n
    flat = call.reshaped(x, (rows, x.count // max(rows, 1)), "flatten")
    return call.reshaped(weighed(call, flat, 1), x.shape)


def weighed(call: Call, x: Value, axis: int) -> Value:
    """Softmax of scores, without those that a mask left out."""
    masks = call.reader.masks
    scores = x.step and Value(x.shape, masks.scored(call.reads_one, x.step))
    out = call.record(Softmax(axis=axis), [scores or x], x.shape)
    if x.step is not None and out.step is not None and call.op != "LogSoftmax":
        masks.weigh(out.step, x.step, axis)
    return out
