"""How small may the halo be where tiles need not be equal?

The error of a halo h is the root mean square of the difference from the whole image over the outputs next to a seam
(one lattice step on each side), over the standard deviation of all outputs. What lies beyond the halo counts as zero:

    with weights      error² ≈ mean of (Σ of gradient × input beyond h)²     over units next to a seam
    without           error² ≈ share of the path density beyond h            which is that, at random weights

The largest over axes and sides is told. Where the module has weights the error is measured, too: noise, or the images
given, is run with the halo and without tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.pull import path_counts
from eyeshot.errors import UsageError
from eyeshot.tile.plan import Step, TilePlan, Tolerance, planned
from eyeshot.tile.probe import Probe

if TYPE_CHECKING:
    from eyeshot.tile.errors_measured import Measuring

Floats = npt.NDArray[np.float64]


def halos(looked: Probe) -> list[int]:
    """Halos that make a difference: multiples of the largest lattice, up to the exact halo."""
    step = max(lane.lattice for lane in looked.lanes)
    most = max(max(lane.before, lane.after) for lane in looked.lanes)
    return [*range(0, most, step), most] if most else [0]


def tolerated(looked: Probe, asked: float, images: Any = None) -> tuple[Step, list[Step]]:
    """The smallest halo whose error stays below what is asked for, over the output's spread; and all that were tried.

    Raises:
        UsageError: tiles differ in any case, or the tolerance is none.
    """
    if not 0 < asked < 1:
        raise UsageError(f"tolerance {asked}: needed is a share of the output's spread, such as 1e-3")
    if looked.prevents:
        raise UsageError(
            f"no halo keeps an error below {asked:g}: {looked.prevents[0].layer} differs on tiles whatever their halo"
        )
    measuring, steps = _predicted(looked, images)
    at = next(i for i, step in enumerate(steps) if step.predicted <= asked)
    while measuring is not None:
        steps[at] = replace(steps[at], measured=measuring.measured(steps[at].halo))
        if (steps[at].measured or 0) <= asked or at == len(steps) - 1:
            break
        at += 1
    return steps[at], steps


def _predicted(looked: Probe, images: Any) -> tuple[Measuring | None, list[Step]]:
    """The predicted error of every halo, and what measures them where the module has weights."""
    sizes, measuring = halos(looked), None
    if looked.family.module is not None:  # designs and files have no weights to measure with, and need no PyTorch
        from eyeshot.tile.errors_measured import Measuring

        measuring = Measuring.of(looked, images)
    errors = by_density(looked, sizes) if measuring is None else measuring.predicted(sizes)
    return measuring, [Step(halo=h, predicted=e) for h, e in zip(sizes, errors, strict=True)]


def planned_within(looked: Probe, asked: float, images: Any = None, **terms: Any) -> TilePlan:
    """The plan with the smallest halo that a tolerance allows; ``terms`` are those of ``plan.planned``."""
    step, steps = tolerated(looked, asked, images)
    plan = planned(looked, halo=step.halo, **terms)
    curve = tuple(replace(each, work=_work(looked, each.halo, plan.tile)) for each in steps)
    told = Tolerance(asked=asked, predicted=step.predicted, measured=step.measured, curve=curve)
    return replace(plan, tolerance=told, verdict="equal" if plan.exact == plan.halo else "tolerance", prevents=())


def curve(looked: Probe, tile: Sequence[int], images: Any = None, *, most: int | None = None) -> list[Step]:
    """Error and work against the halo, measured where the module has weights; ``most`` halos at even distances.

    Raises:
        UsageError: tiles differ whatever their halo.
    """
    if looked.prevents:
        raise UsageError(f"no halo makes tiles equal: {looked.prevents[0].layer} differs on tiles whatever their halo")
    measuring, steps = _predicted(looked, images)
    return [
        replace(
            step,
            measured=None if measuring is None else measuring.measured(step.halo),
            work=_work(looked, step.halo, tile),
        )
        for step in thinned(steps, most)
    ]


def thinned(steps: Sequence[Step], most: int | None, kept: Step | None = None) -> list[Step]:
    """So many halos at even distances, the first and the last one and ``kept`` among them."""
    if most is None or len(steps) <= most:
        return list(steps)
    places = {round(i * (len(steps) - 1) / (most - 1)) for i in range(most)}
    return [step for i, step in enumerate(steps) if i in places or step == kept]


def _work(looked: Probe, halo: int, tile: Sequence[int]) -> float | None:
    """MACs of all tiles over the whole image's, with a halo of at most so many pixels."""
    lanes = tuple(lane.of_halo(halo) for lane in looked.lanes)
    if any(size < lane.smallest for lane, size in zip(lanes, tile, strict=True)):
        return None
    return float(replace(looked, lanes=lanes).work([[size] for size in tile]).item())


def by_density(looked: Probe, sizes: Sequence[int]) -> list[float]:
    """The error of each halo as the network alone tells."""
    extent, starts = looked.patch
    network, end = looked.family.at(extent), looked.ends[0]
    worst = np.zeros(len(sizes))
    for is_last in (False, True):
        at = {}
        for a, (start, lane) in enumerate(zip(starts, looked.lanes, strict=True)):
            place, rate = looked.states[end].place(a), looked.rate(end, a)
            if place is not None and rate is not None:
                at[place] = int((start + (lane.lattice if is_last else 0)) * rate) - is_last
        counts = path_counts(network, end, at, is_shared=True)
        if counts is None:
            continue
        for a, lane in enumerate(looked.lanes):
            shares = counts.values.sum(axis=tuple(b for b in range(counts.values.ndim) if b != a))
            pixels = np.arange(len(shares)) + (counts.offsets[a] or 0)
            edge = starts[a] + (lane.lattice - 1 if is_last else 0)
            ahead = pixels - edge if is_last else edge - pixels
            tails = [shares[ahead > h].sum() / shares.sum() for h in sizes]
            worst = np.maximum(worst, np.sqrt(tails))
    return [float(error) for error in worst]
