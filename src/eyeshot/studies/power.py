"""What differences a study can see, and how many seeds and images it takes to see smaller ones.

A difference counts as visible that is seen in four studies of five, by the noncentral t distribution. What could be
seen, and what another study would take, is told from an upper limit of the seeds' spread, by χ², that holds four times
of five: the spread that five seeds happen to show is often too small by a third. Reference: R. H. Browne, On the use
of a pilot sample for sample size determination, Statistics in Medicine 14, 1995, doi 10.1002/sim.4780141709.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from scipy import optimize, special

from eyeshot.studies.crossed import MeanSquares, planned
from eyeshot.studies.intervals import student
from eyeshot.studies.scores import Power, Spread

_POWER = 0.8
_SURE = 0.8
_MOST_SEEDS, _MOST_IMAGES = 10_000, 100_000_000
"""Beyond what anybody trains or collects: more of them count as no number."""
_LARGEST_POINTS = 1.0
"""A difference that people care for; one of several points is seen by every study that is worth the name."""


@lru_cache(maxsize=4096)
def shift(freedom: float, error: float) -> float:
    """Standard errors by which a true mean has to differ from 0 to be seen four times out of five."""
    freedom = min(freedom, 1e6)
    bound = student(freedom, error)

    def lacks(size: float) -> float:
        # The far tail, where a difference is seen with the wrong sign, is left out: it is below 0.1 % at this power.
        return 1 - float(special.nctdtr(freedom, size, bound)) - _POWER

    return float(optimize.brentq(lacks, 0.0, 4 * bound + 8))


def visible(variance: float, seeds: int, squares: MeanSquares | None, *, error: float) -> float:
    """The smallest true difference that a study like this one sees four times out of five.

    Args:
        variance: of the mean over seeds, in points², as the seeds showed it.
        seeds: how many.
        squares: of the table of seeds and images, where it is known.
    """
    times = _times(seeds)
    over_seeds = shift(seeds - 1, error) * math.sqrt(times * variance)
    if squares is None:
        return over_seeds
    over_both = shift(round(squares.freedom(times=times), 2), error) * math.sqrt(squares.variance(times=times))
    return max(over_seeds, over_both)


def _times(seeds: int) -> float:
    """What the seeds' variance is multiplied with for its upper limit."""
    return (seeds - 1) / float(special.chdtri(seeds - 1, _SURE))


def _largest_spread(variance: float, seeds: int, squares: MeanSquares | None) -> Spread:
    """The spread with the seeds' at its upper limit."""
    if squares is None:
        return Spread(seeds=math.sqrt(_times(seeds) * variance * seeds), images=None, both=None)
    return replace(squares, of_seeds=_times(seeds) * squares.of_seeds).spread


def round_points(visible: float) -> float:
    """A round number of points that a study sees no more: at most half of what it sees, and one point.

    Example:
        >>> [round_points(2.9), round_points(1.2), round_points(0.09)]
        [1.0, 0.5, 0.02]
    """
    half = min(visible / 2, _LARGEST_POINTS)
    scale = 10.0 ** math.floor(math.log10(half) + 1e-9)
    return float(f"{next(step for step in (5, 2, 1) if step * scale <= half * (1 + 1e-9)) * scale:.3g}")


def power(variance: float, seeds: int, squares: MeanSquares | None, *, points: float, error: float) -> Power:
    """What this study sees, and what it would take to see some points; arguments as for ``visible``."""
    images = None if squares is None else squares.images
    spread = _largest_spread(variance, seeds, squares)

    def sees(seeds: int, images: int) -> bool:
        squares = planned(spread, seeds=seeds, images=images)
        over_seeds = shift(seeds - 1, error) * math.sqrt(squares.of_seeds / (seeds * images))
        over_both = shift(round(squares.freedom(), 2), error) * math.sqrt(squares.variance())
        return max(over_seeds, over_both) <= points

    # Where no images are known all of the spread is the seeds', however many images stand here.
    enough_seeds = _fewest(lambda count: sees(count, images or 2), 2, _MOST_SEEDS)
    enough_images = together = None
    if images is not None:
        enough_images = _fewest(lambda count: sees(seeds, count), images, _MOST_IMAGES)
        together = _together(sees, spread, seeds, images)
    seen = visible(variance, seeds, squares, error=error)
    return Power(visible=seen, points=points, seeds=enough_seeds, images=enough_images, together=together)


def _together(sees: Callable[[int, int], bool], spread: Spread, seeds: int, images: int) -> tuple[int, int] | None:
    """More seeds and more images that see it, each grown as its part of the variance asks.

    A/s + B/i is smallest for a given s + i where s : i = √A : √B.
    """
    parts = spread.seeds / math.sqrt(seeds), (spread.images or 0.0) / math.sqrt(images)
    if min(parts) == 0:
        return None

    def grown(count: int) -> int:
        return max(images, round(images * count / seeds * parts[1] / parts[0]))

    count = _fewest(lambda count: sees(count, grown(count)), seeds, _MOST_SEEDS)
    return None if count is None else (count, grown(count))


def _fewest(is_enough: Callable[[int], bool], low: int, most: int) -> int | None:
    """The smallest number from ``low`` on that is enough, as all larger ones are; None where ``most`` is not."""
    if not is_enough(most):
        return None
    high = most
    while low < high:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle + 1
    return low
