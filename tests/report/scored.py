"""Arms with scores, for what is drawn and said of them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from eyeshot.studies.scores import ArmScores


def arm(label: str, scores: Sequence[float], *, half_width: float | None = None) -> ArmScores:
    """An arm with these scores at seeds 0, 1 …"""
    return ArmScores(
        label=label,
        scores=dict(enumerate(scores)),
        mean=fmean(scores),
        half_width=half_width,
        seconds=1.0,
        images_per_second=1000.0,
        diverged=(),
    )
