"""What a study's scores allow one to say: as plain values, and in sentences that claim no more than their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eyeshot.shown import visible
from eyeshot.studies.scores import ArmScores, Difference

if TYPE_CHECKING:
    from eyeshot.train.record import Record

SCHEMA = "eyeshot.evidence/1"
_WHOLE_SCALE = 100
"""Points between the lowest and the highest score: no difference is larger."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Evidence:
    """All that a study found."""

    arms: tuple[ArmScores, ...]
    differences: tuple[Difference, ...]
    """The first arm against each other one."""

    def __repr__(self) -> str:
        scores = ", ".join(f"{arm.label} {arm.mean:.2f} %" for arm in self.arms)
        return f"<Evidence {scores}; {max(len(arm.scores) for arm in self.arms)} seeds>"

    @property
    def verdict(self) -> str:
        """One sentence per line that claims no more than the intervals allow."""
        return verdict(self.arms, self.differences)

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
        "seconds": arm.seconds if math.isfinite(arm.seconds) else None,
        "images_per_second": arm.images_per_second if math.isfinite(arm.images_per_second) else None,
        "diverged": list(arm.diverged),
    }


def _interval(mean: float, half_width: float | None) -> list[float] | None:
    return None if half_width is None else [mean - half_width, mean + half_width]


def evidence(records: Iterable[Record]) -> Evidence:
    """What the records of a study show; the arm of the first record is the one that others are compared to.

    Raises:
        UsageError: there are no records, one arm has two for one seed, or two arms share no seed.
        MissingExtraError: SciPy is not installed.
    """
    from eyeshot.studies.statistics import compared

    arms, differences = compared(records)
    return Evidence(arms=arms, differences=differences)


def evidence_of(scores: Mapping[str, Mapping[int, float]]) -> Evidence:
    """The same of scores from elsewhere: per label by seed, in percent.

    Raises:
        UsageError: two arms share no seed.
        MissingExtraError: SciPy is not installed.
    """
    from eyeshot.studies.statistics import compared_scores

    arms, differences = compared_scores(scores)
    return Evidence(arms=arms, differences=differences)


def verdict(arms: Sequence[ArmScores], differences: Sequence[Difference]) -> str:
    """Sentences that claim no more than the intervals allow, one per line."""
    by_label = {arm.label: arm for arm in arms}
    lines = [_sentence(each, by_label[each.first], by_label[each.second]) for each in differences]
    if len(differences) > 1 and any(each.has_interval for each in differences):
        lines.append(
            f"Each is at {100 * differences[0].confidence:.3g} % confidence, so that all {len(differences)} "
            "hold together at 95 % (Bonferroni)."
        )
    lines += [
        f"{arm.label} diverged at {_seeds(len(arm.diverged))} ({', '.join(map(str, arm.diverged))}); its "
        "scores there are those of a broken network."
        for arm in arms
        if arm.diverged
    ]
    return "\n".join(map(visible, lines))


def _sentence(difference: Difference, first: ArmScores, second: ArmScores) -> str:
    if difference.is_broken:
        causes = [
            f"{arm.label} diverged at {len(arm.diverged)} of {_seeds(len(arm.scores))}"
            for arm in (first, second)
            if arm.diverged
        ]
        return f"{difference.first} against {difference.second}: no comparison: {' and '.join(causes)}."
    seeds, names = _seeds(len(difference.seeds)), f"{difference.first} against {difference.second}"
    if difference.half_width is None:
        return f"{names}: {_points(difference.mean, None)}, one seed: no interval, no claim."
    if difference.half_width == 0:
        return f"{names}: {_points(difference.mean, None)} at each of {seeds}: no spread, no interval, no claim."
    amount = _points(difference.mean, difference.half_width)
    if difference.is_seen:
        higher, lower = difference.first, difference.second
        if difference.mean < 0:
            higher, lower, amount = lower, higher, _points(-difference.mean, difference.half_width)
        return f"{higher} scores higher than {lower} by {amount} at {seeds}."
    seen = difference.smallest_visible
    if max(difference.half_width, seen or 0.0) > _WHOLE_SCALE:
        return f"{names}: too few seeds to see any difference: {amount} at {seeds}."
    reach = f" (one of {_number(seen, _digits(seen))} would likely have been seen)" if seen else ""
    return f"{names}: no difference seen at {seeds}: {amount}{reach}."


def _seeds(count: int) -> str:
    return f"{count} seed" + ("s" if count != 1 else "")


def _points(mean: float, half_width: float | None) -> str:
    digits = 2 if half_width is None else _digits(half_width)
    spread = "" if half_width is None else f" ± {_number(half_width, digits)}"
    return f"{_number(mean, digits)}{spread} points"


def _digits(width: float) -> int:
    """Decimals that give a width two digits, so that rounding never turns 0.54 ± 0.46 into 0.5 ± 0.5."""
    return 1 if width <= 0 else min(3, max(1, 1 - math.floor(math.log10(width))))


def _number(value: float, digits: int) -> str:
    rounded = round(value, digits) + 0.0  # + 0.0: no "−0.0"
    return f"{rounded:.{digits}f}".replace("-", "−")
