"""What would every unit see on an endless image? In closed form, where there is one.

Along a followed axis the units of a regular tensor see intervals that move by a fixed step. A decoder's do so by
phase: unit q·P + r sees from q·S + firsts[r] to q·S + lasts[r], with P the period and S the step. From this follow

    size = last − first + 1,   stride = S / P,   start = firsts[0]

and for a window, with k, s, d, p its kernel, stride, dilation and padding before, the classic recurrence

    size' = size + (k − 1)·d·stride,   stride' = stride·s,   start' = start − p·stride

Channels that see differently (concatenations) are told apart by classes: an index array with size 1 along every axis
on which the class does not depend, and a table of what each class sees.

References: Dumoulin & Visin 2016, arXiv:1603.07285; Araujo, Norris & Sim, Distill 2019, doi:10.23915/distill.00021.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from eyeshot.analyse.sights import (
    NEVER,
    Class,
    Fixed,
    Moving,
    Scattered,
    Sight,
    Sights,
    compact,
    first_of,
    last_of,
    moving,
    together,
    unite,
    unite_classes,
)
from eyeshot.analyse.walk import Rules
from eyeshot.network.graph import Network, Node
from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Opaque,
    Pattern,
    Permute,
    Read,
    Reduce,
    Reshape,
    Shape,
    Taps,
    Window,
    matching_axes,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def closed_forms(network: Network, *, gates: bool = True) -> dict[str, Sights]:
    """The closed form of every node; ``gates`` False leaves gates and statistics out."""
    nothing = Sights(((None,) * len(network.axes),))
    return dict(_rules_for(network).forward(network, _of_input, lambda node: nothing, gates=gates))


def through(network: Network, forms: Mapping[str, Sights], node: Node, read: Read) -> Class:
    """What a node's units see by one of its reads alone, united over channels."""
    return together(_rules_for(network).through(network, forms, node, read), node.shape)


def _rules_for(network: Network) -> Rules[Sights]:
    return _rules if network.tells_channels_apart else _rules_of_channels_together


def _of_input(node: Node) -> Sights:
    axes = getattr(node.op, "axes", ())
    return Sights((tuple(Moving(axis, 1, (0,), (0,), touches=True) for axis in axes),))


_rules: Rules[Sights] = Rules("closed form", unite)


@_rules.rule(Window)
def _window(relation: Window, value: Sights, before: Shape, after: Shape) -> Sights:
    along_1 = any(isinstance(sight, Moving | Scattered) and sight.axis == 1 for cls in value.table for sight in cls)
    if along_1 and relation.groups is not None:  # what others call channels are positions here
        value = (
            _reduce(_ALL_OF_1, value, before, before) if relation.groups == 1 else _without_form(value, before, after)
        )
    value = _select_channels(relation, value, before, after)
    for a, axis in enumerate(relation.axes):
        stays = before[axis] == after[axis] and relation.pattern(a) == _SAME_PLACE
        if (axis != 1 or along_1) and not stays:
            value = _follow(value, axis, relation.pattern(a), before, after)
    return value


_ALL_OF_1 = Reduce(axes=(1,), keep=True)
_SAME_PLACE = Pattern(1, ((0,),))


def _follow(value: Sights, axis: int, pattern: Pattern | None, before: Shape, after: Shape) -> Sights:
    """What units see that read along an axis by a pattern; no form where there is no pattern."""
    if value.index is not None and value.index.shape[axis] > 1:
        return _without_form(value, before, after)
    table = [tuple(_follow_sight(sight, axis, pattern, before, after) for sight in cls) for cls in value.table]
    return Sights(tuple(table), value.index)


def _follow_sight(sight: Sight, axis: int, pattern: Pattern | None, before: Shape, after: Shape) -> Sight:
    if isinstance(sight, Fixed) and pattern != _SAME_PLACE:
        return replace(sight, touches=False)  # units whose window lies in the padding see nothing
    if not isinstance(sight, Moving) or sight.axis != axis:
        return sight
    if pattern is None:
        return _scatter(sight, before, after)
    phases = len(pattern.offsets)
    if phases == sight.period == 1 and pattern.offsets[0]:
        first = sight.firsts[0] + min(pattern.offsets[0]) * sight.step
        last = sight.lasts[0] + max(pattern.offsets[0]) * sight.step
        return Moving(axis, sight.step * pattern.step, (first,), (last,), _still_touches(sight, pattern, before, after))
    turns = sight.period // math.gcd(sight.period, pattern.step)
    firsts, lasts = [], []
    for unit in range(phases * turns):
        turn, phase = divmod(unit, phases)
        read = [turn * pattern.step + offset for offset in pattern.offsets[phase]]
        firsts.append(min((sight.first(j) for j in read), default=NEVER))
        lasts.append(max((sight.last(j) for j in read), default=-NEVER))
    if all(last < first for first, last in zip(firsts, lasts, strict=True)):
        return None  # only units that see nothing are read, such as those between a sparse transposed convolution's
    step = sight.step * (pattern.step * turns // sight.period)
    return moving(axis, step, firsts, lasts, _still_touches(sight, pattern, before, after))


def _still_touches(sight: Moving, pattern: Pattern, before: Shape, after: Shape) -> bool:
    """Whether the first unit reads the first one before it, and the last the last."""
    axis = sight.axis
    return sight.touches and pattern.reads(0, 0) and pattern.reads(after[axis] - 1, before[axis] - 1)


def _select_channels(relation: Window, value: Sights, before: Shape, after: Shape) -> Sights:
    """Classes after a convolution has mixed channels, or a window along channels has chosen among them."""
    if value.index is None or value.index.shape[1] == 1:
        return value
    import numpy as np

    index = value.index
    if relation.groups is not None:
        members = np.split(index, relation.groups, axis=1)
        repeats = after[1] // relation.groups
    elif 1 in relation.axes:
        a = relation.axes.index(1)
        k, s, d, p = relation.kernel[a], relation.stride[a], relation.dilation[a], relation.padding[a][0]
        b = relation.bases()[a]
        read = [{(i * s - p + t * d) // b for t in range(k) if (i * s - p + t * d) % b == 0} for i in range(after[1])]
        members = [index[:, sorted(j for j in positions if 0 <= j < before[1])] for positions in read]
        repeats = 1
    else:
        return value
    return _classes(value, members, repeats, before, after)


def _classes(value: Sights, members: list[npt.NDArray[np.intp]], repeats: int, before: Shape, after: Shape) -> Sights:
    """Channels that each read some channels of the input, whose classes ``members`` gives."""
    import numpy as np

    assert value.index is not None
    index = value.index
    if any(extent > 1 for a, extent in enumerate(index.shape) if a != 1):
        return _without_form(value, before, after)
    nothing: Class = (None,) * len(value.table[0])
    read = [sorted(set(m.ravel().tolist())) for m in members]
    table = [unite_classes([value.table[c] for c in classes], before) if classes else nothing for classes in read]
    shape = [1] * index.ndim
    shape[1] = -1
    return compact(table, np.arange(len(members)).repeat(repeats).reshape(shape))


def _without_form(value: Sights, before: Shape, after: Shape) -> Sights:
    """All that the units see together, somewhere along the axes that remain."""
    cls = together(value, before)
    return Sights((tuple(_scatter(sight, before, after) for sight in cls),))


def _scatter(sight: Sight, before: Shape, after: Shape) -> Sight:
    if sight is None or isinstance(sight, Fixed):
        return sight
    return Scattered(min(sight.axis, len(after) - 1), first_of(sight, before), last_of(sight, before))


@_rules.rule(Taps)
def _taps(relation: Taps, value: Sights, before: Shape, after: Shape) -> Sights:
    for axis, reads, pattern in zip(relation.axes, relation.reads, relation.endless, strict=True):
        if axis == 1 and value.index is not None and value.index.shape[1] > 1:
            value = _classes(value, [value.index[:, list(tap)] for tap in reads], 1, before, after)
        else:
            value = _follow(value, axis, pattern, before, after)
    return value


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, value: Sights, before: Shape, after: Shape) -> Sights:
    shift = len(after) - len(before)
    if shift == 0 and before == after:
        return value
    table = [
        tuple(
            _fix(sight, before)
            if isinstance(sight, Moving | Scattered) and before[sight.axis] == 1 and after[sight.axis + shift] > 1
            else _on_axis(sight, sight.axis + shift)
            if isinstance(sight, Moving | Scattered)
            else sight
            for sight in cls
        )
        for cls in value.table
    ]
    index = value.index
    return Sights(tuple(table), None if index is None else index.reshape((1,) * shift + index.shape))


def _fix(sight: Sight, shape: Shape) -> Fixed | None:
    if sight is None or last_of(sight, shape) < first_of(sight, shape):
        return None
    return Fixed(first_of(sight, shape), last_of(sight, shape), sight.touches)


def _on_axis(sight: Moving | Scattered, axis: int) -> Sight:
    return replace(sight, axis=axis)


@_rules.rule(Concat)
def _concat(relation: Concat, value: Sights, before: Shape, after: Shape) -> Sights:
    axis = relation.axis
    if any(isinstance(sight, Moving | Scattered) and sight.axis == axis for cls in value.table for sight in cls):
        return _without_form(value, before, after)
    import numpy as np

    shape = list((1,) * len(after) if value.index is None else value.index.shape)
    shape[axis] = after[axis]
    index = np.full(shape, len(value.table), dtype=np.intp)
    lead = (slice(None),) * axis
    index[(*lead, slice(relation.offset, relation.offset + before[axis]))] = 0 if value.index is None else value.index
    return Sights((*value.table, (None,) * len(value.table[0])), index)


def _concat_of_channels_taken_together(relation: Concat, value: Sights, before: Shape, after: Shape) -> Sights:
    return value if relation.axis == 1 else _concat(relation, value, before, after)


@_rules.rule(Reshape)
def _reshape(relation: Reshape, value: Sights, before: Shape, after: Shape) -> Sights:
    runs = matching_axes(before, after)
    moved = {
        inner: outer
        for inners, outers in runs
        for inner in inners
        for outer in outers
        if before[inner] == after[outer] and before[inner] > 1 and all(before[a] == 1 for a in inners if a != inner)
    }
    table = []
    for cls in value.table:
        sights: list[Sight] = []
        for sight in cls:
            if not isinstance(sight, Moving | Scattered):
                sights.append(sight)
            elif before[sight.axis] == 1:
                sights.append(_fix(sight, before))
            elif sight.axis in moved:
                sights.append(_on_axis(sight, moved[sight.axis]))
            else:
                outers = next(outer for inner, outer in runs if sight.axis in inner)
                sights.append(_merged(sight, outers[0], before))
        table.append(tuple(sights))
    return Sights(tuple(table), None if value.index is None else _reshape_index(value.index, runs, before, after))


def _merged(sight: Moving | Scattered, axis: int, before: Shape) -> Scattered:
    """What units see whose axis was merged with others: the same intervals in another order."""
    if isinstance(sight, Scattered):
        return replace(sight, axis=axis)
    size = max(last - first + 1 for first, last in zip(sight.firsts, sight.lasts, strict=True))
    return Scattered(axis, first_of(sight, before), last_of(sight, before), max(size, 0), sight.touches)


def _reshape_index(
    index: npt.NDArray[np.intp],
    runs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
    before: Shape,
    after: Shape,
) -> npt.NDArray[np.intp]:
    import numpy as np

    expanded: list[int] = []
    final: list[int] = []
    for inner, outer in runs:
        varies = any(index.shape[a] > 1 for a in inner)
        expanded += [before[a] if varies else 1 for a in inner]
        final += [after[a] if varies else 1 for a in outer]
    return np.broadcast_to(index, expanded).reshape(final)


@_rules.rule(Permute)
def _permute(relation: Permute, value: Sights, before: Shape, after: Shape) -> Sights:
    to = {axis: j for j, axis in enumerate(relation.order)}
    table = [
        tuple(_on_axis(s, to[s.axis]) if isinstance(s, Moving | Scattered) else s for s in cls) for cls in value.table
    ]
    return Sights(tuple(table), None if value.index is None else value.index.transpose(relation.order))


@_rules.rule(Reduce)
def _reduce(relation: Reduce, value: Sights, before: Shape, after: Shape) -> Sights:
    if relation.keep and value.index is None:
        places = {sight.axis for sight in value.table[0] if isinstance(sight, Moving | Scattered)}
        if places.isdisjoint(relation.axes):
            return value
    if value.index is not None and any(value.index.shape[a] > 1 for a in relation.axes):
        varies_elsewhere = any(n > 1 and a not in relation.axes for a, n in enumerate(value.index.shape))
        value = _without_form(value, before, before) if varies_elsewhere else Sights((together(value, before),))
    remaining = [a for a in range(len(before)) if relation.keep or a not in relation.axes]
    to = {axis: j for j, axis in enumerate(remaining)}
    table = [
        tuple(
            sight
            if not isinstance(sight, Moving | Scattered)
            else _fix(sight, before)
            if sight.axis in relation.axes
            else _on_axis(sight, to[sight.axis])
            for sight in cls
        )
        for cls in value.table
    ]
    index = value.index
    if index is not None and not relation.keep:
        index = index.reshape([index.shape[a] for a in remaining])
    return Sights(tuple(table), index)


@_rules.rule(Opaque)
def _opaque(relation: Opaque, value: Sights, before: Shape, after: Shape) -> Sights:
    fixed = (_fix(sight, before) for sight in together(value, before))
    return Sights((tuple(replace(sight, touches=False) if sight else None for sight in fixed),))


_rules_of_channels_together = _rules.but(Concat, _concat_of_channels_taken_together)
