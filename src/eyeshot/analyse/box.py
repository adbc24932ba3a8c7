"""In what box does a share of a map of weights lie? Whole pixels, and as many axes as the map has.

Of each axis the box takes the shortest run of pixels that holds a share s of what the map has along it, the same s for
all axes, and the least s for which the box holds what is asked for. So a map that is alike along its axes has a box
that is, and the box of a long one is long. A box of fewest pixels would not do: half of 8×8 equal pixels would be 4×8.

The page's ``box.js`` does the same; both read ``tests/vectors/spread.json``.
"""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.spread import NEARLY, profiles_of

Floats = npt.NDArray[np.float64]
Range = tuple[int, int]

_HALVINGS = 40


def box_holding(values: Floats, share: float) -> tuple[Range, ...]:
    """The first and last pixel per axis of the box that holds a share of a map.

    Args:
        values: weights, none negative, of any sum above 0.
        share: 0 … 1.

    Example:
        Of 5×5 equal pixels 3×4 hold less than half, and 4×4 hold 16/25.

        >>> box_holding(np.ones((5, 5)), 0.5)
        ((0, 3), (0, 3))
    """
    profiles = profiles_of(values)
    sums = _summed(values / values.sum())
    # the larger s, the longer the runs and the more the box holds: so the least s that does is found by halving.
    # Forty halvings tell apart any shares that differ in a double's first twelve digits.
    best = tuple(_run(profile, 1.0) for profile in profiles)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        box = tuple(_run(profile, middle) for profile in profiles)
        if _inside(sums, box) >= share - NEARLY:
            best, high = box, middle
        else:
            low = middle
    return best


def held_in(values: Floats, box: tuple[Range, ...]) -> float:
    """The share of a map that lies in a box."""
    return float(values[tuple(slice(first, last + 1) for first, last in box)].sum() / values.sum())


def _run(profile: Floats, share: float) -> Range:
    """The shortest run that holds a share; of those as long the one that holds most, then the nearest to the middle."""
    n = len(profile)
    held = np.concatenate([[0.0], np.cumsum(profile)])
    goals = held[:-1] + share - NEARLY
    # where a run that begins at each pixel must end to hold it; n + 1 where even the last pixel is too early
    ends = np.maximum(np.searchsorted(held, goals), np.arange(n) + 1)
    length = int((ends - np.arange(n))[ends <= n].min(initial=n))
    masses = held[length:] - held[: n - length + 1]
    # 4 of 8 equal pixels: five runs hold as much, and the one in the middle is meant, 2 … 5
    firsts = np.flatnonzero(masses >= masses.max() - NEARLY)
    filled = np.flatnonzero(profile)
    first = int(firsts[np.argmin(np.abs(2 * firsts + length - 1 - (filled[0] + filled[-1])))])
    return first, first + length - 1


def _summed(values: Floats) -> Floats:
    """At each corner between pixels the sum of all before it."""
    return reduce(np.cumsum, range(values.ndim), np.pad(values, [(1, 0)] * values.ndim))


def _inside(sums: Floats, box: tuple[Range, ...]) -> float:
    """What a box has, from the sums at its corners."""
    total = 0.0
    # of 2 axes: all up to the far corner, less what lies before it along each, and once more what was taken off twice
    for ends in product((0, 1), repeat=len(box)):
        corner = tuple(last + 1 if end else first for end, (first, last) in zip(ends, box, strict=True))
        total += float(sums[corner]) * (-1) ** (len(box) - sum(ends))
    return total
