"""Which interval of the input does every unit see? Composed from the input on, clipped to the image, exact.

For each followed axis of the input a tensor carries labels (see ``labels``). A unit that sees nothing along one axis
sees nothing along any: its window lies in the padding. That is agreed upon only where it matters, when several units
are read together or several reads are united, so that labels keep to the axes on which they depend.

Cost: linear in nodes, edges, and height + width for networks whose labels depend on one axis each; the width of a
kernel enters with its logarithm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.labels import (
    NOTHING,
    Ends,
    Labels,
    alone,
    broadcast,
    lower,
    merged,
    of_nothing,
    permuted,
    reduced,
    reshaped,
    resized,
    room,
    settled,
    some_see_nothing,
)
from eyeshot.analyse.walk import Rules
from eyeshot.network.graph import Network, Node
from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Opaque,
    Permute,
    Reduce,
    Reshape,
    Shape,
    Taps,
    Window,
)

Hulls = tuple[Labels, ...]
"""One value per followed axis of the input."""
Interval = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def hulls(network: Network, *, gates: bool = True) -> dict[str, Hulls]:
    """The labels of every node; ``gates`` False leaves gates and statistics out."""
    rules = _rules if network.tells_channels_apart else _rules_of_channels_together
    return dict(rules.forward(network, _of_input, lambda node: _nothing(network, node), gates=gates))


def per_axis(node: Node, value: Hulls, along: Sequence[tuple[int, ...]]) -> list[Interval]:
    """What the units at each position see: (first, last) per followed axis, last < first for nothing.

    ``along`` gives for each the axes of the tensor along which the arrays run; they are united over channels and all
    other axes. Without such an axis there is one entry.
    """
    result = []
    for i, own in enumerate(along):
        labels = reduce(merged, own, alone(value, i, own))
        places = [labels.parts(axis)[0] for axis in own]
        ends = labels.ends.min(axis=tuple(a for a in range(1, labels.ends.ndim) if a not in places))
        first, last = ends[0], -ends[1]
        sizes = tuple(node.shape[axis] for axis in own) or (1,)
        first, last = np.broadcast_to(first, sizes), np.broadcast_to(last, sizes)
        empty = first > last
        result.append((np.where(empty, 0, first), np.where(empty, -1, last)))
    return result


def all_see_everything(labels: Labels, size: int) -> bool:
    """Whether every unit sees from the first position to the last, of ``size``."""
    first, negated_last = labels.ends.reshape(2, -1).max(axis=1).tolist()
    return bool(first == 0 and negated_last == 1 - size)


def _of_input(node: Node) -> Hulls:
    labels = []
    for axis in getattr(node.op, "axes", ()):
        positions = np.arange(node.shape[axis])
        shape = [1] * len(node.shape)
        shape[axis] = -1
        labels.append(Labels(np.stack([positions, -positions]).reshape(2, *shape)))
    return tuple(labels)


def _nothing(network: Network, node: Node) -> Hulls:
    return tuple(of_nothing(len(node.shape)) for _ in network.axes)


def _unite(parts: Sequence[Hulls], shape: Shape) -> Hulls:
    first = parts[0]
    if (
        all(
            labels.split == one.split and labels.ends.shape == one.ends.shape and not labels.may_be_empty
            for part in parts
            for labels, one in zip(part, first, strict=True)
        )
        and len(parts) > 2
    ):  # many at once
        several = zip(*parts, strict=True)
        return tuple(Labels(np.minimum.reduce([part.ends for part in same]), same[0].split) for same in several)
    return reduce(_unite_two, parts)


def _unite_two(a: Hulls, b: Hulls) -> Hulls:
    if any(labels.may_be_empty for labels in (*a, *b)) and sum(map(_differ, a, b)) > 1:
        a, b = settled(a), settled(b)
    return _kept(a, map(lower, a, b))


def _kept(value: Hulls, made: Iterable[Labels]) -> Hulls:
    """What was made, or the value itself where that is the same: units that see alike share one value."""
    result = tuple(made)
    return value if all(a is b for a, b in zip(value, result, strict=True)) else result


def _differ(a: Labels, b: Labels) -> bool:
    return a.ends is not b.ends and (a.split != b.split or not np.array_equal(a.ends, b.ends))


def _settled_for(value: Hulls, axes: Sequence[int]) -> Hulls:
    """Agreed on what sees nothing, where units that differ along an axis by several labels are read together."""
    if any(labels.may_be_empty for labels in value) and any(
        sum(labels.varies(axis) for labels in value) > 1 for axis in axes
    ):
        return settled(value)
    return value


_rules: Rules[Hulls] = Rules("hulls", _unite)


@_rules.rule(Window)
def _window(relation: Window, value: Hulls, before: Shape, after: Shape) -> Hulls:
    mixes = relation.groups is not None
    value = _settled_for(value, (1, *relation.axes) if mixes else relation.axes)
    if mixes:
        value = _kept(value, (_mix_channels(labels, relation.groups or 1, before, after) for labels in value))
    for a, axis in enumerate(relation.axes):
        value = _slide(relation, a, value, before[axis], after[axis])
    return value


def _slide(relation: Window, a: int, value: Hulls, n: int, m: int) -> Hulls:
    """What units see behind a window along one axis of n positions, of which m windows are taken."""
    axis, k, s, d, (p, _) = (
        relation.axes[a],
        relation.kernel[a],
        relation.stride[a],
        relation.dilation[a],
        relation.padding[a],
    )
    b = relation.bases()[a]
    if k == s == b == 1 and p == 0 and m == n:
        return value
    # the first window must reach position 0, the last begin at the end or before, and taps not step over it all
    is_within = b == 1 and p <= d * (k - 1) and (m - 1) * s - p < n and (d == 1 or d <= n)
    varying = [labels.varies(axis) for labels in value]
    if not is_within and not any(varying):
        varying[0] = True
    result = []
    for labels, varies in zip(value, varying, strict=True):
        labels = merged(labels, axis)
        place = labels.parts(axis)[0]
        ends = labels.ends
        if varies:
            if ends.shape[place] != n:
                ends = ends.repeat(n, axis=place)
            read = _stretch(_with_gaps(ends, place, b), place, -p, (m - 1) * s + d * (k - 1) + 1)
            read = _sliding_minimum(read, place, k, d)
            ends = read[(slice(None),) * place + (slice(0, (m - 1) * s + 1, s),)]
        labels = resized(labels, axis, m, ends)
        if varies and not (is_within and not labels.may_be_empty):
            labels = Labels(ends, labels.split, some_see_nothing(ends))
        result.append(labels)
    return tuple(result)


def _mix_channels(labels: Labels, groups: int, before: Shape, after: Shape) -> Labels:
    if not labels.varies(1):
        return labels if labels.split is None else resized(merged(labels, 1), 1, after[1])
    if groups == 1:
        return reduced(labels, (1,), after)
    labels = merged(labels, 1)
    place = labels.parts(1)[0]
    shape = labels.ends.shape
    grouped = labels.ends.reshape(*shape[:place], groups, -1, *shape[place + 1 :]).min(axis=place + 1)
    return resized(labels, 1, after[1], grouped.repeat(after[1] // groups, axis=place))


def _with_gaps(ends: Ends, axis: int, b: int) -> Ends:
    """The labels with b − 1 positions that see nothing put between neighbours."""
    if b == 1:
        return ends
    shape = list(ends.shape)
    shape[axis] = (shape[axis] - 1) * b + 1
    room(shape)
    spread = np.full(shape, NOTHING)
    spread[(slice(None),) * axis + (slice(None, None, b),)] = ends
    return spread


def _stretch(ends: Ends, axis: int, start: int, length: int) -> Ends:
    """The labels of positions start … start + length − 1, NOTHING where there is no such position."""
    n = ends.shape[axis]
    if start >= 0 and start + length <= n:
        return ends[(slice(None),) * axis + (slice(start, start + length),)]
    shape = list(ends.shape)
    shape[axis] = length
    result = np.full(shape, NOTHING)
    first, last = max(start, 0), min(start + length, n)
    if first < last:
        lead = (slice(None),) * axis
        result[(*lead, slice(first - start, last - start))] = ends[(*lead, slice(first, last))]
    return result


def _sliding_minimum(ends: Ends, axis: int, k: int, d: int) -> Ends:
    """Minimum over taps i, i + d, … i + (k − 1)·d, by doubling: about log₂ k passes."""
    lead = (slice(None),) * axis
    width = 1
    while width < k:
        step = min(width, k - width) * d
        ends = np.minimum(ends[(*lead, slice(None, -step))], ends[(*lead, slice(step, None))])
        width += step // d
    return ends


@_rules.rule(Taps)
def _taps(relation: Taps, value: Hulls, before: Shape, after: Shape) -> Hulls:
    value = _settled_for(value, relation.axes)
    for axis, reads in zip(relation.axes, relation.reads, strict=True):
        count = max(map(len, reads))
        table = np.array([[*tap, *(tap[-1:] * (count - len(tap)))] for tap in reads])
        value = tuple(_tapped(labels, axis, table, after[axis]) for labels in value)
    return value


def _tapped(labels: Labels, axis: int, table: npt.NDArray[np.int64], size: int) -> Labels:
    varies = labels.varies(axis)
    labels = merged(labels, axis)
    if not varies:
        return resized(labels, axis, size)
    place = labels.parts(axis)[0]
    return resized(labels, axis, size, np.take(labels.ends, table, axis=place).min(axis=place + 1))


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, value: Hulls, before: Shape, after: Shape) -> Hulls:
    if before == after:
        return value
    return _kept(value, (broadcast(labels, before, after) for labels in value))


@_rules.rule(Concat)
def _concat(relation: Concat, value: Hulls, before: Shape, after: Shape) -> Hulls:
    """Labels placed among positions that see nothing; where none depends on the axis, the first says so for all."""
    axis = relation.axis
    varying = [labels.varies(axis) for labels in value]
    if not any(varying):
        varying[0] = True
    result = []
    for labels, varies in zip(value, varying, strict=True):
        labels = merged(labels, axis)
        ends, size = labels.ends, after[axis]
        if not varies:
            result.append(resized(labels, axis, size))
            continue
        place = labels.parts(axis)[0]
        shape = list(ends.shape)
        shape[place] = size
        room(shape)
        placed = np.full(shape, NOTHING)
        placed[(slice(None),) * place + (slice(relation.offset, relation.offset + before[axis]),)] = ends
        result.append(
            Labels(placed, resized(labels, axis, size, placed).split, before[axis] < size or labels.may_be_empty)
        )
    return tuple(result)


def _concat_of_channels_taken_together(relation: Concat, value: Hulls, before: Shape, after: Shape) -> Hulls:
    if relation.axis != 1:
        return _concat(relation, value, before, after)
    if all(labels.split is None for labels in value):
        return value
    return tuple(resized(merged(labels, 1), 1, after[1]) for labels in value)


@_rules.rule(Reshape)
def _reshape(relation: Reshape, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return tuple(reshaped(labels, before, after) for labels in value)


@_rules.rule(Permute)
def _permute(relation: Permute, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return tuple(permuted(labels, relation.order) for labels in value)


@_rules.rule(Reduce)
def _reduce(relation: Reduce, value: Hulls, before: Shape, after: Shape) -> Hulls:
    value = _settled_for(value, relation.axes)
    return _kept(value, (reduced(labels, relation.axes, after if relation.keep else None) for labels in value))


@_rules.rule(Opaque)
def _opaque(relation: Opaque, value: Hulls, before: Shape, after: Shape) -> Hulls:
    value = settled(value)
    ones = (1,) * len(after)
    result = []
    for labels in value:
        ends = labels.ends.min(axis=tuple(range(1, labels.ends.ndim))).reshape(2, *ones)
        result.append(Labels(ends, may_be_empty=some_see_nothing(ends)))
    return tuple(result)


_rules_of_channels_together = _rules.but(Concat, _concat_of_channels_taken_together)
