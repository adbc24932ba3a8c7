"""What was scored: each arm over its seeds, and the differences between arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
    """Mean training time of a trial; not a number where it is not known."""
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
