"""What every arm of a study may spend: epochs, seconds, images or multiply-accumulates."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, cast

from eyeshot.errors import UsageError

Unit = Literal["ep", "s", "img", "mac"]
_UNITS: dict[Unit, str] = {
    "ep": "epochs",
    "s": "training seconds",
    "img": "images seen",
    "mac": "multiply-accumulates forward",
}
_ONE: dict[Unit, str] = {
    "ep": "epoch",
    "s": "training second",
    "img": "image seen",
    "mac": "multiply-accumulate forward",
}
_MOST: dict[Unit, float] = {"ep": 1e7, "s": 1e9}
_MOST_IMAGES = 1e12
"""Some thousand years of a fast machine: more was not meant, and no counter has to hold it."""
_PATTERN = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_NEEDED = "a number and a unit: 5ep (epochs), 60s (seconds), 2e6img (images seen) or 1e12mac (multiply-accumulates)"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """An amount of one unit.

    MACs are those of the forward pass per image times the images seen. The backward pass costs about twice
    as much again, for every arm alike, so it is left out: only the ratio between arms matters.
    Seconds are spent training; testing after each epoch is not counted. They depend on the machine and on
    what else runs there, so a budget in seconds does not give the same numbers twice.
    """

    amount: float
    """How many; positive and finite."""
    unit: Unit

    def __post_init__(self) -> None:
        if not (math.isfinite(self.amount) and self.amount > 0):
            raise UsageError(f"budget {self.amount:g}{self.unit}: nothing can be done with that; give more than 0")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """The budget that a text stands for; `str` gives the text back.

        Raises:
            UsageError: the text is not a positive number with one of the units.

        Example:
            >>> Budget.parse("2e6img")
            Budget(amount=2000000.0, unit='img')
            >>> str(Budget.parse("2000000 img"))
            '2e6img'
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise UsageError(f"budget {text!r}: needed is {_NEEDED}")
        number, unit = match[1], match[2].lower()
        if unit not in _UNITS:
            problem = f"the unit {unit!r} is unknown" if unit else "the unit is missing"
            raise UsageError(f"budget {text!r}: {problem}; needed is {_NEEDED}")
        return cls(amount=float(number), unit=cast("Unit", unit))

    def __str__(self) -> str:
        short = f"{self.amount:g}"
        number = short if float(short) == self.amount else repr(self.amount)
        return re.sub(r"e\+?(-?)0*", r"e\1", number) + self.unit

    def describe(self) -> str:
        """In words, for a report: `5 epochs`."""
        return f"{self.amount:g} {(_ONE if self.amount == 1 else _UNITS)[self.unit]}"

    def images(self, *, macs_per_image: int, train_size: int) -> int | None:
        """How many images an arm sees for this budget, repeats counted; None where the clock decides.

        Raises:
            UsageError: the budget is less than one image, or more than anybody can train.
        """
        if self.amount > _MOST.get(self.unit, math.inf):
            raise UsageError(
                f"budget {self}: more than the {_MOST[self.unit]:g} {_UNITS[self.unit]} allowed; give less"
            )
        if self.unit == "s":
            return None
        if self.unit == "mac" and macs_per_image <= 0:
            raise UsageError(f"budget {self}: the design has no multiply-accumulates to count; use ep, img or s")
        images_per_unit = {"ep": float(train_size), "img": 1.0, "mac": 1 / max(macs_per_image, 1)}[self.unit]
        wanted = self.amount * images_per_unit
        if wanted > _MOST_IMAGES:
            raise UsageError(f"budget {self}: {wanted:g} images, more than the {_MOST_IMAGES:g} allowed; give less")
        count = round(wanted)
        if count < 1:
            raise UsageError(f"budget {self}: less than one image ({macs_per_image:,} MACs each); give more")
        return count
