"""A set of small images that a small network learns in a second, and that network."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from eyeshot.train.budget import Budget
from eyeshot.train.dataset import Dataset
from eyeshot.train.idx import STEMS
from eyeshot.train.recipe import Options, Recipe


def images(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise with a faint bright patch in one of three corners: the corner is the label."""
    draw = np.random.default_rng(seed)
    labels = (np.arange(count) % 3).astype(np.int64)
    pixels = draw.integers(0, 170, size=(count, 1, 8, 8), dtype=np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        row, column = ((0, 0), (0, 4), (4, 0))[label]
        image[0, row : row + 4, column : column + 4] += 70
    return pixels, labels


def dataset(count: int = 96) -> Dataset:
    train, test = images(count, 1), images(60, 2)
    return Dataset(
        name="small",
        train_images=train[0],
        train_labels=train[1],
        test_images=test[0],
        test_labels=test[1],
        classes=("0", "1", "2"),
    )


def write_idx(folder: Path, data: Dataset) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = data.train_images[:, 0], data.train_labels, data.test_images[:, 0], data.test_labels
    for stem, array in zip(STEMS, arrays, strict=True):
        (folder / stem).write_bytes(encoded(array.astype(np.uint8)))
    return folder


def encoded(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def net(width: int = 6, dropout: float = 0.2, outputs: int = 3) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(width * 16, outputs),
    )


def recipe(data: Dataset, *, budget: str = "3ep", seed: int = 1, label: str = "net", **options: Any) -> Recipe:
    return Recipe(
        label=label,
        design="a small net",
        macs=1000,
        seed=seed,
        data="small",
        data_fingerprint=data.fingerprint,
        budget=Budget.parse(budget),
        options=Options(**{"batch_size": 16, **options}),
    )
