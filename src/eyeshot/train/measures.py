"""What else than accuracy is measured of a trained network on its test images, once training is over.

A measure is a function of the network and its images, and a line in ``MEASURES``. Plans name measures where there is no
PyTorch; only who takes one imports it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from eyeshot.errors import UsageError
from eyeshot.nearest import did_you_mean
from eyeshot.shown import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eyeshot.train.tested import Tested

_BINS = 15
_SHARE = 0.08
"""Of the side of an image, by which it is moved at most."""
_PASSES = 5


def loss(tested: Tested) -> float:
    """Mean cross entropy of the test images, in nats."""
    from torch.nn import functional

    sums = [functional.cross_entropy(logits, labels, reduction="sum").item() for logits, labels in tested.batches()]
    return sum(sums) / len(tested.test.labels)


def calibration(tested: Tested) -> float:
    """Expected calibration error in points: how far confidence is from accuracy, over 15 bins of equal width.

    Source: Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks" (arXiv:1706.04599), section 2.
    """
    import torch

    shares = torch.cat(tested.logits).double().softmax(1)
    confidence, answer = (each.cpu().numpy() for each in shares.max(1))
    if not np.isfinite(confidence).all():
        return math.nan
    bins = np.ceil(confidence * _BINS).astype(int) - 1  # a bin is open below and closed above
    gaps = confidence - (answer == tested.test.labels.cpu().numpy())
    return 100 * float(np.abs(np.bincount(bins, gaps)).sum()) / len(gaps)


def shift(tested: Tested) -> float:
    """Percent of the test images whose answer stays when they move by up to 8 % of their side, over black.

    Each image's move is drawn once for all arms and seeds; none is left where it is. An answer that is not finite does
    not stay.

    Source: Zhang 2019, "Making convolutional networks shift-invariant again" (arXiv:1904.11486), section 4, which moves
    both images.
    """
    import torch

    from eyeshot.train.batches import shifted
    from eyeshot.train.tested import BATCH

    images = tested.test.images
    moves, reach = _moves(len(images), *images.shape[2:])
    split = torch.from_numpy(moves + reach).to(images.device).split(BATCH)
    stays = 0
    for pixels, by, before in zip(images.split(BATCH), split, tested.logits, strict=True):
        after = tested.logits_of(shifted(pixels, by, reach))
        stays += int(((before.argmax(1) == after.argmax(1)) & (before + after).isfinite().all(1)).sum())
    return 100 * stays / len(images)


def _moves(count: int, height: int, width: int) -> tuple[NDArray[np.int64], int]:
    """Pixels along both axes for each image, any but none at all; and how many there may be."""
    high, wide = (max(1, round(_SHARE * side)) for side in (height, width))
    every = [(y, x) for y in range(-high, high + 1) for x in range(-wide, wide + 1) if (y, x) != (0, 0)]
    draw = np.random.Generator(np.random.PCG64(0))
    return np.array(every)[draw.integers(0, len(every), size=count)], max(high, wide)


def seconds(tested: Tested) -> float:
    """Seconds per image of a forward pass of one test batch: the median of five after one that is not counted."""
    from eyeshot.train.tested import BATCH

    images = tested.test.images[:BATCH]
    spent = []
    for _ in range(1 + _PASSES):
        started = time.perf_counter()
        tested.logits_of(images).cpu()  # which waits for the device
        spent.append(time.perf_counter() - started)
    return median(spent[1:]) / len(images)


def probes(tested: Tested) -> Mapping[str, float]:
    """Percent of the test images that a linear classifier tells from each layer (see ``eyeshot.train.probes``)."""
    from eyeshot.train import probes as of_layers

    return of_layers.probes(tested)


def position(tested: Tested) -> Mapping[str, float]:
    """Percent of units whose place a linear classifier tells from them alone (see ``eyeshot.train.position``)."""
    from eyeshot.train import position as of_units

    return of_units.position(tested)


def seams(tested: Tested) -> float:
    """Steps between tiles of the last map, in percent of its deviation (see ``eyeshot.train.seams``)."""
    from eyeshot.train import seams as of_tiles

    return of_tiles.seams(tested)


def effective(tested: Tested) -> Mapping[str, float]:
    """σ of the effective field in pixels, before and after training (see ``eyeshot.train.effective``)."""
    from eyeshot.train.effective import effective_field

    return effective_field(tested)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Something to measure, and how it is shown."""

    take: Callable[[Tested], float | Mapping[str, float]]
    """Of several numbers each has a part's name, such as a layer's."""
    says: str
    """What it is, in words."""
    column: str
    """What it is called in tables of trainings."""
    unit: str
    """Of what it is shown in."""
    times: float = 1.0
    """From what is kept to what is shown."""
    digits: int = 2
    is_share: bool = False
    """It is in percent of something, and so from 0 to 100."""
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What is told of two of its parts too, by name: the first minus the second, seed by seed."""
    is_repeatable: bool = True
    """The same network gives the same number again; else it depends on the machine and what else runs there."""


MEASURES = {
    "loss": Measure(take=loss, column="test_loss", unit="nats", digits=4,
                    says="mean cross entropy of the test images; less is better"),
    "calibration": Measure(take=calibration, column="calibration", unit="points", is_share=True,
                           says="expected calibration error, 15 bins; less is better"),
    "shift": Measure(take=shift, column="shift", unit="%", is_share=True,
                     says="answers that stay when the image moves by up to 8 % of its side; more is better"),
    "seconds": Measure(take=seconds, column="seconds_per_image", unit="µs", times=1e6, digits=1, is_repeatable=False,
                       says="a forward pass, per image; of this machine and what else ran there"),
    "probes": Measure(take=probes, column="probe", unit="%", is_share=True,
                      says="test images that a linear classifier tells from that layer alone; more is better"),
    "position": Measure(take=position, column="position", unit="%", is_share=True,
                        says="units whose row or column a linear classifier tells from their channels alone, where"
                             " images say nothing of it"),
    "effective": Measure(take=effective, column="effective_sigma", unit="px",
                         changes={"growth": ("after", "before")},
                         says="σ of the effective field of the last map's centre unit, before and after training"),
    "seams": Measure(take=seams, column="seams", unit="%", digits=4,
                     says="steps where four tiles of the last map meet that the whole map has not, of its deviation;"
                          " less is better"),
}  # fmt: skip
_PART = "/"
"""Between a measure's name and that of a part of it."""


def measure_of(key: str) -> str:
    """The name in ``MEASURES`` of what a record keeps, such as "probes" of "probes/conv1"."""
    return key.partition(_PART)[0]


def part_of(key: str) -> str | None:
    """The part that a record's number is of, such as "conv1" of "probes/conv1"; None for a measure of one number."""
    return key.partition(_PART)[2] or None


def key_of(name: str, part: str) -> str:
    """What a record keeps a part of a measure under."""
    return f"{name}{_PART}{part}"


def column_of(key: str) -> str:
    """What it is called in tables of trainings."""
    return _PART.join((MEASURES[measure_of(key)].column, *key.partition(_PART)[2:])).rstrip(_PART)


def known(kept: Mapping[str, float | None]) -> dict[str, float | None]:
    """What is kept of measures that there are, in their order; a measure's parts stay in theirs."""
    return {key: kept[key] for name in MEASURES for key in kept if measure_of(key) == name}


ACCURACY = "accuracy"
"""What is always measured."""
NAMES = (ACCURACY, *MEASURES)
"""All that may be asked for."""


def measures_named(names: Iterable[str]) -> tuple[str, ...]:
    """Which of ``MEASURES`` are asked for, each once and in their order.

    Raises:
        UsageError: there is no such measure.
    """
    asked = tuple(names)
    for name in asked:
        if name not in NAMES:
            raise UsageError(
                f"no measure {quoted(name)}; {did_you_mean(name, NAMES) or 'there are ' + ', '.join(NAMES)}"
            )
    return tuple(name for name in MEASURES if name in asked)


def taken(names: Iterable[str], tested: Tested) -> dict[str, float | None]:
    """What is measured, by names and those of parts; None where it is no number."""
    found: dict[str, float] = {}
    for name in names:
        value = MEASURES[name].take(tested)
        parts = {name: value} if isinstance(value, float) else {key_of(name, part): n for part, n in value.items()}
        found |= parts
    return {key: value if math.isfinite(value) else None for key, value in found.items()}
