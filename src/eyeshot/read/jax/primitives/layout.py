"""The same elements elsewhere: reshapes, permutations, slices, concatenation, padding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from eyeshot.network.ops import Insert, Pad, Shift, Tile
from eyeshot.read.jax.calls import Call, Known, UnreadError
from eyeshot.read.jax.primitives.pieces import joined, unsqueezed
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Value


@rule("broadcast_in_dim")
def _broadcast(call: Call) -> Known:
    x, shape = call.x, call.out
    kept = dict(zip(map(int, call["broadcast_dimensions"]), x.shape, strict=True))
    lead = call.reshaped(x, [kept.get(axis, 1) for axis in range(len(shape))])
    return Value(lead.made, shape, lead.order)


@rule("reshape", "squeeze")
def _reshape(call: Call) -> Known:
    if call.name == "reshape" and call.eqn.params.get("dimensions") is not None:
        return call.reshaped(call.permuted(call.x, call["dimensions"]), call.out)
    shape, x = call.out, call.x
    is_flat = len(shape) == 2 < x.rank and shape[0] == x.shape[0]
    return call.reshaped(x, shape, "flatten" if is_flat else "reshape")


@rule("transpose")
def _transpose(call: Call) -> Known:
    return call.permuted(call.x, [int(axis) for axis in call["permutation"]])


@rule("rev")
def _rev(call: Call) -> Known:
    x = call.whole(call.x)
    for axis in call["dimensions"]:
        x = flipped(call, x, int(axis))
    return x


def flipped(call: Call, x: Value, axis: int) -> Value:
    """The last position first."""
    return call.same(Shift(axis=x.order[axis], step=-1), x) if x.shape[axis] > 1 else x


@rule("slice")
def _slice(call: Call) -> Known:
    x = call.x
    steps = call["strides"] or (1,) * x.rank
    for axis, (start, step, size) in enumerate(zip(call["start_indices"], steps, call.out, strict=True)):
        x = call.cut(x, axis, int(start), size, int(step))
    return x


@rule("split")
def _split(call: Call) -> Sequence[Known]:
    axis, sizes = int(call["axis"]), [int(size) for size in call["sizes"]]
    starts = [0, *accumulate(sizes)]
    return [call.cut(call.x, axis, start, size) for start, size in zip(starts, sizes, strict=False)]


@rule("concatenate")
def _concatenate(call: Call) -> Known:
    return joined(call, call.inputs, int(call["dimension"]))


@rule("stack")
def _stack(call: Call) -> Known:
    axis = int(call["axis"])
    return joined(call, [unsqueezed(call, part, axis) for part in call.inputs], axis)


@rule("unstack")
def _unstack(call: Call) -> Sequence[Known]:
    x, axis = call.x, int(call["axis"])
    parts = [call.cut(x, axis, i, 1) for i in range(x.shape[axis])]
    return [call.reshaped(part, (*x.shape[:axis], *x.shape[axis + 1 :]), "select") for part in parts]


@rule("tile")
def _tile(call: Call) -> Known:
    x = call.whole(call.x)
    sizes = [0] * x.rank
    for axis, n in enumerate(call.out):
        sizes[x.order[axis]] = n
    return x if x.shape == call.out else Value(call.draft(Tile(), [x.made], sizes), call.out, x.order)


@rule("pad")
def _pad(call: Call) -> Known:
    """Padding within, then before and behind; a negative one cuts off."""
    if not isinstance(call.inputs[1], Constant):
        raise UnreadError("what it pads with depends on the input")
    return padded(call, call.x, [tuple(map(int, each)) for each in call["padding_config"]])


def padded(call: Call, x: Value, config: Sequence[tuple[int, ...]]) -> Value:
    """Before, behind and between positions, for each axis."""
    x = call.whole(x)
    for axis, (before, behind, within) in enumerate(config):
        if within and x.shape[axis] > 1:
            size = max(before + behind + (x.shape[axis] - 1) * (within + 1) + 1, 0)
            x = call.along(Insert(axis=x.order[axis], start=before, step=within + 1), x, axis, size)
    told = {
        axis: (before, behind)
        for axis, (before, behind, within) in enumerate(config)
        if (before or behind) and not (within and call.x.shape[axis] > 1)
    }
    if not told:
        return x
    axes = sorted(told, key=x.order.__getitem__)
    op = Pad(axes=tuple(x.order[axis] for axis in axes), padding=tuple(told[axis] for axis in axes))
    shape = [n + sum(told.get(axis, (0, 0))) for axis, n in enumerate(x.shape)]
    sizes = [0] * x.rank
    for axis, n in enumerate(shape):
        sizes[x.order[axis]] = n
    return Value(call.draft(op, [x.made], sizes), tuple(shape), x.order)
