"""What a study's scores allow one to say: as plain values, and in sentences (``eyeshot.report.claims``)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from eyeshot.report.claims import verdict
from eyeshot.studies.scores import ArmScores, Difference, Interval

if TYPE_CHECKING:
    from eyeshot.studies.measured import Measured
    from eyeshot.train.record import Record

SCHEMA = "eyeshot.evidence/2"


@dataclass(frozen=True, kw_only=True, repr=False)
class Evidence:
    """All that a study found."""

    arms: tuple[ArmScores, ...]
    differences: tuple[Difference, ...]
    """The first arm against each other one."""
    measures: tuple[Measured, ...] = ()
    """What was measured beside accuracy."""

    def __repr__(self) -> str:
        scores = ", ".join(f"{arm.label} {arm.told(arm.mean)}" for arm in self.arms)
        return f"<Evidence {scores}; {max(len(arm.scores) for arm in self.arms)} seeds>"

    @property
    def verdict(self) -> str:
        """One sentence per line that claims no more than the intervals allow."""
        return verdict(self.arms, self.differences)

    def for_page(self, terms: str) -> dict[str, Any]:
        """As the page takes it: with the terms in words, and measures as the table that terminals print."""
        from eyeshot.report.measures import measures_table

        table = None
        if self.measures:
            told = list(dict.fromkeys(f"{each.name}: {each.measure.says}." for each in self.measures))
            table = {**measures_table(self.measures).plain(), "says": told}
        return self.to_json() | {"terms": terms, "measured": table}

    def to_json(self) -> dict[str, Any]:
        """As plain values for reports and scripts."""
        return {
            "schema": SCHEMA,
            "arms": [_arm_json(arm) for arm in self.arms],
            "differences": [_difference_json(difference) for difference in self.differences],
            "verdict": self.verdict,
            "measures": [_measured_json(measured) for measured in self.measures],
        }


def _arm_json(arm: ArmScores) -> dict[str, Any]:
    return {
        "label": arm.label,
        "scores": {str(seed): score for seed, score in arm.scores.items()},
        "scored": arm.scored,
        "unit": arm.unit,
        "mean": arm.mean,
        "seeds": _interval(arm.seeds),
        "seeds_and_images": _interval(arm.seeds_and_images),
        "spread": None if arm.spread is None else asdict(arm.spread),
        "noise": None if arm.noise is None else {**asdict(arm.noise), "interval": _interval(arm.noise.interval)},
        "seconds": arm.seconds if math.isfinite(arm.seconds) else None,
        "images_per_second": arm.images_per_second if math.isfinite(arm.images_per_second) else None,
        "diverged": list(arm.diverged),
        "fallen": list(arm.fallen),
        "chance": arm.chance,
        "at_chance": arm.is_at_chance,
        "saturated": arm.is_saturated,
        "skewed": arm.is_skewed,
    }


def _difference_json(difference: Difference) -> dict[str, Any]:
    is_told = not difference.is_broken
    return {
        "first": difference.first,
        "second": difference.second,
        "paired": list(difference.paired),
        "left_out": list(difference.left_out),
        "images": difference.images,
        "mean": difference.mean,
        "seeds": _interval(difference.seeds) if is_told else None,
        "seeds_and_images": _interval(difference.seeds_and_images) if is_told else None,
        "seen": difference.is_seen,
        "power": asdict(difference.power) if difference.power is not None and is_told else None,
        "spread": None if difference.spread is None else asdict(difference.spread),
        "broken": difference.is_broken,
        "identical": difference.is_identical,
    }


def _measured_json(measured: Measured) -> dict[str, Any]:
    shown = measured.measure
    return {
        "name": measured.name,
        "part": measured.part,
        "says": shown.says,
        "repeatable": shown.is_repeatable,
        "shown": {"unit": shown.unit, "times": shown.times, "digits": shown.digits},
        "arms": [
            {
                "label": arm.label,
                "values": {str(seed): value for seed, value in arm.values.items()},
                "mean": arm.mean,
                "seeds": _interval(arm.seeds),
            }
            for arm in measured.arms
        ],
        "differences": [
            {
                "first": each.first,
                "second": each.second,
                "paired": list(each.paired),
                "mean": each.mean,
                "seeds": _interval(each.seeds),
            }
            for each in measured.differences
        ],
    }


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else {"interval": [interval.low, interval.high], "confidence": interval.confidence}


def evidence(records: Iterable[Record]) -> Evidence:
    """What the records of a study show; the arm of the first record is the one that others are compared to.

    Raises:
        UsageError: there are no records, one arm has two for one seed, or two arms share no seed.
        MissingExtraError: SciPy is not installed.
    """
    from eyeshot.studies.statistics import compared

    trained = list(records)
    arms, differences = compared(trained)
    from eyeshot.studies.measured import measured

    return Evidence(arms=arms, differences=differences, measures=measured(trained, differences))


def evidence_of(scores: Mapping[str, Mapping[int, float]], *, unit: str = "%") -> Evidence:
    """The same of scores from elsewhere: per label by seed, in percent, or with ``unit`` empty on a scale of their own.

    Raises:
        UsageError: two arms share no seed.
        MissingExtraError: SciPy is not installed.
    """
    from eyeshot.studies.statistics import compared_scores

    arms, differences = compared_scores(scores, unit=unit)
    return Evidence(arms=arms, differences=differences)
