"""Intervals of a mean over seeds, and over seeds and images.

Over seeds it is Student's, mean ± t · s / √n with n − 1 degrees of freedom. Where eight values or more are skewed it is
widened to where the bootstrap-t interval reaches, which follows the skewness (B. Efron, R. Tibshirani, An Introduction
to the Bootstrap, 1993, section 12.5). Of five values that one is too wide by a third where nothing is skewed, and a
permutation of signs has no 95 % interval at all: 2 / 2⁵ is more than 5 %. docs/calibration.md has what is missed.

Where what is estimated cannot lie outside some range, as shares cannot lie outside 0 to 100 %, an interval is cut off
there, which leaves out no truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from eyeshot.studies.crossed import MeanSquares
from eyeshot.studies.scores import Interval, Noise

_FEWEST_RESAMPLED = 8
"""Values below which resamples tell too little of a tail."""
_FEWEST_SHAPED = 5
"""Values below which nothing tells that they are skewed."""
_RESAMPLES = 9999
_USUAL, _STRANGE = 1.28, 2.33
"""Standard errors of the skewness that one normal sample in five, and in fifty, exceeds."""


def student(freedom: float, error: float) -> float:
    """Student's quantile that a share of ``error`` exceeds on both sides together."""
    return float(special.stdtrit(freedom, 1 - error / 2))


def half_width(values: Sequence[float], *, error: float) -> float | None:
    """Half of Student's interval for the mean; None for a single value.

    Args:
        error: the share of intervals that may miss the true mean.

    Example:
        Three values with standard deviation 1: 4.303 / √3.

        >>> round(half_width([1.0, 2.0, 3.0], error=0.05), 3)
        2.484
    """
    if len(values) < 2:
        return None
    return student(len(values) - 1, error) * float(np.std(values, ddof=1)) / math.sqrt(len(values))


Range = tuple[float, float]
SHARE: Range = (0.0, 100.0)
"""Where a share in percent lies."""
SHARES_APART: Range = (-100.0, 100.0)
"""Where the difference of two does."""
ANYWHERE: Range = (-math.inf, math.inf)


def over_seeds(values: Sequence[float], *, error: float, within: Range = ANYWHERE) -> Interval | None:
    """The interval of the mean over other seeds on the same images; None for one value, or where all are equal."""
    width = half_width(values, error=error)
    if not width:
        return None
    mean = float(np.mean(values))
    low, high = mean - width, mean + width
    if len(values) >= _FEWEST_RESAMPLED and _skewness(values) > _USUAL:
        below, above = _bootstrap_t(np.asarray(values), error)
        low, high = min(low, below), max(high, above)
    return _interval(low, high, 1 - error, within)


def _interval(low: float, high: float, confidence: float, within: Range) -> Interval:
    return Interval(low=max(low, within[0]), high=min(high, within[1]), confidence=confidence)


def over_seeds_and_images(
    values: Sequence[float], seeds: Interval | None, squares: MeanSquares | None, *, within: Range = ANYWHERE
) -> Interval | None:
    """The interval of the mean over other seeds on other images, never narrower than that over seeds.

    By Satterthwaite's degrees of freedom alone it may be, at two or three seeds, and then misses too often.
    """
    if seeds is None or squares is None:
        return None
    error = 1 - seeds.confidence
    width = student(squares.freedom(), error) * math.sqrt(squares.variance())
    mean = float(np.mean(values))
    return _interval(min(seeds.low, mean - width), max(seeds.high, mean + width), seeds.confidence, within)


def noise(squares: MeanSquares | None, *, error: float) -> Noise | None:
    """The test set's part in the variance between seeds' scores; None where all seeds score alike.

    Mean squares of seeds and of the rest differ by what seeds add; their ratio over that of their expectations follows
    F where scores are normal (Searle, Casella, McCulloch 1992, section 3.6).

    Args:
        error: the share of intervals that may miss the true part.
    """
    if squares is None or not squares.of_seeds:
        return None
    rows, columns = squares.seeds - 1, squares.images - 1
    part = 100 * squares.of_rest / squares.of_seeds
    low, high = (min(100.0, part * float(special.fdtri(rows, rows * columns, at))) for at in (error / 2, 1 - error / 2))
    return Noise(
        share=min(part, 100.0),
        interval=Interval(low=low, high=high, confidence=1 - error),
        deviation=math.sqrt(squares.of_seeds / squares.images),
        images=squares.images,
    )


def is_skewed(values: Sequence[float]) -> bool:
    """Whether values reach farther to one side than 49 of 50 normal samples would."""
    return _skewness(values) > _STRANGE


def _skewness(values: Sequence[float]) -> float:
    """Size of the sample's skewness in its standard errors for a normal distribution; 0 for few values."""
    n = len(values)
    if n < _FEWEST_SHAPED or np.ptp(values) == 0:
        return 0.0
    apart = np.asarray(values) - np.mean(values)
    skewness = float(np.mean(apart**3) / np.mean(apart**2) ** 1.5)
    return abs(skewness) / math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))


def _bootstrap_t(values: np.ndarray[tuple[int], np.dtype[np.float64]], error: float) -> tuple[float, float]:
    n, mean, scale = len(values), values.mean(), values.std(ddof=1)
    # The generator begins anew each time: the same scores give the same interval.
    samples = values[np.random.Generator(np.random.PCG64(0)).integers(0, n, size=(_RESAMPLES, n))]
    scales = samples.std(axis=1, ddof=1)
    is_spread = scales > 1e-9 * scale  # one value drawn n times has no t
    ratios = (samples.mean(axis=1)[is_spread] - mean) / scales[is_spread]
    below, above = np.quantile(ratios, [error / 2, 1 - error / 2])
    return float(mean - above * scale), float(mean - below * scale)
