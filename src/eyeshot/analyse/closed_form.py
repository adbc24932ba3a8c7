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

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from eyeshot.analyse import parted
from eyeshot.analyse.parted import Parted
from eyeshot.analyse.sights import (
    Class,
    Fixed,
    Moving,
    Scattered,
    Sight,
    Sights,
    as_parted,
    axes_of,
    compact,
    first_of,
    last_of,
    moving,
    occurring,
    settled,
    together,
    uncut,
    unite,
    unite_classes,
    without_form,
)
from eyeshot.analyse.walk import Rules, once
from eyeshot.network.graph import Network, Node
from eyeshot.network.relations import Concat, Elementwise, Opaque, Permute, Read, Reduce, Reshape, Shape, Taps, Window
from eyeshot.network.reshape import Runs, matching_axes
from eyeshot.network.slide import SAME_PLACE, Pattern, Reads

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@once
def closed_forms(network: Network, *, gates: bool = True) -> dict[str, Sights]:
    """The closed form of every node; ``gates`` False leaves gates and statistics out."""
    nothing = Sights(((None,) * len(network.axes),))
    return dict(_rules_for(network).forward(network, _of_input, lambda node: nothing, gates=gates))


def forms_by(network: Network, question: str, unite: Callable[[Sequence[Sights], Shape], Sights]) -> dict[str, Sights]:
    """The closed form of every node along the data path, with another way to unite branches; channels are alike."""
    nothing = Sights(((None,) * len(network.axes),))
    rules = _rules_of_channels_together.uniting(question, unite)
    return dict(rules.forward(network, _of_input, lambda node: nothing, gates=False))


def through(network: Network, forms: Mapping[str, Sights], node: Node, read: Read) -> Class:
    """What a node's units see by one of its reads alone, united over channels."""
    return together(_rules_for(network).through(network, forms, node, read), node.shape)


def _rules_for(network: Network) -> Rules[Sights]:
    return _rules if network.tells_channels_apart else _rules_of_channels_together


def united_over(cls: Class, axes: tuple[int, ...], shape: Shape) -> Class:
    """What positions along some axes of a tensor see together: those that lie among channels are of one unit."""
    united = tuple(_reduce_sight(sight, axes, shape, shape) for sight in cls)
    return settled(Sights((united,))).table[0]


def _of_input(node: Node) -> Sights:
    axes = getattr(node.op, "axes", ())
    return Sights((tuple(Moving(axis, 1, (0,), (0,), touches=True, cut=node.shape[axis]) for axis in axes),))


_rules: Rules[Sights] = Rules(
    "closed form",
    lambda parts, shape: settled(unite(parts, shape)),
    lambda value: value.table if value.index is None else id(value),
)


@_rules.rule(Window)
def _window(relation: Window, value: Sights, before: Shape, after: Shape) -> Sights:
    if value.index is None and 1 not in relation.axes and all(map(_moves_in_maps, value.table[0])):
        return _window_over_maps(relation, value, before, after)
    along_1 = any(1 in axes_of(sight) for cls in value.table for sight in cls)
    # N×H×W×C read by a convolution that takes axis 1 for channels: it mixes all rows
    if along_1 and relation.groups is not None:  # what others call channels are positions here
        value = (
            _reduce(_ALL_OF_1, value, before, before) if relation.groups == 1 else _without_form(value, before, (1,))
        )
    value = _select_channels(relation, value, before, after)
    shape = before
    for axis, slide, pattern in zip(relation.axes, relation.slides, relation.patterns, strict=True):
        n, m = before[axis], after[axis]
        stays = n == m and pattern == SAME_PLACE
        # a window along channels, as of response normalisation, chose classes above and moves nobody's rows
        if (axis != 1 or along_1) and not stays:
            value = _follow(value, axis, None if relation.runs else pattern, partial(slide.reads, n, m), shape, m)
            shape = (*shape[:axis], m, *shape[axis + 1 :])
        elif not stays and not _all_read(pattern, n, m):
            value = uncut(value)
    return _with_channels(value, before, after)


def _moves_in_maps(sight: Sight) -> bool:
    return type(sight) is Moving and sight.axis != 1


def _window_over_maps(relation: Window, value: Sights, before: Shape, after: Shape) -> Sights:
    """The usual case: channels see alike, whether they are mixed or not, and rows and columns move one by one."""
    sights = value.table[0]
    for axis, pattern in zip(relation.axes, relation.patterns, strict=True):
        n, m = before[axis], after[axis]
        if n != m or pattern != SAME_PLACE:
            followed = None if relation.runs else pattern
            sights = tuple(
                _follow_moving(sight, axis, followed, before, m) if isinstance(sight, Moving) else sight
                for sight in sights
            )
    return value if sights is value.table[0] else Sights((sights,))


_ALL_OF_1 = Reduce(axes=(1,), keep=True)


def _follow(
    value: Sights, axis: int, pattern: Pattern | None, reads: Callable[[], Reads], shape: Shape, size: int
) -> Sights:
    """What ``size`` units see that read along an axis of a tensor: by a pattern away from its ends, or as listed."""
    # two maps put one below the other: a window over the seam would read two classes, each with a form of its own
    if value.index is not None and value.index.shape[axis] > 1:
        return _without_form(value, shape, (axis,), is_all=False)
    table = [tuple(_follow_sight(sight, axis, pattern, reads, shape, size) for sight in cls) for cls in value.table]
    return settled(Sights(tuple(table), value.index))


def _follow_sight(
    sight: Sight, axis: int, pattern: Pattern | None, reads: Callable[[], Reads], shape: Shape, size: int
) -> Sight:
    if isinstance(sight, Moving):
        return _follow_moving(sight, axis, pattern, shape, size)
    # all see the same still, but for windows that may lie in the padding alone: whether all do is up to the hulls
    if isinstance(sight, Fixed) and (pattern != SAME_PLACE or size != shape[axis]):
        return sight._replace(touches=False, cut=None)  # units whose window lies in the padding see nothing
    if axis not in axes_of(sight):
        return _resized(sight, axis, size)
    if isinstance(sight, Parted):
        return parted.read_along(sight, axis, reads(), pattern) or _left_out(without_form([sight], shape))
    assert isinstance(sight, Scattered)
    return _left_out(sight)


def _follow_moving(sight: Moving, axis: int, pattern: Pattern | None, shape: Shape, size: int) -> Sight:
    n = shape[axis]
    if sight.axis != axis:
        # rows of a map whose columns were padded: what lies in the padding sees none of the row
        return sight if pattern and _all_read(pattern, n, size) else sight._replace(cut=None)
    if pattern is None:
        return _left_out(without_form([sight], shape))
    # without padding and with stride 2 the last pixel may be skipped: units see to the end only if some window reads it
    if len(pattern.offsets) == len(sight.firsts) == 1 and pattern.offsets[0]:  # the usual case, in one go
        (offsets,), (first,), (last,), step = pattern.offsets, sight.firsts, sight.lasts, sight.step
        touches = sight.touches and 0 in offsets and n - 1 - (size - 1) * pattern.step in offsets
        cut = sight.cut if _stays_cut(sight, pattern, n, size) else None
        ends = (first + min(offsets) * step,), (last + max(offsets) * step,)
        return Moving(axis, step * pattern.step, *ends, touches, cut)
    touches = sight.touches and 0 in pattern.reads(0) and n - 1 in pattern.reads(size - 1)
    step, firsts, lasts = parted.followed(sight.step, sight.period, 1, (sight.firsts, sight.lasts), pattern)
    if all(last < first for first, last in zip(firsts, lasts, strict=True)):
        return None  # only units that see nothing are read, such as those between a sparse transposed convolution's
    return moving(axis, step, firsts, lasts, touches)


def _all_read(pattern: Pattern, n: int, size: int) -> bool:
    """Whether each of ``size`` windows over n positions is known to read some, and all between its first and last."""
    return pattern.ends is not None and pattern.ends[1] >= 0 and pattern.ends[0] + (size - 1) * pattern.step < n


def _stays_cut(sight: Moving, pattern: Pattern, n: int, size: int) -> bool:
    """Whether ``size`` windows over n units that see their intervals, cut to the image, see theirs cut likewise.

    A window that hangs over an end reads the last unit before it, which must see the image's end: then what is missing
    would not show more. With gaps between its taps it may step over that unit, and one of padding alone sees nothing.
    """
    if sight.cut is None or pattern.ends is None or not _all_read(pattern, n, size):
        return False
    hangs_before, hangs_behind = pattern.ends[0] < 0, pattern.ends[1] + (size - 1) * pattern.step >= n
    return (not hangs_before or sight.firsts[0] <= 0) and (not hangs_behind or sight.last(n - 1) >= sight.cut - 1)


def _left_out(sight: Scattered) -> Scattered:
    """Some units may not be read: what all read together saw is no longer what all see together."""
    return sight._replace(is_all=False, touches=False)


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
        slide = relation.slides[relation.axes.index(1)]
        members = [index[:, list(read)] for read in slide.reads(before[1], after[1])]
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
        return _without_form(value, before, (1,), is_all=False)
    # Of classes a, a, b, b in two groups: {a} and {b}; without groups one class of both. Each set is united once.
    nothing: Class = (None,) * len(value.table[0])
    read = [sorted(set(m.ravel().tolist())) for m in members]
    table = [unite_classes([value.table[c] for c in classes], before) if classes else nothing for classes in read]
    shape = [1] * index.ndim
    shape[1] = -1
    return compact(table, np.arange(len(members)).repeat(repeats).reshape(shape))


def _without_form(value: Sights, shape: Shape, axes: tuple[int, ...], *, is_all: bool = True) -> Sights:
    """All that the units see together, somewhere along the axes on which classes or sights depend, and ``axes``."""
    along = set(axes)
    if value.index is not None:
        along |= {axis for axis, n in enumerate(value.index.shape) if n > 1}
    sights: list[Sight] = []
    for followed in zip(*(value.table[c] for c in occurring(value)), strict=True):
        known = [sight for sight in followed if sight is not None]
        if all(isinstance(sight, Fixed) and sight == followed[0] for sight in followed) or not known:
            sights.append(followed[0])
            continue
        form = without_form(known, shape)
        sights.append(form._replace(axes=tuple(sorted(along | set(form.axes))), is_all=is_all and form.is_all))
    return Sights((tuple(sights),))


@_rules.rule(Taps)
def _taps(relation: Taps, value: Sights, before: Shape, after: Shape) -> Sights:
    shape = before
    for axis, reads, pattern in zip(relation.axes, relation.reads, relation.endless, strict=True):
        if axis == 1 and value.index is not None and value.index.shape[1] > 1:
            value = _classes(value, [value.index[:, list(tap)] for tap in reads], 1, before, after)
        else:
            value = uncut(value)  # at the borders the taps are others than away from them
            value = _follow(value, axis, pattern, lambda reads=reads: reads, shape, after[axis])  # type: ignore[misc]
        shape = (*shape[:axis], after[axis], *shape[axis + 1 :])
    return _with_channels(value, before, after)


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, value: Sights, before: Shape, after: Shape) -> Sights:
    if before == after:
        return value
    shift = len(after) - len(before)
    repeated = tuple(a for a, n in enumerate(before) if n == 1 and after[a + shift] > 1)
    table = tuple(tuple(_broadcast(sight, repeated, before, after) for sight in cls) for cls in value.table)
    index = None if value.index is None else value.index.reshape((1,) * shift + value.index.shape)
    return settled(Sights(table, index))


def _broadcast(sight: Sight, repeated: tuple[int, ...], before: Shape, after: Shape) -> Sight:
    """What units see along an axis of one position that is repeated is one interval for all of them."""
    shift = len(after) - len(before)
    axes = axes_of(sight)
    if sight is None or isinstance(sight, Fixed):
        return sight
    # one row that is repeated: all its copies see what it sees. Any other axis only has a new number.
    if isinstance(sight, Moving):
        return _fixed(sight, before) if sight.axis in repeated else sight._replace(axis=sight.axis + shift)
    if isinstance(sight, Parted):
        same = parted.broadcast(sight, before, after)
        if same is not None:
            return same
        sight = without_form([sight], before)
    left = tuple(axis + shift for axis in axes if axis not in repeated)
    return sight._replace(axes=left) if left else _fixed(sight, before)


def _fixed(sight: Sight, shape: Shape) -> Sight:
    """One interval for all units, which is that of all they read; no form where some of those were left out before."""
    if sight is None or (isinstance(sight, Scattered) and not sight.is_all):
        return sight if sight is None else sight._replace(axes=())
    first, last = first_of(sight, shape), last_of(sight, shape)
    if last < first:
        return None
    return Fixed(first, last, sight.touches, sight.cut if isinstance(sight, Moving | Fixed) else None)


@_rules.rule(Concat)
def _concat(relation: Concat, value: Sights, before: Shape, after: Shape) -> Sights:
    axis, value = relation.axis, uncut(value)
    if any(axis in axes_of(sight) for cls in value.table for sight in cls):
        return _without_form(value, before, (axis,))
    import numpy as np

    shape = list((1,) * len(after) if value.index is None else value.index.shape)
    shape[axis] = after[axis]
    # Each part of a concatenation gives its classes where it lies and, elsewhere, one more that sees nothing;
    # `unite` then takes the parts together, position by position.
    index = np.full(shape, len(value.table), dtype=np.intp)
    lead = (slice(None),) * axis
    index[(*lead, slice(relation.offset, relation.offset + before[axis]))] = 0 if value.index is None else value.index
    table = tuple(tuple(_resized(sight, axis, after[axis]) for sight in cls) for cls in value.table)
    return Sights((*table, (None,) * len(value.table[0])), index)


def _concat_of_channels_taken_together(relation: Concat, value: Sights, before: Shape, after: Shape) -> Sights:
    # a class token is put before others along axis 1, too, on which they depend
    if relation.axis != 1 or any(1 in axes_of(sight) for cls in value.table for sight in cls):
        return _concat(relation, value, before, after)
    return _with_channels(value, before, after)


def _with_channels(value: Sights, before: Shape, after: Shape) -> Sights:
    """The same for another number of channels, which parts need to know for a reshape that mixes them in."""
    if before[1:2] == after[1:2] or not any(isinstance(sight, Parted) for cls in value.table for sight in cls):
        return value
    return Sights(tuple(tuple(_resized(sight, 1, after[1]) for sight in cls) for cls in value.table), value.index)


def _resized(sight: Sight, axis: int, size: int) -> Sight:
    return parted.resized(sight, axis, size) if isinstance(sight, Parted) and axis not in sight.axes else sight


@_rules.rule(Reshape)
def _reshape(relation: Reshape, value: Sights, before: Shape, after: Shape) -> Sights:
    runs = matching_axes(before, after)
    table = tuple(tuple(_reshape_sight(sight, runs, before, after) for sight in cls) for cls in value.table)
    index = None if value.index is None else _reshape_index(value.index, runs, before, after)
    return settled(Sights(table, index))


def _reshape_sight(sight: Sight, runs: Runs, before: Shape, after: Shape) -> Sight:
    if sight is None or isinstance(sight, Fixed):
        return sight
    if isinstance(sight, Moving):
        # one position moves nowhere, and may be dealt to any axis or to none
        if before[sight.axis] == 1:
            return _fixed(sight, before)
        inner, outer = next(run for run in runs if sight.axis in run[0])
        if (
            [n for a in inner if (n := before[a]) != 1]
            == [n for a in outer if (n := after[a]) != 1]
            == [before[sight.axis]]
        ):
            return sight._replace(axis=next(a for a in outer if after[a] != 1))  # an axis that keeps its size
    if isinstance(sight, Moving | Parted):
        same = parted.reshaped(as_parted(sight, before), before, after)
        if same is not None:
            return same
        sight = without_form([sight], before)
    # no form: what it depended on lies somewhere in the axes that its run became
    axes = [a for inner, outer in runs if not set(inner).isdisjoint(sight.axes) for a in outer if after[a] > 1]
    return sight._replace(axes=tuple(axes)) if axes else _fixed(sight, before)


def _reshape_index(
    index: npt.NDArray[np.intp],
    runs: Runs,
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

    def moved(sight: Sight) -> Sight:
        if isinstance(sight, Moving):
            return sight._replace(axis=to[sight.axis])
        if isinstance(sight, Parted):
            return parted.permuted(sight, relation.order)
        if isinstance(sight, Scattered):
            return sight._replace(axes=tuple(sorted(to[axis] for axis in sight.axes)))
        return sight

    index = None if value.index is None else value.index.transpose(relation.order)
    return Sights(tuple(tuple(map(moved, cls)) for cls in value.table), index)


@_rules.rule(Reduce)
def _reduce(relation: Reduce, value: Sights, before: Shape, after: Shape) -> Sights:
    if relation.keep and value.index is None and before == after:
        places = {axis for sight in value.table[0] for axis in axes_of(sight)}
        # a softmax over channels, say: units are told by rows and columns, and see what they saw
        if places.isdisjoint(relation.axes):
            return value
    if value.index is not None and any(value.index.shape[a] > 1 for a in relation.axes):
        varies_elsewhere = any(n > 1 and a not in relation.axes for a, n in enumerate(value.index.shape))
        value = _without_form(value, before, ()) if varies_elsewhere else Sights((together(value, before),))
    keep = after if relation.keep else None
    table = tuple(tuple(_reduce_sight(sight, relation.axes, keep, before) for sight in cls) for cls in value.table)
    index = value.index
    if index is not None and not relation.keep:
        index = index.reshape([n for a, n in enumerate(index.shape) if a not in relation.axes])
    return settled(Sights(table, index))


def _reduce_sight(sight: Sight, axes: tuple[int, ...], keep: Shape | None, before: Shape) -> Sight:
    if sight is None or isinstance(sight, Fixed):
        return sight
    if isinstance(sight, Parted):
        rest = parted.reduced(sight, axes, keep)
        if isinstance(rest, Parted):
            return rest
        if rest is not None:
            return Fixed(*rest, sight.touches)
        sight = without_form([sight], before)
    left = [axis for axis in axes_of(sight) if axis not in axes]
    if not left:
        return _fixed(sight, before)
    if keep is None:
        left = [axis - sum(1 for a in axes if a < axis) for axis in left]
    return sight._replace(axis=left[0]) if isinstance(sight, Moving) else sight._replace(axes=tuple(left))


@_rules.rule(Opaque)
def _opaque(relation: Opaque, value: Sights, before: Shape, after: Shape) -> Sights:
    return Sights(
        (
            tuple(
                None if sight is None else Fixed(first_of(sight, before), last_of(sight, before))
                for sight in together(value, before)
            ),
        )
    )


_rules_of_channels_together = _rules.but(Concat, _concat_of_channels_taken_together)
