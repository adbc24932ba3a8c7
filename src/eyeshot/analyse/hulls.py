"""Which interval of the input does every unit see? Composed from the input on, clipped to the image, exact.

For each followed axis of the input a tensor carries one array of labels. It has the tensor's axes, with size 1
along every axis on which the label does not depend, and in front an axis of two: the first position seen and the
negated last one, so that uniting is one minimum. A unit that sees nothing has both at ``NOTHING``.

Cost: linear in nodes, edges, and height + width for networks whose labels depend on one axis each; the width of a
kernel enters with its logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

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
    matching_axes,
)

Labels = npt.NDArray[np.int64]
Hulls = tuple[Labels, ...]
"""One label array per followed axis of the input."""

NOTHING = np.int64(1) << 62
Interval = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def hulls(network: Network, *, gates: bool = True) -> dict[str, Hulls]:
    """The labels of every node; ``gates`` False leaves gates and statistics out."""
    rules = _rules if network.tells_channels_apart else _rules_of_channels_together
    return dict(rules.forward(network, _of_input, lambda node: _nothing(network, node), gates=gates))


def per_axis(node: Node, labels: Hulls, network: Network) -> list[Interval]:
    """What the units at each position along an axis see: (first, last) per followed axis, last < first for nothing.

    United over channels and the other axes. A layer whose axes are no longer the image's has one entry per axis.
    """
    result = []
    for axis, ends in zip(network.axes, labels, strict=True):
        keeps_axes = len(node.shape) == len(network.input.shape)
        others = tuple(a for a in range(1, ends.ndim) if not (keeps_axes and a == axis + 1))
        first, last = ends.min(axis=others)
        first, last = np.atleast_1d(first), np.atleast_1d(-last)
        if keeps_axes:
            size = node.shape[axis]
            first, last = np.broadcast_to(first, size), np.broadcast_to(last, size)
        empty = first > last
        result.append((np.where(empty, 0, first), np.where(empty, -1, last)))
    return result


def _of_input(node: Node) -> Hulls:
    labels = []
    for axis in getattr(node.op, "axes", ()):
        positions = np.arange(node.shape[axis])
        shape = [1] * len(node.shape)
        shape[axis] = -1
        labels.append(np.stack([positions, -positions]).reshape(2, *shape))
    return tuple(labels)


def _nothing(network: Network, node: Node) -> Hulls:
    return tuple(np.full((2, *(1 for _ in node.shape)), NOTHING) for _ in network.axes)


def _unite(parts: Sequence[Hulls], shape: Shape) -> Hulls:
    return tuple(reduce(np.minimum, labels) for labels in zip(*parts, strict=True))


_rules: Rules[Hulls] = Rules("hulls", _unite)


@_rules.rule(Window)
def _window(relation: Window, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return _agreed_on_nothing(tuple(_slide(relation, ends, before, after) for ends in value))


def _agreed_on_nothing(value: Hulls) -> Hulls:
    """A unit that sees nothing along one axis sees nothing along any: its window lies in the padding."""
    if not any(bool((ends[0] == NOTHING).any()) for ends in value):
        return value
    empty = reduce(np.logical_or, (ends[0] == NOTHING for ends in value))
    return tuple(np.where(empty, NOTHING, ends) for ends in value)


def _slide(relation: Window, ends: Labels, before: Shape, after: Shape) -> Labels:
    if relation.groups is not None and ends.shape[2] > 1:
        ends = _mix_channels(ends, relation.groups, after[1])
    for axis, k, s, d, (p, _), b in zip(
        relation.axes,
        relation.kernel,
        relation.stride,
        relation.dilation,
        relation.padding,
        relation.bases(),
        strict=True,
    ):
        if ends.shape[axis + 1] == 1 and before[axis] > 1:
            continue
        m = after[axis]
        ends = _with_gaps(ends, axis + 1, b)
        read = _stretch(ends, axis + 1, -p, (m - 1) * s + d * (k - 1) + 1)
        read = _sliding_minimum(read, axis + 1, k, d)
        ends = read[(slice(None),) * (axis + 1) + (slice(0, (m - 1) * s + 1, s),)]
    return ends


def _mix_channels(ends: Labels, groups: int, channels: int) -> Labels:
    if groups == 1:
        united: Labels = ends.min(axis=2, keepdims=True)
        return united
    grouped: Labels = ends.reshape(2, ends.shape[1], groups, -1, *ends.shape[3:]).min(axis=3)
    return grouped.repeat(channels // groups, axis=2)


def _with_gaps(ends: Labels, axis: int, b: int) -> Labels:
    """The labels with b − 1 positions that see nothing put between neighbours."""
    if b == 1:
        return ends
    shape = list(ends.shape)
    shape[axis] = (shape[axis] - 1) * b + 1
    spread = np.full(shape, NOTHING)
    spread[(slice(None),) * axis + (slice(None, None, b),)] = ends
    return spread


def _stretch(ends: Labels, axis: int, start: int, length: int) -> Labels:
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


def _sliding_minimum(ends: Labels, axis: int, k: int, d: int) -> Labels:
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
    for axis, reads in zip(relation.axes, relation.reads, strict=True):
        count = max(map(len, reads))
        table = np.array([[*tap, *(tap[-1:] * (count - len(tap)))] for tap in reads])
        value = tuple(
            ends if ends.shape[axis + 1] == 1 else np.take(ends, table, axis=axis + 1).min(axis=axis + 2)
            for ends in value
        )
    return value


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, value: Hulls, before: Shape, after: Shape) -> Hulls:
    missing = (1,) * (len(after) - len(before))
    return tuple(ends.reshape(2, *missing, *ends.shape[1:]) for ends in value) if missing else value


@_rules.rule(Concat)
def _concat(relation: Concat, value: Hulls, before: Shape, after: Shape) -> Hulls:
    axis = relation.axis + 1
    result = []
    for ends in value:
        shape = list(ends.shape)
        shape[axis] = after[relation.axis]
        placed = np.full(shape, NOTHING)
        lead = (slice(None),) * axis
        placed[(*lead, slice(relation.offset, relation.offset + before[relation.axis]))] = ends
        result.append(placed)
    return tuple(result)


def _concat_of_channels_taken_together(relation: Concat, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return value if relation.axis == 1 else _concat(relation, value, before, after)


@_rules.rule(Reshape)
def _reshape(relation: Reshape, value: Hulls, before: Shape, after: Shape) -> Hulls:
    runs = matching_axes(before, after)
    return tuple(_reshape_labels(ends, runs, before, after) for ends in value)


def _reshape_labels(
    ends: Labels, runs: list[tuple[tuple[int, ...], tuple[int, ...]]], before: Shape, after: Shape
) -> Labels:
    expanded, final = [2], [2]
    for inner, outer in runs:
        varies = any(ends.shape[a + 1] > 1 for a in inner)
        expanded += [before[a] if varies else 1 for a in inner]
        final += [after[a] if varies else 1 for a in outer]
    return np.broadcast_to(ends, expanded).reshape(final)


@_rules.rule(Permute)
def _permute(relation: Permute, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return tuple(ends.transpose(0, *(a + 1 for a in relation.order)) for ends in value)


@_rules.rule(Reduce)
def _reduce(relation: Reduce, value: Hulls, before: Shape, after: Shape) -> Hulls:
    axes = tuple(a + 1 for a in relation.axes)
    return tuple(ends.min(axis=axes, keepdims=relation.keep) for ends in value)


@_rules.rule(Opaque)
def _opaque(relation: Opaque, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return tuple(ends.min(axis=tuple(range(1, ends.ndim))).reshape(2, *(1 for _ in after)) for ends in value)


_rules_of_channels_together = _rules.but(Concat, _concat_of_channels_taken_together)
