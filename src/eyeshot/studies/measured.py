"""What was measured of trained networks beside accuracy: each arm over its seeds, and the paired differences.

Intervals are over other seeds on the same images. Those of differences share the error as those of scores do; that
there are several measures is not corrected for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from eyeshot.studies.intervals import ANYWHERE, SHARE, SHARES_APART, over_seeds
from eyeshot.studies.scores import Difference, Interval
from eyeshot.train.measures import MEASURES, Measure, key_of, known, measure_of, part_of
from eyeshot.train.record import Record

_ERROR = 0.05


@dataclass(frozen=True, kw_only=True)
class MeasuredArm:
    """One measure of one arm."""

    label: str
    values: Mapping[int, float]
    """Per seed at which it was taken and is a number, those at which the arm did not train too."""
    mean: float | None
    """None where there is no value."""
    seeds: Interval | None
    """Of the mean over other seeds; None with one seed."""


@dataclass(frozen=True, kw_only=True)
class MeasuredDifference:
    """By how much the first arm has more of a measure than another, over the seeds at which both trained."""

    first: str
    second: str
    paired: tuple[int, ...]
    mean: float | None
    """None where no seed pairs values, or one of the arms mostly failed to train."""
    seeds: Interval | None
    """Over other seeds; None with one seed, or where all agree to the last digit."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One measure of all arms, or one part of a measure that has several."""

    name: str
    part: str | None = None
    """Such as a layer; None where the measure is one number."""
    arms: tuple[MeasuredArm, ...]
    """Those that have it: a layer may be one arm's alone."""
    differences: tuple[MeasuredDifference, ...]
    """The first arm against each other one."""

    @property
    def measure(self) -> Measure:
        """What it is, and how it is shown."""
        return MEASURES[self.name]


def measured(records: Iterable[Record], differences: Sequence[Difference]) -> tuple[Measured, ...]:
    """All that was measured, in the order of ``MEASURES``; ``differences`` say which arms and seeds are paired."""
    by_arm: dict[str, list[Record]] = {}
    for record in records:
        by_arm.setdefault(record.recipe.label, []).append(record)
    found = []
    taken = known({key: None for trials in by_arm.values() for record in trials for key in record.measures})
    for key in _with_changes(taken):
        values = {label: _values(key, trials) for label, trials in by_arm.items()}
        part = part_of(key)
        have = [
            label
            for label, trials in by_arm.items()
            if part is None or any(set(_terms(key)) <= set(each.measures) for each in trials)
        ]
        error = _ERROR / max(len(differences), 1)
        found.append(
            Measured(
                name=measure_of(key),
                part=part,
                arms=tuple(_arm(key, label, values[label]) for label in have),
                differences=tuple(
                    _difference(key, each, values, error)
                    for each in differences
                    if {each.first, each.second} <= set(have)
                ),
            )
        )
    return tuple(found)


def _with_changes(keys: Iterable[str]) -> list[str]:
    """Keys of records, each measure's followed by those of its changes."""
    found = list(keys)
    told: list[str] = []
    for name in dict.fromkeys(map(measure_of, found)):
        changes = [key_of(name, part) for part in MEASURES[name].changes]
        told += [key for key in found if measure_of(key) == name]
        told += [key for key in changes if set(_terms(key)) <= set(found)]
    return told


def _terms(key: str) -> tuple[str, ...]:
    """The keys of records that a number is made of: its own, or that from which the other is taken and this one."""
    name, change = measure_of(key), MEASURES[measure_of(key)].changes.get(part_of(key) or "")
    return (key,) if change is None else tuple(key_of(name, part) for part in change)


def _values(key: str, records: Iterable[Record]) -> dict[int, float]:
    values: dict[int, float] = {}
    for record in records:
        first, *others = (record.measures.get(term) for term in _terms(key))
        if first is not None and None not in others:
            values[record.recipe.seed] = first - sum(other for other in others if other is not None)
    return values


def _arm(key: str, label: str, values: Mapping[int, float]) -> MeasuredArm:
    numbers = list(values.values())
    # no measure is less than 0, unless it is a change
    within = SHARE if MEASURES[measure_of(key)].is_share else (0.0, math.inf) if len(_terms(key)) == 1 else ANYWHERE
    return MeasuredArm(
        label=label,
        values=values,
        mean=fmean(numbers) if numbers else None,
        seeds=over_seeds(_clean(numbers), error=_ERROR, within=within) if numbers else None,
    )


def _difference(
    key: str, pair: Difference, values: Mapping[str, Mapping[int, float]], error: float
) -> MeasuredDifference:
    first, second = values[pair.first], values[pair.second]
    paired = () if pair.is_broken else tuple(seed for seed in pair.paired if seed in first and seed in second)
    apart = _clean([first[seed] - second[seed] for seed in paired])
    within = SHARES_APART if MEASURES[measure_of(key)].is_share else ANYWHERE
    return MeasuredDifference(
        first=pair.first,
        second=pair.second,
        paired=paired,
        mean=fmean(apart) if apart else None,
        seeds=over_seeds(apart, error=error, within=within) if apart else None,
    )


def _clean(values: Sequence[float]) -> list[float]:
    """Values without their last digits: those of equal ones must not pass for a spread."""
    return [float(f"{value:.9g}") for value in values]
