"""Which designs meet a set of wishes? All of a space, looked through without building any.

Wishes about field and stride are met or not by the steps alone: a table says, for each level, pace and field, how many
ways there are to go on to a design that meets them, so that none is begun that cannot. Costs only grow: what exceeds
one is not gone on with. Where that leaves more designs than ``MOST``, that many are not looked at: ``SAMPLE`` of them
are drawn, each as likely as any other, and the answer says so.

What is left are the designs that no other beats: those for which no other sees as much, uses as much and costs as
little in every respect, and is better in one. Pools count no operations, so that designs with pools and designs whose
convolutions make the map smaller themselves are not held against each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeshot.design.batch import Batch, Costs, joined
from eyeshot.design.space import Space, Step

MOST = 10**7
"""Designs that are looked at one by one."""
SAMPLE = 500_000
"""Designs that are drawn from more."""
_ROWS, _DRAWN_AT_ONCE = 2**13, 10**5
_SEED = 20161109

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a design is to be like; None for anything.

    Attributes:
        field: the least and the most pixels that a unit of the output sees, along every axis.
        stride: pixels from one unit of the output to the next.
        macs_max, params_max: the most that it may cost.
    """

    field: tuple[int, int]
    stride: int | None = None
    macs_max: int | None = None
    params_max: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A design: how it is written, and what it sees, uses and costs.

    Attributes:
        notation: the design.
        field: pixels that a unit of its output sees along every axis.
        stride: pixels from one unit to the next.
        sigma: standard deviation of the path density, in pixels: what it uses of the field.
        params, macs, peak_activations: what it costs, as in a report's totals.
    """

    notation: str
    field: int
    stride: int
    sigma: float
    params: int
    macs: int
    peak_activations: int

    def __str__(self) -> str:
        return self.notation

    def to_dict(self) -> dict[str, Any]:
        """Its entry in the document of schema eyeshot.designs/1."""
        numbers = asdict(self)
        return {"design": numbers.pop("notation"), **numbers}


@dataclass(frozen=True, kw_only=True)
class Result:
    """The designs that none beats, the least costly for what it uses first.

    Attributes:
        designs: the designs.
        searched: designs that were decided on.
        evaluated: those of them whose costs were computed.
        is_complete: all of the space; otherwise they were drawn from it.
    """

    designs: tuple[Found, ...]
    searched: int
    evaluated: int
    is_complete: bool


def search(space: Space, wishes: Wishes) -> Result:
    """The designs of a space that meet all wishes and that no other of them beats."""
    table = Table(space, wishes)
    is_complete = table.viable <= MOST
    fronts, evaluated = {True: Front(), False: Front()}, 0
    for leaves in (_every if is_complete else _drawn)(table):
        evaluated += len(leaves)
        is_affordable = table.is_affordable(leaves)
        for pools, front in fronts.items():
            front.add(leaves.taken(np.flatnonzero(is_affordable & (leaves.pools == pools))))
    designs = [design for front in fronts.values() for design in front.designs(space)]
    return Result(
        designs=tuple(sorted(designs, key=lambda each: (_price(each), each.macs))),
        searched=space.size if is_complete else evaluated,
        evaluated=evaluated,
        is_complete=is_complete,
    )


def attainable(space: Space, wishes: Wishes) -> list[tuple[int, int]]:
    """All pairs of field and stride that designs of the space have, of those that the wishes allow."""
    seen = {(1, 1)}
    pairs: set[tuple[int, int]] = set()
    for level in range(space.layers[1]):
        seen = {
            (field + step.growth(jump), jump * step.pace)
            for field, jump in seen
            for step in space.steps(level)
            if field + step.growth(jump) <= wishes.field[1] and not step.leaves_holes(field, jump)
        }
        if level + 1 >= space.layers[0]:
            pairs |= {
                (field, jump) for field, jump in seen if field >= wishes.field[0] and wishes.stride in (None, jump)
            }
    return sorted(pairs)


class Table:
    """For each level, pace and field the number of ways to go on to a design that meets field and stride."""

    def __init__(self, space: Space, wishes: Wishes) -> None:
        self.space, self.wishes = space, wishes
        self.end = wishes.field[1] + 1
        depth = space.layers[1]
        jumps = {1}
        for level in range(depth):
            jumps |= {j * step.pace for j in jumps for step in space.steps(level) if self._fits(j * step.pace)}
        self.jumps = sorted(jumps)
        self.rows = np.zeros(self.jumps[-1] + 1, dtype=np.int64)
        self.rows[self.jumps] = range(len(self.jumps))
        self.ways = [np.zeros((len(self.jumps), self.end + 1)) for _ in range(depth + 1)]
        for level in range(depth, -1, -1):
            self._fill(level)

    @cached_property
    def viable(self) -> float:
        """Number of designs that meet the wishes about field and stride."""
        return float(self.ways[0][self.rows[1], 1])

    def _fits(self, jump: int) -> bool:
        stride = self.wishes.stride
        return jump < self.end and (stride is None or stride % jump == 0)

    def is_met(self, level: int, field: Ints, jump: Ints) -> npt.NDArray[np.bool_]:
        """Whether designs may end here."""
        if level < self.space.layers[0]:
            return np.zeros(len(field), dtype=bool)
        met = (field >= self.wishes.field[0]) & (field <= self.wishes.field[1])
        return met if self.wishes.stride is None else met & (jump == self.wishes.stride)

    def after(self, level: int, step: Step, field: Ints, jump: Ints) -> Floats:
        """Ways to go on behind a step at a level, for each of some designs so far."""
        fields = np.minimum(field + step.growth(1) * jump, self.end)
        paces = jump * step.pace
        known = paces < len(self.rows)
        ways = self.ways[level + 1][self.rows[np.where(known, paces, 0)], fields]
        behind = field + step.reach * jump
        bad = (jump * step.stride > behind) | (paces > field + step.growth(1) * jump) | ~known
        if step.kernel > 1:
            bad |= step.dilation * jump > field
        if self.wishes.stride is not None:
            bad |= self.wishes.stride % np.maximum(paces, 1) != 0
        return np.where(bad, 0.0, ways)

    def is_affordable(self, batch: Batch) -> npt.NDArray[np.bool_]:
        """Whether designs cost no more than is wished, so far."""
        fits = np.ones(len(batch), dtype=bool)
        for most, cost in ((self.wishes.macs_max, batch.macs), (self.wishes.params_max, batch.params)):
            if most is not None:
                fits &= cost <= most
        return fits

    def _fill(self, level: int) -> None:
        field = np.arange(self.end + 1)
        for row, jump in enumerate(self.jumps):
            jumps = np.full(self.end + 1, jump)
            ways = self.is_met(level, field, jumps).astype(float)
            if level < self.space.layers[1]:
                for step in self.space.steps(level):
                    ways += self.after(level, step, field, jumps)
            ways[self.end] = 0  # stands for all fields that are too large
            self.ways[level][row] = ways


def _every(table: Table) -> Iterator[Batch]:
    """All designs that meet the wishes about field and stride; those that cost too much are not gone on with."""
    costs = Costs(table.space)
    yield from _below(table, costs, costs.start(1), 0)


def _below(table: Table, costs: Costs, batch: Batch, level: int) -> Iterator[Batch]:
    if level == table.space.layers[1]:
        return
    children = []
    for number, step in enumerate(table.space.steps(level)):
        rows = np.flatnonzero(table.after(level, step, batch.field, batch.jump))
        if rows.size:
            children.append(costs.followed(batch.taken(rows), level, number))
    if not children:
        return
    every = joined(children)
    leaves = table.is_met(level + 1, every.field, every.jump)
    if leaves.any():
        yield every.taken(np.flatnonzero(leaves))
    if level + 1 < table.space.layers[1]:
        every = every.taken(np.flatnonzero(table.is_affordable(every)))
        for first in range(0, len(every), _ROWS):
            yield from _below(table, costs, every.taken(slice(first, first + _ROWS)), level + 1)


def _drawn(table: Table) -> Iterator[Batch]:
    """Designs that meet the wishes about field and stride, drawn from all such: each is as likely as any other."""
    rng, costs = np.random.default_rng(_SEED), Costs(table.space)
    for _ in range(0, SAMPLE, _DRAWN_AT_ONCE):
        batch = costs.start(_DRAWN_AT_ONCE)
        for level in range(table.space.layers[1] + 1):
            chosen = _drawn_steps(table, level, batch, rng)
            if (chosen == 0).any():
                yield batch.taken(np.flatnonzero(chosen == 0))
            going = [costs.followed(batch.taken(rows), level, number) for number, rows in _by_number(chosen)]
            if not going:
                break
            batch = joined(going)


def _by_number(chosen: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Each step that was drawn, and the designs that it was drawn for."""
    for number in np.unique(chosen).tolist():
        if number:
            yield number - 1, np.flatnonzero(chosen == number)


def _drawn_steps(table: Table, level: int, batch: Batch, rng: np.random.Generator) -> Numbers:
    """For each design 0 to end here or 1 + the number of a step, by the number of designs that it leads to."""
    states, where = np.unique(batch.field * len(table.rows) + batch.jump, return_inverse=True)
    field, jump = np.divmod(states, len(table.rows))
    ways = [table.is_met(level, field, jump).astype(float)]
    if level < table.space.layers[1]:
        ways += [table.after(level, step, field, jump) for step in table.space.steps(level)]
    sums = np.cumsum(np.stack(ways, axis=1), axis=1)
    # one search for all: state i has its steps between i and i + 1, none at its very end
    edges = sums / sums[:, -1:] + np.arange(len(states))[:, None]
    places = where + rng.random(len(batch)) * (1 - 1e-9)
    return np.asarray(np.searchsorted(edges.ravel(), places, side="right") - where * len(ways))


class Front:
    """The designs so far that none beats."""

    _SIGNS = np.array([[-1.0], [-1.0], [1.0], [1.0], [1.0]])

    def __init__(self) -> None:
        self._values = np.empty((5, 0))
        self._rest: list[tuple[int, tuple[int, ...]]] = []

    def add(self, batch: Batch) -> None:
        """Take in the best of some designs."""
        # equal sums of squares are to be equal, in whatever order they were added
        rows = (batch.field, np.round(batch.variance, 9), batch.params, batch.macs, batch.peak)
        values = np.stack([row.astype(float) for row in rows]) * self._SIGNS
        left = np.arange(values.shape[1])
        for other in self._values.T:
            left, values = _not_above(left, values, other)
        if not left.size:
            return
        best = _unbeaten(values)
        numbers = left[best]
        rest = [*self._rest, *((int(batch.jump[i]), tuple(batch.steps[i].tolist())) for i in numbers)]
        every = np.concatenate([self._values, values[:, best]], axis=1)
        kept = _unbeaten(every)
        self._values, self._rest = every[:, kept], [rest[i] for i in kept]

    def designs(self, space: Space) -> tuple[Found, ...]:
        """The designs, in no order."""
        designs = []
        for row, (jump, numbers) in zip((self._values * self._SIGNS).T, self._rest, strict=True):
            steps = tuple(space.steps(level)[number] for level, number in enumerate(numbers))
            field, variance, params, macs, peak = row.tolist()
            designs.append(
                Found(
                    notation=space.written(steps),
                    field=int(field),
                    stride=jump,
                    sigma=variance**0.5,
                    params=int(params),
                    macs=int(macs),
                    peak_activations=int(peak),
                )
            )
        return tuple(designs)


def _price(design: Found) -> float:
    """What the best has least of: the product of costs, over what is used."""
    return design.params * design.macs * design.peak_activations / max(design.sigma, 1e-9)


def _not_above(numbers: Numbers, values: Floats, other: Floats) -> tuple[Numbers, Floats]:
    """The columns that are lower than another somewhere."""
    keep = values[0] < other[0]
    for row, limit in zip(values[1:], other[1:], strict=True):
        keep |= row < limit
    return (numbers, values) if keep.all() else (numbers[keep], values[:, keep])


def _unbeaten(values: Floats) -> list[int]:
    """Columns that no other is as low as in every row; of equal ones the first. The lowest in all come first."""
    least, span = values.min(axis=1, keepdims=True), np.ptp(values, axis=1, keepdims=True)
    score = ((values - least) / np.where(span, span, 1)).sum(axis=0)
    # none is beaten by one that comes later: what beats it is lower in the score or, at its last bits, in some row
    left = np.lexsort((np.arange(values.shape[1]), *values, score))
    values, kept = values[:, left], []
    while left.size:
        kept.append(int(left[0]))
        left, values = _not_above(left, values, values[:, 0].copy())
    return kept
