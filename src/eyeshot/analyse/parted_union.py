"""What units see together that see by two tables: as where a branch of windows is added to the map it was cut from.

Both must tell their parts alike. Free parts are cut where the other's are, and where that is not enough, runs of parts
are told as one up to the places that both have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from eyeshot.analyse.parted import FREE, MOST_ENTRIES, OUTER, Axis, Part, Parted, merged, normal


def united(a: Parted, b: Parted) -> Parted | None:
    """What units see together that see by two tables; None where their parts or steps do not go together."""
    if a.step * b.period != b.step * a.period:
        return None
    for axis in range(len(a.parts)):
        if a.parts[axis] != b.parts[axis]:
            pair = _aligned(a, b, axis)
            if pair is None:
                return None
            a, b = pair
    places = [
        (part.size, part.role, other.role)
        for parts, others in zip(a.parts, b.parts, strict=True)
        for part, other in zip(parts, others, strict=True)
    ]
    if any((x == OUTER) != (y == OUTER) for _, x, y in places):
        return None
    inner = [place for place in places if max(place[1:]) > OUTER]
    sizes = tuple(size for size, _, _ in inner)
    period = math.lcm(a.period, b.period)
    if period * math.prod(sizes) > MOST_ENTRIES:
        return None
    firsts: list[int] = []
    lasts: list[int] = []
    for phase, *index in product(range(period), *map(range, sizes)):
        ends = [
            value.entry({place[side]: n for place, n in zip(inner, index, strict=True)} | {OUTER: phase})
            for side, value in ((1, a), (2, b))
        ]
        firsts.append(min(first for first, _ in ends))
        lasts.append(max(last for _, last in ends))
    numbers = iter(range(1, len(inner) + 1))
    parts = tuple(
        tuple(
            Part(part.size, next(numbers) if max(part.role, other.role) > OUTER else part.role)
            for part, other in zip(parts, others, strict=True)
        )
        for parts, others in zip(a.parts, b.parts, strict=True)
    )
    step = a.step * period // a.period
    return normal(Parted(parts, step, period, sizes, tuple(firsts), tuple(lasts), a.touches and b.touches))


def _aligned(a: Parted, b: Parted, axis: int) -> tuple[Parted, Parted] | None:
    """Both with an axis cut at the same places: free parts where the other is cut, else the places both have.

    [outer 56, free 56] and [outer 8, free 392] are cut behind 8·49 and 8·7·56; with 392 as 7·56 both end at 56.
    """
    cuts = [_cuts(value.parts[axis]) for value in (a, b)]
    a, b = (_cut_at(value, axis, other) for value, other in ((a, cuts[1]), (b, cuts[0])))
    common = sorted(set(_cuts(a.parts[axis])) & set(_cuts(b.parts[axis])))  # positions behind each cut, inner first
    if not common:  # axes of two sizes, as where one of a product's factors is repeated
        return None
    pair = []
    for value in (a, b):
        behind = _cuts(value.parts[axis])
        places = [behind.index(cut) for cut in reversed(common)]  # outermost first
        stops = [*places[1:], len(value.parts[axis])]
        for start, stop in reversed(list(zip(places, stops, strict=True))):
            new = merged(value, axis, start, stop)
            if new is None:
                return None
            value = new  # each run in turn
        pair.append(value)
    return pair[0], pair[1]


def _cuts(parts: Axis) -> list[int]:
    """In front of each part, how many positions it and those behind it hold together."""
    return [math.prod(part.size for part in parts[i:]) for i in range(len(parts))]


def _cut_at(value: Parted, axis: int, cuts: Sequence[int]) -> Parted:
    """Free parts cut where there are so many positions behind, if that is a whole number of pieces."""
    parts = list(value.parts[axis])
    for cut in cuts:
        behind = 1
        for i in range(len(parts) - 1, -1, -1):
            part = parts[i]
            if part.role == FREE and behind < cut < behind * part.size and cut % behind == 0:
                inner = cut // behind
                if part.size % inner == 0:
                    parts[i : i + 1] = [Part(part.size // inner), Part(inner)]
                break
            behind *= part.size
    return value._replace(parts=(*value.parts[:axis], tuple(parts), *value.parts[axis + 1 :]))
