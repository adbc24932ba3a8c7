"""Reshapes, permutations, concatenation, and layers within layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from eyeshot.errors import ReadError
from eyeshot.network.ops import Concatenate, Pointwise
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.graph import Node, Table, layer_of
from eyeshot.read.keras.layers.table import rule
from eyeshot.read.keras.values import Value, as_is
from eyeshot.read.steps import CallSite


@rule("Flatten")
def _flatten(call: Call) -> Value:
    x = call.x
    return call.reshaped(x, (x.shape[0], math.prod(x.shape[1:])), "flatten")


@rule("Reshape")
def _reshape(call: Call) -> Value:
    """A layer says the shape without the batch; the function of keras.ops says it with the batch."""
    if call.node.shapes:  # as Keras itself was seen to work it out
        return call.reshaped(call.x, call.node.shapes[0])
    target, whole = call.layer.config.get("target_shape"), call.layer.config.get("newshape")
    if target is None and isinstance(whole, list | tuple) and whole:
        if whole[0] not in (-1, None, call.x.shape[0]):
            raise UnreadError("it moves positions into the batch")
        target = whole[1:]
    if not isinstance(target, list | tuple):
        raise ReadError(f"its target_shape is {str(target)[:40]!r}")
    return shaped(call, call.x, target)


def shaped(call: Call, x: Value, target: Sequence[Any]) -> Value:
    """A reshape behind the batch, one size of which may be open (−1)."""
    sizes = [-1 if n is None else int(n) for n in target]
    known = math.prod(n for n in sizes if n != -1)
    rest = math.prod(x.shape[1:])
    if sizes.count(-1) > 1 or not known or rest % known:
        raise ReadError(f"{tuple(target)} cannot hold {rest} numbers")
    return call.reshaped(x, (x.shape[0], *(rest // known if n == -1 else n for n in sizes)))


@rule("Permute")
def _permute(call: Call) -> Value:
    """``dims`` count from 1, without the batch."""
    return call.permuted(call.x, (0, *(int(axis) for axis in call.get("dims", []))))


@rule("RepeatVector")
def _repeat(call: Call) -> Value:
    x = call.logical(call.x)
    n, width = call.whole("n"), x.shape[-1]
    row = call.reshaped(x, (x.shape[0], 1, width), "unsqueeze")
    return as_is(call.step(Pointwise(name="expand"), [row.step], (x.shape[0], n, width)))


@rule("Concatenate")
def _concatenate(call: Call) -> Value:
    parts = call.args[0] if call.args else call.kwargs.get("xs")
    if call.tables and isinstance(parts, list) and all(isinstance(each, Value | Table) for each in parts):
        return _beside_tables(call, parts, int(call.get("axis", -1)))
    return concatenated(call, call.inputs, int(call.get("axis", -1)))


def _beside_tables(call: Call, parts: Sequence[Value | Table], axis: int) -> Value:
    """Side by side with numbers that do not depend on the input, as a token of a class is."""
    first, axis = call.x, axis % call.x.rank
    offsets, values, varies, at = [], [], set(), 0
    for part in parts:
        if len(part.shape) != first.rank:
            raise UnreadError("its parts have not the same axes")
        if isinstance(part, Value):
            offsets.append(at)
            values.append(call.ordered(part, first.order))
        else:
            varies |= {first.lies_at(a) for a, n in enumerate(part.shape) if a not in (0, axis) and n > 1}
        at += part.shape[axis]
    shape = [at if a == axis else n for a, n in enumerate(first.shape)]
    places = sorted(range(first.rank), key=first.order.__getitem__)
    op = Concatenate(axis=first.lies_at(axis), offsets=tuple(offsets), varies=tuple(sorted(varies)))
    step = call.step(op, [value.step for value in values], [shape[a] for a in places], call.weights())
    return Value(step, tuple(shape), first.order)


def concatenated(call: Call, values: Sequence[Value], axis: int) -> Value:
    """Side by side along one of Keras' axes, wherever that lies in the first."""
    if not values:
        raise ReadError("it reads nothing")
    first, *others = values
    if not others:
        return first
    axis %= first.rank
    ordered = [first, *(call.ordered(value, first.order) for value in others)]
    shape = list(first.shape)
    for value in others:
        if value.rank != first.rank or any(
            n != m for a, (n, m) in enumerate(zip(first.shape, value.shape, strict=True)) if a != axis
        ):
            shapes = " and ".join("×".join(map(str, v.shape[1:])) for v in values)
            raise ReadError(f"{shapes} do not stand side by side along axis {axis}")
        shape[axis] += value.shape[axis]
    places = sorted(range(first.rank), key=first.order.__getitem__)
    op = Concatenate(axis=first.order[axis])
    step = call.step(op, [value.step for value in ordered], [shape[a] for a in places])
    return Value(step, tuple(shape), first.order)


def within(call: Call, entry: Any, inputs: Sequence[Value], name: str | None = None) -> Value:
    """What a layer makes that another has among its settings."""
    layer = layer_of(entry)
    where = f"{call.site.path}.{name}" if name else call.site.path
    inner = Call(call.reader, Node(layer, 0), inputs, CallSite(where, True))
    outputs = call.reader.outputs_within(inner, where)
    if len(outputs) != 1 or outputs[0] is None:
        raise UnreadError(f"the layer inside, {layer.kind}, has no rule")
    return outputs[0]


@rule("TimeDistributed")
def _time_distributed(call: Call) -> Value:
    """The same layer at every position of axis 1, which stands with the batch meanwhile."""
    x = call.logical(call.x)
    if x.rank < 3:
        raise ReadError("it takes rows of something")
    lead, rest = x.shape[:2], x.shape[2:]
    apart = call.reshaped(x, (math.prod(lead), *rest))
    out = call.logical(within(call, call.get("layer"), [apart]))
    return call.reshaped(out, (*lead, *out.shape[1:]))
