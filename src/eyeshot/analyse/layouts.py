"""Along which axes of a tensor do its units lie, and which axis of the image does each stand for?

A convolution's maps keep height and width on axes 2 and 3. Other networks move them: channels last, tokens, windows of
tokens. A layout follows every axis of a tensor as parts, outermost first: how many positions, and which followed axes
of the input they count (none: channels, batch). Units lie along the axes that count positions alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from eyeshot.analyse.walk import Rules, once
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Sliding
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
from eyeshot.network.reshape import dealt, matching_axes


class Part(NamedTuple):
    """Positions along a part of an axis; ``counts`` are the followed axes of the input that they count."""

    size: int
    counts: frozenset[int] = frozenset()


Axis = tuple[Part, ...]
Layout = tuple[Axis, ...]
"""What each axis of a tensor counts."""


@once
def layouts(network: Network) -> Mapping[str, Layout]:
    """The layout of every layer's tensor."""
    return _rules.forward(network, _of_input, _of_channels)


@once
def _counted(network: Network) -> Mapping[str, tuple[frozenset[int], ...]]:
    """The followed axes that each axis of every layer's tensor counts."""
    alike = {id(layout): layout for layout in layouts(network).values()}  # few: blocks of tokens share theirs
    counts = {key: tuple(map(_counts, layout)) for key, layout in alike.items()}
    return {name: counts[id(layout)] for name, layout in layouts(network).items()}


@once
def counting(network: Network) -> Mapping[str, tuple[tuple[int, ...], ...]]:
    """For each followed axis the axes of every layer's tensor that count its positions."""
    followed = range(len(network.axes))
    axes = {
        counts: tuple(tuple(a for a, counted in enumerate(counts) if i in counted) for i in followed)
        for counts in set(_counted(network).values())
    }
    return {name: axes[counts] for name, counts in _counted(network).items()}


@once
def behind_reshapes(network: Network) -> frozenset[str]:
    """Names of the layers behind a reshape: only there can channels have come to lie in an axis of rows."""
    behind: set[str] = set()
    for node in network:
        if any(isinstance(read.relation, Reshape) or node.inputs[read.source] in behind for read in node.reads):
            behind.add(node.name)
    return frozenset(behind)


def unit_axes(network: Network, name: str) -> tuple[int, ...]:
    """The axes of a layer's tensor along which its units lie, in order; none where it has one field for all."""
    return tuple(a for a, counted in enumerate(_counted(network)[name]) if counted)


def axes_counting(network: Network, name: str, followed: int) -> tuple[int, ...]:
    """The axes among these that count positions of the input along its ``followed``-th followed axis."""
    return counting(network)[name][followed]


def axes_told(network: Network, name: str, followed: int) -> tuple[int, ...]:
    """The axes along which hulls are told for a followed axis of the input.

    Of tokens (1, 197, 768) behind a class token, axis 1 counts rows and columns: both are told along it. Put back into
    a map (1, 14, 14, 768) each of the two axes counts both, as far as sizes tell: rows are told along the first.

    Maps have an axis for each: those pair up in order, transposed ones too, as people read them, and windows of a map
    that lie along the batch are united; what a window slides over is a map. Otherwise the axes that count positions.
    """
    counts = dict(enumerate(_counted(network)[name]))
    units = [a for a, counted in counts.items() if counted]
    # N×C×H×W, N×C×L and the like. A convolution there runs over height and width, whatever a layout makes of them:
    # after a transpose rows are counted along columns, and people read rows along axis 2 all the same.
    is_usual = network.axes == tuple(range(2, len(counts)))
    is_map = (is_usual and isinstance(network[name].op, Sliding)) or set(network.axes) <= set(units)
    if len(counts) == len(network.input.shape) and is_map:
        return (network.axes[followed],)
    if len(units) == len(network.axes):
        # N×H×W×C of an image N×C×H×W: two axes, one counts rows and one columns, so that they pair up in order
        is_apart = sorted(map(tuple, (counts[a] for a in units))) == [(i,) for i in range(len(units))]
        # tokens behind a class token and put back into a map count both axes, as far as sizes tell
        is_back = 0 not in units and len(counts) == len(network.input.shape)
        if is_apart or is_back:
            return (units[followed],)
    # tokens: one axis that counts both; windows of tokens: two, the window's number and the place in it
    return tuple(a for a in units if followed in counts[a])


def _counts(axis: Axis) -> frozenset[int]:
    """The followed axes that an axis counts; none where channels are mixed in, but between positions of one axis."""
    if len(axis) == 1:
        return axis[0].counts
    counted = frozenset[int]().union(*(part.counts for part in axis))
    if any(part.size > 1 and not part.counts for part in axis):
        # rows laid out as (row, channel) in one axis: still rows, told with the channels between. As (channel, row), or
        # with two axes of the image, a position is no unit of its own.
        return counted if len(counted) == 1 and axis[0].counts else frozenset()
    return counted


def _of_input(node: Node) -> Layout:
    order = getattr(node.op, "axes", ())
    return tuple(
        (Part(n, frozenset((order.index(axis),))),) if axis in order else (Part(n),)
        for axis, n in enumerate(node.shape)
    )


def _of_channels(node: Node) -> Layout:
    return tuple((Part(n),) for n in node.shape)


def _unite(parts: Sequence[Layout], shape: Shape) -> Layout:
    """The layout of the read that keeps most of the units' axes, the first of those."""
    return max(parts, key=lambda layout: sum(1 for axis in layout if _counts(axis)))


_rules: Rules[Layout] = Rules("units", _unite, lambda layout: layout)


def _resized(value: Layout, axes: Sequence[int], after: Shape) -> Layout:
    """The layout with other sizes along some axes, which count what they counted."""
    layout = list(value)
    for a in axes:
        axis, size = value[a], after[a]
        if size != (axis[0].size if len(axis) == 1 else math.prod(part.size for part in axis)):
            layout[a] = (Part(size, _counts(axis)),)
    return tuple(layout)


@_rules.rule(Window)
def _window(relation: Window, value: Layout, before: Shape, after: Shape) -> Layout:
    if relation.groups is not None:
        value = (value[0], (Part(after[1]),), *value[2:])
    return _resized(value, relation.axes, after)


@_rules.rule(Taps)
def _taps(relation: Taps, value: Layout, before: Shape, after: Shape) -> Layout:
    return _resized(value, relation.axes, after)


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, value: Layout, before: Shape, after: Shape) -> Layout:
    if before == after:
        return value
    missing = len(after) - len(before)
    new: Layout = tuple((Part(n),) for n in after[:missing])
    kept = zip(value, before, after[missing:], strict=True)
    return new + tuple(axis if n == m else (Part(m),) for axis, n, m in kept)


@_rules.rule(Concat)
def _concat(relation: Concat, value: Layout, before: Shape, after: Shape) -> Layout:
    return _resized(value, (relation.axis,), after)


@_rules.rule(Permute)
def _permute(relation: Permute, value: Layout, before: Shape, after: Shape) -> Layout:
    return tuple(value[axis] for axis in relation.order)


@_rules.rule(Reduce)
def _reduce(relation: Reduce, value: Layout, before: Shape, after: Shape) -> Layout:
    """A mixed axis counts what it did if it stands for one axis of the image; any does that keeps its size.

    Others are those along which one factor of a product is repeated for the other's.
    """
    if not relation.keep:
        return tuple(axis for a, axis in enumerate(value) if a not in relation.axes)
    kept = tuple(
        axis if n == m or (a in relation.axes and len(_counts(axis)) == 1) else (Part(m),)
        for a, (axis, n, m) in enumerate(zip(value, before, after, strict=True))
    )
    return _resized(kept, relation.axes, after)


@_rules.rule(Opaque)
def _opaque(relation: Opaque, value: Layout, before: Shape, after: Shape) -> Layout:
    return value if before == after else tuple((Part(n),) for n in after)


@_rules.rule(Reshape)
def _reshape(relation: Reshape, value: Layout, before: Shape, after: Shape) -> Layout:
    layout: list[Axis] = []
    for inner, outer in matching_axes(before, after):
        parts = [part for axis in inner for part in value[axis] if part.size > 1]
        ones = [part for axis in inner for part in value[axis] if part.size == 1 and part.counts]
        layout += _dealt(parts, ones, [after[axis] for axis in outer])
    return tuple(layout)


def _dealt(parts: list[Part], ones: list[Part], sizes: list[int]) -> list[Axis]:
    """Parts dealt out to axes of the given sizes; axes of one position take what has one."""
    groups = dealt(parts, sizes, lambda part: part.size, _cut)
    if groups is None:
        return [(Part(n),) for n in sizes]
    left_over = ones[::-1]
    axes: list[Axis] = []
    for size, group in zip(sizes, groups, strict=True):
        axis = [left_over.pop()] if size == 1 and left_over else group
        axes.append(tuple(axis) or (Part(size),))
    return axes


def _cut(part: Part, outer: int) -> tuple[Part, Part]:
    return Part(outer, part.counts), Part(part.size // outer, part.counts)
