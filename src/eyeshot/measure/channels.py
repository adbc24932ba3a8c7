"""Along which direction of a unit's channels is the gradient taken?

"mixed" draws a direction at random for every image, the same for all its units. Then the mean square is, up to a
factor, the sum over channels of each one's square. Plain sums, as the literature takes them, are one direction among
all, and an unlucky one behind layer normalisation, where the channels' sum is constant and its gradient nought.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from eyeshot.errors import UsageError
from eyeshot.measure.target import Target


class Channels:
    """The direction for each image.

    Args:
        target: the units.
        wanted: "mixed", "sum", or the index of one channel or class.

    Raises:
        UsageError: the layer has no such channel.
    """

    def __init__(self, target: Target, wanted: int | str) -> None:
        shape, units = target.of.node.shape, target.of.axes
        self._shape = tuple(1 if axis in units else n for axis, n in enumerate(shape))
        self.wanted = wanted
        if isinstance(wanted, int):
            axes = [axis for axis, n in enumerate(self._shape) if n > 1]
            if len(axes) != 1:
                sizes = "×".join(map(str, shape))
                raise UsageError(f"{target.name} has no one axis of channels ({sizes}); leave --channel out")
            if not 0 <= wanted < shape[axes[0]]:
                channels = f"{shape[axes[0]]} channels, counted from 0"
                raise UsageError(f"{target.name} has {channels}; there is none at {wanted}")
        elif wanted not in ("mixed", "sum"):
            raise UsageError(f"--channel takes mixed, sum or an index; found {wanted!r}")

    def directions(self, indices: Sequence[int], seed: int) -> torch.Tensor:
        """One direction per image, of the layer's shape with 1 along the axes that tell units apart."""
        if isinstance(self.wanted, int):
            chosen = torch.zeros(max(self._shape))
            chosen[self.wanted] = 1
            return chosen.reshape(1, *self._shape).repeat(len(indices), *(1 for _ in self._shape))
        if self.wanted == "sum":
            return torch.ones((len(indices), *self._shape))
        drawn = [np.random.Generator(np.random.PCG64([seed, i, 1])).standard_normal(self._shape) for i in indices]
        return torch.from_numpy(np.stack([v / np.linalg.norm(v) for v in drawn]).astype(np.float32))
