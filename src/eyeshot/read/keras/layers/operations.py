"""Functions of keras.ops, as a functional model keeps them: x + y, ops.relu(x), ops.mean(x, axis=(1, 2))."""

from __future__ import annotations

from typing import Any

from eyeshot.network.ops import Aggregate, Pointwise
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.layers.layout import concatenated
from eyeshot.read.keras.layers.mixing import product
from eyeshot.read.keras.layers.pointwise import by_operation
from eyeshot.read.keras.layers.table import rule
from eyeshot.read.keras.values import Value

_POINTWISE = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Silu": "silu", "Tanh": "tanh", "Gelu": "gelu",
    "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Square": "square", "Absolute": "abs", "Abs": "abs",
    "Negative": "neg", "Clip": "clamp", "Cast": "to", "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish",
    "HardSilu": "hardswish", "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Softplus": "softplus",
    "Sin": "sin", "Cos": "cos", "Erf": "erf", "Reciprocal": "reciprocal", "Sign": "sign",
}  # fmt: skip
_ARITHMETIC = {"Divide": "div", "TrueDivide": "div", "Power": "pow", "FloorDivide": "floor_divide", "Mod": "remainder"}
_AGGREGATES = {"Mean": "mean", "Sum": "sum", "Max": "amax", "Min": "amin", "Amax": "amax", "Amin": "amin",
               "Prod": "prod", "Var": "var", "Std": "std"}  # fmt: skip


def setting(call: Call, key: str, place: int, default: Any = None) -> Any:
    """An argument of the function: by name in the call, in the operation's settings, or by its place."""
    if key in call.kwargs:
        return call.kwargs[key]
    if key in call.layer.config:
        return call.layer.config[key]
    return call.args[place] if len(call.args) > place else default


@rule(*_POINTWISE)
def _pointwise(call: Call) -> Value:
    return call.same(Pointwise(name=_POINTWISE[call.layer.kind]), call.x)


@rule(*_ARITHMETIC)
def _arithmetic(call: Call) -> Value:
    return by_operation(call, _ARITHMETIC[call.layer.kind])


@rule(*_AGGREGATES)
def _aggregate(call: Call) -> Value:
    x, axis = call.x, setting(call, "axis", 1)
    axes = range(x.rank) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = sorted(int(each) % x.rank for each in axes)
    op = Aggregate(name=_AGGREGATES[call.layer.kind], axes=tuple(sorted(x.lies_at(a) for a in axes)), keep=True)
    shape = [1 if place in op.axes else n for place, n in enumerate(x.step.shape)]
    kept = call.like(x, call.step(op, [x.step], shape))
    if setting(call, "keepdims", 2, False):
        return kept
    return call.reshaped(kept, [n for a, n in enumerate(x.shape) if a not in axes], "squeeze")


@rule("Transpose")
def _transpose(call: Call) -> Value:
    axes = setting(call, "axes", 1)
    return call.permuted(call.x, range(call.x.rank)[::-1] if axes is None else [int(a) % call.x.rank for a in axes])


@rule("ExpandDims", "Squeeze")
def _ones(call: Call) -> Value:
    x, axis = call.logical(call.x), setting(call, "axis", 1)
    if call.layer.kind == "ExpandDims":
        at = int(axis) % (x.rank + 1)
        return call.reshaped(x, (*x.shape[:at], 1, *x.shape[at:]), "unsqueeze")
    axes = {a for a, n in enumerate(x.shape) if n == 1 and a} if axis is None else {
        int(a) % x.rank for a in ([axis] if isinstance(axis, int) else axis)
    }  # fmt: skip
    return call.reshaped(x, [n for a, n in enumerate(x.shape) if a not in axes], "squeeze")


@rule("Matmul", "MatMul")
def _matmul(call: Call) -> Value:
    if len(call.inputs) < 2:
        raise UnreadError("a product with a table of numbers")
    return product(call, *call.inputs[:2])


@rule("Stack")
def _stack(call: Call) -> Value:
    axis = int(setting(call, "axis", 1, 0))
    rows = []
    for value in call.inputs:
        value, at = call.logical(value), axis % (call.x.rank + 1)
        rows.append(call.reshaped(value, (*value.shape[:at], 1, *value.shape[at:]), "unsqueeze"))
    return concatenated(call, rows, axis)


@rule("GetItem")
def _item(call: Call) -> Value:
    raise UnreadError("which part it takes stands in no configuration")


@rule("Lambda")
def _lambda(call: Call) -> Value:
    raise UnreadError("it holds code, which is not run")


@rule("Full", "OnesLike", "ZerosLike")
def _constant(call: Call) -> Value:
    raise UnreadError("constants are not followed")
