"""What was measured of published claims, in words: amounts to as many digits as their intervals bear."""

from __future__ import annotations

import math
from typing import Any

from eyeshot.design.published import Ends, Outcome, Published, evidence_for
from eyeshot.report.wording import NONE, plain, signed

SCALE = (
    "Published claims, tried at the scale of a laptop: small networks, Fashion-MNIST or a sample of it, paired seeds,"
    " one budget."
    " Points are of test accuracy unless the claim is of something else. A claim is reproduced or reversed where the"
    " interval over other seeds and other images leaves 0 out, or what the claim allows or names; “on these images”"
    " where other images were not asked for."
)
HEADS = "if the claim holds", "measured", "interval", "confidence", "verdict"
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


def record(found: Published) -> dict[str, Any]:
    """A claim's entry in the page's document: all in words, and the interval's ends for a picture of it."""
    return {
        "name": found.name,
        "title": found.title,
        "claim": found.claim,
        "source": found.source.replace("*", ""),
        "outcomes": [
            {
                "study": each.study,
                "says": each.says,
                "amount": amount(each),
                "ends": ends(each, each.interval),
                "confidence": confidence(each),
                "verdict": each.verdict,
                "at": [each.limit, each.mean, *(each.interval or ())],
            }
            for each in found.outcomes
        ],
    }


def evidence_record(kind: str) -> list[dict[str, Any]]:
    """What was measured of a kind of advice, for the document of schema eyeshot.advice/1."""
    return [
        {
            "finding": name,
            "says": each.says,
            "mean": each.mean,
            "unit": each.unit,
            "interval": None if each.interval is None else list(each.interval),
            "confidence": each.confidence,
            "verdict": each.verdict,
        }
        for name, each in evidence_for(kind)
    ]


def evidence_sentences(kind: str) -> list[str]:
    """The same in words, a line each."""
    return [f"{sentence(each)} (findings/{name})" for name, each in evidence_for(kind)]


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
