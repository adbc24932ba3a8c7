"""How sure are the measures of a mean map? Its parts left out one at a time (jackknife), and Student's t.

Images, or seeds, fall into groups; each group has a map of its own. With θ(−k) the measure without group k of K,

    θ ± t · √((K − 1)/K · Σ (θ(−k) − mean)²)        t Student's quantile for K − 1 degrees of freedom

The residual from a Gaussian is biased upward: noise of the map is a difference, too. By b = (K − 1)·(mean − θ) where
the map differs from the Gaussian anyhow and the bias falls as 1/n, by 2b where it does not and noise is all there is,
which falls as 1/√n. So its interval runs from θ − 2b to θ − b, each widened by the half above. With fewer images
than 64 it was still seen to miss up to one time in three, so that it is left out.

Reference: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 11.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.spread import Frame, Measures, measures, moments_of
from eyeshot.errors import MissingExtraError

Floats = npt.NDArray[np.float64]
Ends = dict[str, tuple[tuple[float, float], ...]]
FEWEST_FOR_THE_RESIDUAL = 64
"""Images from which on the residual has an interval."""


def intervals(sums: Floats, counts: Floats, start: tuple[int, ...], frame: Frame) -> Ends | None:
    """The 95 % interval of every measure, the residual's from 64 images on; None with fewer than two groups.

    Args:
        sums: one map per group, summed over the group's images.
        counts: images per group.
        start: position of the maps' first pixel.
        frame: what they are held against.
    """

    def measured(values: Floats) -> Measures:
        return measures(np.abs(values), start, frame)

    parts = _left_out(sums, counts, measured)
    if parts is None:
        return None
    whole = measured(sums.sum(axis=0))
    intervals: Ends = {}
    for name, values in whole.items():
        left_out = np.array([part[name] for part in parts])
        half = _half_width(left_out)
        bias = (len(parts) - 1) * (left_out.mean(axis=0) - np.array(values)) if name == "residual" else 0 * half
        intervals[name] = tuple(
            (v - 2 * max(float(b), 0.0) - float(h), v - float(b) + float(h))
            for v, b, h in zip(values, bias, half, strict=True)
        )
    if counts.sum() < FEWEST_FOR_THE_RESIDUAL:
        del intervals["residual"]
    return intervals


def relative_half_width(sums: Floats, counts: Floats) -> float | None:
    """Half the 95 % interval of σ over σ, the largest over the axes; None with fewer than two groups."""
    parts = _left_out(sums, counts, lambda values: {"sigma": _sigma(values)})
    if parts is None:
        return None
    half = _half_width(np.array([part["sigma"] for part in parts]))
    return max(float(h) / s if s else 0.0 for h, s in zip(half, _sigma(sums.sum(axis=0)), strict=True))


def _sigma(values: Floats) -> tuple[float, ...]:
    return tuple(sigma for _, sigma in moments_of(np.abs(values)))


def _left_out(sums: Floats, counts: Floats, measured: Callable[[Floats], Measures]) -> list[Measures] | None:
    """The measures of the mean map without each group in turn."""
    used = np.flatnonzero(counts)
    if len(used) < 2:
        return None
    total = sums.sum(axis=0)
    rest = [total - sums[k] for k in used]
    return [measured(values) for values in rest] if all(np.abs(values).any() for values in rest) else None


def _half_width(parts: Floats) -> Floats:
    """Half the interval from K measures with a group left out each."""
    try:
        from scipy import stats
    except ModuleNotFoundError as error:
        raise MissingExtraError("intervals", "scipy", "train") from error
    groups = len(parts)
    deviation = np.sqrt((groups - 1) / groups * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0))
    half: Floats = float(stats.t.isf(0.025, groups - 1)) * deviation
    return np.where(np.isfinite(half), half, math.inf)
