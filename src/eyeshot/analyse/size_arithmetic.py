"""What sizes would a network's maps have at another input size? By the arithmetic of windows, without reading it anew.

    m = ⌊(n + before + after − d·(k − 1) − 1) / s⌋ + 1      and so on, op by op along one axis of the input

What goes beyond that is not guessed at: sizes that the model's own code computes (slices, reshapes, resizing), tables
of one size, products over positions. Those networks are to be read at each size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import singledispatch

from eyeshot.analyse.layouts import axes_counting
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Arithmetic,
    Concatenate,
    Conv,
    ConvTranspose,
    Dropout,
    EdgePad,
    Index,
    Linear,
    LocalResponseNorm,
    Norm,
    Op,
    Pad,
    Pointwise,
    Pool,
    Rearrange,
    Shift,
    Slice,
    Softmax,
)
from eyeshot.network.reshape import matching_axes

Counts = Mapping[str, int | None]
"""Positions along the followed axis that each tensor has; None for one without."""


class UnknownSizeError(Exception):
    """A size that only the model's own code knows."""


class MisfitError(Exception):
    """A kernel that is larger than its map, or maps that do not meet."""


class SizeArithmetic:
    """The sizes of a network's maps along one followed axis, at any size of the input."""

    def __init__(self, network: Network, axis: int) -> None:
        self.network = network
        self._axes = {node.name: axes_counting(network, node.name, axis) for node in network}
        self._known: Counts = {
            name: network[name].shape[axes[0]] if len(axes) == 1 else None for name, axes in self._axes.items()
        }

    def takes(self, n: int) -> bool:
        """Whether the network takes n positions.

        Raises:
            UnknownSizeError: the sizes of its windows do not say.
        """
        try:
            return n > 0 and bool(self.counts(n))
        except MisfitError:
            return False

    def counts(self, n: int) -> Counts:
        """What each tensor has along the axis, of n positions at the input.

        Raises:
            UnknownSizeError: as above.
            MisfitError: the network does not take n.
        """
        counts: dict[str, int | None] = {node.name: self._known[node.name] for node in self.network.inputs}
        counts[self.network.input.name] = n
        for node in self.network.layers:
            is_as_known = all(counts[name] == self._known[name] for name in node.inputs)
            counts[node.name] = self._known[node.name] if is_as_known else self._count(node, counts)
        return counts

    def tails(self, n: int) -> Iterator[tuple[str, int]]:
        """The layers whose windows leave positions at the end unread, and how many, of n positions at the input."""
        counts = self.counts(n)
        for node in self.network.layers:
            before, after = counts[node.inputs[0]] if node.inputs else None, counts[node.name]
            if before is None or after is None or not isinstance(node.op, Conv | Pool):
                continue
            if (left := tail(node, self._axes[node.inputs[0]][0], before, after)) > 0:
                yield node.name, left

    def _count(self, node: Node, counts: Counts) -> int | None:
        sources = {name: self._axes[name] for name in node.inputs if self._known[name] is not None}
        here = self._axes[node.name]
        if not sources or len(here) > 1:
            raise UnknownSizeError(node.name)
        place = _Place(
            known=[self._known[name] or 0 for name in sources],
            counts=[counts[name] or 0 for name in sources],
            axis=next(iter(sources.values()))[0],
            here=here[0] if here else None,
            of_node=self._known[node.name],
            shapes=(self.network[next(iter(sources))].shape, node.shape),
        )
        if any(axes != (place.axis,) for axes in sources.values()) and not isinstance(node.op, Arithmetic):
            raise UnknownSizeError(node.name)
        if _count(node.op, place, place.known) != self._known[node.name]:
            raise UnknownSizeError(node.name)  # the rule does not even give the size that is known
        count = _count(node.op, place, place.counts)
        if count is not None and count < 1:
            raise MisfitError(node.name)
        return count


class _Place:
    """What a rule is told: sizes of the sources as known and as asked, and the axis on which they lie."""

    def __init__(
        self,
        *,
        known: list[int],
        counts: list[int],
        axis: int,
        here: int | None,
        of_node: int | None,
        shapes: tuple[tuple[int, ...], tuple[int, ...]],
    ) -> None:
        self.known, self.counts, self.axis, self.here = known, counts, axis, here
        self.of_node, self.shapes = of_node, shapes


def tail(node: Node, axis: int, n: int, m: int) -> int:
    """Positions at the end of n that m strided windows leave, gaps between windows apart; none where they stride not.

    tail = n − 1 − ((m − 1)·s + d·(k − 1) − p) − max(0, s − d·(k − 1) − 1)
    """
    op = node.op
    assert isinstance(op, Conv | Pool)
    window = op.window(None)
    if axis not in window.axes or max(op.stride) == 1:
        return 0
    slide = window.slides[window.axes.index(axis)]
    last = (m - 1) * slide.stride + slide.reach - slide.before
    return n - 1 - last - max(0, slide.stride - slide.reach - 1)


@singledispatch
def _count(op: Op, place: _Place, counts: list[int]) -> int | None:
    raise UnknownSizeError(op.kind)


def _rule(*kinds: type[Op]) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        for kind in kinds:
            _count.register(kind, function)
        return function

    return register


@_rule(Pointwise, Dropout, LocalResponseNorm, Softmax, Shift)
def _as_it_was(op: Op, place: _Place, counts: list[int]) -> int | None:
    return counts[0]


@_rule(Norm)
def _norm(op: Norm, place: _Place, counts: list[int]) -> int | None:
    if op.mode == "layer" and place.axis in op.statistics:
        raise UnknownSizeError  # its weights are of one size
    return counts[0]


@_rule(Conv, Pool)
def _window(op: Conv | Pool, place: _Place, counts: list[int]) -> int | None:
    window = op.window(None)
    if place.axis not in window.axes or len(counts) > 1:
        raise UnknownSizeError
    return window.slides[window.axes.index(place.axis)].count(counts[0], ceil=isinstance(op, Pool) and op.ceil)


@_rule(ConvTranspose)
def _transposed(op: ConvTranspose, place: _Place, counts: list[int]) -> int | None:
    (read,) = op.reads(place.shapes[:1], place.shapes[1])
    window = read.relation
    if place.axis not in window.axes:  # type: ignore[union-attr]
        raise UnknownSizeError
    slide = window.slides[window.axes.index(place.axis)]  # type: ignore[union-attr]
    more = (place.of_node or 0) - slide.count(place.known[0])  # output padding
    return int(slide.count(counts[0])) + more


@_rule(Pad)
def _pad(op: Pad, place: _Place, counts: list[int]) -> int | None:
    sides = dict(zip(op.axes, op.padding, strict=True)).get(place.axis, (0, 0))
    if min(sides) < 0:
        raise UnknownSizeError  # a crop, whose sides the model's code may have computed
    return counts[0] + sum(sides)


@_rule(EdgePad)
def _edge_pad(op: EdgePad, place: _Place, counts: list[int]) -> int | None:
    return counts[0] + (place.of_node or 0) - place.known[0]


@_rule(AdaptivePool, Aggregate)
def _pooled(op: AdaptivePool | Aggregate, place: _Place, counts: list[int]) -> int | None:
    is_pooled = (
        place.axis in op.axes if isinstance(op, Aggregate) else place.axis >= len(place.shapes[0]) - len(op.size)
    )
    return place.of_node if is_pooled else counts[0]


@_rule(Arithmetic)
def _arithmetic(op: Arithmetic, place: _Place, counts: list[int]) -> int | None:
    if place.here in op.varies:
        raise UnknownSizeError  # a table of one size
    several = set(counts) - {1}
    if len(several) > 1:
        raise MisfitError
    return several.pop() if several else 1


@_rule(Concatenate)
def _concatenate(op: Concatenate, place: _Place, counts: list[int]) -> int | None:
    if op.offsets is not None:
        raise UnknownSizeError  # parts that do not depend on the input, of one size
    if op.axis == place.axis:
        return sum(counts)
    if len(set(counts)) > 1:
        raise MisfitError
    return counts[0]


@_rule(Linear)
def _linear(op: Linear, place: _Place, counts: list[int]) -> int | None:
    if place.axis == len(place.shapes[0]) + op.axis:
        raise UnknownSizeError
    return counts[0]


@_rule(Slice, Index)
def _picked(op: Slice | Index, place: _Place, counts: list[int]) -> int | None:
    if op.axis == place.axis:
        raise UnknownSizeError
    return counts[0]


@_rule(Rearrange)
def _rearranged(op: Rearrange, place: _Place, counts: list[int]) -> int | None:
    if op.order is None and ((place.axis,), (place.here,)) not in matching_axes(*place.shapes):
        raise UnknownSizeError
    return counts[0]
