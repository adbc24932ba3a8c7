"""The same elements elsewhere: reshapes, permutations, slices, concatenation, padding."""

from __future__ import annotations

import math
from itertools import accumulate

from eyeshot.errors import ReadError
from eyeshot.network.ops import Concatenate, EdgePad, Pad, Pointwise, Shift, Slice, Tile
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.table import broadcast, rule
from eyeshot.read.onnx.values import Value

_EDGES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@rule("Reshape")
def _reshape(call: Call) -> Value:
    x = call.x
    told = call.integers("shape") if call.get(1) is None else None
    sizes = list(told) if told is not None else call.whole(1)
    if not call.integer("allowzero", 0):
        sizes = [x.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    if sizes.count(-1) > 1 or any(n < -1 for n in sizes):
        raise ReadError(f"{sizes} is no shape")
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        sizes[sizes.index(-1)] = x.count // rest if rest else 0
    if math.prod(sizes) != x.count:
        raise ReadError(f"{x.count:,} elements do not fit into {'×'.join(map(str, sizes))}")
    is_flat = len(sizes) == 2 < len(x.shape) and sizes[0] == x.shape[0]
    return call.reshaped(x, sizes, "flatten" if is_flat else "reshape")


@rule("Flatten")
def _flatten(call: Call) -> Value:
    x = call.x
    axis = call.integer("axis", 1)
    axis = axis + len(x.shape) if axis < 0 else axis
    return call.reshaped(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])), "flatten")


def axes_told(call: Call, i: int = 1) -> list[int] | None:
    """Axes, which are an attribute up to version 12 and an input after."""
    told = call.integers("axes")
    if told is not None:
        return list(told)
    return call.whole(i) if call.get(i) is not None else None


@rule("Squeeze")
def _squeeze(call: Call) -> Value:
    x, told = call.x, axes_told(call)
    rank = len(x.shape)
    axes = [a for a, n in enumerate(x.shape) if n == 1] if told is None else [call.axis(a, rank) for a in told]
    if any(x.shape[a] != 1 for a in axes):
        raise ReadError(f"axes {axes} are not all of size 1")
    return call.reshaped(x, [n for a, n in enumerate(x.shape) if a not in axes], "squeeze")


@rule("Unsqueeze")
def _unsqueeze(call: Call) -> Value:
    x, told = call.x, axes_told(call) or []
    rank = len(x.shape) + len(told)
    axes = {call.axis(a, rank) for a in told}
    if len(axes) < len(told):
        raise ReadError(f"its axes {told[:8]} are not all different")
    rest = iter(x.shape)
    return call.reshaped(x, [1 if a in axes else next(rest) for a in range(rank)], "unsqueeze")


@rule("Transpose")
def _transpose(call: Call) -> Value:
    rank = len(call.x.shape)
    order = call.integers("perm") or tuple(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        raise ReadError(f"{order} is no order of {rank} axes")
    return call.permuted(call.x, order)


@rule("Expand")
def _expand(call: Call) -> Value:
    x, sizes = call.x, call.whole(1)
    shape = broadcast(x.shape, tuple(sizes))
    if shape == x.shape:
        return x
    lead = call.reshaped(x, ((1,) * (len(shape) - len(x.shape)) + x.shape), "unsqueeze")
    return call.record(Pointwise(name="expand"), [lead], shape)


@rule("Tile")
def _tile(call: Call) -> Value:
    x, repeats = call.x, call.whole(1)
    if len(repeats) != len(x.shape) or min(repeats, default=1) < 0:
        raise ReadError(f"{len(repeats)} repeats for {len(x.shape)} axes")
    shape = tuple(n * m for n, m in zip(x.shape, repeats, strict=True))
    return x if shape == x.shape else call.record(Tile(), [x], shape)


@rule("Concat")
def _concat(call: Call) -> Value:
    return joined(call, call.present, call.integer("axis", 1))


def joined(call: Call, parts: list[Value], axis: int) -> Value:
    """Parts side by side."""
    parts = [part for part in parts if part.count or len(parts) == 1] or parts[:1]
    if not parts:
        raise ReadError("nothing to put side by side")
    rank = len(parts[0].shape)
    axis = call.axis(axis, rank)
    rests = {(*part.shape[:axis], *part.shape[axis + 1 :]) for part in parts}
    if len(rests) > 1 or any(len(part.shape) != rank for part in parts):
        told = ", ".join("×".join(map(str, part.shape)) for part in parts[:4])
        raise ReadError(f"{told} do not fit side by side along axis {axis}")
    if len(parts) == 1:
        return parts[0]
    ends = list(accumulate(part.shape[axis] for part in parts))
    starts = [end - part.shape[axis] for end, part in zip(ends, parts, strict=True)]
    offsets = tuple(start for start, part in zip(starts, parts, strict=True) if part.step is not None)
    op = Concatenate(axis=axis, offsets=None if len(offsets) == len(parts) else offsets)
    shape = (*parts[0].shape[:axis], ends[-1], *parts[0].shape[axis + 1 :])
    weights = [part for part in parts if part.step is None and part.weights and part.weights <= call.reader.fractions]
    return call.record(op, parts, shape, weights)


@rule("Split")
def _split(call: Call) -> list[Value]:
    x = call.x
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    told = call.integers("split") if call.get(1) is None else tuple(call.whole(1))
    count = call.integer("num_outputs", len(call.node.outputs))
    if count > len(call.node.outputs):
        raise ReadError(f"{count:,} parts, of which {len(call.node.outputs)} have names")
    return pieces(call, x, axis, told, count)


def pieces(call: Call, x: Value, axis: int, sizes: object, count: int) -> list[Value]:
    """Parts one behind the other; equal ones, the last of which may be smaller, unless sizes are told."""
    n = x.shape[axis]
    if sizes is None:
        size = -(-n // max(count, 1))
        sizes = [max(min(size, n - i * size), 0) for i in range(count)]
    assert isinstance(sizes, list | tuple)
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise ReadError(f"parts of {list(sizes)[:8]} are not {n} together")
    starts = [end - size for size, end in zip(sizes, accumulate(sizes), strict=True)]
    return [cut(call, x, axis, start, size) for start, size in zip(starts, sizes, strict=True)]


def cut(call: Call, x: Value, axis: int, start: int, size: int, step: int = 1) -> Value:
    """Positions along an axis."""
    if size == x.shape[axis] and step == 1:
        return x
    return call.record(Slice(axis=axis, start=start, step=step), [x], (*x.shape[:axis], size, *x.shape[axis + 1 :]))


@rule("Slice")
def _slice(call: Call) -> Value:
    x = call.x
    rank = len(x.shape)
    if call.attribute("starts") is not None:
        starts, ends = list(call.integers("starts") or ()), list(call.integers("ends") or ())
        told, steps = call.integers("axes"), None
    else:
        starts, ends = call.whole(1), call.whole(2)
        told = tuple(call.whole(3)) if call.get(3) is not None else None
        steps = call.whole(4) if call.get(4) is not None else None
    axes = [call.axis(a, rank) for a in (range(len(starts)) if told is None else told)]
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(axes), strict=True):
        chosen = range(x.shape[axis])[slice(start, end, step)]
        if step < 0:
            x = call.record(Shift(axis=axis, step=-1), [x], x.shape)
            x = cut(call, x, axis, x.shape[axis] - 1 - chosen.start, len(chosen), -step)
        else:
            x = cut(call, x, axis, chosen.start, len(chosen), step)
    return x


@rule("Pad")
def _pad(call: Call) -> Value:
    x = call.x
    rank = len(x.shape)
    told = call.integers("pads") if call.attribute("pads") is not None else call.integers("paddings")
    amounts = list(told) if told is not None else call.whole(1)
    axes = [call.axis(a, rank) for a in call.whole(3)] if call.get(3) is not None else list(range(rank))
    if len(amounts) != 2 * len(axes):
        raise ReadError(f"{len(amounts)} amounts for {len(axes)} axes")
    pairs = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        pairs[axis] = (amounts[i], amounts[i + len(axes)])
    return padded(call, x, pairs, call.text("mode", "constant"))


def padded(call: Call, x: Value, pairs: list[tuple[int, int]], mode: str) -> Value:
    """Positions added or cut off on each side of each axis."""
    shape = [n + before + after for n, (before, after) in zip(x.shape, pairs, strict=True)]
    if any(n < 0 for n in shape) or mode not in ("constant", *_EDGES):
        raise ReadError(f"a padding of {pairs} in mode {mode!r}")
    some = [axis for axis, pair in enumerate(pairs) if pair != (0, 0)]
    if not some:
        return x
    call.reader.check_shape(tuple(shape))
    if mode != "constant":
        call.reader.spend(sum(shape[some[0] :]) if x.step is not None else 0)
        return call.record(EdgePad(mode=_EDGES[mode], padding=tuple(pairs[some[0] :])), [x], shape)
    return call.record(Pad(axes=tuple(some), padding=tuple(pairs[axis] for axis in some)), [x], shape)


@rule("CenterCropPad")
def _center_crop_pad(call: Call) -> Value:
    x = call.x
    told = call.integers("axes")
    axes = [call.axis(a, len(x.shape)) for a in (range(len(x.shape)) if told is None else told)]
    pairs = [(0, 0)] * len(x.shape)
    for axis, size in zip(axes, call.whole(1), strict=True):
        more = size - x.shape[axis]
        before = more // 2 if more > 0 else -(-more // 2)
        pairs[axis] = (before, more - before)
    return padded(call, x, pairs, "constant")


@rule("DepthToSpace")
def _depth_to_space(call: Call) -> Value:
    """Channels to positions: blocks before channels (DCR), or within each (CRD), as pixel shuffle."""
    x, b = call.x, call.integer("blocksize")
    batch, c, h, w = x.shape
    if b < 1 or c % (b * b):
        raise ReadError(f"{c} channels in blocks of {b}×{b}")
    is_shuffle = call.text("mode", "DCR") == "CRD"
    split = (batch, c // (b * b), b, b, h, w) if is_shuffle else (batch, b, b, c // (b * b), h, w)
    order = (0, 1, 4, 2, 5, 3) if is_shuffle else (0, 3, 4, 1, 5, 2)
    moved = call.permuted(call.reshaped(x, split), order)
    name = "pixel_shuffle" if is_shuffle else "depth_to_space"
    return call.reshaped(moved, (batch, c // (b * b), h * b, w * b), name)


@rule("SpaceToDepth")
def _space_to_depth(call: Call) -> Value:
    x, b = call.x, call.integer("blocksize")
    batch, c, h, w = x.shape
    if b < 1 or h % b or w % b:
        raise ReadError(f"a map of {h}×{w} in blocks of {b}×{b}")
    order = (0, 1, 3, 5, 2, 4) if call.text("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    moved = call.permuted(call.reshaped(x, (batch, c, h // b, b, w // b, b)), order)
    return call.reshaped(moved, (batch, c * b * b, h // b, w // b), "space_to_depth")
