"""Gradients of units with respect to the image, as maps moved so that each unit's origin comes to 0.

One forward pass up to the layer, and one backward pass per comb of units; weights get no gradients. Where there are few
images and many combs, images are repeated along the batch axis so that a backward pass serves several combs.
"""

from __future__ import annotations

import torch

from eyeshot.errors import RunError, UsageError
from eyeshot.measure.capture import Capture
from eyeshot.measure.combs import combs
from eyeshot.measure.crop import Crop
from eyeshot.measure.target import Aligned, Target

ROUNDING = {"float32": 1e-3, "bf16": 3e-2}
"""Share of the gradient by which fast convolutions (Winograd's, Fourier's) may be off, outside a unit's field too."""


class Maps:
    """Maps of a target's units for batches of images.

    Attributes:
        at_once: images and their repetitions that go through the module together; below batch where memory is short.

    Args:
        target: the units.
        crop: the part of the image that is measured.
        measure: abs, square, signed, or positive (of the rectified output, RepLKNet's).
        batch: images and their repetitions at once, at most.
        device, dtype: where and in what precision it is computed; sums are float64.
    """

    def __init__(
        self, target: Target, crop: Crop, *, measure: str, batch: int, device: torch.device, dtype: str
    ) -> None:
        self.target, self.crop, self.measure, self.batch = target, crop, measure, batch
        self.at_once = batch
        self.device, self.dtype = device, dtype
        frame = Aligned(target)
        self.low, self.shape = frame.low, frame.sum.shape
        # Apple's devices have no float64.
        self.device_of_sums = torch.device("cpu") if device.type == "mps" else device
        self._combs = combs(target)
        network = target.of.network
        self._others = tuple(a for a in range(1, len(network.input.shape)) if a not in network.axes)
        self._boxes = {at: target.of.hull(at) for at in target.units}

    def part(self, x: torch.Tensor) -> torch.Tensor:
        """What is measured of images."""
        for axis, start, size in zip(self.target.of.network.axes, self.crop.start, self.crop.size, strict=True):
            x = x.narrow(axis, start, size)
        return x

    def __call__(self, capture: Capture, x: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """One map per image, summed over units, in float64.

        Args:
            capture: runs the module up to the layer.
            x: the part of the images.
            directions: for each image how a unit's channels are summed, of the layer's shape or broadcast to it.

        Raises:
            RunError: there is gradient outside of what a unit is said to see, or it is not finite.
        """
        count = len(x)
        repeats = max(1, min(len(self._combs), self.at_once // count))
        leaf = x.repeat(repeats, *(1 for _ in x.shape[1:])) if repeats > 1 else x
        leaf = leaf.detach().requires_grad_(True)
        with torch.enable_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == "bf16"):
            out = capture(leaf)
            if self.measure == "positive":
                out = out.relu()
        if not out.requires_grad:
            raise UsageError(f"{self.target.name}: its output has no gradient with respect to the image")
        sums = torch.zeros((count, *self.shape), dtype=torch.float64, device=self.device_of_sums)
        totals = torch.zeros(2, dtype=torch.float64, device=sums.device)
        directions = directions.to(out.device, out.dtype)
        for first in range(0, len(self._combs), repeats):
            chosen = self._combs[first : first + repeats]
            (gradient,) = torch.autograd.grad(
                out, leaf, self._marks(out, chosen, directions), retain_graph=first + repeats < len(self._combs)
            )
            maps = _measured(gradient, self.measure, self._others)
            for i, comb in enumerate(chosen):
                self._add(sums, totals, maps[i * count : (i + 1) * count].to(sums.device), comb)
        self._check(totals)
        return sums

    def _marks(self, out: torch.Tensor, chosen: list[list[tuple[int, ...]]], directions: torch.Tensor) -> torch.Tensor:
        """The weights of the outputs whose gradient is taken: each comb's units, in its repetition of the images."""
        count = len(directions)
        marks = torch.zeros_like(out)
        for i, comb in enumerate(chosen):
            here = marks[i * count : (i + 1) * count]
            for at in comb:
                place = [slice(None)] * out.dim()
                for axis, position in self.target.of.index(self.crop.unit(at)).items():
                    place[axis + 1] = slice(position, position + 1)
                here[tuple(place)] = directions
        return marks

    def _add(self, sums: torch.Tensor, totals: torch.Tensor, maps: torch.Tensor, comb: list[tuple[int, ...]]) -> None:
        magnitude = maps.abs()
        totals[0] += magnitude.sum(dtype=torch.float64)
        for at in comb:
            box = self._boxes[at]
            if any(last < first for first, last in box):
                continue
            here = (
                slice(None),
                *(slice(first - s, last - s + 1) for (first, last), s in zip(box, self.crop.start, strict=True)),
            )
            origin = self.target.origin(at)
            there = tuple(
                slice(first - o - low, last - o - low + 1)
                for (first, last), o, low in zip(box, origin, self.low, strict=True)
            )
            sums[(slice(None), *there)] += maps[here]
            totals[1] += magnitude[here].sum(dtype=torch.float64)

    def _check(self, totals: torch.Tensor) -> None:
        total, inside = totals.tolist()
        if not total < float("inf"):
            raise RunError(f"{self.target.name}: its gradients are not finite; try --dtype float32")
        if total - inside > ROUNDING[self.dtype] * total:
            raise RunError(
                f"{self.target.name}: {(total - inside) / total:.1%} of the gradient lies outside of what its units are"
                " said to see. One of the two is wrong, which is a bug of eyeshot's: please report the model"
            )


def _measured(gradient: torch.Tensor, measure: str, others: tuple[int, ...]) -> torch.Tensor:
    """The measure at each pixel of each image, summed over channels, which stand on the ``others``."""
    if measure == "abs":
        gradient = gradient.abs()
    elif measure == "square":
        gradient = gradient.square()
    elif measure == "positive":
        gradient = gradient.relu()
    return gradient.sum(others) if others else gradient
