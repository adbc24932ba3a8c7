"""A plan in the words of other runners: their settings, and whether they can give the whole image's numbers with them.

They crop or blend overlapping tiles. Cropping the halo on the lattice gives the whole image's numbers, where the border
of the image is left to the network; blending mixes what is right with what is not, which is needless where tiles are
equal and cannot help where they are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from eyeshot.errors import UsageError
from eyeshot.tile.plan import TilePlan


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Another runner's settings; ``can_be_equal`` with its own tiling, and ``why`` or why not."""

    runner: str
    settings: dict[str, Any]
    can_be_equal: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for json.dumps."""
        return {"for": self.runner, "settings": self.settings, "can_be_equal": self.can_be_equal, "why": self.why}


def settings_for(plan: TilePlan, runner: str) -> Settings:
    """The plan for a runner: bioimageio, monai, careamics, nnunet or diffusers.

    Raises:
        UsageError: there is no such runner.
    """
    if runner not in _RUNNERS:
        raise UsageError(f"no runner {runner!r}; there are {', '.join(_RUNNERS)}")
    settings, is_cropping, why = _RUNNERS[runner](plan)
    if plan.verdict != "equal":
        cause = f"{plan.prevents[0].layer} {plan.prevents[0].why}" if plan.prevents else "the halo is not the exact one"
        why, is_cropping = f"tiles differ whoever runs them: {cause}", False
    return Settings(runner=runner, settings=settings, can_be_equal=is_cropping, why=why)


def _sides(plan: TilePlan) -> list[int]:
    """The halo on each side, on the lattice, the same on both: others know no sides."""
    return [-(-max(sides) // step) * step for sides, step in zip(plan.halo, plan.lattice, strict=True)]


def _overlaps(plan: TilePlan) -> list[int]:
    return [2 * side for side in _sides(plan)]


_BLENDS = "it blends overlapping tiles instead of cropping them, so pixels near a tile's edge, which differ, count too"


_MOVED = "its last tile is moved to the image's end, off the lattice: pad the image to the lattice"

_FILLED = (
    "it fills the halo beyond the image's border with a mirror of the image, where the network has padding of its own"
)


def _bioimageio(plan: TilePlan) -> tuple[dict[str, Any], bool, str]:
    output, side = [], _sides(plan)
    for rate, pixels in zip(plan.output_per_input, side, strict=True):
        output.append(0 if rate is None else int(-(-pixels * rate.numerator // rate.denominator)))
    least = [max(lane.fitting(2 * s + lane.lattice), lane.smallest) for lane, s in zip(plan.lanes, side, strict=True)]
    settings = {
        "inputs.axes": [{"size": {"min": n, "step": step}} for n, step in zip(least, plan.lattice, strict=True)],
        "outputs.axes": [{"halo": n} for n in output],
    }
    if any(lane.n % lane.lattice for lane in plan.lanes):
        return settings, False, _MOVED
    if any(side):
        return (
            settings,
            False,
            f"{_FILLED}; {side} pixels inside the border it is equal: it cuts the halo off each side",
        )
    return settings, True, "tiles need no halo, and their sizes are of the step"


def _monai(plan: TilePlan) -> tuple[dict[str, Any], bool, str]:
    shares = [min(overlap / t, 0.99) for overlap, t in zip(_overlaps(plan), plan.tile, strict=True)]
    settings = {"roi_size": list(plan.tile), "overlap": [_floored(s) for s in shares], "mode": "constant"}
    if not any(shares):
        if any(
            t < lane.n and (t % lane.lattice or lane.n % lane.lattice)
            for t, lane in zip(plan.tile, plan.lanes, strict=True)
        ):
            return settings, False, _MOVED
        return settings, True, "tiles need no halo, so what overlaps is the same"
    return settings, False, f"{_BLENDS}; crop {_sides(plan)} pixels of each tile's sides to be equal"


def _careamics(plan: TilePlan) -> tuple[dict[str, Any], bool, str]:
    settings = {"tile_size": list(plan.tile), "tile_overlap": _overlaps(plan)}
    on_grid = all(
        (t - o) % step == 0 and (o // 2) % step == 0
        for t, o, step in zip(plan.tile, _overlaps(plan), plan.lattice, strict=True)
    )
    if not on_grid or any(lane.n % lane.lattice for lane in plan.lanes):
        return settings, False, _MOVED
    return settings, True, "it crops half of the overlap on each side"


def _nnunet(plan: TilePlan) -> tuple[dict[str, Any], bool, str]:
    step = min((t - o) / t for t, o in zip(plan.tile, _overlaps(plan), strict=True))
    settings = {"patch_size": list(plan.tile), "tile_step_size": _floored(max(step, 0.01)), "use_gaussian": False}
    return settings, False, f"{_BLENDS}; and it spreads tiles evenly over the image, off the lattice"


def _diffusers(plan: TilePlan) -> tuple[dict[str, Any], bool, str]:
    overlap = max(o / t for o, t in zip(_overlaps(plan), plan.tile, strict=True))
    # an encoder's tile is of the image, a decoder's of the latents; the other size follows by the network's rate
    tile, rate = max(plan.tile), plan.output_per_input[0] or Fraction(1)
    sample, latent = (int(tile * rate), tile) if rate > 1 else (tile, int(tile * rate))
    settings = {
        "tile_sample_min_size": sample,
        "tile_latent_min_size": latent,
        "tile_overlap_factor": _floored(min(overlap, 0.99)),
    }
    return settings, False, _BLENDS


def _floored(share: float) -> float:
    """A share in six digits, less than it: runners round a step down, which may not lose a pixel by that."""
    return max(0, math.ceil(share * 1e6) - 1) / 1e6


_RUNNERS: dict[str, Callable[[TilePlan], tuple[dict[str, Any], bool, str]]] = {
    "bioimageio": _bioimageio,
    "monai": _monai,
    "careamics": _careamics,
    "nnunet": _nnunet,
    "diffusers": _diffusers,
}
RUNNERS = tuple(_RUNNERS)
