"""Many designs at once, each a number in every array: what they see and cost as they get another layer.

Costs are those of ``analyse.cost``: weights and biases; multiply-accumulates of convolutions; and the most that is
alive at once while convolution, rectification and pool run in turn, each holding what it reads and what it writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from eyeshot.design.lower import LARGEST_WIDTH
from eyeshot.design.space import Space
from eyeshot.errors import UsageError

Ints = npt.NDArray[np.int64]


@dataclass(kw_only=True)
class Batch:
    """Designs of the same number of layers.

    Attributes:
        field, jump, variance: what a unit of the output sees, its pace, and the square of what it uses.
        sizes: the map's size, once for all axes of one size; −1 where a window did not fit.
        width, halved: channels, and whether the last layer made the map smaller.
        params, macs, peak: what they cost; ``alive`` elements hold the output.
        pools: whether there is one.
        steps: the number of each layer's step.
    """

    field: Ints
    jump: Ints
    variance: npt.NDArray[np.float64]
    sizes: Ints
    width: Ints
    halved: npt.NDArray[np.bool_]
    params: Ints
    macs: Ints
    peak: Ints
    alive: Ints
    pools: npt.NDArray[np.bool_]
    steps: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.field)

    def taken(self, rows: npt.NDArray[np.intp] | slice) -> Batch:
        """Some of the designs."""
        return Batch(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


def joined(batches: Sequence[Batch]) -> Batch:
    """Designs of several batches."""
    if len(batches) == 1:
        return batches[0]
    return Batch(**{each.name: np.concatenate([getattr(b, each.name) for b in batches]) for each in fields(Batch)})


class Costs:
    """What a layer adds to designs of one space."""

    def __init__(self, space: Space) -> None:
        self.space = space
        counted = Counter(space.input_shape[1:])
        self._distinct = np.array(list(counted), dtype=np.int64)
        self._times = np.array(list(counted.values()), dtype=np.int64)
        self._axes = len(space.input_shape) - 1
        self._check_countable()

    def _check_countable(self) -> None:
        """Complain of costs that are beyond whole numbers of 63 bits.

        Raises:
            UsageError: some design may cost that much.
        """
        space = self.space
        widest = max(*space.widths, LARGEST_WIDTH, space.input_shape[0])
        kernel = max(step.kernel for step in space.first)
        padded = [n + step.reach for n in space.input_shape[1:] for step in space.first]
        if space.layers[1] * (widest**2) * kernel**self._axes * max(padded) ** self._axes >= 2**62:
            raise UsageError("these designs may take more operations than can be counted; give a smaller --input")

    def start(self, count: int) -> Batch:
        """So many times the input alone."""
        ones = np.ones(count, dtype=np.int64)
        channels = self.space.input_shape[0]
        sizes = np.tile(self._distinct, (count, 1))
        elements = ones * channels * self._positions(sizes)
        return Batch(
            field=ones, jump=ones, variance=np.zeros(count), sizes=sizes, width=ones * channels,
            halved=np.zeros(count, dtype=bool), params=ones * 0, macs=ones * 0, peak=elements, alive=elements,
            pools=np.zeros(count, dtype=bool), steps=np.zeros((count, 0), dtype=np.uint16),
        )  # fmt: skip

    def followed(self, batch: Batch, level: int, number: int) -> Batch:
        """The designs with another layer; those whose map is smaller than a window are left out."""
        step = self.space.steps(level)[number]
        before, after = step.padding(self.space.padding)
        inner = (batch.sizes + (before + after - step.reach - 1)) // step.stride + 1
        kernel, stride = step.pool
        outer = inner if kernel == 1 else (inner - kernel) // stride + 1
        fits = (inner >= 1).all(axis=1) & (outer >= 1).all(axis=1)
        if not fits.all():
            rows = np.flatnonzero(fits)
            batch, inner, outer = batch.taken(rows), inner[rows], outer[rows]
        width = self._width(batch, level)
        positions, weights = self._positions(inner), width * batch.width * step.kernel**self._axes
        conv = positions * width
        pooled = conv if kernel == 1 else self._positions(outer) * width
        peak = np.maximum(batch.peak, np.maximum(batch.alive + conv, conv + conv))
        jump = batch.jump * step.stride
        spread = (batch.jump * step.dilation) ** 2 * ((step.kernel**2 - 1) / 12) + jump**2 * ((kernel**2 - 1) / 12)
        chosen = np.full((len(batch), 1), number, dtype=np.uint16)
        return Batch(
            field=batch.field + step.growth(1) * batch.jump,
            jump=jump * stride,
            variance=batch.variance + spread,
            sizes=outer,
            width=width,
            halved=np.full(len(batch), step.pace > 1),
            params=batch.params + weights + width,
            macs=batch.macs + weights * positions,
            peak=peak,
            alive=pooled,
            pools=batch.pools | (kernel > 1),
            steps=np.concatenate([batch.steps, chosen], axis=1),
        )

    def _positions(self, sizes: Ints) -> Ints:
        product = sizes[:, 0] ** self._times[0]
        for i in range(1, sizes.shape[1]):
            product = product * sizes[:, i] ** self._times[i]
        return np.asarray(product)

    def _width(self, batch: Batch, level: int) -> Ints:
        space = self.space
        if len(space.widths) > 1 or level == 0:
            return np.full(len(batch), space.width(level, 0, False), dtype=np.int64)
        known, where = np.unique(batch.width * 2 + batch.halved, return_inverse=True)
        widths = [space.width(level, int(each) // 2, bool(each % 2)) for each in known]
        return np.array(widths, dtype=np.int64)[where]
