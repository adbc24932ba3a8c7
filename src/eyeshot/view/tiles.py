"""What the page's tab of tiles is drawn from: lanes, a default tile, errors of halos, and MACs as they grow.

A layer's positions on a tile of T pixels are a share of those on the whole image, along each axis:

    tiles from the image's beginning on, or in its middle    c₀ + c₁·T      (1 where the tile is the whole axis)
    the tile that ends with the image                        e₀ + e₁·T
"""

from __future__ import annotations

from typing import Any

from eyeshot.tile.plan import planned
from eyeshot.tile.probe import Probe
from eyeshot.tile.reasons import prevented
from eyeshot.tile.tolerance import by_density, halos


def tiles_of(looked: Probe) -> dict[str, Any]:
    """The entry of one design, ready for json.dumps."""
    plan = planned(looked)
    sizes = halos(looked)
    errors = [] if looked.prevents else by_density(looked, sizes)
    return {
        "layers": list(looked.ends),
        "prevents": [each.to_dict() for each in prevented(looked.whole, looked.prevents, looked.ends)],
        "lanes": [
            {
                "n": lane.n,
                "lattice": lane.lattice,
                "before": lane.before,
                "after": lane.after,
                "residue": lane.residue,
                "least": lane.least,
            }
            for lane in plan.lanes
        ],
        "tile": list(plan.tile),
        "errors": [[halo, error] for halo, error in zip(sizes, errors, strict=False)],
        "work": _work(looked),
    }


def _work(looked: Probe) -> list[list[Any]]:
    """MACs, and per axis c₀, c₁, e₀, e₁, of all layers that grow alike together."""
    together: dict[tuple[tuple[float, ...], ...], int] = {}
    for follows, macs in looked.macs.values():
        grows = tuple(_growth(looked, follows, axis) for axis in range(len(looked.lanes)))
        together[grows] = together.get(grows, 0) + macs
    return [[macs, [list(axis) for axis in grows]] for grows, macs in together.items()]


def _growth(looked: Probe, layer: str, axis: int) -> tuple[float, ...]:
    result: list[float] = []
    for at_end in (False, True):  # both are straight lines below the whole axis
        zero, one = (float(looked.share(layer, axis, size, at_end=at_end)) for size in (0, 1))
        result += [zero, one - zero]
    return tuple(result)
