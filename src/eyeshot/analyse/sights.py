"""What units of a tensor see on an endless image: values, and how they are united.

Along a followed axis units see intervals that move by a fixed step, by phase, along one axis of the tensor or along
parts of several (see ``parted``); or one fixed interval; or intervals without a common form. Channels that see
differently are told apart by classes. Thousands are made, hashed and compared for a network: they are named tuples,
whose methods are not written in Python.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from eyeshot.analyse import parted
from eyeshot.analyse.parted import NEVER, OUTER, Parted
from eyeshot.analyse.parted_union import united
from eyeshot.network.relations import Shape

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["NEVER", "Class", "Fixed", "Moving", "Parted", "Scattered", "Sight", "Sights"]


class Moving(NamedTuple):
    """Intervals that move along tensor axis ``axis``: unit q·P + r sees q·step + firsts[r] … q·step + lasts[r].

    ``touches``: the first unit is known to see the image's first pixel, and the last unit its last. ``cut``: the
    image's size, where each element of the tensor is known to see just what of its unit's interval lies inside the
    image, and something of it; None where classes are told apart.
    """

    axis: int
    step: int
    firsts: tuple[int, ...]
    lasts: tuple[int, ...]
    touches: bool = False
    cut: int | None = None

    @property
    def period(self) -> int:
        """P, the number of phases."""
        return len(self.firsts)

    def first(self, unit: int) -> int:
        """First position that a unit sees."""
        q, r = divmod(unit, self.period)
        return q * self.step + self.firsts[r]

    def last(self, unit: int) -> int:
        """Last position that a unit sees."""
        q, r = divmod(unit, self.period)
        return q * self.step + self.lasts[r]


class Fixed(NamedTuple):
    """The same interval for every unit; ``touches``: it is known to hold the image's first and last pixel.

    ``cut``: as of ``Moving``.
    """

    first: int
    last: int
    touches: bool = False
    cut: int | None = None


class Scattered(NamedTuple):
    """No closed form: what a unit sees depends in some way on its position along ``axes``.

    Together the units see ``first`` … ``last``; ``is_all``: none of them was left out since, so that whatever reads
    all of them sees that. ``touches``: as of ``Moving``.
    """

    axes: tuple[int, ...]
    first: int
    last: int
    touches: bool = False
    is_all: bool = True


Sight = Moving | Parted | Fixed | Scattered | None
"""What units see along one followed axis; None for nothing."""
Class = tuple[Sight, ...]
"""One sight per followed axis."""


@dataclass(frozen=True, slots=True)
class Sights:
    """What a tensor's units see: a table of classes and, where there are several, the class of each position."""

    table: tuple[Class, ...]
    index: npt.NDArray[np.intp] | None = None


def together(sights: Sights, shape: Shape) -> Class:
    """What the units at a position see over all classes that occur."""
    if sights.index is None:
        return sights.table[0]
    return unite_classes([sights.table[c] for c in occurring(sights)], shape)


def occurring(sights: Sights) -> list[int]:
    """Numbers of the classes that some position has."""
    return [0] if sights.index is None else sorted(set(sights.index.ravel().tolist()))


def unite(parts: Sequence[Sights], shape: Shape) -> Sights:
    """What units of a tensor see that several reads contribute to."""
    if all(part.index is None for part in parts):
        first = parts[0].table[0]
        if all(part.table[0] == first for part in parts):
            return parts[0]
        return Sights((unite_classes([part.table[0] for part in parts], shape),))
    return reduce(lambda a, b: _unite_pair(a, b, shape), map(uncut, parts))


def uncut(value: Sights) -> Sights:
    """The same where some elements may see others inside the image than the intervals say, or nothing."""
    table = [tuple(s._replace(cut=None) if isinstance(s, Moving | Fixed) else s for s in cls) for cls in value.table]
    return Sights(tuple(table), value.index)


def _unite_pair(a: Sights, b: Sights, shape: Shape) -> Sights:
    import numpy as np

    one = np.zeros((1,) * len(shape), dtype=np.intp)
    codes = (one if a.index is None else a.index) * len(b.table) + (one if b.index is None else b.index)
    unique, index = np.unique(codes, return_inverse=True)
    pairs = [divmod(code, len(b.table)) for code in unique.tolist()]
    table = [unite_classes([a.table[i], b.table[j]], shape) for i, j in pairs]
    return compact(table, index.reshape(codes.shape))


def compact(table: list[Class], index: npt.NDArray[np.intp]) -> Sights:
    """The same, each class once in the table."""
    distinct = list(dict.fromkeys(table))
    if len(distinct) == 1:
        return Sights((distinct[0],))
    import numpy as np

    position = {cls: i for i, cls in enumerate(distinct)}
    renumber = np.array([position[cls] for cls in table], dtype=np.intp)
    return Sights(tuple(distinct), renumber[index])


def unite_classes(classes: Sequence[Class], shape: Shape) -> Class:
    """What units see together that see by several classes."""
    if len(classes) == 1:
        return classes[0]
    distinct = list(dict.fromkeys(classes))
    if len(distinct) == 1:
        return distinct[0]
    return tuple(_unite_several(sights, shape) for sights in zip(*distinct, strict=True))


def _unite_several(sights: Sequence[Sight], shape: Shape) -> Sight:
    first = sights[0]
    if isinstance(first, Moving) and all(
        isinstance(sight, Moving) and len(sight.firsts) == 1 and sight.step == first.step and sight.axis == first.axis
        for sight in sights
    ):  # the usual case, in one go
        ends = (min(s.firsts for s in sights), max(s.lasts for s in sights))  # type: ignore[union-attr]
        touches = all(s.touches for s in sights)  # type: ignore[union-attr]
        # what reaches from the first that any sees to the last is a unit's hull, cut or not
        cut = first.cut if all(s.cut == first.cut for s in sights) else None  # type: ignore[union-attr]
        return Moving(first.axis, first.step, *ends, touches, cut)
    return reduce(lambda a, b: _unite_two(a, b, shape), sights)


def _unite_two(a: Sight, b: Sight, shape: Shape) -> Sight:
    if a is None or b is None:
        return a or b
    if a == b:
        return a
    if isinstance(a, Moving) and isinstance(b, Moving):
        return _unite_moving(a, b, shape)
    if isinstance(a, Moving | Parted) and isinstance(b, Moving | Parted):
        union = united(as_parted(a, shape), as_parted(b, shape))
        return union or without_form([a, b], shape)
    first, last = (f(g(a, shape), g(b, shape)) for f, g in ((min, first_of), (max, last_of)))
    for sight in (a, b):
        if isinstance(sight, Fixed) and (sight.first, sight.last) == (first, last):
            return sight._replace(cut=None)
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        return Fixed(first, last, a.touches and b.touches)
    return without_form([a, b], shape)


def axes_of(sight: Sight) -> tuple[int, ...]:
    """The tensor's axes on which it depends what a unit sees."""
    if isinstance(sight, Moving):
        return (sight.axis,)
    return sight.axes if isinstance(sight, Parted | Scattered) else ()


def without_form(sights: Sequence[Moving | Parted | Fixed | Scattered], shape: Shape) -> Scattered:
    """What units see together, of which no form is known."""
    return Scattered(
        tuple(sorted({axis for sight in sights for axis in axes_of(sight)})),
        min(first_of(sight, shape) for sight in sights),
        max(last_of(sight, shape) for sight in sights),
        any(sight.touches for sight in sights),
        all(sight.is_all for sight in sights if isinstance(sight, Scattered)),
    )


def as_parted(sight: Moving | Parted, shape: Shape) -> Parted:
    """The same by parts."""
    if isinstance(sight, Parted):
        return sight
    return parted.single(sight.axis, shape, sight.step, sight.firsts, sight.lasts, sight.touches)


def settled(sights: Sights) -> Sights:
    """The same with parts told as one axis wherever an axis of the tensor stands for one axis of the image alone.

    Rows and columns that lie in one axis, as tokens do, stay apart: such an axis has no step of its own.
    """
    if not any(isinstance(sight, Parted) for cls in sights.table for sight in cls):
        return sights
    return Sights(tuple(map(_settled_class, sights.table)), sights.index)


def _settled_class(cls: Class) -> Class:
    busy = [axis for sight in cls for axis in axes_of(sight)]
    return tuple(
        _as_one_axis(sight)
        if isinstance(sight, Parted) and len(sight.axes) == 1 and busy.count(sight.axes[0]) == 1
        else sight
        for sight in cls
    )


def _as_one_axis(sight: Parted) -> Moving | Parted:
    (axis,) = sight.axes
    whole = parted.merged(sight, axis)
    if whole is None or whole.parts[axis][0].role != OUTER or whole.inner:
        return sight
    return moving(axis, whole.step, whole.firsts, whole.lasts, whole.touches)


def _unite_moving(a: Moving, b: Moving, shape: Shape) -> Sight:
    if a.axis != b.axis or a.step * b.period != b.step * a.period:
        return without_form([a, b], shape)
    period = math.lcm(a.period, b.period)
    return moving(
        a.axis,
        a.step * period // a.period,
        [min(a.first(r), b.first(r)) for r in range(period)],
        [max(a.last(r), b.last(r)) for r in range(period)],
        a.touches and b.touches,
    )


def moving(axis: int, step: int, firsts: Sequence[int], lasts: Sequence[int], touches: bool) -> Moving:
    """With the smallest period that says the same."""
    period = len(firsts)
    for p in range(1, period):
        if period % p or step * p % period:
            continue
        small = Moving(axis, step * p // period, tuple(firsts[:p]), tuple(lasts[:p]), touches)
        if all(small.first(r) == firsts[r] and small.last(r) == lasts[r] for r in range(period)):
            return small
    return Moving(axis, step, tuple(firsts), tuple(lasts), touches)


def first_of(sight: Moving | Parted | Fixed | Scattered, shape: Shape) -> int:
    """The first position that any unit sees."""
    if isinstance(sight, Moving):
        return min(sight.first(unit) for unit in range(min(sight.period, shape[sight.axis])))
    return sight.span()[0] if isinstance(sight, Parted) else sight.first


def last_of(sight: Moving | Parted | Fixed | Scattered, shape: Shape) -> int:
    """The last position that any unit sees."""
    if isinstance(sight, Moving):
        n = shape[sight.axis]
        return max(sight.last(unit) for unit in range(max(0, n - sight.period), n))
    return sight.span()[1] if isinstance(sight, Parted) else sight.last
