"""What scores over paired seeds and images allow one to say.

Arms are compared to the first one by the differences of scores with the same seed, which saw the same images in the
same order, and where it is known which images were right, image by image. Two intervals are given: over other seeds on
these images (``eyeshot.studies.intervals``) and over other seeds on other images (``eyeshot.studies.crossed``). With k
arms beside the first the error of 5 % is shared by k differences (Bonferroni), so that all hold together. An arm's own
mean has both intervals too, at 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import numpy as np

from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.studies.scores import ArmScores, Difference, Interval, Spread
from eyeshot.train.record import Record

try:
    import scipy  # noqa: F401  # what is imported next cannot do without
except ModuleNotFoundError as error:
    raise MissingExtraError("comparing scores", "scipy", "train") from error

from eyeshot.studies.crossed import MeanSquares, mean_squares
from eyeshot.studies.failures import fallen_seeds, is_chance, is_saturated
from eyeshot.studies.intervals import ANYWHERE, SHARE, SHARES_APART, is_skewed, noise, over_seeds, over_seeds_and_images
from eyeshot.studies.power import power, round_points, visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ERROR = 0.05


@dataclass(frozen=True, kw_only=True)
class _Arm:
    """An arm's scores by seed, and what is known of its trials beside them."""

    scores: ArmScores
    right: Mapping[int, NDArray[np.bool_]]
    """Which images are right, per seed; empty where that is not known of every seed."""
    weights: Mapping[int, str]
    """A digest per seed of what was trained; empty where it is not known."""
    losses: Mapping[int, float]
    """Over the train images of the last epoch, per seed; empty where that is not known."""
    data: str
    """The fingerprint of the images."""


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
    return _compared([_trained(label, trials) for label, trials in by_arm.items()])


def compared_scores(
    scores: Mapping[str, Mapping[int, float]], *, unit: str = "%"
) -> tuple[tuple[ArmScores, ...], tuple[Difference, ...]]:
    """The same of scores alone, per label by seed: neither what was scored nor anything of images is known.

    ``unit`` is empty where the scores are no percent: then nothing is told by how much is wrong.

    Raises:
        UsageError: two arms share no seed.
    """
    return _compared(
        [
            _Arm(scores=_arm(label, by_seed, scored="score", unit=unit), right={}, weights={}, losses={}, data="")
            for label, by_seed in scores.items()
        ]
    )


def _compared(arms: Sequence[_Arm]) -> tuple[tuple[ArmScores, ...], tuple[Difference, ...]]:
    error = _ERROR / max(len(arms) - 1, 1)
    found = [_found(arms[0], arm, error) for arm in arms[1:]]
    # One number of points for all, so that what they take can be told together.
    largest = max((each.visible for each in found if each.visible), default=None)
    points = None if largest is None else round_points(largest)
    return tuple(arm.scores for arm in arms), tuple(_difference(each, points, error) for each in found)


def _trained(label: str, records: Sequence[Record]) -> _Arm:
    scores = {record.recipe.seed: record.score for record in records}
    if len(scores) < len(records):
        raise UsageError(f"arm {label!r}: two records with one seed; give each trial once")
    right = {record.recipe.seed: record.answers.right for record in records if record.answers is not None}
    is_known = len(right) == len(records) and len({len(each) for each in right.values()}) == 1
    chances = {record.answers.chance for record in records if record.answers is not None}
    arm = _arm(
        label,
        scores,
        right=right if is_known else {},
        chance=max(chances) if is_known else None,
        seconds=fmean(record.seconds for record in records),
        images_per_second=fmean(record.images_per_second for record in records),
        diverged=tuple(record.recipe.seed for record in records if record.is_diverged),
    )
    weights = {record.recipe.seed: record.weights for record in records}
    losses = {record.recipe.seed: record.scores[-1].loss for record in records if record.scores}
    data = {record.recipe.data_fingerprint for record in records}
    return _Arm(
        scores=arm,
        right=right if is_known else {},
        weights=weights,
        losses=losses,
        data=data.pop() if len(data) == 1 else "",
    )


def _arm(
    label: str,
    scores: Mapping[int, float],
    *,
    right: Mapping[int, NDArray[np.bool_]] | None = None,
    chance: float | None = None,
    seconds: float = math.nan,
    images_per_second: float = math.nan,
    diverged: tuple[int, ...] = (),
    scored: str = "test accuracy",
    unit: str = "%",
) -> ArmScores:
    values = list(scores.values())
    images = len(next(iter(right.values()))) if right else None
    squares = mean_squares(_table(right, list(scores))) if right else None
    within = SHARE if unit else ANYWHERE
    seeds = over_seeds(values, error=_ERROR, within=within)
    is_at_chance = all(is_chance(score, chance=chance, images=images) for score in values)
    trained = {seed: score for seed, score in scores.items() if seed not in diverged}
    return ArmScores(
        label=label,
        scores=scores,
        scored=scored,
        unit=unit,
        mean=fmean(values),
        seeds=seeds,
        seeds_and_images=over_seeds_and_images(values, seeds, squares, within=within),
        spread=_spread(values, squares),
        noise=noise(squares, error=_ERROR),
        seconds=seconds,
        images_per_second=images_per_second,
        diverged=diverged,
        fallen=fallen_seeds(trained, chance=chance, images=images) if unit else (),
        chance=chance,
        is_at_chance=is_at_chance,
        is_saturated=bool(unit) and is_saturated(fmean(values)),
        is_skewed=is_skewed(list(trained.values())),
    )


def _table(right: Mapping[int, NDArray[np.bool_]], seeds: Sequence[int]) -> NDArray[np.int8]:
    """A row per seed, 100 where an image is right."""
    return np.stack([right[seed] for seed in seeds]).astype(np.int8) * np.int8(100)


def _spread(values: Sequence[float], squares: MeanSquares | None) -> Spread | None:
    if squares is not None:
        return squares.spread
    return Spread(seeds=stdev(values), images=None, both=None) if len(values) > 1 else None


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A difference before it is said what it takes to see smaller ones."""

    first: ArmScores
    second: ArmScores
    paired: tuple[int, ...]
    left_out: tuple[int, ...]
    values: list[float]
    """Per paired seed."""
    images: int | None
    squares: MeanSquares | None
    seeds: Interval | None
    seeds_and_images: Interval | None
    variance: float
    """Of the mean over seeds."""
    visible: float | None
    is_broken: bool
    is_identical: bool


def _found(first: _Arm, second: _Arm, error: float) -> _Found:
    labels = first.scores.label, second.scores.label
    both = tuple(seed for seed in first.scores.scores if seed in second.scores.scores)
    if not both:
        raise UsageError(f"arms {labels[0]!r} and {labels[1]!r} share no seed, so nothing pairs their scores")
    failed = first.scores.failed | second.scores.failed
    left_out = tuple(seed for seed in both if seed in failed)
    # Where all fail there is still a mean to tell, though no claim.
    paired = tuple(seed for seed in both if seed not in failed) or both
    # Rounded far below one image's worth: the last bits of equal differences must not pass for a spread.
    values = [round(first.scores.scores[seed] - second.scores.scores[seed], 9) for seed in paired]
    table = _paired(first, second, paired)
    squares = None if table is None else mean_squares(table)
    within = SHARES_APART if first.scores.unit else ANYWHERE
    seeds = over_seeds(values, error=error, within=within)
    variance = stdev(values) ** 2 / len(values) if seeds else 0.0
    return _Found(
        first=first.scores,
        second=second.scores,
        paired=paired,
        left_out=left_out,
        values=values,
        images=None if table is None else table.shape[1],
        squares=squares,
        seeds=seeds,
        seeds_and_images=over_seeds_and_images(values, seeds, squares, within=within),
        variance=variance,
        visible=None if seeds is None else visible(variance, len(values), squares, error=error),
        is_broken=bool(left_out) and 2 * len(left_out) >= len(both),
        is_identical=_is_identical(first, second, both),
    )


def _paired(first: _Arm, second: _Arm, seeds: Sequence[int]) -> NDArray[np.int8] | None:
    """100 where the first arm alone is right, −100 where the second is; None where images differ or are not known."""
    if not first.right or not second.right or first.data != second.data:
        return None
    tables = _table(first.right, seeds), _table(second.right, seeds)
    return tables[0] - tables[1] if tables[0].shape == tables[1].shape else None


def _is_identical(first: _Arm, second: _Arm, seeds: Sequence[int]) -> bool:
    def is_same(seed: int) -> bool:
        if first.scores.scores[seed] != second.scores.scores[seed]:
            return False
        if first.weights and first.weights.get(seed) == second.weights.get(seed):
            return True
        # few images, or one answer for all, are the same ones for many networks; a loss is one's own to the last bit
        if first.losses.get(seed) != second.losses.get(seed):
            return False
        return bool(first.right) and bool(second.right) and np.array_equal(first.right[seed], second.right[seed])

    return all(map(is_same, seeds))


def _difference(found: _Found, points: float | None, error: float) -> Difference:
    able = None
    if found.visible is not None and points is not None:
        able = power(found.variance, len(found.values), found.squares, points=points, error=error)
    return Difference(
        first=found.first.label,
        second=found.second.label,
        paired=found.paired,
        left_out=found.left_out,
        mean=fmean(found.values),
        seeds=found.seeds,
        seeds_and_images=found.seeds_and_images,
        images=found.images,
        spread=_spread(found.values, found.squares),
        power=able,
        is_broken=found.is_broken,
        is_identical=found.is_identical,
    )
