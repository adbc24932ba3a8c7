"""What a set of labelled images is, whatever it was read from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyeshot.shown import counted

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
_FEW = 200
"""Test images below which a single one counts half a point or more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Images of one size with one label each, split into train and test."""

    name: str
    """What the user called it: `sample`, `fashion-mnist` or the folder's name."""
    train_images: Pixels
    """(images, channels, height, width), 0 to 255."""
    train_labels: Labels
    """One index into `classes` per image."""
    test_images: Pixels
    test_labels: Labels
    classes: tuple[str, ...]
    scale: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Mean and deviation that are given, in place of those of the train images; no part of what the images are."""
    remarks: tuple[str, ...] = ()
    """What is odd about the files that the images were read from, in words; no part of what the images are."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        _, channels, height, width = self.train_images.shape
        return channels, height, width

    @property
    def chance(self) -> float:
        """Share of the test images that the answer scores which is right most often, whatever the picture."""
        return float(np.bincount(self.test_labels).max() / len(self.test_labels))

    @property
    def words(self) -> str:
        """How many images there are, of what, and what chance scores."""
        train, test = len(self.train_images), len(self.test_images)
        images = f"{train:,} train and {test:,} test images of {'×'.join(map(str, self.shape))}"
        return f"{images} in {len(self.classes)} classes; one answer for all scores {100 * self.chance:.3g} %"

    @property
    def doubts(self) -> list[str]:
        """What is odd about the files, and why the test images cannot show much, where they cannot."""
        return [*self.remarks, *self._shown_little()]

    def _shown_little(self) -> list[str]:
        count = len(self.test_images)
        if self.chance == 1:
            return [f"all test images are {self.classes[self.test_labels[0]]}: they show nothing"]
        if count < _FEW:
            amount = "nothing" if count < _FEW // 10 else "only large differences"
            each = f"each is {100 / count:.2g} points of score"
            return [f"only {counted(count, 'test image')}: {each}, so they show {amount}"]
        return []

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over images, labels and classes in their order; the name does not count."""
        digest = hashlib.sha256(repr(self.classes).encode())
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            # Labels are hashed as little-endian, so that every machine gives one fingerprint.
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            digest.update(repr(array.shape).encode())
            digest.update(little.data)
        return digest.hexdigest()

    @cached_property
    def mean(self) -> tuple[float, ...]:
        """What is taken from the images per channel, on the scale 0 to 1: the train images' mean unless given."""
        return tuple(mean for mean, _ in self._moments)

    @cached_property
    def std(self) -> tuple[float, ...]:
        """What they are divided by: the train images' standard deviation, 1 for a blank channel, unless given."""
        return tuple(std or 1.0 for _, std in self._moments)

    @property
    def normalisation(self) -> dict[str, tuple[float, ...]]:
        """What a network that was trained on these images has to be shown others with."""
        return {"mean": self.mean, "std": self.std}

    @cached_property
    def _moments(self) -> list[tuple[float, float]]:
        if self.scale is not None:
            return list(zip(*self.scale, strict=True))
        # From the counts of the 256 values: exact, and without a float copy of all images.
        values = np.arange(256, dtype=np.float64) / 255
        moments = []
        for channel in range(self.shape[0]):
            counts = np.zeros(256, dtype=np.int64)
            for start in range(0, len(self.train_images), 4096):
                block: NDArray[Any] = self.train_images[start : start + 4096, channel].reshape(-1)
                counts += np.bincount(block, minlength=256)
            share = counts / counts.sum()
            mean = float(share @ values)
            moments.append((mean, float(np.sqrt(share @ (values - mean) ** 2))))
        return moments
