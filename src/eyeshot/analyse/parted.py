"""Intervals that move along several parts of a tensor's axes: tokens, windows of a map, the inside of a patch.

A reshape cuts the rows of a map in two, such as 56 rows in 8 windows of 7, or lays rows and columns into one axis of
tokens. What a unit sees along one axis of the image then depends on several parts of the tensor's axes: one *outer*
part, endless, along which the intervals repeat with a step, and *inner* parts of few positions, which a table holds:

    unit (o, i, j …), o = q·P + r, sees q·step + firsts[r, i, j …] … q·step + lasts[r, i, j …]

P is the period along the outer part. An axis of plain rows is the case without inner parts. Each axis of the tensor is
a list of parts, outermost first; parts on which nothing depends are kept, since they say how to come back.

    56 rows                              [outer 56]
    as 8 windows of 7                    [outer 8] [inner 7]      step 7, firsts 0 … 6
    the windows' means                   [outer 8]                step 7, firsts 0, lasts 6
    attention in windows, put back       [outer 8, free 7]        the same; one axis of 56 again, period 7
    rows and columns as tokens           [outer 56, free 56]      and for columns [free 56, outer 56]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from eyeshot.network.relations import Shape
from eyeshot.network.reshape import dealt, matching_axes
from eyeshot.network.slide import Pattern, Reads

NEVER = 1 << 62
"""First position of a unit that sees nothing; its last is the negative."""

MOST_ENTRIES = 1 << 14
"""Entries of a table at most; what would need more has no common form."""
FREE, OUTER = -1, 0
"""Roles of parts: nothing depends on it; the endless one. An inner part has its number from 1 on."""


class Part(NamedTuple):
    """A part of an axis: its number of positions, and its role."""

    size: int
    role: int = FREE


Axis = tuple[Part, ...]
Ends = tuple[int, ...]


class Parted(NamedTuple):
    """What units see along one followed axis of the image (see the module's docstring).

    Attributes:
        parts: the parts of every axis of the tensor.
        step: positions of the image from one period of the outer part to the next.
        period: P.
        inner: sizes of the inner parts, by their numbers.
        firsts, lasts: of the units of one period, row by row: the outer part's phase first, the last inner part last.
        touches: as of ``Moving``.
    """

    parts: tuple[Axis, ...]
    step: int
    period: int
    inner: tuple[int, ...]
    firsts: Ends
    lasts: Ends
    touches: bool = False

    @property
    def axes(self) -> tuple[int, ...]:
        """The tensor's axes on which it depends what a unit sees."""
        return _busy(self.parts)

    @property
    def outers(self) -> int:
        """Positions of the outer part."""
        return next((part.size for axis in self.parts for part in axis if part.role == OUTER), 1)

    @property
    def existing(self) -> int:
        """Entries of the table that some unit has: a tensor may be shorter than a period."""
        return min(self.period, self.outers) * math.prod(self.inner)

    def unit(self, place: Sequence[int]) -> tuple[int, int]:
        """First and last position that the unit sees at an index of the tensor, one number per axis."""
        at = {OUTER: 0}
        for i, axis in zip(place, self.parts, strict=True):
            # index 10 of an axis of parts (8, 7) is position 3 of part 1 of the outer: 10 = 1·7 + 3
            for part in reversed(axis):
                i, at[part.role] = divmod(i, part.size)
        return self.entry(at)

    def entry(self, at: Mapping[int, int]) -> tuple[int, int]:
        """First and last position that the unit sees at an index of the parts, by their roles."""
        turn, index = divmod(at[OUTER], self.period)
        for number, size in enumerate(self.inner, start=1):
            index = index * size + at.get(number, 0)
        first, last = self.firsts[index], self.lasts[index]
        return (first, last) if first == NEVER else (turn * self.step + first, turn * self.step + last)

    def span(self) -> tuple[int, int]:
        """First and last position that any unit sees."""
        width, count = math.prod(self.inner), self.outers

        def last(outer: int) -> int:
            turn, phase = divmod(outer, self.period)
            return _moved((max(self.lasts[phase * width : (phase + 1) * width]),), turn * self.step)[0]

        # periods move on by the step, so that the least is in the first of them and the largest in the last
        low = min(self.firsts[: min(self.period, count) * width])
        return low, max(map(last, range(max(0, count - self.period), count)))


@lru_cache(maxsize=1024)
def _busy(parts: tuple[Axis, ...]) -> tuple[int, ...]:
    return tuple([a for a, axis in enumerate(parts) if any(part.role != FREE for part in axis)])


def single(axis: int, shape: Shape, step: int, firsts: Ends, lasts: Ends, touches: bool) -> Parted:
    """Intervals that move along one axis of a tensor."""
    parts = tuple((Part(n, OUTER if a == axis else FREE),) for a, n in enumerate(shape))
    return Parted(parts, step, len(firsts), (), firsts, lasts, touches)


def _moved(ends: Ends, by: int) -> Ends:
    return ends if not by else tuple(end if abs(end) == NEVER else end + by for end in ends)


# --- the table ------------------------------------------------------------------------------------------------------


def _picked(value: Parted, inner: tuple[int, ...], period: int, source: Sequence[int]) -> Parted:
    """The table with entry i taken from entry ``source[i]``; with other inner parts."""
    firsts, lasts = (tuple(ends[i] for i in source) for ends in (value.firsts, value.lasts))
    return value._replace(inner=inner, period=period, firsts=firsts, lasts=lasts)


def _renamed(value: Parted, roles: dict[int, int]) -> Parted:
    """Parts with other roles."""
    parts = tuple(tuple(Part(p.size, roles.get(p.role, p.role)) for p in axis) for axis in value.parts)
    return value._replace(parts=parts)


def _dropped(value: Parted, number: int, *, unite: bool) -> Parted:
    """Without an inner part: united over its positions, or as at its first where all are alike."""
    sizes = (value.period, *value.inner)
    inner = (*value.inner[: number - 1], *value.inner[number:])
    stride = math.prod(sizes[number + 1 :])
    # the table is row by row: of sizes (2, 3, 4), dropping the 3 unites entries 4 apart, from heads 0 and 12
    heads = range(0, len(value.firsts), stride * sizes[number])
    groups = [[h + t + i * stride for i in range(sizes[number])] for h in heads for t in range(stride)]
    if unite:
        firsts = tuple(min(value.firsts[i] for i in group) for group in groups)
        lasts = tuple(max(value.lasts[i] for i in group) for group in groups)
        value = value._replace(inner=inner, firsts=firsts, lasts=lasts)
    else:
        value = _picked(value, inner, value.period, [group[0] for group in groups])
    roles = {number: FREE} | {n: n - 1 for n in range(number + 1, len(sizes))}
    return _renamed(value, roles)


def _outer_cut(value: Parted, rows: int) -> Parted:
    """The outer part o·rows + i told as o and i: i becomes the first inner part.

    o takes P/gcd(P, rows) steps until the same phases come again.
    """
    # 2 phases cut by 3 rows: o = 0 begins at unit 0, o = 1 at unit 3, in the other phase; by 2 rows each begins alike
    period = value.period // math.gcd(value.period, rows)
    width = math.prod(value.inner)
    turns = period * rows // value.period
    firsts: list[int] = []
    lasts: list[int] = []
    for unit in range(period * rows):
        turn, phase = divmod(unit, value.period)
        row, by = slice(phase * width, (phase + 1) * width), turn * value.step
        firsts += _moved(value.firsts[row], by)
        lasts += _moved(value.lasts[row], by)
    inner = (rows, *value.inner)
    return value._replace(step=value.step * turns, period=period, inner=inner, firsts=tuple(firsts), lasts=tuple(lasts))


def normal(value: Parted) -> Parted:
    """The same with the fewest inner parts and the smallest period, and free parts of an axis told together."""
    # from the last on, as dropping one moves those behind it up
    for number in range(len(value.inner), 0, -1):
        if _is_alike(value, number):
            value = _dropped(value, number, unite=False)
    value = _smallest_period(value)
    return value._replace(parts=tuple(map(_tidy, value.parts)))


def _is_alike(value: Parted, number: int) -> bool:
    sizes = (value.period, *value.inner)
    stride, size = math.prod(sizes[number + 1 :]), sizes[number]
    return all(
        ends[i] == ends[i - (i // stride % size) * stride]
        for ends in (value.firsts, value.lasts)
        for i in range(len(ends))
    )


def _smallest_period(value: Parted) -> Parted:
    period, width = value.period, math.prod(value.inner)
    for p in range(1, period):
        # a smaller period must divide this one, and its step be whole: 4 phases in 6 pixels may be 2 in 3, not 1 in 1.5
        if period % p or value.step * p % period:
            continue
        step, rows = value.step * p // period, p * width
        if all(
            ends[i : i + rows] == _moved(ends[:rows], i // rows * step)
            for ends in (value.firsts, value.lasts)
            for i in range(rows, len(ends), rows)
        ):
            return value._replace(step=step, period=p, firsts=value.firsts[:rows], lasts=value.lasts[:rows])
    return value


def _tidy(axis: Axis) -> Axis:
    """Without parts of one position, and neighbours on which nothing depends as one."""
    tidy: list[Part] = []
    for part in axis:
        if part.size == 1 and part.role == FREE:
            continue
        if tidy and tidy[-1].role == part.role == FREE:
            tidy[-1] = Part(tidy[-1].size * part.size)
        else:
            tidy.append(part)
    return tuple(tidy) or (Part(1),)


# --- what happens to axes -------------------------------------------------------------------------------------------


def reshaped(value: Parted, before: Shape, after: Shape) -> Parted | None:
    """The same units under another shape; None where parts cannot be cut along the new axes."""
    pairs = matching_axes(before, after)
    runs = [tuple(part for axis in inner for part in value.parts[axis]) for inner, _ in pairs]
    sizes = [[after[axis] for axis in outer] for _, outer in pairs]
    parts: list[Axis] = []
    for i, wanted in enumerate(sizes):
        if all(part.role == FREE for part in runs[i]):
            runs[i] = tuple(Part(n) for n in wanted)
            continue
        # a deal leaves out parts of one position, and the table would lose what stands for this role
        if any(part.role != FREE and part.size == 1 for part in runs[i]):
            return None
        # 56 rows as (8, 7): the outer part of 56 is cut, in the table too, and the deal begun again with its pieces
        while isinstance(cut := _first_cut(runs[i], wanted), tuple):
            value, runs = _with_cut(value, runs, *cut)
        if cut is None:
            return None
    for run, wanted in zip(runs, sizes, strict=True):
        groups = dealt(run, wanted, _size, _cut_free)
        assert groups is not None
        parts += [tuple(group) or (Part(1),) for group in groups]
    return normal(value._replace(parts=tuple(parts)))


def _size(part: Part) -> int:
    return part.size


def _cut_free(part: Part, outer: int) -> tuple[Part, Part]:
    return Part(outer, part.role), Part(part.size // outer, part.role)


def _first_cut(run: Axis, sizes: Sequence[int]) -> tuple[Part, int] | bool | None:
    """The first part with a role that a deal has to cut, and the size of its outer piece; True: none, None: no deal."""
    cuts: list[tuple[Part, int]] = []

    def cut(part: Part, outer: int) -> tuple[Part, Part]:
        if part.role != FREE:
            cuts.append((part, outer))
        return _cut_free(part, outer)

    if dealt(run, sizes, _size, cut) is None:
        return None
    return cuts[0] if cuts else True


def _with_cut(value: Parted, runs: list[Axis], part: Part, outer: int) -> tuple[Parted, list[Axis]]:
    """A part cut in two, in the table as well; the numbers of inner parts behind the new one move up."""
    rows = part.size // outer
    if part.role == OUTER:
        value = _outer_cut(value, rows)
    else:  # the entries of an inner part of n stand as those of two, n/rows and rows, do
        inner = (*value.inner[: part.role - 1], outer, rows, *value.inner[part.role :])
        value = value._replace(inner=inner)
    number = part.role + 1
    pieces = (Part(outer, part.role), Part(rows, number))

    def told(other: Part) -> tuple[Part, ...]:
        if other.role == part.role and other.role != FREE:
            return pieces
        return (Part(other.size, other.role + (other.role >= number)),)

    return value, [tuple(new for other in run for new in told(other)) for run in runs]


def permuted(value: Parted, order: tuple[int, ...]) -> Parted:
    """The same units with the tensor's axes in another order."""
    return value._replace(parts=tuple(value.parts[axis] for axis in order))


def broadcast(value: Parted, before: Shape, after: Shape) -> Parted | None:
    """The same for a tensor that is broadcast, axes aligned from the last; None where the outer part is repeated."""
    extra = len(after) - len(before)
    parts: list[Axis] = [(Part(n),) for n in after[:extra]]
    for axis, n, m in zip(value.parts, before, after[extra:], strict=True):
        if n != m and any(part.role != FREE for part in axis):
            return None
        parts.append(axis if n == m else (Part(m),))
    return value._replace(parts=tuple(parts))


def resized(value: Parted, axis: int, size: int) -> Parted:
    """The same with another size along an axis on which nothing depends."""
    return value._replace(parts=(*value.parts[:axis], (Part(size),), *value.parts[axis + 1 :]))


def reduced(value: Parted, axes: Sequence[int], keep: Shape | None) -> Parted | tuple[int, int] | None:
    """What all positions along some axes see together; the axes stay, with ``keep``'s sizes, or go.

    Returns: an interval where that is one for all units; None where inner parts remain without the outer one.
    """
    roles = {part.role for axis in axes for part in value.parts[axis]}
    inner = sorted(roles - {FREE, OUTER}, reverse=True)
    if OUTER in roles or not any(part.role == OUTER for axis in value.parts for part in axis):
        return None if len(inner) < len(value.inner) else value.span()
    for number in inner:
        value = _dropped(value, number, unite=True)
    kept = [a for a in range(len(value.parts)) if keep is not None or a not in axes]
    parts = tuple((Part(keep[a]),) if keep is not None and _is_free(value.parts[a]) else value.parts[a] for a in kept)
    return normal(value._replace(parts=parts))


def _is_free(axis: Axis) -> bool:
    return all(part.role == FREE for part in axis)


def merged(value: Parted, axis: int, start: int = 0, stop: int | None = None) -> Parted | None:
    """The same with an axis of the tensor, or a run of its parts, one part; None where that has no order in common.

    o·R + i for an outer part in front of parts of R positions is an outer part again, of period P·R.
    """
    parts = value.parts[axis]
    run = parts[start:stop]
    roles = [part.role for part in run]
    if len(run) == 1:
        return value
    if all(role == FREE for role in roles):
        return _with_run(value, axis, start, stop, Part(math.prod(map(_size, run))))
    # [free 56, outer 56], the columns of tokens: what they see moves on, and jumps back at the end of each row
    if OUTER in roles[1:]:
        return None
    is_outer = roles[0] == OUTER
    sizes = (value.period, *value.inner)
    numbers = sorted(set(roles) - {FREE, OUTER})
    others = [n for n in range(1, len(sizes)) if n not in numbers]
    lead = [] if is_outer else [OUTER]
    # (outer 8, inner 7) is 56 rows of period P·7: entry (r, i) stands at r·7 + i, other inner parts behind it
    # in the new table's order: the outer part's phases, the merged part, the inner parts that remain
    ranges = [range(sizes[OUTER]) for _ in lead]
    ranges += [range(sizes[OUTER] if part.role == OUTER else part.size) for part in run]
    ranges += [range(sizes[n]) for n in others]
    if math.prod(map(len, ranges)) > MOST_ENTRIES:
        return None
    keys = [*lead, *roles, *others]
    entries = []
    for index in product(*ranges):
        at, entry = dict(zip(keys, index, strict=True)), 0
        for number, size in enumerate(sizes):
            entry = entry * size + at[number]
        entries.append(entry)
    size, rows = math.prod(map(_size, run)), math.prod(map(_size, run[1:]))
    remaining = tuple(sizes[n] for n in others)
    inner, period = (remaining, value.period * rows) if is_outer else ((size, *remaining), value.period)
    firsts, lasts = (tuple(ends[i] for i in entries) for ends in (value.firsts, value.lasts))
    value = value._replace(inner=inner, period=period, firsts=firsts, lasts=lasts)
    value = _renamed(value, {n: i for i, n in enumerate(others, start=1 if is_outer else 2)})
    return _with_run(value, axis, start, stop, Part(size, OUTER if is_outer else 1))


def _with_run(value: Parted, axis: int, start: int, stop: int | None, part: Part) -> Parted:
    """The parts with a run of an axis' told as one."""
    parts = value.parts[axis]
    parts = (*parts[:start], part, *(() if stop is None else parts[stop:]))
    return value._replace(parts=(*value.parts[:axis], parts, *value.parts[axis + 1 :]))


# --- what slides along axes -----------------------------------------------------------------------------------------


def followed(step: int, period: int, width: int, ends: tuple[Ends, Ends], pattern: Pattern) -> tuple[int, Ends, Ends]:
    """What units see that read by a pattern along an outer part: its step, first and last positions.

    ``width`` entries of the table belong to one phase. Behind P phases of a pattern of Q come Q·P/gcd(P, step).
    """
    # Each unit of the new period reads some phases of the old one: a transposed convolution by 2 over rows 2 apart
    # reads rows q − 1, q and rows q, q + 1 in turn, so units see −2 … 0 and 0 … 2, and then the same 2 further on.
    phases = len(pattern.offsets)
    turns = period // math.gcd(period, pattern.step)
    firsts: list[int] = []
    lasts: list[int] = []
    for unit in range(phases * turns):
        turn, phase = divmod(unit, phases)
        read = [divmod(turn * pattern.step + offset, period) for offset in pattern.offsets[phase]]
        for i in range(width):
            seen = [(q * step, r * width + i) for q, r in read if ends[0][r * width + i] != NEVER]
            firsts.append(min((q + ends[0][entry] for q, entry in seen), default=NEVER))
            lasts.append(max((q + ends[1][entry] for q, entry in seen), default=-NEVER))
    return step * (pattern.step * turns // period), tuple(firsts), tuple(lasts)


def read_along(value: Parted, axis: int, reads: Reads, pattern: Pattern | None) -> Parted | None:
    """What units see that read along an axis of the tensor: by a pattern along the outer part, else as listed."""
    whole = merged(value, axis)
    if whole is None:
        return None
    (part,) = whole.parts[axis]
    parts = (*whole.parts[:axis], (Part(len(reads), part.role),), *whole.parts[axis + 1 :])
    if part.role == OUTER:
        # a list of reads, such as a resize by 45/23, moves by no step along an endless part
        if pattern is None:
            return None
        ends = whole.firsts, whole.lasts
        step, firsts, lasts = followed(whole.step, whole.period, math.prod(whole.inner), ends, pattern)
        period = len(firsts) // math.prod(whole.inner)
        whole = whole._replace(step=step, period=period, firsts=firsts, lasts=lasts)
    else:
        whole = _listed(whole, part.role, reads)
    return normal(whole._replace(parts=parts, touches=False))


def _listed(value: Parted, number: int, reads: Reads) -> Parted:
    """An inner part whose position i is what the positions ``reads[i]`` were together."""
    sizes = (value.period, *value.inner)
    stride, n = math.prod(sizes[number + 1 :]), sizes[number]
    firsts: list[int] = []
    lasts: list[int] = []
    for head in range(0, len(value.firsts), stride * n):
        for read in reads:
            for tail in range(stride):
                firsts.append(min((value.firsts[head + j * stride + tail] for j in read), default=NEVER))
                lasts.append(max((value.lasts[head + j * stride + tail] for j in read), default=-NEVER))
    inner = (*value.inner[: number - 1], len(reads), *value.inner[number:])
    return value._replace(inner=inner, firsts=tuple(firsts), lasts=tuple(lasts))
