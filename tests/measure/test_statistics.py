"""Intervals hold what they are said to: of simulated images whose mean is known."""

from __future__ import annotations

import numpy as np
import pytest

from eyeshot.analyse.spread import Frame, measures
from eyeshot.measure.statistics import intervals

FRAME = Frame((10.0, 10.0), (21, 21), (21, 21))


def stack(*kernels: int) -> np.ndarray:
    """The map of stacked windows, from a box to nearly a Gaussian."""
    line = np.ones(1)
    for k in kernels:
        line = np.convolve(line, np.ones(k))
    return np.outer(line, line) / line.sum() ** 2


@pytest.mark.parametrize("kernels", [(7,), (3,) * 3, (3,) * 10], ids=["a box", "three 3×3", "nearly a Gaussian"])
@pytest.mark.parametrize("images", [64, 256])
def test_the_residual_s_interval_holds_the_mean_map_s_residual(kernels: tuple[int, ...], images: int) -> None:
    mean, chance, runs = stack(*kernels), np.random.Generator(np.random.PCG64(1)), 60
    truth = measures(mean, (0, 0), FRAME)["residual"][0]
    hits, plain = 0, []
    for _ in range(runs):
        drawn = mean * chance.chisquare(4, (images, *mean.shape))
        groups = np.array([drawn[k::32].sum(axis=0) for k in range(32)])
        ends = intervals(groups, np.full(32, images / 32), (0, 0), FRAME)
        assert ends is not None
        ((low, high),) = ends["residual"]
        hits += low <= truth <= high
        plain.append(measures(drawn.sum(axis=0), (0, 0), FRAME)["residual"][0])

    assert hits >= 0.85 * runs
    assert np.mean(plain) > truth  # what the correction is for


def test_below_64_images_the_residual_has_no_interval_and_widths_have() -> None:
    chance = np.random.Generator(np.random.PCG64(2))
    groups = np.array([stack(3, 3) * chance.chisquare(4, (5, 5)) for _ in range(16)])

    few = intervals(groups, np.full(16, 3), (0, 0), FRAME)
    enough = intervals(groups, np.full(16, 4), (0, 0), FRAME)

    assert few is not None
    assert enough is not None
    assert set(enough) - set(few) == {"residual"}
    assert few["sigma"] == enough["sigma"]
