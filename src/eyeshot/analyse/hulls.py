"""Which interval of the input does every unit see? Composed from the input on, clipped to the image, exact.

For each followed axis of the input a tensor carries labels (see ``labels``). A unit that sees nothing along one axis
sees nothing along any: its window lies in the padding. That is agreed upon only where it matters, when several units
are read together or several reads are united, so that labels keep to the axes on which they depend.

Cost: linear in nodes, edges, and height + width for networks whose labels depend on one axis each; the width of a
kernel enters with its logarithm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.labels import (
    NOTHING,
    Ends,
    Labels,
    aligned,
    alone,
    broadcast,
    lower,
    merged,
    must_fit,
    of_nothing,
    permuted,
    reduced,
    reshaped,
    resized,
    settled,
    some_see_nothing,
    writes_out,
)
from eyeshot.analyse.walk import Rule, Rules, once
from eyeshot.network.graph import Network, Node
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
from eyeshot.network.slide import Slide

Hulls = tuple[Labels, ...]
"""One value per followed axis of the input: a unit sees the product of what they say."""
Union = tuple[Hulls, ...]
"""What units see together by several, where that is not one product (see ``_absorbed``)."""
Interval = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@once
def hulls(network: Network, *, gates: bool = True) -> Mapping[str, Union]:
    """The labels of every node; ``gates`` False leaves gates and statistics out."""
    rules = _rules if network.tells_channels_apart else _rules_of_channels_together
    return rules.forward(network, _of_input, lambda node: (_nothing(network, node),), gates=gates)


def per_axis(node: Node, value: Union, along: Sequence[tuple[int, ...]]) -> list[Interval]:
    """What the units at each position see: (first, last) per followed axis, last < first for nothing.

    ``along`` gives for each the axes of the tensor along which the arrays run; they are united over channels and all
    other axes. Without such an axis there is one entry.
    """
    return [interval(node, value, i, axes) for i, axes in enumerate(along)]


def interval(node: Node, value: Union, i: int, axes: tuple[int, ...]) -> Interval:
    """The same for one followed axis."""
    sizes = tuple(node.shape[axis] for axis in axes) or (1,)
    first, negated_last = np.minimum.reduce([_along(term, i, axes, sizes) for term in value])
    empty = first == NOTHING
    return np.where(empty, 0, first), np.where(empty, -1, -negated_last)


def all_see_everything(value: Union, extent: Sequence[int]) -> bool:
    """Whether each element of a tensor, whatever its channel, sees from the first position to the last."""
    # at most what the products say label by label; who sees nothing is agreed on only where that is the whole image
    at_most = reduce(lambda a, b: tuple(map(lower, a, b)), value)
    if len(value) == 1 or not _is_everything(at_most, extent):
        return _is_everything(at_most, extent)
    return _is_everything(reduce(lambda a, b: tuple(map(lower, a, b)), map(settled, value)), extent)


def _is_everything(value: Hulls, extent: Sequence[int]) -> bool:
    ends = (labels.ends.reshape(2, -1).max(axis=1).tolist() for labels in value)
    return all(first == 0 and negated_last == 1 - n for (first, negated_last), n in zip(ends, extent, strict=True))


def _along(value: Hulls, i: int, axes: tuple[int, ...], sizes: Shape) -> Ends:
    labels = reduce(merged, axes, alone(value, i, axes))
    places = [labels.parts(axis)[0] for axis in axes]
    ends = labels.ends.min(axis=tuple(a for a in range(1, labels.ends.ndim) if a not in places))
    return np.broadcast_to(ends if axes else ends.reshape(2, 1), (2, *sizes))


def _of_input(node: Node) -> Union:
    labels = []
    for axis in getattr(node.op, "axes", ()):
        positions = np.arange(node.shape[axis])
        shape = [1] * len(node.shape)
        shape[axis] = -1
        # pixel i sees i … i; the last one negated, so that the union of several is the minimum of both
        labels.append(Labels(np.stack([positions, -positions]).reshape(2, *shape)))
    return (tuple(labels),)


def _nothing(network: Network, node: Node) -> Hulls:
    return tuple(of_nothing(len(node.shape)) for _ in network.axes)


def _unite(parts: Sequence[Union], shape: Shape) -> Union:
    first = parts[0][0]
    if len(parts) > 2 and all(
        labels.split == one.split and labels.ends.shape == one.ends.shape and not labels.may_be_empty
        for part in parts
        for term in part
        for labels, one in zip(term, first, strict=True)
    ):  # many at once
        several = zip(*(term for part in parts for term in part), strict=True)
        return (tuple(Labels(np.minimum.reduce([part.ends for part in same]), same[0].split) for same in several),)
    return _absorbed([term for part in parts for term in part])


_MOST_TERMS = 4


def _absorbed(terms: Sequence[Hulls]) -> Union:
    """The union as few products: what lies within another goes, and what differs by one label becomes one.

    Products that may be empty are not united label by label: a token in the padding along one axis sees nothing at
    all, so each label would be written out along every axis of the others. Of queries times keys in a window both are
    kept, as two products; once the keys are summed, each query lies within the window's, and goes. So are 25,000
    queries times 400 keys, whose union has a number for each pair.
    """
    result: list[Hulls] = []
    for term in terms:
        for i, other in enumerate(result):
            one = _one_product(other, term)
            if one is not None:
                result[i] = one
                break
        else:
            result.append(term)
    # a term that has taken in another may now hold one that it was compared with before
    if 1 < len(result) < len(terms):
        return _absorbed(result)
    while len(result) > _MOST_TERMS:
        a, b = result.pop(), result.pop()
        result.append(tuple(map(lower, settled(a), settled(b))))
    return tuple(result)


def _one_product(a: Hulls, b: Hulls) -> Hulls | None:
    if a is b:
        return a
    is_simple = not any(labels.may_be_empty for labels in (*a, *b)) or sum(map(_differ, a, b)) <= 1
    if is_simple:
        pairs = [(x, y) if x.split == y.split else aligned([x, y]) for x, y in zip(a, b, strict=True)]
        if not any(writes_out(x, y) for x, y in pairs):
            return _kept(a, [lower(x, y) for x, y in pairs])
    for wide, narrow in ((a, b), (b, a)):
        if all(map(_holds, wide, narrow)):
            return wide
    return None


def _holds(wide: Labels, narrow: Labels) -> bool:
    """Whether each position sees at least what it sees by the other label; whoever sees nothing sees less."""
    if wide.ends is narrow.ends and wide.split == narrow.split:
        return True
    if wide.split is None and narrow.split is None:
        return bool((wide.ends <= narrow.ends).all())
    wide, narrow = aligned([wide, narrow])
    return bool((wide.ends <= narrow.ends).all())


def _kept(value: Hulls, labels: Iterable[Labels]) -> Hulls:
    """What was made, or the value itself where that is the same: units that see alike share one value."""
    result = tuple(labels)
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


def _settled_to_reduce(value: Hulls, axes: Sequence[int]) -> Hulls:
    """Agreed on what sees nothing, where that matters to what all positions along some axes see together.

    It does not where each part of the axes is one label's own. Of a window of 7×7×7 tokens, of which those that lie in
    the padding see nothing, some are left if some rows, some columns and some layers are left; and then the window sees
    the rows that are left, whatever is left of the others. A label that keeps nothing says so for all. Agreeing on it
    would write out each label along every axis on which another depends: 343 times what it is.
    """
    if any(labels.may_be_empty for labels in value) and any(
        sum(labels.ends.shape[part] > 1 for labels in alike) > 1
        for alike in [aligned(value)]
        for axis in axes
        for part in range(*alike[0].parts(axis))
    ):
        return settled(value)
    return value


def _content(value: Union) -> object:
    """What values that say the same have in common."""
    return tuple(
        tuple((labels.split, labels.may_be_empty, labels.ends.shape, _numbers(labels.ends)) for labels in term)
        for term in value
    )


def _numbers(ends: Ends) -> object:
    return ends.tobytes() if ends.size <= _MOST_COMPARED else id(ends)


_MOST_COMPARED = 1 << 12
"""Entries of arrays that are compared at most."""


_rules: Rules[Union] = Rules("hulls", _unite, _content)


def _rule(kind: type) -> Callable[[Rule[Hulls]], Rule[Hulls]]:
    """Register a rule for one product as that of unions: whoever reads a union sees the union of what each gives."""

    def register(function: Rule[Hulls]) -> Rule[Hulls]:
        _rules.rule(kind)(_of_unions(function))
        return function

    return register


def _of_unions(function: Rule[Hulls]) -> Rule[Union]:
    def rule(relation: Relation, value: Union, before: Shape, after: Shape) -> Union:
        if len(value) == 1:
            term = function(relation, value[0], before, after)
            return value if term is value[0] else (term,)
        return _absorbed([function(relation, term, before, after) for term in value])

    return rule


@_rule(Window)
def _window(relation: Window, value: Hulls, before: Shape, after: Shape) -> Hulls:
    mixes = relation.groups is not None
    # a slice reads each position alone, so that nothing is to be agreed on
    several = zip(relation.axes, relation.slides, strict=True)
    value = _settled_for(value, [axis for axis, slide in several if slide.kernel > 1])
    if mixes:
        value = _settled_to_reduce(value, (1,)) if relation.groups == 1 else _settled_for(value, (1,))
        value = _kept(value, (_mix_channels(labels, relation.groups or 1, before, after) for labels in value))
    for axis, slide in zip(relation.axes, relation.slides, strict=True):
        value = _slide(slide, axis, value, before[axis], after[axis])
    return value


def _slide(slide: Slide, axis: int, value: Hulls, n: int, m: int) -> Hulls:
    """What units see behind a window along one axis of n positions, of which m windows are taken.

    Windows that lie in the padding see nothing, and some label has to say so. Of 2 channels padded to 3 the third sees
    nothing, though neither rows nor columns depend on the channel: the first label is written out along it, with
    NOTHING at the third. Nothing along one axis of the image is nothing along all, so one label is enough.
    """
    if slide.stays(n, m):
        return value
    k, s, d, p, b = slide.kernel, slide.stride, slide.dilation, slide.before, slide.base
    is_within = slide.shows_something(n, m)
    varying = [labels.varies(axis) for labels in value]
    if not is_within and not any(varying):
        varying[0] = True
    result = []
    for labels, varies in zip(value, varying, strict=True):
        labels = merged(labels, axis)
        place = labels.parts(axis)[0]
        ends = labels.ends
        if varies:
            # alike all along, and written out all the same, to be told from the padding at either side
            if ends.shape[place] != n:
                ends = ends.repeat(n, axis=place)
            # from the first window's first tap to the last one's last: with 3 wide, padding 1, positions −1 … n.
            # Those outside hold NOTHING, which is larger than anything, so that no minimum takes it.
            read = _stretch(_with_gaps(ends, place, b), place, -p, (m - 1) * s + slide.reach + 1)
            read = _sliding_minimum(read, place, k, d)
            ends = read[(slice(None),) * place + (slice(0, (m - 1) * s + 1, s),)]
        labels = resized(labels, axis, m, ends)
        if varies and not (is_within and not labels.may_be_empty):
            labels = Labels(ends, labels.split, some_see_nothing(ends))
        result.append(labels)
    return tuple(result)


def _mix_channels(labels: Labels, groups: int, before: Shape, after: Shape) -> Labels:
    # the usual case: all channels see alike, so mixing them changes their number only
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
    must_fit(shape)
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
        # widths 1, 2, 4 and then 5 for k = 5: the last step overlaps, which a minimum does not mind
        step = min(width, k - width) * d
        ends = np.minimum(ends[(*lead, slice(None, -step))], ends[(*lead, slice(step, None))])
        width += step // d
    return ends


@_rule(Taps)
def _taps(relation: Taps, value: Hulls, before: Shape, after: Shape) -> Hulls:
    along = zip(relation.axes, relation.reads, strict=True)
    value = _settled_for(value, [axis for axis, reads in along if any(len(taps) > 1 for taps in reads)])
    for axis, reads in zip(relation.axes, relation.reads, strict=True):
        n, count = before[axis], max(map(len, reads))
        # a position that reads nothing, as where a grid leads outside, reads one behind the last, which sees nothing
        table = np.array([[*(tap or (n,)), *((tap or (n,))[-1:] * (count - len(tap or (n,))))] for tap in reads])
        varying = [labels.varies(axis) for labels in value]
        if not all(reads) and not any(varying):
            varying[0] = True
        pairs = zip(value, varying, strict=True)
        value = tuple(_tapped(labels, axis, table, n, after[axis], varies) for labels, varies in pairs)
    return value


def _tapped(labels: Labels, axis: int, table: npt.NDArray[np.int64], n: int, size: int, varies: bool) -> Labels:
    labels = merged(labels, axis)
    if not varies:
        return resized(labels, axis, size)
    place, ends = labels.parts(axis)[0], labels.ends
    # position n, behind the last, is added where some read it: it sees nothing
    has_empty = bool((table == n).any())
    if has_empty:
        ends = _stretch(ends if ends.shape[place] == n else ends.repeat(n, axis=place), place, 0, n + 1)
    tapped = resized(labels, axis, size, np.take(ends, table, axis=place).min(axis=place + 1))
    return Labels(tapped.ends, tapped.split, may_be_empty=True) if has_empty else tapped


@_rule(Elementwise)
def _elementwise(relation: Elementwise, value: Hulls, before: Shape, after: Shape) -> Hulls:
    if before == after:
        return value
    return _kept(value, (broadcast(labels, before, after) for labels in value))


@_rule(Concat)
def _concat(relation: Concat, value: Hulls, before: Shape, after: Shape) -> Hulls:
    """Labels placed among positions that see nothing; where none depends on the axis, the first says so for all."""
    axis = relation.axis
    varying = [labels.varies(axis) for labels in value]
    if varying and not any(varying):
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
        must_fit(shape)
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


@_rule(Reshape)
def _reshape(relation: Reshape, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return tuple(reshaped(labels, before, after) for labels in value)


@_rule(Permute)
def _permute(relation: Permute, value: Hulls, before: Shape, after: Shape) -> Hulls:
    return tuple(permuted(labels, relation.order) for labels in value)


@_rule(Reduce)
def _reduce(relation: Reduce, value: Hulls, before: Shape, after: Shape) -> Hulls:
    value = _settled_to_reduce(value, relation.axes)
    return _kept(value, (reduced(labels, relation.axes, after if relation.keep else None) for labels in value))


@_rule(Opaque)
def _opaque(relation: Opaque, value: Hulls, before: Shape, after: Shape) -> Hulls:
    value = settled(value)
    ones = (1,) * len(after)
    result = []
    for labels in value:
        ends = labels.ends.min(axis=tuple(range(1, labels.ends.ndim))).reshape(2, *ones)
        result.append(Labels(ends, may_be_empty=some_see_nothing(ends)))
    return tuple(result)


_rules_of_channels_together = _rules.but(Concat, _of_unions(_concat_of_channels_taken_together))
