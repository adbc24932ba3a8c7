"""Which positions a constant grid of coordinates samples, along one axis at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eyeshot.network.slide import Reads


def taps_of_grid(
    grid: npt.NDArray[Any], a: int, shape: tuple[int, ...], mode: str, padding_mode: int, *, is_aligned: bool
) -> tuple[Reads, bool]:
    """For each output position along an axis the input positions read, and whether the other axes leave them alone.

    Args:
        grid: coordinates from −1 to 1, the last axis's first, on its own last axis.
        a: which axis of positions.
        shape: the input's, batch and channels included.
        mode: nearest, bilinear or bicubic.
        padding_mode: outside is 0 zero, 1 the border, 2 a reflection.
        is_aligned: −1 and 1 are the centres of the corners, not their edges.
    """
    n = shape[2 + a]
    coordinate = grid[..., grid.shape[-1] - 1 - a].astype("f8")
    centre = coordinate * ((n - 1) / 2 if is_aligned else n / 2) + (n - 1) / 2
    if padding_mode == 1:
        centre = centre.clip(0, n - 1)
    lines = np.moveaxis(centre, 1 + a, 0).reshape(centre.shape[1 + a], -1)
    is_apart = bool((lines == lines[:, :1]).all()) and padding_mode != 2
    return tuple(_around(line, n, mode, padding_mode) for line in lines), is_apart


def _around(centres: npt.NDArray[Any], n: int, mode: str, padding_mode: int) -> tuple[int, ...]:
    """The positions that taps around some centres read, from the first to the last."""
    if padding_mode == 2:  # reflection folds what lies outside back inside: anywhere
        return tuple(range(n))
    below = np.floor(centres)
    if mode == "nearest":
        first, last = np.round(centres).min(), np.round(centres).max()
    else:
        reach = 2 if mode == "bicubic" else 1
        is_between = centres != below
        first = np.where(is_between, below - reach + 1, below).min()
        last = np.where(is_between, below + reach, below).max()
    if padding_mode == 1:  # the border is read instead of what lies beyond it
        first, last = min(first, n - 1), max(last, 0)
    return tuple(range(int(max(first, 0)), int(min(last, n - 1)) + 1))
