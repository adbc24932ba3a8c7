"""Arms with scores, for what is drawn and said of them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from eyeshot.studies.scores import ArmScores, Interval


def arm(
    label: str, scores: Sequence[float], *, half_width: float | None = None, wider: float | None = None
) -> ArmScores:
    """An arm with these scores at seeds 0, 1 …, its intervals over seeds and over images too so wide."""
    return ArmScores(
        label=label,
        scores=dict(enumerate(scores)),
        mean=fmean(scores),
        seeds=None if half_width is None else around(fmean(scores), half_width),
        seeds_and_images=None if wider is None else around(fmean(scores), wider),
        seconds=1.0,
        images_per_second=1000.0,
    )


def around(mean: float, half_width: float) -> Interval:
    """The interval of so much to either side."""
    return Interval(low=mean - half_width, high=mean + half_width, confidence=0.95)
