"""The images of one epoch in their order, the same for every arm: they depend on seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from eyeshot.train.dataset import Dataset, Pixels
from eyeshot.train.recipe import Options

_SHIFT = 2
"""Pixels by which `shift` moves an image at most: a fourteenth of a 28-pixel image, as 4 of 32 is usual for
CIFAR."""


class Normaliser:
    """From stored bytes to what a network takes: each channel with the train images' mean 0 and deviation
    1."""

    def __init__(self, dataset: Dataset) -> None:
        mean, std = (torch.tensor(values, dtype=torch.float32) for values in (dataset.mean, dataset.std))
        self._scale = (1 / (255 * std)).view(1, -1, 1, 1)
        self._offset = (-mean / std).view(1, -1, 1, 1)

    def __call__(self, images: Pixels) -> torch.Tensor:
        """Images as float32 in channels-last order, which is faster on CPUs and GPUs alike."""
        pixels = torch.from_numpy(images.astype(np.float32))
        return pixels.mul_(self._scale).add_(self._offset).contiguous(memory_format=torch.channels_last)


def batches(
    dataset: Dataset, options: Options, *, seed: int, epoch: int, images: int, normalise: Normaliser
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Images and labels of one epoch, or of its first part.

    Batches differ in size by one at most, so that none is too small for batch normalisation.

    Args:
        epoch: 0 for the first.
        images: how many, at most the size of the train part.
    """
    draw = np.random.Generator(np.random.PCG64([seed, epoch]))
    size = len(dataset.train_images)
    ways = options.augment.split("+")
    # All is drawn for the whole epoch first, so that neither batch size nor budget changes it.
    order = draw.permutation(size)
    shifts = draw.integers(0, 2 * _SHIFT + 1, size=(size, 2)) if "shift" in ways else None
    flips = _flips(ways, draw, size, seed=seed, epoch=epoch)
    steps = -(-images // options.batch_size)
    for chosen in np.array_split(order[:images], steps):
        pixels = dataset.train_images[chosen]
        if shifts is not None:
            pixels = shifted(pixels, shifts[chosen])
        if flips is not None:
            pixels = np.where(flips[chosen, None, None, None], pixels[..., ::-1], pixels)
        yield normalise(pixels), torch.from_numpy(dataset.train_labels[chosen])


def _flips(
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


def shifted(images: Pixels, shifts: NDArray[np.int64]) -> Pixels:
    """Each image moved by its own shift (0 to 4 per axis; 2 leaves it in place) over black."""
    count, channels, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)))
    rows = (shifts[:, 0, None] + np.arange(height))[:, None, :, None]
    columns = (shifts[:, 1, None] + np.arange(width))[:, None, None, :]
    moved: Pixels = padded[
        np.arange(count)[:, None, None, None], np.arange(channels)[None, :, None, None], rows, columns
    ]
    return moved
