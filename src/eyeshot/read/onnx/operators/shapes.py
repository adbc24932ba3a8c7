"""Operators that make constants: shapes, ranges, fills; they take no number from what depends on the input."""

from __future__ import annotations

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import Mixing, Pointwise
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.table import rule
from eyeshot.read.onnx.values import DTYPES, MOST_NUMBERS, LostError, Value, constant, numbers_in


@rule("Constant")
def _constant(call: Call) -> Value:
    tensor = call.tensor("value") or call.tensor("sparse_value")
    if tensor is not None:
        return call.reader.weight(tensor, f"{call.scope.path}/{call.node.outputs[0]}")
    for name, dtype in (("value_int", "i8"), ("value_ints", "i8"), ("value_float", "f4"), ("value_floats", "f4")):
        value = call.attribute(name)
        if value is not None:
            return constant(np.array(value, dtype))
    for name in ("value_string", "value_strings"):
        value = call.attribute(name)
        if value is not None:
            return Value((len(value),) if isinstance(value, list) else ())
    raise ReadError("it has no value")


@rule("ConstantOfShape")
def _constant_of_shape(call: Call) -> Value:
    """Weights too, of nets written without theirs."""
    shape = tuple(call.whole(0))
    if any(n < 0 for n in shape):
        raise ReadError(f"{shape} is no shape")
    tensor = call.tensor("value")
    reader = call.reader
    reader.check_shape(shape)
    fill = np.zeros(1, "f4") if tensor is None else numbers_in(tensor, reader.wire)
    key = f"{call.scope.path}/{call.node.outputs[0]}"
    value = Value(shape, compute=lambda: np.full(shape, fill.reshape(-1)[0]), weights=frozenset({key}))
    reader.sizes[key] = value.count
    if fill.dtype.kind == "f":
        reader.fractions.add(key)
    return value


@rule("Shape")
def _shape(call: Call) -> Value:
    shape = call.x.shape
    end = call.attribute("end")
    return constant(np.array(shape[call.integer("start", 0) : None if end is None else call.integer("end")], "i8"))


@rule("Size")
def _size(call: Call) -> Value:
    return constant(np.array(call.x.count, "i8"))


@rule("Range")
def _range(call: Call) -> Value:
    start, limit, step = (call.numbers(i).reshape(-1)[0] for i in range(3))
    count = max(int(np.ceil((float(limit) - float(start)) / float(step))), 0)
    if count > MOST_NUMBERS:
        raise ReadError(f"a range of {count:,} numbers")
    return constant((start + np.arange(count) * step).astype(np.asarray(start).dtype))


@rule("EyeLike", "RandomNormalLike", "RandomUniformLike", "Bernoulli")
def _like(call: Call) -> Value:
    """Takes a shape alone (Bernoulli: draws, on which nothing can be built)."""
    x = call.x
    if call.op == "Bernoulli" and x.step is not None:
        return call.record(Pointwise(name="bernoulli"), [x], x.shape)
    if call.op == "EyeLike":
        k = call.integer("k", 0)
        return Value(
            x.shape,
            compute=lambda: np.eye(x.shape[0], x.shape[-1], k, dtype=DTYPES.get(call.integer("dtype", 1), "f4")),
        )
    return Value(x.shape)


@rule("RandomNormal", "RandomUniform")
def _random(call: Call) -> Value:
    return Value(tuple(call.integers("shape") or ()))


@rule("Multinomial")
def _multinomial(call: Call) -> Value:
    rows, _ = call.x.shape
    return call.record(Mixing(name="multinomial", axes=(1,)), [call.x], (rows, call.integer("sample_size", 1)))


@rule("NonZero")
def _nonzero(call: Call) -> Value:
    x = call.x
    if x.step is not None:
        raise LostError("how many elements are not zero depends on the data")
    return constant(np.array(np.nonzero(call.numbers(0)), "i8"))


@rule("Unique", "NonMaxSuppression", "StringSplit", "TfIdfVectorizer")
def _of_data(call: Call) -> Value:
    raise LostError("the shape of what it gives depends on the data")


@rule("HannWindow", "HammingWindow", "BlackmanWindow")
def _window(call: Call) -> Value:
    return Value((call.whole(0)[0],))


@rule("MelWeightMatrix")
def _mel(call: Call) -> Value:
    bins, size = call.whole(0)[0], call.whole(1)[0]
    return Value((size // 2 + 1, bins))
