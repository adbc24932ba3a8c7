"""How sure are the measures of a mean map? Its parts left out one at a time (jackknife), and Student's t.

Images, or seeds, fall into groups; each group has a map of its own. With θ(−k) the measure without group k of K,

    θ ± t · √((K − 1)/K · Σ (θ(−k) − mean)²)        t Student's quantile for K − 1 degrees of freedom

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


def intervals(sums: Floats, counts: Floats, start: tuple[int, ...], frame: Frame) -> Ends | None:
    """The 95 % interval of every measure; None with fewer than two groups.

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
    found: Ends = {}
    for name, values in whole.items():
        half = _half_width(np.array([part[name] for part in parts]))
        found[name] = tuple((v - float(h), v + float(h)) for v, h in zip(values, half, strict=True))
    return found


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
