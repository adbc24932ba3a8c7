"""What scores over paired seeds allow one to say.

Each arm's mean has a Student interval over its seeds. Arms are compared to the first one by the differences
of scores with the same seed, which saw the same images in the same order. The seeds are the sample:
intervals say what other seeds would give on these images, not what other images would.

    mean ± t · s / √n        n seeds, s their standard deviation, t Student's quantile for n − 1 degrees of freedom

With k arms beside the first the error of 5 % is shared by k intervals (Bonferroni), so that all hold
together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.studies.verdict import verdict
from eyeshot.train.record import Record

try:
    from scipy import optimize, special, stats
except ModuleNotFoundError as error:
    raise MissingExtraError("comparing scores", "scipy", "train") from error

SCHEMA = "eyeshot.evidence/1"
_ERROR = 0.05
_POWER = 0.8


@dataclass(frozen=True, kw_only=True)
class ArmScores:
    """One arm's scores over the seeds."""

    label: str
    scores: Mapping[int, float]
    """Test accuracy in percent per seed."""
    mean: float
    half_width: float | None
    """Half the 95 % interval of the mean, in points; None with one seed."""
    seconds: float
    """Mean training time of a trial."""
    images_per_second: float
    """Mean training speed of a trial."""
    diverged: tuple[int, ...]
    """Seeds whose loss became NaN or infinite; their scores count as they are."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much higher the first arm scores than another, over the seeds that both have."""

    first: str
    second: str
    seeds: tuple[int, ...]
    mean: float
    """Points by which `first` scores higher; negative where it scores lower."""
    half_width: float | None
    """Half the interval of the mean, in points; None with one seed."""
    confidence: float
    """Of the interval: 0.95, or more where several differences share the error."""
    smallest_visible: float | None
    """Points that a true difference needs to be seen four times out of five, given the spread that was
    found."""
    is_broken: bool = False
    """One of the two arms diverged at some seed, so the difference is not one of designs."""

    @property
    def has_interval(self) -> bool:
        """Seeds that agree to the last digit give none, nor do broken networks."""
        return bool(self.half_width) and not self.is_broken

    @property
    def is_seen(self) -> bool:
        """There is an interval, and it leaves 0 out."""
        return self.has_interval and abs(self.mean) > (self.half_width or 0.0)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a study found."""

    arms: tuple[ArmScores, ...]
    differences: tuple[Difference, ...]
    """The first arm against each other one."""
    verdict: str
    """One sentence per line that claims no more than the intervals allow."""

    def to_json(self) -> dict[str, Any]:
        """As plain values for reports and scripts."""
        return {
            "schema": SCHEMA,
            "arms": [_arm_json(arm) for arm in self.arms],
            "differences": [
                {
                    "first": difference.first,
                    "second": difference.second,
                    "seeds": list(difference.seeds),
                    "mean": difference.mean,
                    "interval": _interval(difference.mean, difference.half_width if difference.has_interval else None),
                    "confidence": difference.confidence,
                    "smallest_visible": difference.smallest_visible,
                    "seen": difference.is_seen,
                    "broken": difference.is_broken,
                }
                for difference in self.differences
            ],
            "verdict": self.verdict,
        }


def _arm_json(arm: ArmScores) -> dict[str, Any]:
    return {
        "label": arm.label,
        "scores": {str(seed): score for seed, score in arm.scores.items()},
        "mean": arm.mean,
        "interval": _interval(arm.mean, arm.half_width),
        "seconds": arm.seconds,
        "images_per_second": arm.images_per_second if math.isfinite(arm.images_per_second) else None,
        "diverged": list(arm.diverged),
    }


def _interval(mean: float, half_width: float | None) -> list[float] | None:
    return None if half_width is None else [mean - half_width, mean + half_width]


def evidence(records: Iterable[Record]) -> Evidence:
    """What the records of a study show; the arm of the first record is the one that others are compared to.

    Raises:
        UsageError: there are no records, one arm has two for one seed, or two arms share no seed.
    """
    by_arm: dict[str, list[Record]] = {}
    for record in records:
        by_arm.setdefault(record.recipe.label, []).append(record)
    if not by_arm:
        raise UsageError("no records: nothing was trained, so there is nothing to compare")
    arms = tuple(_arm(label, found) for label, found in by_arm.items())
    differences = tuple(difference(arms[0], arm, comparisons=len(arms) - 1) for arm in arms[1:])
    return Evidence(arms=arms, differences=differences, verdict=verdict(arms, differences))


def _arm(label: str, records: Sequence[Record]) -> ArmScores:
    scores = {record.recipe.seed: record.score for record in records}
    if len(scores) < len(records):
        raise UsageError(f"arm {label!r}: two records with one seed; give each trial once")
    values = list(scores.values())
    return ArmScores(
        label=label,
        scores=scores,
        mean=fmean(values),
        half_width=half_width(values),
        seconds=fmean(record.seconds for record in records),
        images_per_second=fmean(record.images_per_second for record in records),
        diverged=tuple(record.recipe.seed for record in records if record.is_diverged),
    )


def half_width(values: Sequence[float], *, error: float = _ERROR) -> float | None:
    """Half of Student's interval for the mean; None for a single value.

    Args:
        error: the share of intervals that may miss the true mean.

    Example:
        Three values with standard deviation 1: 4.303 / √3.

        >>> round(half_width([1.0, 2.0, 3.0]), 3)
        2.484
    """
    if len(values) < 2:
        return None
    return float(stats.t.isf(error / 2, len(values) - 1)) * stdev(values) / math.sqrt(len(values))


def difference(first: ArmScores, second: ArmScores, *, comparisons: int = 1) -> Difference:
    """The paired difference between two arms.

    Args:
        comparisons: how many differences share the error of 5 %.

    Raises:
        UsageError: the arms share no seed.
    """
    seeds = tuple(seed for seed in first.scores if seed in second.scores)
    if not seeds:
        raise UsageError(f"arms {first.label!r} and {second.label!r} share no seed, so nothing pairs their scores")
    # Rounded far below one image's worth: the last bits of equal differences must not pass for a spread.
    values = [round(first.scores[seed] - second.scores[seed], 9) for seed in seeds]
    error = _ERROR / comparisons
    return Difference(
        first=first.label,
        second=second.label,
        seeds=seeds,
        mean=fmean(values),
        half_width=half_width(values, error=error),
        confidence=1 - error,
        smallest_visible=smallest_visible(values, error=error),
        is_broken=bool(first.diverged or second.diverged),
    )


def smallest_visible(values: Sequence[float], *, error: float = _ERROR) -> float | None:
    """The true difference that as many seeds with this spread show in four studies of five; None for one
    seed.

    From the power of the two-sided t-test, with the noncentral t distribution.
    """
    if len(values) < 2:
        return None
    count = len(values)
    bound = float(stats.t.isf(error / 2, count - 1))

    def lacks(shift: float) -> float:
        # The far tail, where a difference is seen with the wrong sign, is left out: it is below 0.1 % at
        # this power.
        return 1 - float(special.nctdtr(count - 1, shift, bound)) - _POWER

    shift = float(optimize.brentq(lacks, 0.0, 4 * bound + 8))
    return shift * stdev(values) / math.sqrt(count)
