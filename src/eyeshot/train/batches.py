"""The images of one epoch in their order, the same for every arm: they depend on seed and epoch alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from eyeshot.train.dataset import Dataset, Labels, Pixels
from eyeshot.train.machine import PROCESSOR
from eyeshot.train.recipe import Options

_SHIFT = 2
"""Pixels by which `shift` moves an image at most: a fourteenth of a 28-pixel image, as 4 of 32 is usual for
CIFAR."""


class Labelled(NamedTuple):
    """Images and their classes where they are computed with."""

    images: torch.Tensor
    """Bytes (images, channels, height, width)."""
    labels: torch.Tensor

    @classmethod
    def on(cls, device: torch.device, images: Pixels, labels: Labels) -> Labelled:
        """Both on a device, where they stay; copied, since some sets of images may not be written to."""
        return cls(torch.tensor(images, device=device), torch.tensor(labels, device=device))


class Normaliser:
    """From stored bytes to what a network takes: each channel with mean 0 and deviation 1."""

    def __init__(self, dataset: Dataset, device: torch.device = PROCESSOR) -> None:
        mean, std = (torch.tensor(values, dtype=torch.float32) for values in (dataset.mean, dataset.std))
        self._scale = (1 / (255 * std)).view(1, -1, 1, 1).to(device)
        self._offset = (-mean / std).view(1, -1, 1, 1).to(device)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Images as float32 in channels-last order, which is faster on CPUs and GPUs alike."""
        pixels = images.to(torch.float32, copy=True)
        return pixels.mul_(self._scale).add_(self._offset).contiguous(memory_format=torch.channels_last)


def batches(
    labelled: Labelled,
    options: Options,
    *,
    seed: int,
    epoch: int,
    count: int,
    normalise: Callable[[torch.Tensor], torch.Tensor],
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Images and labels of one epoch, or of its first part; made where the images are.

    Batches differ in size by one at most, so that none is too small for batch normalisation.

    Args:
        epoch: 0 for the first.
        count: how many, at most all.
    """
    # Drawn by NumPy on the processor, whatever device the images are on: every device sees the same.
    draw = np.random.Generator(np.random.PCG64([seed, epoch]))
    images, labels = labelled
    size, device = len(images), images.device
    ways = options.augment.split("+")
    # All is drawn for the whole epoch first, so that neither batch size nor budget changes it.
    order = torch.from_numpy(draw.permutation(size)).to(device)
    shifts = flips = None
    if "shift" in ways:
        shifts = torch.from_numpy(draw.integers(0, 2 * _SHIFT + 1, size=(size, 2))).to(device)
    if (mirrored := _mirrored(ways, draw, size, seed=seed, epoch=epoch)) is not None:
        flips = torch.from_numpy(mirrored).to(device)
    for chosen in order[:count].tensor_split(-(-count // options.batch_size)):
        pixels = images[chosen]
        if shifts is not None:
            pixels = shifted(pixels, shifts[chosen])
        if flips is not None:
            pixels = torch.where(flips[chosen, None, None, None], pixels.flip(-1), pixels)
        yield normalise(pixels), labels[chosen]


def _mirrored(
    ways: Sequence[str], draw: np.random.Generator, size: int, *, seed: int, epoch: int
) -> NDArray[np.bool_] | None:
    """Which images an epoch mirrors; None for no flipping."""
    if "flip" in ways:
        return draw.random(size) < 0.5
    if "alternating-flip" in ways:
        # of the seed alone, so that an epoch knows what the one before it did
        first = np.random.Generator(np.random.PCG64([seed, 0, 1])).random(size) < 0.5
        return first ^ bool(epoch % 2)
    return None


def shifted(images: torch.Tensor, shifts: torch.Tensor, reach: int = _SHIFT) -> torch.Tensor:
    """Each image moved by its own shift (0 to twice ``reach`` per axis; ``reach`` leaves it in place) over black."""
    count, channels, height, width = images.shape
    padded = torch.nn.functional.pad(images, (reach,) * 4)

    def along(axis: int, length: int) -> torch.Tensor:
        return shifts[:, axis, None] + torch.arange(length, device=images.device)

    rows, columns = along(0, height)[:, None, :, None], along(1, width)[:, None, None, :]
    each = torch.arange(count, device=images.device)[:, None, None, None]
    return padded[each, torch.arange(channels, device=images.device)[None, :, None, None], rows, columns]
