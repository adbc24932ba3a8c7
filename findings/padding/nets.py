"""Nets that differ by what stands beyond the border, and images whose class is where a small picture lies.

Each image of Fashion-MNIST, made four times smaller, lies somewhere in one quadrant of a black canvas, and the quadrant
is the class. What the picture shows says nothing of it, so that a net can tell by its borders alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from eyeshot.train.data import load

TRAIN = 20_000
SIDE, SMALL = 28, 7


def images() -> tuple[list[Any], list[Any]]:
    """Pictures with their quadrants, to train and to test on."""
    dataset = load("fashion-mnist")
    return placed(dataset.train_images[:TRAIN], seed=1), placed(dataset.test_images, seed=2)


def placed(pictures: NDArray[np.uint8], *, seed: int) -> list[tuple[NDArray[np.uint8], int]]:
    """Each picture in a quadrant, all of which occur alike, at a place drawn within it."""
    draw = np.random.Generator(np.random.PCG64(seed))
    parts = SIDE // SMALL
    small = pictures.reshape(-1, SMALL, parts, SMALL, parts).mean((2, 4)).astype(np.uint8)
    canvas = np.zeros((len(pictures), SIDE, SIDE), np.uint8)
    quadrants = draw.permutation(np.arange(len(pictures)) % 4)
    room = SIDE // 2 - SMALL + 1
    rows, columns = draw.integers(0, room, (2, len(pictures))) + SIDE // 2 * np.stack(np.divmod(quadrants, 2))
    for each, row, column, picture in zip(canvas, rows, columns, small, strict=True):
        each[row : row + SMALL, column : column + SMALL] = picture
    return list(zip(canvas, map(int, quadrants), strict=True))


def net(padding: str, classes: int) -> nn.Module:
    """Four convolutions and a global average, padded by ``padding``, one of PyTorch's modes."""

    def convolution(read: int, gives: int) -> list[nn.Module]:
        return [nn.Conv2d(read, gives, 3, padding=1, padding_mode=padding), nn.ReLU()]

    layers = [*convolution(1, 8), nn.MaxPool2d(2), *convolution(8, 16), nn.MaxPool2d(2)]
    layers += [*convolution(16, 16), *convolution(16, 16)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, classes))
