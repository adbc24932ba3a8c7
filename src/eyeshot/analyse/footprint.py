"""Which pixels exactly does one unit see, holes and crosses included? A mark pulled back from the unit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.axes import check_positions
from eyeshot.analyse.layouts import axes_counting, unit_axes
from eyeshot.analyse.marks import (
    Along,
    Bits,
    Mark,
    Some,
    Term,
    along_axis,
    apart,
    at,
    bits_of,
    count_of,
    mapped,
    must_fit,
    positions,
    regrouped,
    united,
)
from eyeshot.analyse.walk import Rules
from eyeshot.errors import RunError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.relations import Concat, Elementwise, Opaque, Permute, Reduce, Reshape, Shape, Taps, Window
from eyeshot.network.slide import Reads, Slide

_MOST_BOXES = 10_000_000

Box = tuple[tuple[int, int], ...]
"""Inclusive ranges per axis."""


@dataclass(frozen=True)
class Footprint:
    """The exact set of pixels inside the image that a unit sees.

    Attributes:
        parts: disjoint products of pixels along each axis, whose union is the set; None for a whole axis.
        extent: size of the image per axis.
    """

    parts: Mark
    extent: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of pixels seen."""
        return sum(math.prod(map(count_of, part, self.extent)) for part in self.parts)

    @cached_property
    def hull(self) -> Box:
        """The box around the set; an empty range has last < first."""
        if not self.parts:
            return ((0, -1),) * len(self.extent)
        return tuple(
            (
                min(0 if part[a] is None else part[a].start for part in self.parts),  # type: ignore[union-attr]
                max(n if part[a] is None else part[a].stop for part in self.parts) - 1,  # type: ignore[union-attr]
            )
            for a, n in enumerate(self.extent)
        )

    @property
    def offset(self) -> tuple[int, ...]:
        """Position of the first pixel of the box around the set, per axis."""
        return tuple(first for first, _ in self.hull)

    @cached_property
    def bits(self) -> Bits:
        """The box around the set; True where the unit sees.

        Raises:
            RunError: if the box has more pixels than a machine holds; ``boxes`` may be few all the same.
        """
        sizes = [last - first + 1 for first, last in self.hull]
        must_fit(math.prod(sizes))
        bits = np.zeros(sizes, dtype=bool)
        for part in self.parts:
            lines = [
                bits_of(along, n)[first : last + 1]
                for along, n, (first, last) in zip(part, self.extent, self.hull, strict=True)
            ]
            bits[np.ix_(*lines)] = True
        return bits

    def mask(self) -> Bits:
        """The set as a boolean image of the input's size.

        Raises:
            RunError: if the image has more pixels than a machine holds.
        """
        must_fit(math.prod(self.extent))
        full = np.zeros(self.extent, dtype=bool)
        full[tuple(slice(first, last + 1) for first, last in self.hull)] = self.bits
        return full

    def shares(self, cells: Sequence[int]) -> npt.NDArray[np.float64]:
        """The share of each cell that is seen, with the image cut into so many cells along each axis."""
        total = np.zeros(tuple(cells))
        for part in self.parts:
            share = np.ones((1,) * len(cells))
            for axis, (along, n, m) in enumerate(zip(part, self.extent, cells, strict=True)):
                shares = _shares(bits_of(along, n), m)
                share = share * shares.reshape((-1,) + (1,) * (len(cells) - 1 - axis))
            total += share
        return total

    def boxes(self) -> list[Box]:
        """Disjoint boxes of inclusive ranges per axis whose union is the set, in reading order.

        Raises:
            RunError: if there are more than a machine holds.
        """
        if self.box_count > _MOST_BOXES:
            raise RunError(f"the set is {self.box_count:,} boxes, too many to list; its parts say the same in short")
        return _boxes(self.parts, self.extent)

    @cached_property
    def box_count(self) -> int:
        """How many boxes there are."""
        return _count_boxes(self.parts, self.extent)


def footprint(network: Network, name: str, at: tuple[int, ...], *, gates: bool = True) -> Footprint:
    """The footprint of the unit at position ``at`` of a layer, over all its channels.

    Args:
        network: the network.
        name: the layer.
        at: one index per axis along which the layer's units lie (see ``layouts``); ignored where there is none.
        gates: False leaves gates and statistics out.

    Raises:
        UsageError: if the layer has no such unit.
    """
    mark = marks(network, name, at, gates=gates).get(network.input.name, ())
    return _on_axes(mark, network.axes, network.extent)


def footprints(network: Network, name: str, at: tuple[int, ...], *, gates: bool = True) -> Mapping[str, Footprint]:
    """What a unit sees of every node before it whose units lie as the image's pixels do; arguments as `footprint`'s.

    Raises:
        UsageError: if the layer has no such unit.
    """
    footprints: dict[str, Footprint] = {}
    for node, mark in marks(network, name, at, gates=gates).items():
        counting = [axes_counting(network, node, followed) for followed in range(len(network.axes))]
        axes = tuple(axis for each in counting for axis in each)
        if all(len(each) == 1 for each in counting) and len(set(axes)) == len(axes):
            footprints[node] = _on_axes(mark, axes, tuple(network[node].shape[axis] for axis in axes))
    return footprints


def _on_axes(mark: Mark, axes: tuple[int, ...], extent: tuple[int, ...]) -> Footprint:
    """A set seen along some axes, united over the others."""
    terms = [tuple(term[axis] for axis in axes) for term in mark]
    return Footprint(apart(united([[term] for term in terms], extent), extent), extent)  # type: ignore[misc]


def marks(
    network: Network, name: str, at: tuple[int, ...], *, gates: bool = True, until: Container[str] = ()
) -> Mapping[str, Mark]:
    """What the unit at position ``at`` of a layer sees of every node before it, by name; arguments as `footprint`'s.

    Nodes of ``until`` are reached but not passed: what is seen through them does not count.
    """
    check_unit(network, name, at)
    return _rules.backward(network, {name: (_unit(network, name, at),)}, gates=gates, until=until)


def _unit(network: Network, name: str, position: tuple[int, ...]) -> Term:
    node = network[name]
    lines: list[Along] = [None] * len(node.shape)
    axes = unit_axes(network, name)
    for axis, i in zip(axes, position if axes else (), strict=True):
        lines[axis] = at(i, node.shape[axis])
    return tuple(lines)


def check_unit(network: Network, name: str, at: tuple[int, ...]) -> None:
    """Complain of a position that a layer does not have; zeros stand for all units where one field is that of all."""
    check_positions(network)
    axes = unit_axes(network, name)
    count = len(axes) or len(network.axes)
    sizes = tuple(network[name].shape[axis] for axis in axes)
    if len(at) != count:
        where = f" of {'×'.join(map(str, sizes))}" if axes else ""
        raise UsageError(
            f"{name} of {network.name}: --at takes {count} positions, one per axis{where}, found {len(at)}"
        )
    if not axes and any(at):
        zeros = ",".join("0" * count)
        raise UsageError(
            f"{name} of {network.name} has no map: all its units see the same, and {zeros} stands for them;"
            f" there is none at {','.join(map(str, at))}"
        )
    if any(not 0 <= i < n for i, n in zip(at, sizes, strict=False)):
        raise UsageError(
            f"{name} of {network.name} has {'×'.join(map(str, sizes))} positions, counted from 0;"
            f" there is none at {','.join(map(str, at))}"
        )


def centre_unit(network: Network, name: str) -> tuple[int, ...]:
    """The middle unit of a layer, or zeros where one field is that of all units."""
    axes = unit_axes(network, name)
    return tuple(network[name].shape[axis] // 2 for axis in axes) if axes else (0,) * len(network.axes)


def _shares(bits: Bits, cells: int) -> npt.NDArray[np.float64]:
    """The share of each of so many cells that is marked; a cell smaller than a position is marked as that is."""
    n = len(bits)
    if cells >= n:
        return bits[[i * n // cells for i in range(cells)]].astype(float)
    edges = [i * n // cells for i in range(cells + 1)]
    return np.diff(np.concatenate([[0], np.cumsum(bits)])[edges]) / np.diff(edges)


def _boxes(parts: Mark, extent: tuple[int, ...]) -> list[Box]:
    """Rows that are alike and follow each other are told together, and so on along each axis."""
    if not extent:
        return [()]
    boxes: list[Box] = []
    boxes_of: dict[Mark, list[Box]] = {}
    for first, last, rest in _runs(parts, extent[0]):
        if rest not in boxes_of:
            boxes_of[rest] = _boxes(rest, extent[1:])
        boxes += [((first, last), *box) for box in boxes_of[rest]]
    return boxes


def _count_boxes(parts: Mark, extent: tuple[int, ...]) -> int:
    if not extent:
        return 1
    runs = Counter(rest for _, _, rest in _runs(parts, extent[0]))
    return sum(times * _count_boxes(rest, extent[1:]) for rest, times in runs.items())


def _runs(parts: Mark, n: int) -> Iterator[tuple[int, int, Mark]]:
    """Runs along the first axis in which the same is marked: first, last, and what is marked along the others."""
    if not parts:
        return
    table = np.stack([bits_of(part[0], n) for part in parts])
    changes = np.flatnonzero(np.any(table[:, 1:] != table[:, :-1], axis=0)) + 1
    merged: dict[bytes, Mark] = {}
    for first, end in pairwise([0, *changes.tolist(), n]):
        column = table[:, first]
        key = column.tobytes()
        if key not in merged:
            merged[key] = tuple(parts[i][1:] for i in np.flatnonzero(column).tolist())
        if merged[key]:
            yield first, end - 1, merged[key]


# --- rules ----------------------------------------------------------------------------------------------------------

_rules: Rules[Mark] = Rules("footprint", united)


@_rules.rule(Window)
def _window(relation: Window, mark: Mark, before: Shape, after: Shape) -> Mark:
    shape = list(after)
    if relation.groups is not None:
        shape[1] = before[1]
        mark = along_axis(mark, 1, tuple(shape), lambda along: _channels(along, relation.groups or 1, before, after))
    for axis, slide in zip(relation.axes, relation.slides, strict=True):
        n, m = before[axis], after[axis]
        shape[axis] = n
        mark = along_axis(mark, axis, tuple(shape), lambda along, s=slide, n=n, m=m: _pulled(along, s, n, m))  # type: ignore[misc]
    return mark


def _channels(along: Along, groups: int, before: Shape, after: Shape) -> Some:
    if along is None or groups == 1:
        return (None,)
    chosen = bits_of(along, after[1]).reshape(groups, -1).any(axis=1)
    return positions(0, chosen.repeat(before[1] // groups), before[1])


def _pulled(along: Along, slide: Slide, n: int, m: int) -> Some:
    """What marked positions among m read of n positions."""
    if slide.stays(n, m):
        return (along,)
    low, bits = (0, np.ones(m, dtype=bool)) if along is None else (along.start, along.bits)
    k, s, d, b = slide.kernel, slide.stride, slide.dilation, slide.base
    spread = np.zeros((len(bits) - 1) * s + slide.reach + 1, dtype=bool)
    spread[: (len(bits) - 1) * s + 1 : s] = bits
    width = 1
    while width < k:  # marks double with every pass
        step = min(width, k - width)
        spread[step * d :] |= spread[: len(spread) - step * d].copy()
        width += step
    start = low * s - slide.before
    first, last = max(-(-start // b), 0), min((start + len(spread) - 1) // b, n - 1)
    return positions(first, spread[max(first * b - start, 0) : max(last * b - start + 1, 0) : b], n)


@_rules.rule(Taps)
def _taps(relation: Taps, mark: Mark, before: Shape, after: Shape) -> Mark:
    shape = list(after)
    for axis, reads in zip(relation.axes, relation.reads, strict=True):
        n = shape[axis] = before[axis]
        mark = along_axis(mark, axis, tuple(shape), lambda along, reads=reads, n=n: _tapped(along, reads, n))  # type: ignore[misc]
    return mark


def _tapped(along: Along, reads: Reads, n: int) -> Some:
    chosen: Iterable[tuple[int, ...]] = reads
    if along is not None:
        chosen = [reads[along.start + i] for i in np.flatnonzero(along.bits).tolist()]
    bits = np.zeros(n, dtype=bool)
    bits[[j for tap in chosen for j in tap]] = True
    return positions(0, bits, n)


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, mark: Mark, before: Shape, after: Shape) -> Mark:
    if before == after:
        return mark
    extra = len(after) - len(before)

    def narrowed(term: Term) -> list[Term]:
        return [tuple(None if n == 1 else along for n, along in zip(before, term[extra:], strict=True))]

    return mapped(mark, before, narrowed)


@_rules.rule(Concat)
def _concat(relation: Concat, mark: Mark, before: Shape, after: Shape) -> Mark:
    n, offset = before[relation.axis], relation.offset

    def part(along: Along) -> Some:
        if along is None:
            return (None,)
        start = along.start - offset
        first, last = max(start, 0), min(start + len(along.bits), n)
        return positions(first, along.bits[first - start : max(last - start, 0)], n) if first < last else ()

    return along_axis(mark, relation.axis, before, part)


@_rules.rule(Reshape)
def _reshape(relation: Reshape, mark: Mark, before: Shape, after: Shape) -> Mark:
    return mapped(mark, before, lambda term: regrouped(term, before, after))


@_rules.rule(Permute)
def _permute(relation: Permute, mark: Mark, before: Shape, after: Shape) -> Mark:
    back = tuple(relation.order.index(axis) for axis in range(len(before)))
    return tuple(tuple(term[j] for j in back) for term in mark)


@_rules.rule(Reduce)
def _reduce(relation: Reduce, mark: Mark, before: Shape, after: Shape) -> Mark:
    def widened(term: Term) -> list[Term]:
        lines = list(term)
        for axis in sorted(relation.axes):
            if relation.keep:
                lines[axis] = None
            else:
                lines.insert(axis, None)
        return [tuple(lines)]

    return mapped(mark, before, widened)


@_rules.rule(Opaque)
def _opaque(relation: Opaque, mark: Mark, before: Shape, after: Shape) -> Mark:
    return ((None,) * len(before),) if mark else ()
