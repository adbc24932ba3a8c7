"""Sequences of tensors and optional ones, which only pass tensors on."""

from __future__ import annotations

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import Rearrange
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.layout import joined, pieces
from eyeshot.read.onnx.operators.table import rule
from eyeshot.read.onnx.values import LostError, Value, constant


def _items(value: Value) -> list[Value]:
    if value.items is None:
        raise ReadError("a sequence is needed")
    return value.items


@rule("SequenceEmpty", "SequenceConstruct")
def _construct(call: Call) -> Value:
    return Value((len(call.present),), items=call.present)


@rule("SequenceInsert")
def _insert(call: Call) -> Value:
    items = list(_items(call.x))
    items.insert(call.whole(2)[0] if call.get(2) is not None else len(items), call[1])
    return Value((len(items),), items=items)


@rule("SequenceErase")
def _erase(call: Call) -> Value:
    items = list(_items(call.x))
    del items[call.whole(1)[0] if call.get(1) is not None else -1]
    return Value((len(items),), items=items)


@rule("SequenceAt")
def _at(call: Call) -> Value:
    return _items(call.x)[call.whole(1)[0]]


@rule("SequenceLength")
def _length(call: Call) -> Value:
    return constant(np.array(len(_items(call.x)), "i8"))


@rule("SplitToSequence")
def _split(call: Call) -> Value:
    x = call.x
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    n, is_single = x.shape[axis], call.get(1) is None
    sizes = [1] * n if is_single else call.whole(1)
    if not is_single and not call[1].shape:
        size = sizes[0]
        sizes = [min(size, n - i) for i in range(0, n, size)]
    parts = pieces(call, x, axis, sizes, len(sizes))
    if is_single and not call.integer("keepdims", 1):
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        parts = [call.reshaped(part, shape, "squeeze") for part in parts]
    return Value((len(parts),), items=parts)


@rule("ConcatFromSequence")
def _concat(call: Call) -> Value:
    parts, axis = _items(call.x), call.integer("axis")
    if not parts:
        raise ReadError("an empty sequence")
    if not call.integer("new_axis", 0):
        return joined(call, parts, axis)
    axis = call.axis(axis, len(parts[0].shape) + 1)
    wide = [call.record(Rearrange(name="unsqueeze"), [p], (*p.shape[:axis], 1, *p.shape[axis:])) for p in parts]
    return joined(call, wide, axis)


@rule("Optional", "OptionalGetElement")
def _optional(call: Call) -> Value:
    if call.get(0) is None:
        raise LostError("it holds nothing")
    return call.x


@rule("OptionalHasElement")
def _has(call: Call) -> Value:
    return constant(np.array(call.get(0) is not None))
