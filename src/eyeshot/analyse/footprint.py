"""Which pixels exactly does one unit see, holes and crosses included? A boolean mark pulled back from the unit.

A mark covers a box of its tensor. An axis along which every position is marked alike has extent 1 and no offset, so
that marks stay small for channels and for fully connected layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.units import unit_axes
from eyeshot.analyse.walk import Rules
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network
from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Opaque,
    Permute,
    Reads,
    Reduce,
    Reshape,
    Shape,
    Taps,
    Window,
    matching_axes,
)

Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Mark:
    """Marked positions of a tensor: ``bits`` from ``offsets`` on; offset None: alike all along that axis."""

    offsets: tuple[int | None, ...]
    bits: Bits


@dataclass(frozen=True)
class Footprint:
    """The exact set of pixels inside the image that a unit sees.

    Attributes:
        offset: position of the box's first pixel per axis.
        bits: the box around the set; True where the unit sees.
        extent: size of the image per axis.
    """

    offset: tuple[int, ...]
    bits: Bits
    extent: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of pixels seen."""
        return int(self.bits.sum())

    def mask(self) -> Bits:
        """The set as a boolean image of the input's size."""
        full = np.zeros(self.extent, dtype=bool)
        full[tuple(slice(o, o + n) for o, n in zip(self.offset, self.bits.shape, strict=True))] = self.bits
        return full

    def boxes(self) -> list[tuple[tuple[int, int], ...]]:
        """Disjoint boxes of inclusive ranges per axis whose union is the set."""
        found = _boxes(self.bits)
        return [tuple((o + a, o + b) for o, (a, b) in zip(self.offset, box, strict=True)) for box in found]


def footprint(network: Network, name: str, at: tuple[int, ...], *, gates: bool = True) -> Footprint:
    """The footprint of the unit at position ``at`` of a layer, over all its channels.

    Args:
        network: the network.
        name: the layer.
        at: one index per axis along which the layer's units lie (see ``units``); ignored where there is none.
        gates: False leaves gates and statistics out.

    Raises:
        UsageError: if the layer has no such unit.
    """
    node = network[name]
    check_unit(network, name, at)
    offsets: list[int | None] = [None] * len(node.shape)
    axes = unit_axes(network, name)
    for axis, i in zip(axes, at if axes else (), strict=True):
        offsets[axis] = i
    mark = Mark(tuple(offsets), np.ones((1,) * len(node.shape), dtype=bool))
    marks = _rules.backward(network, {name: mark}, gates=gates)
    found = marks.get(network.input.name)
    if found is None:
        return Footprint((0,) * len(network.axes), np.zeros((0,) * len(network.axes), dtype=bool), network.extent)
    return _on_image(found, network)


def check_unit(network: Network, name: str, at: tuple[int, ...]) -> None:
    """Complain of a position that a layer does not have; any will do where one field is that of all units."""
    axes = unit_axes(network, name)
    count = len(axes) or len(network.axes)
    sizes = tuple(network[name].shape[axis] for axis in axes)
    if len(at) != count:
        where = f" of {'×'.join(map(str, sizes))}" if axes else ""
        raise UsageError(
            f"{name} of {network.name}: --at takes {count} positions, one per axis{where}, found {len(at)}"
        )
    if any(not 0 <= i < n for i, n in zip(at, sizes or at, strict=True)) and axes:
        raise UsageError(
            f"{name} of {network.name} has {'×'.join(map(str, sizes))} positions, counted from 0;"
            f" there is none at {','.join(map(str, at))}"
        )


def centre_unit(network: Network, name: str) -> tuple[int, ...]:
    """The middle unit of a layer, or zeros where one field is that of all units."""
    axes = unit_axes(network, name)
    return tuple(network[name].shape[axis] // 2 for axis in axes) if axes else (0,) * len(network.axes)


def _on_image(mark: Mark, network: Network) -> Footprint:
    others = tuple(a for a in range(len(mark.offsets)) if a not in network.axes)
    bits = mark.bits.any(axis=others)
    offsets = [mark.offsets[axis] for axis in network.axes]
    shape = [n if o is None else b for n, o, b in zip(network.extent, offsets, bits.shape, strict=True)]
    return Footprint(tuple(o or 0 for o in offsets), np.broadcast_to(bits, shape), network.extent)


def _boxes(bits: Bits) -> list[tuple[tuple[int, int], ...]]:
    if bits.ndim == 1:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], bits.view(np.int8), [0]])))
        return [((int(a), int(b) - 1),) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    result: list[tuple[tuple[int, int], ...]] = []
    row = 0
    while row < len(bits):
        end = row + 1
        while end < len(bits) and np.array_equal(bits[row], bits[end]):
            end += 1
        result += [((row, end - 1), *rest) for rest in _boxes(np.ascontiguousarray(bits[row]))]
        row = end
    return result


# --- rules ----------------------------------------------------------------------------------------------------------


def _unite(marks: Sequence[Mark], shape: Shape) -> Mark:
    first, *rest = marks
    for mark in rest:
        first = _unite_two(first, mark, shape)
    return first


def _unite_two(a: Mark, b: Mark, shape: Shape) -> Mark:
    offsets: list[int | None] = []
    sizes = []
    for oa, ob, na, nb, n in zip(a.offsets, b.offsets, a.bits.shape, b.bits.shape, shape, strict=True):
        if oa is None and ob is None:
            offsets.append(None)
            sizes.append(1)
            continue
        low_a, high_a = (0, n) if oa is None else (oa, oa + na)
        low_b, high_b = (0, n) if ob is None else (ob, ob + nb)
        offsets.append(min(low_a, low_b))
        sizes.append(max(high_a, high_b) - min(low_a, low_b))
    bits = np.zeros(sizes, dtype=bool)
    for mark in (a, b):
        place = tuple(
            slice(None) if o is None else slice(o - low, o - low + n)
            for o, low, n in zip(mark.offsets, (low or 0 for low in offsets), mark.bits.shape, strict=True)
        )
        bits[place] |= mark.bits
    return Mark(tuple(offsets), bits)


_rules: Rules[Mark] = Rules("footprint", _unite)


@_rules.rule(Window)
def _window(relation: Window, mark: Mark, before: Shape, after: Shape) -> Mark:
    offsets, bits = list(mark.offsets), mark.bits
    if relation.groups is not None:
        offsets[1], bits = _pull_channels(relation.groups, offsets[1], bits, before, after)
    for axis, k, s, d, (p, _), b in zip(
        relation.axes,
        relation.kernel,
        relation.stride,
        relation.dilation,
        relation.padding,
        relation.bases(),
        strict=True,
    ):
        lead = (slice(None),) * axis
        m, low = bits.shape[axis], offsets[axis]
        if low is None:
            bits, m, low = bits.repeat(after[axis], axis=axis), after[axis], 0
        if m == 0:
            continue
        spread = list(bits.shape)
        spread[axis] = (m - 1) * s + (k - 1) * d + 1
        result = np.zeros(spread, dtype=bool)
        for t in range(k):
            result[(*lead, slice(t * d, t * d + (m - 1) * s + 1, s))] |= bits
        start = low * s - p
        first, last = max(-(-start // b), 0), min((start + spread[axis] - 1) // b, before[axis] - 1)
        bits = result[(*lead, slice(max(first * b - start, 0), max(last * b - start + 1, 0), b))]
        offsets[axis] = min(first, before[axis])
    return Mark(tuple(offsets), bits)


def _pull_channels(groups: int, offset: int | None, bits: Bits, before: Shape, after: Shape) -> tuple[int | None, Bits]:
    if groups == 1 or offset is None:
        return None, np.any(bits, axis=1, keepdims=True)
    full_shape = list(bits.shape)
    full_shape[1] = after[1]
    full = np.zeros(full_shape, dtype=bool)
    full[:, offset : offset + bits.shape[1]] = bits
    grouped = full.reshape(full.shape[0], groups, -1, *full.shape[2:]).any(axis=2)
    return 0, grouped.repeat(before[1] // groups, axis=1)


@_rules.rule(Taps)
def _taps(relation: Taps, mark: Mark, before: Shape, after: Shape) -> Mark:
    for axis, reads in zip(relation.axes, relation.reads, strict=True):
        if mark.offsets[axis] is None and _covers(reads, before[axis]):
            continue
        mark = _in_full(mark, (axis,), (*after[: axis + 1], *mark.bits.shape[axis + 1 :]))
        shape = list(mark.bits.shape)
        shape[axis] = before[axis]
        bits = np.zeros(shape, dtype=bool)
        source, result = np.moveaxis(mark.bits, axis, 0), np.moveaxis(bits, axis, 0)
        for i, tap in enumerate(reads):
            result[list(tap)] |= source[i]
        mark = Mark(mark.offsets, bits)
    return mark


def _covers(reads: Reads, size: int) -> bool:
    return {j for tap in reads for j in tap} == set(range(size))


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, mark: Mark, before: Shape, after: Shape) -> Mark:
    extra = len(after) - len(before)
    bits: Bits = np.any(mark.bits, axis=tuple(range(extra)))
    offsets = list(mark.offsets[extra:])
    for axis, (n, m) in enumerate(zip(before, after[extra:], strict=True)):
        if n == 1 and m > 1:
            bits, offsets[axis] = np.any(bits, axis=axis, keepdims=True), 0
    return Mark(tuple(offsets), bits)


@_rules.rule(Concat)
def _concat(relation: Concat, mark: Mark, before: Shape, after: Shape) -> Mark:
    axis = relation.axis
    offset = mark.offsets[axis]
    if offset is None:
        return mark
    start = offset - relation.offset
    first, last = max(start, 0), min(start + mark.bits.shape[axis], before[axis])
    lead = (slice(None),) * axis
    bits = mark.bits[(*lead, slice(max(first - start, 0), max(last - start, 0)))]
    offsets = (*mark.offsets[:axis], min(first, before[axis]), *mark.offsets[axis + 1 :])
    return Mark(offsets, bits)


@_rules.rule(Reshape)
def _reshape(relation: Reshape, mark: Mark, before: Shape, after: Shape) -> Mark:
    offsets: list[int | None] = []
    sizes = []
    full_axes = []
    for inner, outer in matching_axes(before, after):
        alike = all(mark.offsets[a] is None for a in outer)
        full_axes += [] if alike else list(outer)
        offsets += [None if alike else 0 for _ in inner]
        sizes += [1 if alike else before[a] for a in inner]
    return Mark(tuple(offsets), _in_full(mark, tuple(full_axes), after).bits.reshape(sizes))


@_rules.rule(Permute)
def _permute(relation: Permute, mark: Mark, before: Shape, after: Shape) -> Mark:
    back = tuple(relation.order.index(axis) for axis in range(len(before)))
    return Mark(tuple(mark.offsets[j] for j in back), mark.bits.transpose(back))


@_rules.rule(Reduce)
def _reduce(relation: Reduce, mark: Mark, before: Shape, after: Shape) -> Mark:
    bits, offsets = mark.bits, list(mark.offsets)
    for axis in sorted(relation.axes):
        if relation.keep:
            bits, offsets[axis] = np.any(bits, axis=axis, keepdims=True), None
        else:
            bits = np.expand_dims(bits, axis)
            offsets.insert(axis, None)
    return Mark(tuple(offsets), bits)


@_rules.rule(Opaque)
def _opaque(relation: Opaque, mark: Mark, before: Shape, after: Shape) -> Mark:
    return Mark((None,) * len(before), mark.bits.any().reshape((1,) * len(before)))


def _in_full(mark: Mark, axes: tuple[int, ...], shape: Shape) -> Mark:
    """The same mark with the given axes written out from 0 to their end."""
    sizes = [shape[a] if a in axes else n for a, n in enumerate(mark.bits.shape)]
    bits = np.zeros(sizes, dtype=bool)
    place = tuple(
        slice(None) if a not in axes or o is None else slice(o, o + n)
        for a, (o, n) in enumerate(zip(mark.offsets, mark.bits.shape, strict=True))
    )
    bits[place] = mark.bits
    return Mark(tuple(0 if a in axes else o for a, o in enumerate(mark.offsets)), bits)
