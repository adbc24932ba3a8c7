"""What a run leaves: its recipe, where it ran, its scores after each epoch, which test images it got right, and
what else was measured of it.

The images are a bit each, eight to a byte as ``numpy.packbits`` puts them: 1.25 kB for 10,000. Records of schema 2 have
none of them and are still read, as are those without measures.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from eyeshot.documents import converted
from eyeshot.train.measures import MEASURES, known, measure_of
from eyeshot.train.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA = "eyeshot.record/3"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """Which test images a network put in their class, in the order of the data set."""

    images: int
    """How many there are."""
    bits: bytes
    """One per image, the first image's is the highest of the first byte; 1 where it is right."""
    chance: float
    """Percent that the answer scores which is right most often, whatever the picture."""

    @classmethod
    def of(cls, right: NDArray[np.bool_], *, chance: float) -> Answers:
        """The same of one truth value per image."""
        import numpy as np

        return cls(images=len(right), bits=np.packbits(right).tobytes(), chance=chance)

    @property
    def right(self) -> NDArray[np.bool_]:
        """One truth value per image."""
        import numpy as np

        return np.unpackbits(np.frombuffer(self.bits, np.uint8), count=self.images).astype(np.bool_)

    @property
    def accuracy(self) -> float:
        """Images that are right, in percent."""
        return 100 * int.from_bytes(self.bits, "big").bit_count() / self.images

    def to_json(self) -> dict[str, Any]:
        """As plain values, the bits in base64; `from_json` reads it back."""
        return {"images": self.images, "right": base64.b64encode(self.bits).decode("ascii"), "chance": self.chance}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Answers:
        """What `to_json` wrote.

        Raises:
            ValueError: the values are none, or the bits are not those of as many images.
        """
        kept = converted(values, _KeptAnswers)
        try:
            bits = base64.b64decode(kept.right, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the test images are not in base64: {error}") from None
        if (
            kept.images < 1
            or len(bits) != -(-kept.images // 8)
            or int.from_bytes(bits, "big") % (1 << -kept.images % 8)
        ):
            raise ValueError(f"{len(bits)} bytes do not tell of {kept.images} test images")
        if not 0 < kept.chance <= 100:
            raise ValueError(f"chance {kept.chance} cannot be")
        return cls(images=kept.images, bits=bits, chance=kept.chance)


@dataclass(frozen=True, kw_only=True)
class _KeptAnswers:
    images: int
    right: str
    chance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Where a run stood after an epoch, or after the part of one that the budget allowed."""

    epoch: int
    """1 for the first."""
    images: int
    """Images seen since the start, repeats counted."""
    seconds: float
    """Training time since the start, testing and pauses left out."""
    loss: float
    """Mean cross entropy over this epoch's train images, in nats; NaN once diverged."""
    accuracy: float
    """Test images put in their class, in percent."""
    test_loss: float | None = None
    """Mean cross entropy over the test images, in nats; None where it is not finite or was not kept."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """The outcome of one recipe."""

    recipe: Recipe
    versions: Mapping[str, str]
    """What it ran on: python, torch, numpy, eyeshot, platform, processor, threads."""
    scores: tuple[Score, ...]
    is_diverged: bool
    """The loss became infinite or NaN and training stopped there; the score is that of the broken network."""
    weights: str
    """SHA-256 of the final weights: two runs with the same one are the same run."""
    answers: Answers | None = None
    """Which test images are right at the end; None in records that did not keep it."""
    measures: Mapping[str, float | None] = field(default_factory=dict)
    """What else was measured at the end, by the names of ``eyeshot.train.measures``, those of several numbers by name
    and part ("probes/conv1"); None for what is no number."""

    def has(self, measures: Iterable[str]) -> bool:
        """Whether all of some measures were taken."""
        return set(measures) <= set(map(measure_of, self.measures))

    def with_measures(self, taken: Mapping[str, float | None]) -> Record:
        """The same with more that was measured."""
        return dataclasses.replace(self, measures=known({**self.measures, **taken}))

    @property
    def score(self) -> float:
        """Test accuracy at the end, in percent."""
        return self.scores[-1].accuracy

    @property
    def seconds(self) -> float:
        """Training time, testing and pauses left out."""
        return self.scores[-1].seconds

    @property
    def images(self) -> int:
        """Images seen, repeats counted."""
        return self.scores[-1].images

    @property
    def images_per_second(self) -> float:
        """Training speed."""
        return self.images / self.seconds if self.seconds else math.nan

    @property
    def numbers(self) -> tuple[Any, ...]:
        """What the same recipe must repeat to the last bit on the same machine: all but times and
        versions."""
        return (
            *((s.epoch, s.images, repr(s.loss), s.accuracy, s.test_loss) for s in self.scores),
            self.is_diverged,
            self.weights,
            self.answers,
            *((name, value) for name, value in self.measures.items() if MEASURES[measure_of(name)].is_repeatable),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values; `from_json` reads it back. A loss of NaN or infinity is null, since JSON has
        neither."""
        return {
            "schema": SCHEMA,
            "recipe": self.recipe.to_json(),
            "versions": dict(self.versions),
            "scores": [
                {**dataclasses.asdict(s), "loss": s.loss if math.isfinite(s.loss) else None} for s in self.scores
            ],
            "score": self.score,
            "seconds": self.seconds,
            "images_per_second": self.images_per_second if self.seconds else None,
            "diverged": self.is_diverged,
            "weights": self.weights,
            "answers": None if self.answers is None else self.answers.to_json(),
            "measures": dict(self.measures),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """The record that `to_json` wrote.

        Raises:
            ValueError: the values are no record of this schema, or do not agree with each other.
        """
        kept = converted(values, _Kept)
        # NaN, which a loss is once a run has diverged, is no number in JSON.
        scores = [converted({**each, "loss": math.nan if each.get("loss") is None else each["loss"]}, Score)
                  for each in kept.scores]  # fmt: skip
        check_scores(scores, is_diverged=kept.diverged)
        if (kept.score, kept.seconds) != (scores[-1].accuracy, scores[-1].seconds):
            raise ValueError(f"score {kept.score} in {kept.seconds} s is not the last of its scores")
        if not _SHA256.fullmatch(kept.weights):
            raise ValueError(f"weights {kept.weights!r}: needed is a SHA-256")
        answers = None if kept.answers is None else Answers.from_json(kept.answers)
        if answers is not None and answers.accuracy != kept.score:
            raise ValueError(f"score {kept.score} is not that of its test images, which is {answers.accuracy}")
        for name, value in kept.measures.items():
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} {value} cannot be")
        return cls(
            recipe=Recipe.from_json(kept.recipe),
            versions=kept.versions,
            scores=tuple(scores),
            is_diverged=kept.diverged,
            weights=kept.weights,
            answers=answers,
            # those of a later version are no loss: what is asked for and not there is measured
            measures=known(kept.measures),
        )


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A record as it lies in its file."""

    schema: Literal["eyeshot.record/2", "eyeshot.record/3"]
    recipe: dict[str, Any]
    versions: dict[str, str]
    scores: list[dict[str, Any]]
    score: float
    seconds: float
    diverged: bool
    weights: str
    answers: dict[str, Any] | None = None
    measures: dict[str, float | None] = field(default_factory=dict)


def check_scores(scores: Sequence[Score], *, is_diverged: bool) -> None:
    """Complain of scores that no training gives.

    Raises:
        ValueError: there are none, they are not of one epoch after the other, or a number in them cannot be.
    """
    if not scores:
        raise ValueError("it has no scores")
    images, seconds = 0, 0.0
    for number, score in enumerate(scores, start=1):
        is_last = number == len(scores)
        for name, is_right in (
            ("epoch", score.epoch == number),
            ("images", score.images > images),
            ("seconds", seconds <= score.seconds < math.inf),
            ("loss", math.isfinite(score.loss) or (is_diverged and is_last)),
            ("accuracy", 0 <= score.accuracy <= 100),
            ("test_loss", score.test_loss is None or 0 <= score.test_loss < math.inf),
        ):
            if not is_right:
                raise ValueError(f"{name} {getattr(score, name)} of epoch {number} cannot be")
        images, seconds = score.images, score.seconds
