"""What seeds, images and chance contribute to a score, from which images each seed got right.

A table has a row per seed and a column per image; an entry is 100 where the image is right, or the difference of two
arms there. Seeds and images are both samples, crossed, each pair seen once:

    entry = mean + seed + image + rest          variances σs², σi², σr²
    MSs = I · Σ (row − mean)² / (S − 1)         expected: σr² + I·σs²
    MSi = S · Σ (column − mean)² / (I − 1)      expected: σr² + S·σi²
    MSr = Σ (entry − row − column + mean)² / ((S − 1)(I − 1))     expected: σr²
    variance of the mean = σs²/S + σi²/I + σr²/(S·I), estimated by (MSs + MSi − MSr) / (S·I)

Over other seeds on these images σi²/I does not vary, and MSs / (S·I) is left: Student's paired interval. Reference:
S. R. Searle, G. Casella, C. E. McCulloch, Variance Components, 1992, chapter 4; A. B. Owen, The pigeonhole bootstrap,
Annals of Applied Statistics 1, 2007, doi 10.1214/07-AOAS122. Degrees of freedom: F. E. Satterthwaite, Biometrics
Bulletin 2, 1946, doi 10.2307/3002019; D. W. Gaylor, F. N. Hopper, Technometrics 11, 1969, pages 691–706.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyeshot.studies.scores import Spread


@dataclass(frozen=True, kw_only=True)
class MeanSquares:
    """The three mean squares of a table, in points²."""

    seeds: int
    """Rows, two or more."""
    images: int
    """Columns, two or more."""
    of_seeds: float
    of_images: float
    of_rest: float

    @property
    def of_images_alone(self) -> float:
        """What images add to the variance of the mean, times S·I; never negative."""
        return max(self.of_images - self.of_rest, 0.0)

    @property
    def spread(self) -> Spread:
        """The standard deviations that they are due to."""
        return Spread(
            seeds=math.sqrt(max(self.of_seeds - self.of_rest, 0.0) / self.images),
            images=math.sqrt(self.of_images_alone / self.seeds),
            both=math.sqrt(self.of_rest),
        )

    def variance(self, *, times: float = 1.0) -> float:
        """Of the mean over other seeds and images, in points²; the seeds' part ``times`` as large."""
        return (times * self.of_seeds + self.of_images_alone) / (self.seeds * self.images)

    def freedom(self, *, times: float = 1.0) -> float:
        """Degrees of freedom of that variance (Satterthwaite), no fewer than those of seeds or of images.

        A sum of independent variances has no fewer than its part with the fewest. Satterthwaite's formula says less
        where a difference of mean squares is one of the parts and small beside them (Gaylor and Hopper 1969), as where
        designs do not differ by image.
        """
        total = times * self.of_seeds + self.of_images_alone
        rows, columns = self.seeds - 1, self.images - 1
        noise = (times * self.of_seeds) ** 2 / rows + self.of_images**2 / columns + self.of_rest**2 / (rows * columns)
        return max(total**2 / noise, min(rows, columns)) if noise else math.inf


def mean_squares(table: NDArray[Any]) -> MeanSquares | None:
    """Of a table, seeds by images; None where there are not two of each."""
    seeds, images = table.shape
    if min(seeds, images) < 2:
        return None
    rows, columns = table.mean(axis=1, dtype=np.float64), table.mean(axis=0, dtype=np.float64)
    mean = rows.mean()
    rest = sum(
        float(np.square(entries - row - columns + mean).sum()) for entries, row in zip(table, rows, strict=True)
    )  # a row at a time: a table of 100 seeds and 100,000 images in floats is no small thing
    return MeanSquares(
        seeds=seeds,
        images=images,
        of_seeds=images * float(rows.var(ddof=1)),
        of_images=seeds * float(columns.var(ddof=1)),
        of_rest=rest / ((seeds - 1) * (images - 1)),
    )


def planned(spread: Spread, *, seeds: int, images: int) -> MeanSquares:
    """The mean squares to expect of a study of another size."""
    rest = (spread.both or 0.0) ** 2
    return MeanSquares(
        seeds=seeds,
        images=images,
        of_seeds=rest + images * spread.seeds**2,
        of_images=rest + seeds * (spread.images or 0.0) ** 2,
        of_rest=rest,
    )
