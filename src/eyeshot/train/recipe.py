"""All that decides how one network is trained, and so the whole input of a run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from eyeshot.documents import converted
from eyeshot.errors import UsageError
from eyeshot.train.budget import Budget
from eyeshot.train.device import DEVICES, Device, Precision

__all__ = ["AUGMENTS", "Budget", "Options", "Recipe"]

Augment = Literal["none", "shift", "flip", "alternating-flip", "shift+flip", "shift+alternating-flip"]
AUGMENTS: tuple[Augment, ...] = get_args(Augment)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to train, alike for every arm of a study."""

    batch_size: int = 64
    """Images per step. Small batches give many steps, which is what a budget of a few epochs lacks."""
    learning_rate: float = 0.05
    """The highest rate, reached after the warm-up."""
    warm_up: float = 0.15
    """Share of the budget over which the rate rises from 0, before it falls to 0 along a cosine."""
    momentum: float = 0.9
    """SGD's momentum, in Nesterov's form."""
    weight_decay: float = 5e-4
    """The L2 penalty, as in AlexNet and VGG; on every parameter alike."""
    clip: float = 1.0
    """The largest norm of a step's gradient, larger ones are scaled down to it; 0 for none. Plain nets with
    many pools need it to start at all."""
    augment: Augment = "none"
    """`shift` moves each image by up to 2 pixels per axis over black; it helps from some ten epochs on. `flip` mirrors
    each image from left to right or not, drawn anew each epoch; `alternating-flip` draws that for the first epoch and
    changes it from one to the next, so that two epochs show every image both ways (Jordan 2024, arXiv:2404.00498, on
    derandomised flipping)."""
    threads: int = 1
    """Threads per trial. One is fastest for small nets as soon as anything else runs on the machine."""
    precision: Precision = "fp32"
    """`bf16` computes in bfloat16 where PyTorch deems it safe; faster only on processors that have it."""
    mean: tuple[float, ...] | None = None
    """Per channel, on the scale 0 to 1, what is taken from the images; the train images' own mean unless given."""
    std: tuple[float, ...] | None = None
    """What they are divided by then, alike; together with `mean` or not at all."""
    device: Device | None = None
    """What computes; the processor unless given. Scores of one device are not those of another, to the last digit."""

    def __post_init__(self) -> None:
        for name, is_right, needed in (
            ("batch_size", self.batch_size >= 1, "1 or more"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "a number more than 0"),
            ("warm_up", 0 <= self.warm_up < 1, "from 0 to less than 1"),
            ("momentum", 0 <= self.momentum < 1, "from 0 to less than 1"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more"),
            ("clip", 0 <= self.clip < math.inf, "0 or more (0 for none)"),
            ("augment", self.augment in AUGMENTS, ", ".join(map(repr, AUGMENTS[:-1])) + f" or {AUGMENTS[-1]!r}"),
            ("threads", self.threads >= 1, "1 or more"),
            ("precision", self.precision in ("fp32", "bf16"), "'fp32' or 'bf16'"),
            ("device", self.device in (None, *DEVICES), ", ".join(map(repr, DEVICES[:-1])) + f" or {DEVICES[-1]!r}"),
            ("mean", all(map(math.isfinite, self.mean or ())), "a number a channel"),
            ("std", all(0 < each < math.inf for each in self.std or ()), "a number more than 0 a channel"),
        ):
            if not is_right:
                raise UsageError(f"{name} {getattr(self, name)!r}: needed is {needed}")

        if (self.mean is None) is not (self.std is None):
            raise UsageError("mean and std go together: give both, per channel, on the scale 0 to 1")

    def check_channels(self, channels: int) -> None:
        """Complain of means or deviations of other images than those of so many channels.

        Raises:
            UsageError: they are for more or fewer.
        """
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != channels:
                raise UsageError(f"{name} {list(values)}: the images have {channels} channels; give as many numbers")

    def to_json(self) -> dict[str, Any]:
        """As plain values; what nothing was given for is left out, as it was before there was such a choice."""
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}

    def rate(self, spent: float) -> float:
        """The learning rate once a share of the budget, 0 to 1, is spent."""
        if spent < self.warm_up:
            # A rate of exactly 0 would waste the first step.
            return self.learning_rate * max(spent / self.warm_up, 0.02)
        along = min(1.0, (spent - self.warm_up) / (1 - self.warm_up))
        return self.learning_rate * (1 + math.cos(math.pi * along)) / 2


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One design, one seed, one set of images, one budget."""

    label: str
    """The arm's name; recipes that differ by seed alone share it."""
    design: str
    """What was typed to name the network: notation, a zoo's name or a model's path."""
    network_fingerprint: str = ""
    """Hash of the network's text, where the caller has one."""
    macs: int
    """Multiply-accumulates of one image's forward pass."""
    seed: int
    """Decides the first weights and, for all arms alike, the order and the augmentation of images; 0 or
    more."""
    data: str
    """What was typed to name the images."""
    data_fingerprint: str
    """`Dataset.fingerprint`: the same name may hold other images tomorrow."""
    budget: Budget
    options: Options = Options()

    def __post_init__(self) -> None:
        check_seed(self.seed)

    def to_json(self) -> dict[str, Any]:
        """As plain values; `from_json` reads it back."""
        return {**dataclasses.asdict(self), "budget": str(self.budget), "options": self.options.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote.

        Raises:
            ValueError: the values are none.
        """
        return converted(with_budget(values), cls)


def check_seed(seed: int) -> None:
    """Complain of a number that draws nothing."""
    if seed < 0:
        raise UsageError(f"seed {seed}: needed is 0 or more")


def with_budget(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values in which the budget, a text in files, is an object.

    Raises:
        ValueError: there is no budget, or it cannot be read.
    """
    text = values.get("budget")
    if not isinstance(text, str):
        raise ValueError(f"budget {text!r}: needed is a text such as '5ep'")
    try:
        return {**values, "budget": dataclasses.asdict(Budget.parse(text))}
    except UsageError as error:
        raise ValueError(error.said) from error
