"""Seeds at which a network did not train, and arms whose scores leave no room to compare.

A training that collapses without an infinite loss is another thing than one that ends a little lower: it would decide
every mean that it is in, and no interval over a few seeds can allow for a collapse that none of them met. So such
seeds are told and left out of differences, which are then those of networks that trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from eyeshot.studies.intervals import student

_ERROR = 0.001
"""Share of normal scores that the gap below the others may exceed."""
_WORSE = 1.5
"""Errors of a fallen seed over the others': it gets half as many images more wrong. Skewed scores have gaps too, but do
not reach that far."""
_DEVIATIONS = 3.0
_FULL = 99.5


def fallen_seeds(scores: Mapping[int, float], *, chance: float | None, images: int | None) -> tuple[int, ...]:
    """Seeds that score as if untrained beside others that do not.

    Either at chance and farther below the others than luck goes; or below a gap that a further normal score has once in
    a thousand times (Student's t of the others) and with half as many errors more.
    """
    lost = {seed for seed, score in scores.items() if is_chance(score, chance=chance, images=images)}
    trained = [score for seed, score in scores.items() if seed not in lost]
    if not trained:
        return ()
    if chance is not None and images is not None:
        mean, luck = float(np.mean(trained)), _luck(chance, images)
        lost = {seed for seed in lost if mean - scores[seed] > 2 * luck}
    rest = {seed: score for seed, score in scores.items() if seed not in lost}
    order = sorted(rest, key=lambda seed: rest[seed])
    for count in range((len(order) - 1) // 2, 0, -1):
        others = [rest[seed] for seed in order[count:]]
        if len(others) > 2 and _is_gap(rest[order[count - 1]], others):
            lost.update(order[:count])
            break
    return tuple(seed for seed in scores if seed in lost)


def _is_gap(score: float, others: list[float]) -> bool:
    mean, n = float(np.mean(others)), len(others)
    reach = student(n - 1, 2 * _ERROR) * float(np.std(others, ddof=1)) * math.sqrt(1 + 1 / n)
    return mean - score > reach and 100 - score > _WORSE * (100 - mean)


def is_chance(score: float, *, chance: float | None, images: int | None) -> bool:
    """Whether a score is one that guessing reaches, by three standard deviations; not where chance is unknown."""
    if chance is None or images is None:
        return False
    return score <= chance + _luck(chance, images)


def _luck(chance: float, images: int) -> float:
    """Points that guesses may score above chance."""
    return _DEVIATIONS * math.sqrt(chance * (100 - chance) / images)


def is_saturated(mean: float) -> bool:
    """Whether so few images are wrong, fewer than one in two hundred, that nothing much can be better."""
    return mean >= _FULL
