"""The area ratio by which papers on large kernels compare networks, as their own script computes it.

The mean of the rectified gradients is taken to log₁₀(1 + score), and the smallest odd square around the image's middle
that holds more than a share t of it is found; the ratio is its area over the image's. The logarithm makes it depend on
the scale of the gradients: twice the weights give another ratio. It is here to compare with published numbers.

Reference: Ding, Zhang, Han & Ding 2022, arXiv:2203.06717.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

THRESHOLDS = (20, 30, 50, 99)
"""Percent of the scores."""


def area_ratios(
    start: Sequence[int], scores: npt.NDArray[np.float64], extent: Sequence[int]
) -> dict[int, float | None] | None:
    """The area ratio per threshold in percent; None for a threshold that no square inside reaches.

    Args:
        start: position of the first score on the image.
        scores: mean rectified gradients, not normalised.
        extent: the image's size; None is returned where it has not two axes.
    """
    if len(extent) != 2:
        return None
    full = np.zeros(tuple(extent))
    full[tuple(slice(o, o + n) for o, n in zip(start, scores.shape, strict=True))] = scores
    full = np.log10(1 + full)
    height, width = extent
    total = full.sum()
    areas: dict[int, float | None] = dict.fromkeys(THRESHOLDS)
    for reach in range(1, height // 2):
        rows = slice(max(height // 2 - reach, 0), height // 2 + reach + 1)
        columns = slice(max(width // 2 - reach, 0), width // 2 + reach + 1)
        share = full[rows, columns].sum() / total
        side = 2 * reach + 1
        for threshold in THRESHOLDS:
            if areas[threshold] is None and share > threshold / 100:
                areas[threshold] = side**2 / math.prod(extent)
    return areas
