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
from statistics import fmean, stdev

from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.studies.scores import ArmScores, Difference
from eyeshot.train.record import Record

try:
    from scipy import optimize, special, stats
except ModuleNotFoundError as error:
    raise MissingExtraError("comparing scores", "scipy", "train") from error

_ERROR = 0.05
_POWER = 0.8


def compared(records: Iterable[Record]) -> tuple[tuple[ArmScores, ...], tuple[Difference, ...]]:
    """The arms of some records, and how the first of them differs from each other one.

    Raises:
        UsageError: there are no records, one arm has two for one seed, or two arms share no seed.
    """
    by_arm: dict[str, list[Record]] = {}
    for record in records:
        by_arm.setdefault(record.recipe.label, []).append(record)
    if not by_arm:
        raise UsageError("no records: nothing was trained, so there is nothing to compare")
    arms = tuple(_arm(label, trained) for label, trained in by_arm.items())
    return arms, tuple(difference(arms[0], arm, comparisons=len(arms) - 1) for arm in arms[1:])


def compared_scores(scores: Mapping[str, Mapping[int, float]]) -> tuple[tuple[ArmScores, ...], tuple[Difference, ...]]:
    """The same of scores alone, per label by seed.

    Raises:
        UsageError: two arms share no seed.
    """
    arms = tuple(
        ArmScores(
            label=label,
            scores=by_seed,
            mean=fmean(by_seed.values()),
            half_width=half_width(list(by_seed.values())),
            seconds=math.nan,
            images_per_second=math.nan,
            diverged=(),
        )
        for label, by_seed in scores.items()
    )
    return arms, tuple(difference(arms[0], arm, comparisons=len(arms) - 1) for arm in arms[1:])


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
