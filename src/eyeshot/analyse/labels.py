"""Which interval of the input does each position of a tensor see, along one axis of the input? As arrays.

An array of labels has the axes of the tensor, with size 1 along every axis on which the label does not depend, and in
front an axis of two: the first position seen and the negated last one, so that uniting is one minimum. A position that
sees nothing has both at ``NOTHING``.

Where a reshape has merged axes of which only some matter, they stay apart: a flattened map of H rows still costs H,
and tokens cut out of windows cost what the windows' rows and columns cost. ``split`` gives, for each axis of the
tensor, the sizes of the parts that it is made of, outermost first; the array has one axis for each part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from eyeshot.errors import RunError
from eyeshot.network.relations import Shape
from eyeshot.network.reshape import dealt, matching_axes

Ends = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Split = tuple[tuple[int, ...], ...]

NOTHING = np.int64(1) << 62
_MOST = 1 << 27
"""Elements of one array at most: a gibibyte."""
_MANY = 1 << 18
"""Elements that are not written out where they need not be."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a tensor.

    ``split`` is None where every axis is one part. ``may_be_empty``: some position may see nothing.
    """

    ends: Ends
    split: Split | None = None
    may_be_empty: bool = False

    def parts(self, axis: int) -> tuple[int, int]:
        """The axes of the array, from and up to, that make up an axis of the tensor."""
        if self.split is None:
            return axis + 1, axis + 2
        start = 1
        for parts in self.split[:axis]:
            start += len(parts)
        return start, start + len(self.split[axis])

    def varies(self, axis: int) -> bool:
        """Whether the label depends on the position along an axis of the tensor."""
        if self.split is None:
            return bool(self.ends.shape[axis + 1] > 1)
        start, stop = self.parts(axis)
        return any(n > 1 for n in self.ends.shape[start:stop])

    def varying(self) -> list[int]:
        """The axes of the tensor along which the label depends on the position."""
        if self.split is None:
            return [axis for axis, n in enumerate(self.ends.shape[1:]) if n > 1]
        axes, sizes, start = [], self.ends.shape, 1
        for axis, parts in enumerate(self.split):
            stop = start + len(parts)
            if max(sizes[start:stop], default=1) > 1:
                axes.append(axis)
            start = stop
        return axes


def of_nothing(rank: int) -> Labels:
    """Labels of positions that see nothing."""
    return Labels(np.full((2,) + (1,) * rank, NOTHING), may_be_empty=True)


def some_see_nothing(ends: Ends) -> bool:
    """Whether some position sees nothing."""
    return bool(ends[0].max() == NOTHING)


def must_fit(shape: Sequence[int]) -> None:
    """Complain before an array is made that no machine has room for."""
    if math.prod(shape) > _MOST:
        raise RunError(
            f"what the units see would take an array of {'×'.join(map(str, shape[1:]))} positions, which is too many:"
            " rows and columns no longer depend on one axis each here; ask for a smaller input"
        )


def merged(labels: Labels, axis: int) -> Labels:
    """The same with an axis of the tensor made one part."""
    if labels.split is None or len(labels.split[axis]) == 1:
        return labels
    start, stop = labels.parts(axis)
    sizes = labels.split[axis]
    shape = labels.ends.shape
    size = math.prod(sizes)
    split = _tidy((*labels.split[:axis], (size,), *labels.split[axis + 1 :]))
    # nothing depends on it: (4, 6) of which the array has (1, 1) is one part of 24, of which it has 1
    if not labels.varies(axis):
        return Labels(labels.ends.reshape(*shape[:start], 1, *shape[stop:]), split, labels.may_be_empty)
    full = (*shape[:start], *sizes, *shape[stop:])
    must_fit(full)
    ends = np.broadcast_to(labels.ends, full).reshape(*shape[:start], size, *shape[stop:])
    return Labels(ends, split, labels.may_be_empty)


def whole(labels: Labels) -> Labels:
    """The same with every axis one part."""
    for axis in range(0 if labels.split is None else len(labels.split)):
        labels = merged(labels, axis)
    return labels


def resized(labels: Labels, axis: int, size: int, ends: Ends | None = None) -> Labels:
    """Labels whose ``axis``, one part, has another size, and with another array if one is given."""
    split = labels.split
    if ends is None and (split is None or split[axis] == (size,)):
        return labels
    if split is not None:
        split = (*split[:axis], (size,), *split[axis + 1 :])
    return Labels(labels.ends if ends is None else ends, split, labels.may_be_empty)


def _tidy(split: Split) -> Split | None:
    return None if all(len(parts) == 1 for parts in split) else split


# --- the same elements under other axes -----------------------------------------------------------------------------


def reshaped(labels: Labels, before: Shape, after: Shape) -> Labels:
    """The labels of the same elements, in row-major order, under another shape."""
    full, shape, split = _plan(labels.split, labels.ends.shape, before, after)
    ends = labels.ends
    if full != ends.shape:
        must_fit(full)
        ends = np.broadcast_to(ends, full)
    return Labels(ends.reshape(shape), split, labels.may_be_empty)


@lru_cache(maxsize=4096)
def _plan(split: Split | None, sizes_here: Shape, before: Shape, after: Shape) -> tuple[Shape, Shape, Split | None]:
    """For an array of labels under another shape: the shape to write it out to, its new shape and its parts.

    Networks repeat their blocks, so most reshapes were met before.
    """
    shape, full, parts = [2], [2], list[tuple[int, ...]]()
    sizes_of = [(n,) for n in before] if split is None else split
    start = 1
    for inner, outer in matching_axes(before, after):
        sizes = [n for a in inner for n in sizes_of[a]]
        have = list(sizes_here[start : start + len(sizes)])
        start += len(sizes)
        wanted = [after[a] for a in outer]
        groups = _regroup(sizes, have, wanted)
        # 6 in parts (2, 3) as axes of 3 and 2: 2 does not fill 3. All 6 are written out, and fall to the axes whole.
        if groups is None:  # the parts cannot be cut along the new axes
            full += sizes
            shape += wanted
            parts += [(n,) for n in wanted]
            continue
        for group in groups:
            parts.append(tuple(n for n, _ in group))
            shape += [m for _, m in group]
        full += have
    return tuple(full), tuple(shape), _tidy(tuple(parts))


def _regroup(sizes: list[int], have: list[int], wanted: list[int]) -> list[list[tuple[int, int]]] | None:
    """Parts (size, size in the array) dealt out to axes of the wanted sizes, cut where need be; None if that fails.

    Neighbours on which nothing depends become one part.
    """
    # nothing depends on any of them, so that no cut is needed where 6 becomes (3, 2)
    if all(m == 1 for m in have):
        return [[(n, 1)] for n in wanted]
    groups = dealt(list(zip(sizes, have, strict=True)), wanted, _positions, _cut_part)
    return None if groups is None else [_together(group) for group in groups]


def _positions(part: tuple[int, int]) -> int:
    return part[0]


def _cut_part(part: tuple[int, int], outer: int) -> tuple[tuple[int, int], tuple[int, int]]:
    n, m = part
    return (outer, 1 if m == 1 else outer), (n // outer, 1 if m == 1 else n // outer)


def _together(group: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged_parts: list[tuple[int, int]] = []
    for n, m in group:
        if merged_parts and merged_parts[-1][1] == m == 1:
            merged_parts[-1] = (merged_parts[-1][0] * n, 1)
        else:
            merged_parts.append((n, m))
    return merged_parts or [(1, 1)]


def permuted(labels: Labels, order: tuple[int, ...]) -> Labels:
    """The labels with the tensor's axes reordered."""
    if labels.split is None:
        return Labels(labels.ends.transpose(0, *(a + 1 for a in order)), None, labels.may_be_empty)
    axes = [0]
    for axis in order:
        axes += range(*labels.parts(axis))
    return Labels(labels.ends.transpose(axes), tuple(labels.split[a] for a in order), labels.may_be_empty)


def broadcast(labels: Labels, before: Shape, after: Shape) -> Labels:
    """The labels of a tensor that is broadcast to another shape, axes aligned from the last one."""
    missing = len(after) - len(before)
    if not missing and labels.split is None:
        return labels
    ends = labels.ends.reshape(2, *(1,) * missing, *labels.ends.shape[1:])
    split = labels.split
    if split is not None:
        pairs = zip(split, before, after[missing:], strict=True)
        split = (*((n,) for n in after[:missing]), *(parts if m == n else (n,) for parts, m, n in pairs))
    return Labels(ends, split, labels.may_be_empty)


def reduced(labels: Labels, axes: Sequence[int], keep: Shape | None) -> Labels:
    """What all positions along some axes see together; the axes stay, with ``keep``'s sizes, or go."""
    # a mean over columns leaves rows as they are: the array has one entry along columns, before and after
    if keep is not None and not any(labels.varies(axis) for axis in axes):
        for axis in axes if labels.split is not None else ():
            labels = resized(merged(labels, axis), axis, keep[axis])
        return labels
    if labels.split is None:
        ends = labels.ends.min(axis=tuple(a + 1 for a in axes), keepdims=keep is not None)
        return Labels(ends, None, labels.may_be_empty and some_see_nothing(ends))
    over = tuple(a for axis in axes for a in range(*labels.parts(axis)))
    ends = labels.ends.min(axis=over, keepdims=True)
    may_be_empty = labels.may_be_empty and some_see_nothing(ends)
    shape, split = [2], []
    for axis, parts in enumerate(labels.split):
        if axis not in axes:
            shape += ends.shape[slice(*labels.parts(axis))]
            split.append(parts)
        elif keep is not None:
            shape.append(1)
            split.append((keep[axis],))
    return Labels(ends.reshape(shape), _tidy(tuple(split)), may_be_empty)


# --- uniting --------------------------------------------------------------------------------------------------------


def lower(a: Labels, b: Labels) -> Labels:
    """What two labels see together, position by position."""
    if a.ends is b.ends and a.split == b.split:
        return a
    a, b = aligned([a, b])
    shape = np.broadcast_shapes(a.ends.shape, b.ends.shape)
    must_fit(shape)
    ends = np.minimum(a.ends, b.ends)
    may_be_empty = a.may_be_empty and b.may_be_empty and some_see_nothing(ends)
    return Labels(ends, a.split, may_be_empty)


def writes_out(a: Labels, b: Labels) -> bool:
    """Whether what two labels see together takes far more numbers than both of them."""
    if a.ends is b.ends or max(a.ends.size, b.ends.size) == 2:
        return False
    if a.split == b.split and a.ends.size * b.ends.size <= _MANY:
        return False
    a, b = aligned([a, b])
    together = math.prod(np.broadcast_shapes(a.ends.shape, b.ends.shape))
    return together > _MANY and together > 4 * (a.ends.size + b.ends.size)


def aligned(several: Sequence[Labels]) -> list[Labels]:
    """The same labels, all split alike."""
    if all(labels.split == several[0].split for labels in several[1:]):
        return list(several)
    rank = max(len(labels.split) for labels in several if labels.split is not None)
    sizes = [
        max(
            math.prod(labels.split[axis]) if labels.split is not None else labels.ends.shape[axis + 1]
            for labels in several
        )
        for axis in range(rank)
    ]
    target: list[tuple[int, ...]] = []
    for axis, size in enumerate(sizes):
        cuts = {size}
        for labels in several:
            parts = (size,) if labels.split is None else labels.split[axis]
            cuts |= {math.prod(parts[i:]) for i in range(len(parts) + 1)}
        # (4, 6) is cut where 6 and 1 are left, (8, 3) where 3 and 1 are: together 24, 6, 3, 1, which is (4, 2, 3).
        # (4, 6) and (6, 4) have no cut in common, 6 being no multiple of 4: one part of 24.
        chain = sorted(cuts, reverse=True)
        divides = all(big % small == 0 for big, small in pairwise(chain))
        fine = tuple(big // small for big, small in pairwise(chain)) or (1,)
        target.append(fine if divides else (size,))
    split = _tidy(tuple(target))
    return [_cut(labels, tuple(target), split) for labels in several]


def _cut(labels: Labels, target: Split, split: Split | None) -> Labels:
    """The labels split as the target says: finer, or one part where the target has one.

    An axis of 24 in parts (4, 6), of which the array has (4, 1), meets a target of (4, 2, 3): 4 stays, and 6, on which
    nothing depends, becomes (1, 1). Had the array (4, 6), it would become (4, 2, 3). A whole axis of size 1 in the
    array has no part to cut and stands for as many ones as the target has parts.
    """
    shape = [2]
    for axis, parts in enumerate(target):
        if len(parts) == 1:
            labels = merged(labels, axis)
    for axis, parts in enumerate(target):
        start, stop = labels.parts(axis)
        counts = list(labels.ends.shape[start:stop])
        sizes = [math.prod(parts)] if labels.split is None else list(labels.split[axis])
        if all(m == 1 for m in counts):
            shape += [1] * len(parts)
            continue
        for size, m in zip(sizes, counts, strict=True):
            left = size
            while left > 1:
                # the next part of this axis: shape has one entry for the ends, then one for each part so far
                part = parts[len(shape) - 1 - sum(map(len, target[:axis]))]
                shape.append(1 if m == 1 else part)
                left //= part
        shape += [1] * (1 + sum(map(len, target[: axis + 1])) - len(shape))
    return Labels(labels.ends.reshape(shape), split, labels.may_be_empty)


def settled(value: Sequence[Labels]) -> tuple[Labels, ...]:
    """The labels of one tensor for all axes of the input, agreed on which positions see nothing."""
    if not any(labels.may_be_empty for labels in value):
        return tuple(value)
    value = aligned(value)
    masks = [_mask(labels) for labels in value]
    shape = np.broadcast_shapes(*(mask.shape for mask in masks))
    # rows say that tokens above the image see nothing, columns that those beside it do: whoever is either sees nothing
    empty = reduce(np.logical_or, masks)
    if not empty.any():
        return tuple(Labels(labels.ends, labels.split) for labels in value)
    result = []
    for labels in value:
        full = np.broadcast_shapes((1, *shape), labels.ends.shape)
        must_fit(full)
        result.append(Labels(np.where(empty, NOTHING, labels.ends), labels.split, may_be_empty=True))
    return tuple(result)


def alone(value: Sequence[Labels], i: int, keep: Sequence[int]) -> Labels:
    """The labels for the i-th followed axis, NOTHING where no position sees anything.

    Positions that differ only along axes on which the label does not depend are taken together, but for axes ``keep``.
    """
    if not any(other.may_be_empty for other in value):
        return value[i]
    value = aligned(value)
    labels = value[i]
    kept = {a for axis in keep for a in range(*labels.parts(axis))}
    empty: Mask = np.zeros((1,) * (labels.ends.ndim - 1), dtype=bool)
    for j, other in enumerate(value):
        if j != i:
            empty = np.logical_or(empty, _mask(other))
    # rows that lose some of their columns to the padding still see: a label that is alike along columns
    # is empty where all of them are
    together = tuple(a - 1 for a, n in enumerate(labels.ends.shape) if a and n == 1 and a not in kept)
    ends = np.where(empty.all(axis=together, keepdims=True), NOTHING, labels.ends)
    return Labels(ends, labels.split, may_be_empty=True)


def _mask(labels: Labels) -> Mask:
    """Which positions see nothing, with size 1 along every axis on which that does not depend."""
    mask: Mask = labels.ends[0] == NOTHING
    for axis, n in enumerate(mask.shape):
        # along this axis either all see nothing or none does, so that one entry says it
        if n > 1 and bool((mask.any(axis=axis) == mask.all(axis=axis)).all()):
            mask = mask.take([0], axis=axis)
    return mask
