"""Fashion-MNIST, padded by two pixels of black to 32×32, so that a map can be halved five times."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyeshot.train.data import load


def padded() -> tuple[list[Any], list[Any]]:
    """Pictures with their classes, to train and to test on."""
    dataset = load("fashion-mnist")
    return _padded(dataset.train_images, dataset.train_labels), _padded(dataset.test_images, dataset.test_labels)


def _padded(pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[tuple[NDArray[np.uint8], int]]:
    wide = np.pad(pictures.reshape(-1, 28, 28), ((0, 0), (2, 2), (2, 2)))
    return list(zip(wide, map(int, labels), strict=True))
