"""What a run leaves: its recipe, where it ran, and its scores after each epoch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eyeshot.train.recipe import Recipe

SCHEMA = "eyeshot.record/1"


@dataclass(frozen=True, kw_only=True)
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
            *((s.epoch, s.images, repr(s.loss), s.accuracy) for s in self.scores),
            self.is_diverged,
            self.weights,
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
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """The record that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: the values are no record of this schema.
        """
        if values["schema"] != SCHEMA:
            raise ValueError(f"schema {values['schema']!r}, needed is {SCHEMA!r}")
        return cls(
            recipe=Recipe.from_json(values["recipe"]),
            versions=dict(values["versions"]),
            scores=tuple(
                Score(**{**s, "loss": math.nan if s["loss"] is None else s["loss"]}) for s in values["scores"]
            ),
            is_diverged=values["diverged"],
            weights=values["weights"],
        )
