"""How far does a map of weights over pixels spread? Widths, moments, and how near it is to a Gaussian.

Pixel i covers i − ½ … i + ½ and its mass lies evenly in it, so widths are real numbers: half of what k equal pixels
hold takes k/2. Moments are those of the pixels' centres, as in Luo et al. 2016: k equal pixels have (k² − 1)/12.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SHARES = (50, 68, 95, 99)
"""Percent of the mass whose widths are given."""
NEARLY = 1e-9
"""Shares less apart than this are one: sums of floats differ in their last bits."""

Measures = dict[str, tuple[float, ...]]
"""What is measured of a map, by name: one number per axis, or one for the map."""


@dataclass(frozen=True)
class Frame:
    """What a map is held against.

    Attributes:
        centre: the field's centre in the map's coordinates.
        field: pixels per axis that the unit sees inside the image; that the aligned fields of all units cover.
        extent: the image's size per axis.
    """

    centre: tuple[float, ...]
    field: tuple[int, ...]
    extent: tuple[int, ...]


def measures(values: Floats, start: Sequence[int], frame: Frame) -> Measures:
    """Measure a map.

        width_50 …      length of the shortest interval along each axis that holds half the mass
        sigma           standard deviation per axis
        shift           from the field's centre to the centre of mass
        share_of_field  product of the 95 % widths over the pixels seen inside the image; of separable maps such a box
                        holds 0.95 per axis, see ``eyeshot.analyse.box`` for the one that holds 95 %
        share_of_image  the same over the image; a width counts as the image's at most
        residual        total variation distance, 0 … 1, from the Gaussian of the same mean and sigma

    Args:
        values: weights, none negative, of any sum; one axis per axis of the image.
        start: the position of the map's first pixel.
        frame: the field and the image.

    Example:
        Seven equal pixels have variance (7² − 1)/12 = 4.

        >>> found = measures(np.ones(7), (0,), Frame((3.0,), (7,), (10,)))
        >>> found["sigma"], found["shift"], round(found["width_50"][0], 9)
        ((2.0,), (0.0,), 3.5)
    """
    profiles = profiles_of(values)
    moments = moments_of(values)
    means = [first + mean for first, (mean, _) in zip(start, moments, strict=True)]
    spreads: Measures = {f"width_{share}": tuple(_width(p, share / 100) for p in profiles) for share in SHARES}
    used = spreads["width_95"]
    return spreads | {
        "sigma": tuple(sigma for _, sigma in moments),
        "shift": tuple(mean - centre for mean, centre in zip(means, frame.centre, strict=True)),
        "share_of_field": (math.prod(used) / math.prod(frame.field),),
        "share_of_image": (math.prod(min(w, n) / n for w, n in zip(used, frame.extent, strict=True)),),
        "residual": (_residual(values, moments),),
    }


def profiles_of(values: Floats) -> list[Floats]:
    """The map summed over all axes but one, for each axis; each profile sums to 1."""
    total = values.sum()
    axes = range(values.ndim)
    return [values.sum(axis=tuple(other for other in axes if other != axis)) / total for axis in axes]


def moments_of(values: Floats) -> list[tuple[float, float]]:
    """Mean position in the map, and standard deviation, per axis."""
    return [_moments(profile) for profile in profiles_of(values)]


def _moments(profile: Floats) -> tuple[float, float]:
    positions = np.arange(len(profile))
    mean = float(profile @ positions)
    return mean, math.sqrt(float(profile @ (positions - mean) ** 2))


def _width(profile: Floats, share: float) -> float:
    """Length of the shortest interval that holds a share of the mass.

    The mass up to a point is piecewise linear, so one end of a shortest interval lies on a border between pixels.
    """
    # Rounded, so that 7.1 of 8 pixels is told alike whatever the last bits of its sums.
    return round(min(_from_borders(profile, share), _from_borders(profile[::-1], share)), 12)


def _from_borders(profile: Floats, share: float) -> float:
    """Length of the shortest of the intervals that begin at a border between pixels."""
    held = np.concatenate([[0.0], np.cumsum(profile)])
    held /= held[-1]
    goals = held[held + share <= 1 + NEARLY] + share
    # The first border at which it is held: mass does not lie in the pixels without any behind it.
    ends = np.maximum(np.searchsorted(held, np.minimum(goals - NEARLY, 1.0)), 1)
    beyond = np.maximum(held[ends] - goals, 0) / (held[ends] - held[ends - 1])
    return float((ends - np.arange(len(goals)) - beyond).min())


def _residual(values: Floats, moments: Sequence[tuple[float, float]]) -> float:
    """Half of all differences from the Gaussian, taken over each pixel; what it has outside the map counts, too."""
    parts = [_gaussian(n, mean, sigma) for n, (mean, sigma) in zip(values.shape, moments, strict=True)]
    expected = reduce(np.multiply.outer, parts)
    inside = float(np.abs(values / values.sum() - expected).sum())
    return min(1.0, (inside + 1 - float(expected.sum())) / 2)


def _gaussian(n: int, mean: float, sigma: float) -> Floats:
    """What a normal distribution has in each of the pixels 0 … n − 1."""
    if not sigma:
        return np.array([float(i == round(mean)) for i in range(n)])
    scale = sigma * math.sqrt(2)
    below = np.array([math.erf((i - 0.5 - mean) / scale) for i in range(n + 1)])
    return np.diff(below) / 2
