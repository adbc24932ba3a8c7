"""The tiles' output beside the whole image's, on a part of the image that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from eyeshot.tile.grid import AxisTile
from eyeshot.tile.places import Job, place_of
from eyeshot.tile.plan import TilePlan

_MOST = 1 << 30
"""Bytes alive on the part at most, where no memory was asked for."""


def difference(results_of: Callable[[Job], Sequence[torch.Tensor]], plan: TilePlan, outputs: Sequence[Any]) -> float:
    """The largest difference from the whole image, on all of it or on a part around a corner of tiles."""
    part = _part(plan)
    worst = 0.0
    results = results_of(Job(0, part))
    for spec, result, array in zip(plan.outputs, results, outputs, strict=True):
        there, here = place_of(spec, part, result.shape)
        tiled = array[(slice(0, 1), *there)]
        tiled = tiled if isinstance(tiled, torch.Tensor) else torch.from_numpy(tiled.copy())
        worst = max(worst, _largest(tiled.to(result.device, result.dtype), result[(slice(0, 1), *here)]))
    return worst


def _largest(tiled: torch.Tensor, whole: torch.Tensor) -> float:
    """The largest difference; none where both are the same infinity or no number, infinite where only one is."""
    same = (tiled == whole) | (tiled.isnan() & whole.isnan())
    gap = torch.where(same, torch.zeros_like(tiled), (tiled - whole).abs())
    return float(torch.nan_to_num(gap, nan=torch.inf, posinf=torch.inf).max()) if gap.numel() else 0.0


def _part(plan: TilePlan) -> tuple[AxisTile, ...]:
    """All of the image where that fits, else two tiles along each axis and what is between them; else one seam."""
    most = plan.limit - plan.memory.weights if plan.limit is not None else _MOST
    parts = [AxisTile(0, lane.n, 0, lane.n) for lane in plan.lanes]
    if plan.memory.whole <= most:
        return tuple(parts)
    exact = plan.exact or tuple((lane.before, lane.after) for lane in plan.lanes)
    axes = sorted(range(len(parts)), key=lambda a: -plan.lanes[a].n)
    share = most / plan.memory.whole
    for a in axes:
        lane = plan.lanes[a]
        ahead = -(-exact[a][0] // lane.lattice) * lane.lattice
        size = lane.fitting(max(int(lane.n * share ** (1 / len(axes))), ahead + exact[a][1] + lane.lattice))
        if size >= lane.n:
            continue
        # around the first seam, or at the image's beginning where that is not far
        start = max(0, plan.rows[a][0].end - size // 2) // lane.lattice * lane.lattice
        first = start + ahead if start else 0
        end = math.floor((start + size - exact[a][1]) / lane.lattice) * lane.lattice
        parts[a] = AxisTile(start, size, min(first, end), end)
    return tuple(parts)
