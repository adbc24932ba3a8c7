"""Which tile of which image is run, and where what it delivers lies in the whole output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eyeshot.tile.grid import AxisTile
from eyeshot.tile.plan import Output


@dataclass(frozen=True)
class Job:
    """One tile of one image: its tiles along the axes."""

    image: int
    tiles: tuple[AxisTile, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """What it reads along each axis."""
        return tuple(tile.size for tile in self.tiles)


def place_of(
    spec: Output, tiles: Sequence[AxisTile], shape: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a tile's core lies in the whole output, and in the tile's; batch axis left out."""
    there, here = ([slice(None)] * (len(spec.shape) - 1) for _ in range(2))
    for axis, rate, tile in zip(spec.axes, spec.rates, tiles, strict=True):
        if axis is None or rate is None:
            continue
        offset, first = (-(-at * rate.numerator // rate.denominator) for at in (tile.start, tile.first))
        end = min(-(-tile.end * rate.numerator // rate.denominator), spec.shape[axis])
        if offset + shape[axis] >= spec.shape[axis]:
            end = spec.shape[axis]  # the last tile delivers all that is left
        there[axis - 1], here[axis - 1] = slice(first, end), slice(first - offset, end - offset)
    return tuple(there), tuple(here)
