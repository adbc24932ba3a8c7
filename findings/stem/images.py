"""Fashion-MNIST, each picture made twice as large."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eyeshot.train.data import load

SIDE = 56


def doubled() -> tuple[list[Any], list[Any]]:
    """Pictures with their classes, to train and to test on."""
    dataset = load("fashion-mnist")
    return _doubled(dataset.train_images, dataset.train_labels), _doubled(dataset.test_images, dataset.test_labels)


def _doubled(pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[tuple[NDArray[np.uint8], int]]:
    large = (
        np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        for picture in pictures.reshape(-1, 28, 28)
    )
    return list(zip(large, map(int, labels), strict=True))
