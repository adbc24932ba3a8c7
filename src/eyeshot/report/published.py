"""What was measured of published claims, in words: amounts to as many digits as their intervals bear."""

from __future__ import annotations

import math

from eyeshot.design.published import Ends, Outcome
from eyeshot.report.wording import NONE, plain, signed

SCALE = (
    "Measured at the scale of a laptop: small networks, Fashion-MNIST or a sample of it, paired seeds, one budget."
    " Points are of test accuracy unless the claim is of something else. A claim is reproduced or reversed where the"
    " interval over other seeds and other images leaves 0 out, or what the claim allows or names; “on these images”"
    " where other images were not asked for."
)
_POINTS = 2
"""Decimals of points: a hundredth of one is an image in 10,000."""


def amount(outcome: Outcome) -> str:
    """The mean with its unit.

    Example:
        >>> from dataclasses import replace
        >>> seams = Outcome(study="tiles", says="", arms=("a",), measure="seams", verdict="reproduced", mean=30.0904,
        ...                 unit="%", seeds=(26.7622, 33.4185), both=None, confidence=0.95, limit=1)
        >>> amount(seams), ends(seams, seams.seeds)
        ('30.1 %', '26.8 … 33.4')
        >>> none = replace(seams, mean=0.0, seeds=(0.0, 0.0), limit=0.01)
        >>> amount(none), ends(none, none.seeds)
        ('< 0.01 %', '–')
    """
    if _is_nothing(outcome):
        return f"< {outcome.limit:g} {outcome.unit}"
    return f"{_number(outcome, outcome.mean)} {outcome.unit}"


def ends(outcome: Outcome, interval: Ends | None) -> str:
    """One of the intervals, in the same unit."""
    if interval is None or interval[0] == interval[1]:
        return NONE  # every seed gives the same, or there is no spread to tell one from
    return " … ".join(_number(outcome, end) for end in interval)


def confidence(outcome: Outcome) -> str:
    """Of the intervals; none where no interval has it."""
    return f"{100 * outcome.confidence:.3g} %" if outcome.confidence else NONE


def sentence(outcome: Outcome) -> str:
    """One line: what is said to come out, and what did."""
    told = f"{outcome.says}: {amount(outcome)}"
    if (interval := ends(outcome, outcome.interval)) != NONE:
        told += f" ({interval} at {confidence(outcome)})"
    return f"{told}, {outcome.verdict}"


def _number(outcome: Outcome, value: float) -> str:
    if outcome.is_difference:
        return signed(value, _POINTS)
    return plain(value, _decimals(outcome))


def _decimals(outcome: Outcome) -> int:
    """Two significant digits of half the interval's width, as measurements are told with their uncertainty."""
    width = 0.0 if outcome.interval is None else (outcome.interval[1] - outcome.interval[0]) / 2
    scale = width or abs(outcome.mean) or 1.0
    return max(0, 1 - math.floor(math.log10(scale)))


def _is_nothing(outcome: Outcome) -> bool:
    """Whether an amount lies so far below the number that the claim names that its digits would be noughts."""
    return not outcome.is_difference and outcome.limit > 0 and abs(outcome.mean) < outcome.limit / 100
