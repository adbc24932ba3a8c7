"""What was scored: each arm over its seeds, and the differences between arms, with what they let one expect of others.

Two intervals answer two questions: what would *other seeds* give on *these images*, and what would other seeds give on
*other images like these*? The second is the wider one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where a mean may lie, in points."""

    low: float
    high: float
    confidence: float
    """0.95, or more where several intervals share the error."""

    @property
    def half_width(self) -> float:
        """Half of what lies between the ends."""
        return (self.high - self.low) / 2

    @property
    def excludes_zero(self) -> bool:
        """Whether all of it is on one side of 0."""
        return self.low > 0 or self.high < 0

    def is_even(self, mean: float) -> bool:
        """Whether it reaches as far to either side of its mean, so that ± tells it."""
        return abs(self.high + self.low - 2 * mean) < 1e-6 * max(self.high - self.low, 1e-9)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How far scores vary, as standard deviations in points of what each is drawn from.

    With S seeds and I images a mean varies by √(seeds²/S + images²/I + both²/(S·I)).
    """

    seeds: float
    """Of one seed's score on endless images; on the images at hand where those are not known."""
    images: float | None
    """Of one image's score over endless seeds; None where it is not known which images were right."""
    both: float | None
    """Of what is left: the same seed and image, right in one training and wrong in the next."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How much of the variance between seeds' scores is the test set's: seeds that are alike on endless images still
    differ on those at hand."""

    share: float
    """In percent of the variance, 100 at most."""
    interval: Interval
    """Of the share, over other seeds; in percent."""
    deviation: float
    """Of a score over seeds on these images, in points."""
    images: int


@dataclass(frozen=True, kw_only=True)
class Power:
    """What a study can see, and what one would take that sees less."""

    visible: float
    """Points that a true difference needs to be seen four times out of five; from an upper limit of the spread."""
    points: float
    """A smaller difference, for which the following is told."""
    seeds: int | None
    """Seeds, about, that see it on as many images; None where no number does."""
    images: int | None
    """Images, about, that see it at as many seeds; None where no number does or none are known."""
    together: tuple[int, int] | None
    """Seeds and images, both more than now, that see it together; None where no numbers do, or one alone is enough."""


@dataclass(frozen=True, kw_only=True)
class ArmScores:
    """One arm's scores over the seeds."""

    label: str
    scores: Mapping[int, float]
    """By seed; in percent unless ``unit`` says otherwise."""
    scored: str = "test accuracy"
    """What the scores are: "score" where that is not known."""
    unit: str = "%"
    """Empty where the scores are on a scale of their own."""
    mean: float
    """Over all seeds, those at which it did not train too."""
    seeds: Interval | None
    """Of the mean over other seeds on these images; None with one seed."""
    seeds_and_images: Interval | None = None
    """Of the mean over other seeds on other images; None where it is not known which images were right."""
    spread: Spread | None = None
    noise: Noise | None = None
    """The test set's part in the spread of its seeds; None where it is not known which images were right."""
    seconds: float
    """Mean training time of a trial; not a number where it is not known."""
    images_per_second: float
    """Mean training speed of a trial."""
    diverged: tuple[int, ...] = ()
    """Seeds whose loss became NaN or infinite."""
    fallen: tuple[int, ...] = ()
    """Seeds that did not diverge and yet score as if untrained: at chance, or far below all others."""
    chance: float | None = None
    """Percent that one answer for all images scores; None where it is not known."""
    is_at_chance: bool = False
    """No seed scores more than guesses reach."""
    is_saturated: bool = False
    """So few images are wrong that a difference has no room."""
    is_skewed: bool = False
    """Scores reach much farther to one side than a normal distribution's."""

    def told(self, score: float) -> str:
        """A score of it, or their mean, as it is printed."""
        return f"{score:.2f} {self.unit}".rstrip().replace("-", "−")

    @property
    def failed(self) -> frozenset[int]:
        """Seeds at which it did not train."""
        return frozenset((*self.diverged, *self.fallen))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much higher the first arm scores than another, over the seeds at which both trained."""

    first: str
    second: str
    paired: tuple[int, ...]
    """The seeds that are compared."""
    left_out: tuple[int, ...]
    """Seeds that both have and at which one of them did not train."""
    mean: float
    """Points by which `first` scores higher; negative where it scores lower."""
    seeds: Interval | None
    """Over other seeds on these images; None with one seed, or where all seeds agree to the last digit."""
    seeds_and_images: Interval | None
    """Over other seeds on other images like these; None where it is not known which images were right."""
    images: int | None
    """Test images that are paired."""
    spread: Spread | None
    power: Power | None
    is_broken: bool = False
    """One of the two arms did not train at half of the seeds or more, so the difference is not one of designs."""
    is_identical: bool = False
    """Both arms are the same runs: every seed ends with the same weights, or with the same loss and images right."""

    @property
    def widest(self) -> Interval | None:
        """The interval that a claim has to hold by; None where there is no claim to make."""
        return None if self.is_broken else self.seeds_and_images or self.seeds

    @property
    def is_seen(self) -> bool:
        """There is an interval, and the widest leaves 0 out."""
        return self.widest is not None and self.widest.excludes_zero

    @property
    def is_seen_here(self) -> bool:
        """Other seeds would show it on these images, whatever other images do."""
        return not self.is_broken and self.seeds is not None and self.seeds.excludes_zero
