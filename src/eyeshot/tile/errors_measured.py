"""The error of a smaller halo with a module's own weights: predicted by its gradients, measured by running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from eyeshot.read.state import in_evaluation, modules_in
from eyeshot.tile.probe import Probe

_UNITS = 24
"""Units next to a seam whose gradients are taken."""


@dataclass(frozen=True)
class Measuring:
    """A module on a patch of noise or of images, on which a core and all that it sees lie."""

    looked: Probe
    module: nn.Module
    x: torch.Tensor
    starts: tuple[int, ...]

    @classmethod
    def of(cls, looked: Probe, images: Any) -> Measuring | None:
        """For what was looked at; None where the module has no weights in memory, or gives another layer."""
        module = looked.family.module
        outputs = looked.whole.outputs or (looked.whole.output.name,)
        if module is None or any(p.device.type == "meta" for p in module.parameters()) or outputs != looked.ends:
            return None
        sizes, starts = looked.patch
        parameter = next(module.parameters(), torch.empty(0))
        if images is None:
            shape = [4, *looked.whole.input.shape[1:]]
            for axis, n in zip(looked.whole.axes, sizes, strict=True):
                shape[axis] = n
            x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        else:
            x = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.array(images))
            for axis, n in zip(looked.whole.axes, sizes, strict=True):
                if x.shape[axis] < n:
                    return None
                x = x.narrow(axis, (x.shape[axis] - n) // 2, n)
        return cls(looked, module, x.to(parameter), starts)

    def _output(self, x: torch.Tensor) -> torch.Tensor:
        out = self.module(x)
        return out if isinstance(out, torch.Tensor) else next(iter(torch.utils._pytree.tree_leaves(out)))

    def _core(self, axis: int) -> tuple[int, slice]:
        """The output's axis, and its positions in a core of one lattice step."""
        end, lane = self.looked.ends[0], self.looked.lanes[axis]
        place, rate = self.looked.states[end].place(axis), self.looked.rate(end, axis)
        assert place is not None
        assert rate is not None
        return place, slice(int(self.starts[axis] * rate), int((self.starts[axis] + lane.lattice) * rate))

    def predicted(self, sizes: Sequence[int]) -> list[float]:
        """The error of each halo, by gradient × input of units in a core."""
        axes = range(len(self.looked.lanes))
        generator = torch.Generator().manual_seed(0)
        totals = np.zeros((2, len(axes), len(sizes)))
        with in_evaluation(modules_in(self.module)), torch.enable_grad():
            x = self.x.detach().requires_grad_()
            y = self._output(x)
            spread = float(y.detach().std())
            core = y
            for axis in axes:
                place, where = self._core(axis)
                core = core[(slice(None),) * place + (where,)]
            rows = core.reshape(len(core), core.shape[1], -1)
            for _ in range(_UNITS):
                n = int(torch.randint(rows.shape[2], (), generator=generator))
                signs = torch.randint(0, 2, rows.shape[:2], generator=generator).to(rows) * 2 - 1
                (gradient,) = torch.autograd.grad((rows[:, :, n] * signs).sum(), x, retain_graph=True)
                share = (gradient * x.detach()).double()
                for axis in axes:
                    self._add(totals, share, axis, sizes)
        channels = max(rows.shape[1], 1)
        return [float(e) for e in np.sqrt(totals.max(axis=(0, 1)) / (_UNITS * channels)) / max(spread, 1e-30)]

    def _add(self, totals: Any, share: torch.Tensor, axis: int, sizes: Sequence[int]) -> None:
        tensor_axis = self.looked.whole.axes[axis]
        profile = share.sum(dim=[a for a in range(1, share.dim()) if a != tensor_axis]).cpu().numpy()
        start, lane = self.starts[axis], self.looked.lanes[axis]
        for i, h in enumerate(sizes):
            before = profile[:, : max(0, start - h)].sum(axis=1)
            after = profile[:, start + lane.lattice + h :].sum(axis=1)
            totals[0, axis, i] += (before**2).mean()
            totals[1, axis, i] += (after**2).mean()

    def measured(self, halo: int) -> float:
        """The error of a halo: the patch is cut at the halo on one side after the other, and run."""
        worst = 0.0
        with in_evaluation(modules_in(self.module)), torch.no_grad():
            whole = self._output(self.x)
            spread = max(float(whole.std()), 1e-30)
            for axis, lane in enumerate(self.looked.lanes):
                place, where = self._core(axis)
                tensor_axis, start = self.looked.whole.axes[axis], self.starts[axis]
                ahead = -(-min(halo, lane.before) // lane.lattice) * lane.lattice
                end = start + lane.lattice + min(halo, lane.after)
                end += (lane.residue - end) % lane.lattice
                for first, last in (
                    (start - ahead, self.x.shape[tensor_axis]),
                    (0, min(end, self.x.shape[tensor_axis])),
                ):
                    cut = self._output(self.x.narrow(tensor_axis, first, last - first))
                    shift = where.start - int(first * (self.looked.rate(self.looked.ends[0], axis) or 1))
                    gap = cut.narrow(place, shift, where.stop - where.start) - whole[(slice(None),) * place + (where,)]
                    for other in range(len(self.looked.lanes)):  # away from the patch's own border
                        if other != axis:
                            there, inside = self._core(other)
                            gap = gap[(slice(None),) * there + (inside,)]
                    worst = max(worst, float(gap.double().pow(2).mean().sqrt()) / spread)
        return worst
