"""Functions of keras.ops, as a functional model keeps them: x + y, ops.relu(x), ops.mean(x, axis=(1, 2))."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from eyeshot.network.ops import Aggregate, Arithmetic, Conv, Linear, Pad, Pointwise
from eyeshot.network.relations import Shape
from eyeshot.read.einsum import contracted, labels
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.graph import Table
from eyeshot.read.keras.layers.layout import concatenated
from eyeshot.read.keras.layers.mixing import Algebra, as_value, by_kernel, product
from eyeshot.read.keras.layers.pointwise import by_operation, placed
from eyeshot.read.keras.layers.table import rule
from eyeshot.read.keras.layers.windows import padding_of, pooled, resized, slid
from eyeshot.read.keras.values import Value, as_is
from eyeshot.read.masks import without

_POINTWISE = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Silu": "silu", "Tanh": "tanh", "Gelu": "gelu",
    "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Square": "square", "Absolute": "abs", "Abs": "abs",
    "Negative": "neg", "Clip": "clamp", "Cast": "to", "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish",
    "HardSilu": "hardswish", "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Softplus": "softplus",
    "Sin": "sin", "Cos": "cos", "Erf": "erf", "Reciprocal": "reciprocal", "Sign": "sign",
}  # fmt: skip
_ARITHMETIC = {"Divide": "div", "TrueDivide": "div", "Power": "pow", "FloorDivide": "floor_divide", "Mod": "remainder"}
_COMPARISONS = {"Greater": "gt", "GreaterEqual": "ge", "Less": "lt", "LessEqual": "le", "Equal": "eq", "NotEqual": "ne",
                "LogicalAnd": "logical_and", "LogicalOr": "logical_or"}  # fmt: skip
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


@rule(*_COMPARISONS)
def _compared(call: Call) -> Value:
    if call.tables:
        raise UnreadError("a mask of numbers")
    return by_operation(call, _COMPARISONS[call.layer.kind])


@rule("Where")
def _where(call: Call) -> Value:
    """Of each case the elements where it is taken, as numbers or the data say."""
    which, *cases = (setting(call, key, place) for place, key in enumerate(("condition", "x1", "x2")))
    masks, shape = call.reader.masks, np.broadcast_shapes(*(getattr(each, "shape", ()) for each in (which, *cases)))
    if isinstance(which, Value):
        out = by_operation(call, "where")
        same = all(not isinstance(each, Value) or each.order == out.order for each in cases)
        if same:
            masks.choose_by_data(out.step, [e.step if isinstance(e, Value) else placed(e, out) for e in cases])
        return out
    numbers = which.numbers if isinstance(which, Table) else None
    if numbers is None:
        raise UnreadError("its condition is of numbers that are not known")
    wide = [_spread(call, each, shape) if isinstance(each, Value) else each for each in cases]
    first = next(each for each in wide if isinstance(each, Value))
    wide = [call.ordered(each, first.order) if isinstance(each, Value) else each for each in wide]
    places = sorted(range(first.rank), key=first.order.__getitem__)
    table = np.broadcast_to(numbers.astype(bool), shape).transpose(places)
    taken = (table, ~table)
    steps = [
        without(call.reads_one, "where", each.step, ~chosen)
        for each, chosen in zip(wide, taken, strict=True)
        if isinstance(each, Value)
    ]
    step = call.step(Arithmetic(name="where"), steps, first.step.shape, call.weights())
    given = [each.step if isinstance(each, Value) else placed(each, first) for each in wide]
    masks.choose(step, list(zip(given, taken, strict=True)))
    return Value(step, shape, first.order)


def _spread(call: Call, value: Value, shape: Shape) -> Value:
    """A tensor with positions along all axes of a shape."""
    if value.shape == shape:
        return value
    value = call.reshaped(value, (1,) * (len(shape) - value.rank) + value.shape, "unsqueeze")
    value = call.logical(value)
    return as_is(call.step(Pointwise(name="expand"), [value.step], shape))


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


@rule("Resize")
def _resize(call: Call) -> Value:
    if call.get("crop_to_aspect_ratio") or call.get("pad_to_aspect_ratio") or call.x.rank != 4:
        raise UnreadError("it crops or pads to an aspect ratio, or takes no batch of images")
    x, sizes = call.map(call.x), call.sizes("size", 2)
    is_smaller = any(m < n for m, n in zip(sizes, x.step.shape[2:], strict=True))
    mode, antialiased = str(call.get("interpolation", "bilinear")), bool(call.get("antialias", False))
    return resized(call, x, sizes, mode, antialiased=antialiased and is_smaller)


@rule("Matmul", "MatMul")
def _matmul(call: Call) -> Value:
    if len(call.inputs) < 2:
        table = call.tables[0] if call.tables else None
        if table is None or len(table.shape) != 2 or not isinstance(call.args[0], Value):
            raise UnreadError("a product with a table of numbers")
        x = call.logical(call.x)
        return as_is(call.step(Linear(bias=False), [x.step], (*x.shape[:-1], table.shape[1]), call.weights()))
    return product(call, *call.inputs[:2])


@rule("Einsum")
def _einsum(call: Call) -> Value:
    """Products summed over labels, of tensors and of at most one table of numbers."""
    given = list(call.args[1:] if call.args and isinstance(call.args[0], str) else call.args)
    operands = [each for one in given for each in (one if isinstance(one, list) else [one])]
    if not operands or not all(isinstance(each, Value | Table) for each in operands):
        raise UnreadError("its operands stand in no configuration")
    terms, out = labels(str(setting(call, "subscripts", 0)), [len(each.shape) for each in operands])
    tables = [each for each in operands if isinstance(each, Table)]
    if any(len(set(term)) < len(term) for term in terms) or (tables and len(operands) != 2):
        raise UnreadError("it takes a diagonal, or a table of numbers among several operands")
    if not tables:
        return call.logical(as_value(contracted(Algebra(call), list(zip(terms, operands, strict=True)), out)))
    place = operands.index(tables[0])
    return by_kernel(call, call.logical(operands[1 - place]), tables[0], terms[1 - place], terms[place], out)


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
    """x[:, 1:, ::2]: numbers take an axis away, None puts one in."""
    key = call.kwargs.get("key", call.args[1] if len(call.args) > 1 else None)
    keys = list(key) if isinstance(key, tuple) else [key]
    if key is None or not all(each is None or each is ... or isinstance(each, int | slice) for each in keys):
        raise UnreadError("which part it takes stands in no configuration")
    x = call.x
    named = sum(each is not None and each is not ... for each in keys)
    if ... in keys:
        at = keys.index(...)
        keys[at : at + 1] = [slice(None)] * (x.rank - named)
    shape: list[int] = []
    axis = 0
    for each in keys:
        if each is None:
            shape.append(1)
            continue
        if isinstance(each, int):
            x = call.cut(x, axis, each % x.shape[axis], 1)
        else:
            taken = range(x.shape[axis])[each]
            if taken.step < 0 or not taken:
                raise UnreadError("it counts from behind, or takes nothing")
            x = call.cut(x, axis, taken.start, len(taken), taken.step)
            shape.append(len(taken))
        axis += 1
    shape += x.shape[axis:]
    return call.reshaped(x, shape, "squeeze" if len(shape) < x.rank else "unsqueeze")


@rule("Split")
def _split(call: Call) -> list[Value]:
    """Into equal parts, or before the positions that are told."""
    x, parts = call.x, setting(call, "indices_or_sections", 1)
    axis = int(setting(call, "axis", 2, 0)) % x.rank
    size = x.shape[axis]
    if isinstance(parts, int):
        parts = range(size // parts, size, size // parts)
    edges = [0, *(int(each) for each in parts), size]
    return [call.cut(x, axis, start, end - start) for start, end in pairwise(edges)]


@rule("Pad")
def _pad_all(call: Call) -> Value:
    """Constants around any axes."""
    x, width = call.x, setting(call, "pad_width", 1)
    if setting(call, "mode", 2, "constant") != "constant":
        raise UnreadError(f"it pads by {setting(call, 'mode', 2)}")
    lines = [width] if isinstance(width, int) else list(width)
    lines = [lines] if all(isinstance(each, int) for each in lines) and len(lines) == 2 else lines
    sides = [(each, each) if isinstance(each, int) else tuple(each) for each in lines]
    sides = sides * x.rank if len(sides) == 1 else sides
    padded = [axis for axis, side in enumerate(sides) if any(side)]
    if not padded:
        return x
    op = Pad(axes=tuple(x.lies_at(axis) for axis in padded), padding=tuple(sides[axis] for axis in padded))
    shape = list(x.step.shape)
    for place, (before, after) in zip(op.axes, op.padding, strict=True):
        shape[place] += before + after
    return call.like(x, call.step(op, [x.step], shape))


@rule("SwapAxes", "Swapaxes", "Moveaxis")
def _moved(call: Call) -> Value:
    rank = call.x.rank
    order = list(range(rank))
    if call.layer.kind == "Moveaxis":
        told = setting(call, "source", 1), setting(call, "destination", 2)
        source, target = ([each] if isinstance(each, int) else list(each) for each in told)
        rest = [axis for axis in order if axis not in {each % rank for each in source}]
        for to, axis in sorted((to % rank, each % rank) for each, to in zip(source, target, strict=True)):
            rest.insert(to, axis)
        return call.permuted(call.x, rest)
    one, two = int(setting(call, "axis1", 1)) % rank, int(setting(call, "axis2", 2)) % rank
    order[one], order[two] = order[two], order[one]
    return call.permuted(call.x, order)


@rule("ConvertToTensor", "StopGradient", "Copy")
def _unchanged(call: Call) -> Value:
    return call.x


@rule("Conv", "DepthwiseConv")
def _conv(call: Call) -> Value:
    """A convolution whose kernel is a weight of a layer of somebody's own: positions, channels of a group, filters."""
    if len(call.inputs) != 1 or len(call.tables) != 1:
        raise UnreadError("its kernel depends on the input, or stands in no configuration")
    x, kernel = call.map(call.x), call.tables[0].shape
    axes = x.rank - 2
    channels, size = x.step.shape[1], kernel[:axes]
    is_deep = call.layer.kind == "DepthwiseConv"
    filters, groups = (channels * kernel[-1], channels) if is_deep else (kernel[-1], channels // kernel[-2])
    stride, dilation = call.sizes("strides", axes, 1), call.sizes("dilation_rate", axes, 1)
    padding = padding_of(str(call.get("padding", "valid")).lower(), x.step.shape[2:], size, stride, dilation)
    op = Conv(kernel=size, stride=stride, dilation=dilation, padding=padding, groups=groups, bias=False)
    return slid(call, op, x, filters, call.weights())


@rule("MaxPool", "AveragePool")
def _pool(call: Call) -> Value:
    return pooled(call, call.x.rank - 2, is_maximum=call.layer.kind == "MaxPool")


@rule("Lambda")
def _lambda(call: Call) -> Value:
    is_in_memory = bool(call.node.shapes)
    raise UnreadError("its function is not made of keras.ops" if is_in_memory else "it holds code, which is not run")


@rule("Full", "OnesLike", "ZerosLike")
def _constant(call: Call) -> Value:
    raise UnreadError("constants are not followed")
