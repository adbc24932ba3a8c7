"""What operators make of numbers: shapes and positions are computed in graphs, and found here.

Only what computations of shapes and tables use, on few numbers; the shape of each result is known before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.values import DTYPES, MOST_NUMBERS, LostError, Numbers, Value

Fold = Callable[[Call, list[Any]], Any]
FOLDS: dict[str, Fold] = {
    "Add": lambda call, a: a[0] + a[1],
    "Sub": lambda call, a: a[0] - a[1],
    "Mul": lambda call, a: a[0] * a[1],
    "Div": lambda call, a: _divided(a[0], a[1]),
    "Mod": lambda call, a: (np.fmod if call.integer("fmod", 0) else np.mod)(a[0], a[1]),
    "Pow": lambda call, a: np.power(a[0], a[1]).astype(a[0].dtype),
    "Neg": lambda call, a: -a[0],
    "Abs": lambda call, a: np.abs(a[0]),
    "Sign": lambda call, a: np.sign(a[0]),
    "Sqrt": lambda call, a: np.sqrt(a[0]),
    "Exp": lambda call, a: np.exp(a[0]),
    "Log": lambda call, a: np.log(a[0]),
    "Sin": lambda call, a: np.sin(a[0]),
    "Cos": lambda call, a: np.cos(a[0]),
    "Floor": lambda call, a: np.floor(a[0]),
    "Ceil": lambda call, a: np.ceil(a[0]),
    "Round": lambda call, a: np.round(a[0]),
    "Reciprocal": lambda call, a: 1 / a[0],
    "Relu": lambda call, a: np.maximum(a[0], 0),
    "Max": lambda call, a: _over(np.maximum, a),
    "Min": lambda call, a: _over(np.minimum, a),
    "Sum": lambda call, a: _over(np.add, a),
    "Clip": lambda call, a: np.clip(a[0], a[1] if len(a) > 1 else None, a[2] if len(a) > 2 else None),
    "Equal": lambda call, a: a[0] == a[1],
    "Greater": lambda call, a: a[0] > a[1],
    "Less": lambda call, a: a[0] < a[1],
    "GreaterOrEqual": lambda call, a: a[0] >= a[1],
    "LessOrEqual": lambda call, a: a[0] <= a[1],
    "And": lambda call, a: np.logical_and(a[0], a[1]),
    "Or": lambda call, a: np.logical_or(a[0], a[1]),
    "Xor": lambda call, a: np.logical_xor(a[0], a[1]),
    "Not": lambda call, a: np.logical_not(a[0]),
    "Where": lambda call, a: np.where(a[0], a[1], a[2]),
    "Cast": lambda call, a: _cast(a[0], call.integer("to")),
    "CastLike": lambda call, a: a[0].astype(a[1].dtype),
    "Concat": lambda call, a: np.concatenate(a, call.integer("axis", 1)),
    "Gather": lambda call, a: np.take(a[0], a[1].astype("i8"), call.integer("axis", 0)),
    "GatherElements": lambda call, a: np.take_along_axis(a[0], a[1].astype("i8"), call.integer("axis", 0)),
    "GatherND": lambda call, a: _gather_nd(a[0], a[1].astype("i8"), call.integer("batch_dims", 0)),
    "ScatterElements": lambda call, a: _scatter_elements(a, call.integer("axis", 0)),
    "Scatter": lambda call, a: _scatter_elements(a, call.integer("axis", 0)),
    "ScatterND": lambda call, a: _scatter_nd(a),
    "ReverseSequence": lambda call, a: _reversed(a, call.integer("time_axis", 0), call.integer("batch_axis", 1)),
    "Trilu": lambda call, a: (np.triu if call.integer("upper", 1) else np.tril)(a[0], int(a[1]) if len(a) > 1 else 0),
    "Expand": lambda call, a: a[0] * np.ones([int(n) for n in a[1]], a[0].dtype) if a[0].dtype != bool else
              a[0] & np.ones([int(n) for n in a[1]], bool),
    "Tile": lambda call, a: np.tile(a[0], [int(n) for n in a[1]]),
    "Transpose": lambda call, a: np.transpose(a[0], call.integers("perm")),
    "ReduceProd": lambda call, a: _reduced(np.prod, call, a),
    "ReduceSum": lambda call, a: _reduced(np.sum, call, a),
    "ReduceMax": lambda call, a: _reduced(np.max, call, a),
    "ReduceMin": lambda call, a: _reduced(np.min, call, a),
    "ReduceMean": lambda call, a: _reduced(np.mean, call, a),
    "ArgMax": lambda call, a: _argument(np.argmax, call, a[0]),
    "ArgMin": lambda call, a: _argument(np.argmin, call, a[0]),
    "CumSum": lambda call, a: _cumsum(call, a),
    "Slice": lambda call, a: _sliced(call, a),
    "Pad": lambda call, a: _padded(call, a),
    "OneHot": lambda call, a: _one_hot(call, a),
}  # fmt: skip
RESHAPES = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten"})


def folded(call: Call, outputs: list[Value | None]) -> None:
    """Say how constant outputs of constant inputs get their numbers; few ones are computed at once."""
    if any(value.step is not None or value.items is not None for value in call.present) or not outputs:
        return
    if call.op == "Split":
        _fold_split(call, outputs)
        return
    first = outputs[0]
    if first is None or first.compute is not None or first.numbers is not None:
        return
    if call.op not in FOLDS and call.op not in RESHAPES:
        return
    if first.count > MOST_NUMBERS or any(value.count > MOST_NUMBERS for value in call.present):
        return
    shape = first.shape

    def compute() -> Numbers:
        arrays = [None if value is None else value.numbers for value in call.inputs]
        if any(value is not None and array is None for value, array in zip(call.inputs, arrays, strict=True)):
            raise LostError("numbers that it is made of are not known")
        with np.errstate(all="ignore"):
            result = arrays[0] if call.op in RESHAPES else np.asarray(FOLDS[call.op](call, arrays))
        assert result is not None
        return result.reshape(shape)

    first.compute = compute
    if first.count <= 1024 and all(value.count <= 1024 for value in call.present):
        first.numbers  # noqa: B018 - chains of shapes stay short


def _fold_split(call: Call, outputs: list[Value | None]) -> None:
    numbers = call.x.numbers
    if numbers is None:
        return
    axis, start = call.axis(call.integer("axis", 0), numbers.ndim), 0
    for out in outputs:
        if out is not None and out is not call.x:
            part = numbers.take(range(start, start + out.shape[axis]), axis)
            out.compute = lambda part=part: part
        start += out.shape[axis] if out is not None else 0


def _divided(a: Numbers, b: Numbers) -> Any:
    """Whole numbers are divided towards zero."""
    if a.dtype.kind not in "iu":
        return a / b
    return (np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)


def _over(function: Any, arrays: list[Numbers]) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = function(result, array)
    return result


def _cast(a: Numbers, dtype: int) -> Numbers:
    if dtype not in DTYPES:
        raise LostError(f"numbers of ONNX's type {dtype}")
    return a.astype(DTYPES[dtype])


def _axes(call: Call, arrays: list[Any], rank: int) -> tuple[int, ...] | None:
    told = call.integers("axes")
    if told is None and len(arrays) > 1 and arrays[1] is not None:
        told = tuple(int(n) for n in arrays[1].reshape(-1))
    return tuple(told) if told else None


def _reduced(function: Any, call: Call, a: list[Any]) -> Any:
    axes = _axes(call, a, a[0].ndim)
    if axes is None and call.integer("noop_with_empty_axes", 0):
        return a[0]
    return function(a[0], axis=axes, keepdims=bool(call.integer("keepdims", 1))).astype(a[0].dtype)


def _argument(function: Any, call: Call, x: Numbers) -> Any:
    axis = call.integer("axis", 0)
    result = function(x, axis)
    return np.expand_dims(result, axis) if call.integer("keepdims", 1) else result


def _cumsum(call: Call, a: list[Any]) -> Any:
    if call.integer("exclusive", 0) or call.integer("reverse", 0):
        raise LostError("a running sum of that kind is not computed")
    return np.cumsum(a[0], int(a[1].reshape(-1)[0])).astype(a[0].dtype)


def _sliced(call: Call, a: list[Any]) -> Any:
    x = a[0]
    if call.attribute("starts") is not None:
        starts, ends = call.integers("starts") or (), call.integers("ends") or ()
        axes, steps = call.integers("axes"), None
    else:
        starts, ends = (tuple(int(n) for n in each.reshape(-1)) for each in a[1:3])
        axes = tuple(int(n) for n in a[3].reshape(-1)) if len(a) > 3 and a[3] is not None else None
        steps = tuple(int(n) for n in a[4].reshape(-1)) if len(a) > 4 and a[4] is not None else None
    chosen = [slice(None)] * x.ndim
    for i, axis in enumerate(range(len(starts)) if axes is None else axes):
        step = 1 if steps is None else steps[i]
        kept = range(x.shape[axis])[slice(starts[i], ends[i], step)]
        chosen[axis] = slice(kept.start, kept.stop if kept.stop >= 0 else None, step)
    return x[tuple(chosen)]


def _padded(call: Call, a: list[Any]) -> Any:
    if call.text("mode", "constant") != "constant" or len(a) > 3:
        raise LostError("a padding of that kind is not computed")
    amounts = [int(n) for n in (call.integers("pads") or a[1].reshape(-1))]
    rank = a[0].ndim
    value = a[2] if len(a) > 2 and a[2] is not None else 0
    if min(amounts) < 0:
        raise LostError("a padding that cuts off is not computed")
    return np.pad(a[0], list(zip(amounts[:rank], amounts[rank:], strict=True)), constant_values=value)


def _one_hot(call: Call, a: list[Any]) -> Any:
    depth = int(a[1].reshape(-1)[0])
    table = np.eye(depth, dtype="i8")[a[0].astype("i8") % depth]
    return np.moveaxis(np.where(table, a[2][1], a[2][0]), -1, call.integer("axis", -1))


def _gather_nd(x: Numbers, table: Numbers, lead: int) -> Any:
    if lead:
        flat = x.reshape(-1, *x.shape[lead:])
        rows = table.reshape(-1, *table.shape[lead:])
        return np.stack([_gather_nd(a, t, 0) for a, t in zip(flat, rows, strict=True)])
    return x[tuple(np.moveaxis(table, -1, 0))]


def _scatter_elements(a: list[Any], axis: int) -> Any:
    out = a[0].copy()
    np.put_along_axis(out, a[1].astype("i8"), a[2], axis)
    return out


def _scatter_nd(a: list[Any]) -> Any:
    out = a[0].copy()
    out[tuple(np.moveaxis(a[1].astype("i8"), -1, 0))] = a[2]
    return out


def _reversed(a: list[Any], time: int, batch: int) -> Any:
    out = np.moveaxis(a[0], (batch, time), (0, 1)).copy()
    for i, length in enumerate(a[1].reshape(-1).tolist()):
        out[i, :length] = out[i, :length][::-1].copy()
    return np.moveaxis(out, (0, 1), (batch, time))
