"""What units of a tensor see on an endless image: values, and how they are united.

Along a followed axis units see intervals that move by a fixed step, by phase; or one fixed interval; or intervals
without a common form. Channels that see differently are told apart by classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from eyeshot.network.relations import Shape

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NEVER = 1 << 62
"""First position of a phase that sees nothing; its last is the negative."""


@dataclass(frozen=True)
class Moving:
    """Intervals that move along tensor axis ``axis``: unit q·P + r sees q·step + firsts[r] … q·step + lasts[r].

    ``touches``: the first unit is known to see the image's first pixel, and the last unit its last.
    """

    axis: int
    step: int
    firsts: tuple[int, ...]
    lasts: tuple[int, ...]
    touches: bool = False

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


@dataclass(frozen=True)
class Fixed:
    """The same interval for every unit; ``touches``: it is known to hold the image's first and last pixel."""

    first: int
    last: int
    touches: bool = False


@dataclass(frozen=True)
class Scattered:
    """No closed form along ``axis``; together the units see ``first`` … ``last``, each at most ``size`` if known."""

    axis: int
    first: int
    last: int
    size: int | None = None
    touches: bool = False


Sight = Moving | Fixed | Scattered | None
"""What units see along one followed axis; None for nothing."""
Class = tuple[Sight, ...]
"""One sight per followed axis."""


@dataclass(frozen=True)
class Sights:
    """What a tensor's units see: a table of classes and, where there are several, the class of each position."""

    table: tuple[Class, ...]
    index: npt.NDArray[np.intp] | None = None


def together(sights: Sights, shape: Shape) -> Class:
    """What the units at a position see over all classes that occur."""
    return unite_classes([sights.table[c] for c in _occurring(sights)], shape)


def _occurring(sights: Sights) -> list[int]:
    return [0] if sights.index is None else sorted(set(sights.index.ravel().tolist()))


def unite(parts: Sequence[Sights], shape: Shape) -> Sights:
    """What units of a tensor see that several reads contribute to."""
    if all(part.index is None for part in parts):
        first = parts[0].table[0]
        if all(part.table[0] == first for part in parts):
            return parts[0]
        return Sights((unite_classes([part.table[0] for part in parts], shape),))
    return reduce(lambda a, b: _unite_pair(a, b, shape), parts)


def _unite_pair(a: Sights, b: Sights, shape: Shape) -> Sights:
    import numpy as np

    one = np.zeros((1,) * len(shape), dtype=np.intp)
    codes = (one if a.index is None else a.index) * len(b.table) + (one if b.index is None else b.index)
    found, index = np.unique(codes, return_inverse=True)
    pairs = [divmod(code, len(b.table)) for code in found.tolist()]
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
        return Moving(first.axis, first.step, *ends, all(s.touches for s in sights))  # type: ignore[union-attr]
    return reduce(lambda a, b: _unite_two(a, b, shape), sights)


def _unite_two(a: Sight, b: Sight, shape: Shape) -> Sight:
    if a is None or b is None:
        return a or b
    if a == b:
        return a
    if isinstance(a, Moving) and isinstance(b, Moving):
        return _unite_moving(a, b, shape)
    first, last = (f(g(a, shape), g(b, shape)) for f, g in ((min, first_of), (max, last_of)))
    for sight in (a, b):
        if isinstance(sight, Fixed) and (sight.first, sight.last) == (first, last):
            return sight
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        return Fixed(first, last, a.touches and b.touches)
    axis = a.axis if not isinstance(a, Fixed) else b.axis if not isinstance(b, Fixed) else 0
    return Scattered(axis, first, last)


def _unite_moving(a: Moving, b: Moving, shape: Shape) -> Sight:
    if a.axis != b.axis or a.step * b.period != b.step * a.period:
        return Scattered(a.axis, min(first_of(a, shape), first_of(b, shape)), max(last_of(a, shape), last_of(b, shape)))
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


def first_of(sight: Moving | Fixed | Scattered, shape: Shape) -> int:
    """The first position that any unit sees."""
    if isinstance(sight, Moving):
        return min(sight.first(unit) for unit in range(min(sight.period, shape[sight.axis])))
    return sight.first


def last_of(sight: Moving | Fixed | Scattered, shape: Shape) -> int:
    """The last position that any unit sees."""
    if isinstance(sight, Moving):
        n = shape[sight.axis]
        return max(sight.last(unit) for unit in range(max(0, n - sight.period), n))
    return sight.last
