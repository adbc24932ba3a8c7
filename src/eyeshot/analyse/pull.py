"""How many paths lead from one unit back to every pixel? The unit's mark of 1, pulled back and summed.

Each read of each relation is one step of a path, and every path counts alike: that is the path density of Luo et al.
2016. The boolean twin of this is the footprint. Counts outgrow any float in deep networks, so a mark carries a power
of two that all its counts share; scaling by it rounds nothing.

On the image a path that reads padding ends there. On an endless image there is no padding: positions outside a
tensor are followed as if it went on. The first pull divided by the second is the share of paths that reach the image.

Reference: Luo, Li, Urtasun & Zemel 2016, arXiv:1701.04128, section 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.sharing import fan_in
from eyeshot.analyse.walk import Rule, Rules
from eyeshot.network.graph import Network
from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Opaque,
    Permute,
    Reduce,
    Relation,
    Reshape,
    Shape,
    Taps,
    Window,
)
from eyeshot.network.reshape import matching_axes
from eyeshot.network.slide import Pattern, Reads, Slide

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Paths into the positions of a tensor: ``values``·2^``exponent`` from ``offsets`` on; None: alike all along.

    Attributes:
        is_endless: positions outside the tensor are kept.
        is_whole: none had to be dropped; False where an op, such as a reshape, has no outside.
    """

    offsets: tuple[int | None, ...]
    values: Floats
    exponent: int
    is_endless: bool
    is_whole: bool = True


Total = tuple[Counts, ...]
"""Counts that are summed, where writing out their sum would take far more memory: alike along other channels each."""


def path_counts(
    network: Network,
    name: str,
    at: dict[int, int],
    *,
    gates: bool = False,
    endless: bool = False,
    is_shared: bool = False,
) -> Counts | None:
    """Paths from a unit of a layer, over all its channels, to the input's pixels, over all channels.

    Args:
        network: the network.
        name: the layer.
        at: the unit: its index along the tensor axes that tell units apart.
        gates: True follows gates and statistics as well.
        endless: True gives the counts as on an image that goes on beyond its borders.
        is_shared: True shares each unit's weight among what it reads, instead of giving it to each; see
            ``eyeshot.analyse.sharing``. The same up to a factor where no branches meet.

    Returns: counts with one axis per followed axis of the input; None where no path leads to it.
    """
    shape = network[name].shape
    offsets = tuple(at.get(axis) for axis in range(len(shape)))
    start = Counts(offsets, np.ones((1,) * len(shape)), 0, endless)
    rules = _rules_of_shares if is_shared else _rules
    image = network.input.name
    total = rules.backward(network, {name: (start,)}, gates=gates, to=image).get(image)
    return None if total is None else _on_image(total, network)


def _on_image(total: Total, network: Network) -> Counts | None:
    shape = network.input.shape
    counts = _sum(total, shape)
    for axis in range(len(shape)):
        counts = _in_full(counts, axis, shape[axis]) if axis in network.axes else _summed(counts, axis, shape[axis])
    others = tuple(axis for axis in range(len(shape)) if axis not in network.axes)
    values = counts.values.sum(axis=others)
    offsets = tuple(counts.offsets[axis] for axis in network.axes)
    return replace(counts, offsets=offsets, values=values) if values.any() else None


def _scaled(counts: Counts) -> Counts:
    """The same counts, the largest near 1, for the next step's sum not to overflow."""
    largest = float(counts.values.max(initial=0.0))
    if not largest:
        return counts
    _, shift = math.frexp(largest)
    return replace(counts, values=_times_two_to(counts.values, -shift), exponent=counts.exponent + shift)


def _times_two_to(values: Floats, power: int) -> Floats:
    return values if power == 0 else _of_each(values, lambda held: np.ldexp(held, power))


def _of_each(values: Floats, function: Callable[[Floats], Floats]) -> Floats:
    """A function of each value; of a view in which one stands for many along an axis, of that one."""
    return np.broadcast_to(function(_held(values)), values.shape)


def _held(values: Floats) -> Floats:
    """Those that are in memory: along axes that are written out in a view, one."""
    return values[tuple(slice(1 if step == 0 else None) for step in values.strides)]


def _summed(counts: Counts, axis: int, size: int) -> Counts:
    """All counts along an axis together, at its one position 0."""
    values = counts.values.sum(axis=axis, keepdims=True)
    # alike all along, held once: each of the `size` positions counts
    if counts.offsets[axis] is None:
        values = values * size
    return replace(counts, values=values, offsets=_with(counts.offsets, axis, 0))


def _alike(counts: Counts, axis: int) -> Counts:
    return replace(counts, offsets=_with(counts.offsets, axis, None))


def _with(offsets: tuple[int | None, ...], axis: int, offset: int | None) -> tuple[int | None, ...]:
    return (*offsets[:axis], offset, *offsets[axis + 1 :])


def _in_full(counts: Counts, axis: int, size: int) -> Counts:
    """An axis along which all is alike, written out: in a view, since 256 channels of a large map would not fit."""
    if counts.offsets[axis] is not None:
        return counts
    shape = counts.values.shape
    values = np.broadcast_to(counts.values, (*shape[:axis], size, *shape[axis + 1 :]))
    return replace(counts, values=values, offsets=_with(counts.offsets, axis, 0))


def _cut(counts: Counts, axis: int, low: int, high: int) -> Counts:
    """The counts at positions low … high − 1 of an axis that is written out; zeros where there were none."""
    offset = counts.offsets[axis]
    assert offset is not None
    shape = list(counts.values.shape)
    first, last = max(low, offset), min(high, offset + shape[axis])
    lead = (slice(None),) * axis
    kept = counts.values[(*lead, slice(first - offset, max(last, first) - offset))]
    if (first, last) != (low, high):
        shape[axis] = high - low
        values = np.zeros(shape)
        values[(*lead, slice(first - low, max(last, first) - low))] = kept
        kept = values
    return replace(counts, values=kept, offsets=_with(counts.offsets, axis, low))


def _inside(counts: Counts, axis: int, low: int, high: int) -> Counts:
    """The counts at positions low … high − 1; what is dropped outside leaves an endless image's counts incomplete."""
    kept = _cut(counts, axis, low, high)
    # on the image what lies outside is padding and is to be dropped; on an endless one something is lost by it
    if not counts.is_endless or kept.values.sum() == counts.values.sum():
        return kept
    return replace(kept, is_whole=False)


def _unite(parts: Sequence[Total], shape: Shape) -> Total:
    """The sum of several, as few terms as do not take far more memory together.

    A convolution whose channels are dealt to queries and contexts gets counts from both: one map that is alike along
    the first 700 channels, and one along the others. Its sum is 1,400 maps; kept apart they are two, and one again
    behind the convolution, which sums over channels.
    """
    terms: list[Counts] = []
    together = [term for part in parts for term in part]
    if not _writes_out(together, shape):
        return (_sum(together, shape),)
    for term in together:
        near = next((i for i, other in enumerate(terms) if not _writes_out([other, term], shape)), None)
        if near is None:
            terms.append(term)
        else:
            terms[near] = _sum([terms[near], term], shape)
    return tuple(terms) if len(terms) <= _MOST_TERMS else (_sum(terms, shape),)


_MOST_TERMS = 8
_MANY = 1 << 22
"""Counts that are written out whatever their terms take."""


def _writes_out(terms: Sequence[Counts], shape: Shape) -> bool:
    """Whether the sum takes far more memory than its terms."""
    low, high = _extent(terms, shape)
    size = math.prod(b - (a or 0) for a, b in zip(low, high, strict=True))
    return size > _MANY and size > 2 * sum(_held(term.values).size for term in terms)


def _extent(terms: Sequence[Counts], shape: Shape) -> tuple[list[int | None], list[int]]:
    """From where to where the sum reaches along each axis; from None where all are alike along it."""
    low: list[int | None] = []
    high: list[int] = []
    for axis, size in enumerate(shape):
        # alike along it in all terms, and so in their sum; else each is written out, over all that any of them covers
        if all(term.offsets[axis] is None for term in terms):
            low.append(None)
            high.append(1)
            continue
        starts = [term.offsets[axis] or 0 for term in terms]
        sizes = [size if term.offsets[axis] is None else term.values.shape[axis] for term in terms]
        low.append(min(starts))
        high.append(max(map(sum, zip(starts, sizes, strict=True))))
    return low, high


def _sum(terms: Sequence[Counts], shape: Shape) -> Counts:
    if len(terms) == 1:
        return terms[0]
    exponent = max(term.exponent for term in terms)
    low, high = _extent(terms, shape)
    for axis in (axis for axis, start in enumerate(low) if start is not None):
        terms = [_in_full(term, axis, shape[axis]) for term in terms]
    values = np.zeros([b - (a or 0) for a, b in zip(low, high, strict=True)])
    for term in terms:
        place = tuple(
            slice((o or 0) - (a or 0), (o or 0) - (a or 0) + n)
            for o, a, n in zip(term.offsets, low, term.values.shape, strict=True)
        )
        values[place] += _times_two_to(term.values, term.exponent - exponent)
    return Counts(tuple(low), values, exponent, terms[0].is_endless, all(term.is_whole for term in terms))


_rules: Rules[Total] = Rules("path counts", _unite)


def _rule(kind: type) -> Callable[[Rule[Counts]], Rule[Counts]]:
    """Register a rule for counts as that of sums: each term is sent back alone."""

    def register(function: Rule[Counts]) -> Rule[Counts]:
        def of_terms(relation: Relation, value: Total, before: Shape, after: Shape) -> Total:
            if len(value) == 1:
                return (function(relation, value[0], before, after),)
            return _unite([(function(relation, term, before, after),) for term in value], before)

        _rules.rule(kind)(of_terms)
        return function

    return register


@_rule(Window)
def _window(relation: Window, value: Counts, before: Shape, after: Shape) -> Counts:
    if relation.groups is not None:
        value = _pull_channels(relation.groups, value, before, after)
    # Neighbouring channels, as in local response normalisation, have no endless image.
    is_clipped = not value.is_endless or (relation.axes == (1,) and relation.kernel != (1,))
    for axis, slide in zip(relation.axes, relation.slides, strict=True):
        value = _in_full(value, axis, after[axis])
        value = _spread(value, axis, slide)
        # back through a transposed convolution of stride 2 every second place is a gap, which ends its paths
        value = _every(value, axis, slide.base)
        # counts in the padding end there: 3 wide at unit 0, padding 1, has −1 … 1, and 0 … 1 are left
        if is_clipped:
            first, last = value.offsets[axis] or 0, (value.offsets[axis] or 0) + value.values.shape[axis]
            low = min(max(first, 0), before[axis])
            value = _cut(value, axis, low, max(min(last, before[axis]), low))
    return _scaled(value)


def _pull_channels(groups: int, value: Counts, before: Shape, after: Shape) -> Counts:
    fan_out = after[1] // groups
    if groups == 1:
        return _alike(_summed(value, 1, after[1]), 1)
    if value.offsets[1] is None:
        return replace(value, values=value.values * fan_out)
    values = _cut(value, 1, 0, after[1]).values
    grouped = values.reshape(values.shape[0], groups, fan_out, *values.shape[2:]).sum(axis=2)
    return replace(value, values=grouped.repeat(before[1] // groups, axis=1), offsets=_with(value.offsets, 1, 0))


def _spread(value: Counts, axis: int, slide: Slide) -> Counts:
    """Position i of the output adds its count to all that it reads, gaps of the base included."""
    lead = (slice(None),) * axis
    shape = list(value.values.shape)
    m = shape[axis]
    if m == 0:
        return value
    s = slide.stride
    start = (value.offsets[axis] or 0) * s - slide.before
    if s == 1 and slide.reach == 0:  # a slice: the same counts elsewhere
        return replace(value, offsets=_with(value.offsets, axis, start))
    shape[axis] = (m - 1) * s + slide.reach + 1
    values = np.zeros(shape)
    for tap in range(0, slide.reach + 1, slide.dilation):
        values[(*lead, slice(tap, tap + (m - 1) * s + 1, s))] += value.values
    return replace(value, values=values, offsets=_with(value.offsets, axis, start))


def _every(value: Counts, axis: int, b: int) -> Counts:
    """Every b-th position: those of a base with gaps that are real."""
    if b == 1:
        return value
    start = value.offsets[axis] or 0
    first = -(-start // b)
    lead = (slice(None),) * axis
    values = value.values[(*lead, slice(first * b - start, None, b))]
    return replace(value, values=values, offsets=_with(value.offsets, axis, first))


@_rule(Taps)
def _taps(relation: Taps, value: Counts, before: Shape, after: Shape) -> Counts:
    for axis, reads, pattern in zip(relation.axes, relation.reads, relation.endless, strict=True):
        value = _in_full(value, axis, after[axis])
        if pattern is None:
            value = _inside(value, axis, 0, after[axis])
        low, size = value.offsets[axis] or 0, value.values.shape[axis]
        value = _listed(value, axis, [_taps_of(i, reads, pattern) for i in range(low, low + size)])
    return _scaled(value)


def _taps_of(i: int, reads: Reads, pattern: Pattern | None) -> Sequence[int]:
    """What position i reads: as listed where the tensor has it, by the pattern beyond its ends."""
    if 0 <= i < len(reads):
        return reads[i]
    assert pattern is not None
    return pattern.reads(i)


def _listed(value: Counts, axis: int, taps: Sequence[Sequence[int]]) -> Counts:
    """Position i adds its count to each position that its taps list."""
    everything = [j for tap in taps for j in tap]
    low, high = min(everything, default=0), max(everything, default=-1) + 1
    shape = list(value.values.shape)
    shape[axis] = high - low
    values = np.zeros(shape)
    into, out_of = np.moveaxis(values, axis, 0), np.moveaxis(value.values, axis, 0)
    for i, tap in enumerate(taps):
        for j in tap:
            into[j - low] += out_of[i]
    return replace(value, values=values, offsets=_with(value.offsets, axis, low))


@_rule(Elementwise)
def _elementwise(relation: Elementwise, value: Counts, before: Shape, after: Shape) -> Counts:
    extra = len(after) - len(before)
    for axis in range(len(after)):
        # one gain of each channel, shape (C, 1, 1), is read at all positions: its paths are those of all together
        if axis < extra or (before[axis - extra] == 1 and after[axis] > 1):
            value = _summed(value, axis, after[axis])
    values = value.values.reshape(value.values.shape[extra:])
    return replace(value, values=values, offsets=value.offsets[extra:])


@_rule(Concat)
def _concat(relation: Concat, value: Counts, before: Shape, after: Shape) -> Counts:
    axis, size = relation.axis, before[relation.axis]
    if value.offsets[axis] is None:
        return value
    value = _inside(value, axis, 0, after[axis])
    value = _cut(value, axis, relation.offset, relation.offset + size)
    return replace(value, offsets=_with(value.offsets, axis, 0))


@_rule(Reshape)
def _reshape(relation: Reshape, value: Counts, before: Shape, after: Shape) -> Counts:
    offsets: list[int | None] = []
    sizes: list[int] = []
    for inner, outer in matching_axes(before, after):
        if all(value.offsets[axis] is None for axis in outer):
            offsets += [None for _ in inner]
            sizes += [1 for _ in inner]
            continue
        value, first, count = _run_in_full(value, inner, outer, before, after)
        leading = _leading(inner, before)
        offsets += [first if axis == leading else 0 for axis in inner]
        sizes += [count if axis == leading else before[axis] for axis in inner]
    return replace(value, values=value.values.reshape(sizes), offsets=tuple(offsets))


def _run_in_full(
    value: Counts, inner: tuple[int, ...], outer: tuple[int, ...], before: Shape, after: Shape
) -> tuple[Counts, int, int]:
    """A run of axes written out, so that it is whole rows of the axes before it.

    Only the run's leading axis may reach outside the tensor, or cover a part of it. Of 8 rows cut into (4, 2) and a
    unit that has counts in windows −1 … 1: 2 rows for each window, so rows −2 … 3 before. Read the other way round, of
    (4, 2) merged into 8 and counts at rows 3 … 5, what is cut must begin and end with whole windows: rows 2 … 5,
    windows 1 … 2.

    Returns: the counts, and the first position and number of positions along the leading axis before.
    """
    leading = _leading(outer, after)
    for axis in outer:
        value = _in_full(value, axis, after[axis])
        if axis != leading:
            value = _inside(value, axis, 0, after[axis])
    rows = math.prod(after[axis] for axis in outer if axis != leading)
    rows_before = math.prod(before[axis] for axis in inner if axis != _leading(inner, before))
    if leading is None:
        return value, 0, 1
    # low·rows has to be a multiple of rows_before: where 2 rows make a window, ends are moved out to even rows
    step = rows_before // math.gcd(rows, rows_before)
    low = value.offsets[leading] or 0
    high = low + value.values.shape[leading]
    low, high = low // step * step, -(-high // step) * step
    # an axis of one that the reshape adds: it has position 0 and, endless or not, no other
    if not inner:
        low, high = 0, 1
    value = _cut(value, leading, low, high)
    return value, low * rows // rows_before, (high - low) * rows // rows_before


def _leading(axes: tuple[int, ...], shape: Shape) -> int | None:
    """The first axis of a run that has several positions, or its first."""
    return next((axis for axis in axes if shape[axis] > 1), axes[0] if axes else None)


@_rule(Permute)
def _permute(relation: Permute, value: Counts, before: Shape, after: Shape) -> Counts:
    back = tuple(relation.order.index(axis) for axis in range(len(before)))
    return replace(value, values=value.values.transpose(back), offsets=tuple(value.offsets[axis] for axis in back))


@_rule(Reduce)
def _reduce(relation: Reduce, value: Counts, before: Shape, after: Shape) -> Counts:
    for axis in sorted(relation.axes):
        if relation.keep:
            value = _alike(_summed(value, axis, after[axis]), axis)
        else:
            # the axis that was summed away comes back, alike all along: each of its positions was read once
            offsets = (*value.offsets[:axis], None, *value.offsets[axis:])
            value = replace(value, values=np.expand_dims(value.values, axis), offsets=offsets)
    return _scaled(value)


@_rule(Opaque)
def _opaque(relation: Opaque, value: Counts, before: Shape, after: Shape) -> Counts:
    for axis in range(len(after)):
        value = _summed(value, axis, after[axis])
    return _scaled(replace(value, values=value.values.reshape((1,) * len(before)), offsets=(None,) * len(before)))


def _share(relation: object, value: Total, sent: Total, before: Shape, after: Shape) -> Total:
    read = fan_in(relation, before, after)
    if read == 1:
        return sent
    return tuple(replace(term, values=_of_each(term.values, lambda held: held / read)) for term in sent)


_rules_of_shares = _rules.sharing("shares of paths", _share)
