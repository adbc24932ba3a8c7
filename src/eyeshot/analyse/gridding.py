"""How much of the box around what a unit sees does it really see?

Dilations that share a factor, strides without overlap and parallel stripes leave holes. Told are the positions that the
middle unit sees over those of the box around them, in the image and in every map that a stride made: a stack of dilated
layers may read its map in a grid though each position of that sees so much that no pixel is left out.

Reference: Wang, Chen, Yuan, Liu, Huang, Hou & Cottrell 2018, arXiv:1702.08502, section 3.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.footprint import Footprint, centre_unit, footprints
from eyeshot.analyse.inspection import Layer
from eyeshot.network.graph import Network
from eyeshot.network.ops import Input, Sliding


@dataclass(frozen=True)
class Coverage:
    """What a layer's middle unit sees of a map, by the data path.

    Attributes:
        layer: the unit's layer.
        map: the layer whose output it is seen of; the input's name for the image.
        seen, box: positions that are seen, and those of the box around them.
        along: the same per axis, the others united.
    """

    layer: str
    map: str
    seen: int
    box: int
    along: tuple[tuple[int, int], ...]

    @property
    def share(self) -> float:
        """Of the box."""
        return self.seen / self.box if self.box else 1.0


def coverages(layer: Layer) -> list[Coverage]:
    """The coverage of the image, and of every map before the layer at which the stride grows; in order.

    Example:
        >>> from eyeshot.api import inspect
        >>> [coverage.along for coverage in coverages(inspect("C3d2 C3d2 C3d2", (3, 64, 64))["conv3"])]
        [((7, 13), (7, 13))]
    """
    network = layer.fields.network
    carrying = data_path(network, layer.name)
    seen = footprints(network, layer.name, centre_unit(network, layer.name), gates=False)
    return [
        _coverage(layer.name, name, each)
        for name, each in reversed(list(seen.items()))
        if name in carrying and name != layer.name and each.parts and _begins_a_resolution(network, name)
    ]


def _begins_a_resolution(network: Network, name: str) -> bool:
    op = network[name].op
    return isinstance(op, Input) or (isinstance(op, Sliding) and max(op.stride) > 1)


def _coverage(layer: str, name: str, seen: Footprint) -> Coverage:
    sides = [last - first + 1 for first, last in seen.hull]
    along = tuple((len(_positions(seen, axis)), side) for axis, side in enumerate(sides))
    return Coverage(layer, name, seen.count, math.prod(sides), along)


def _positions(seen: Footprint, axis: int) -> set[int]:
    """Positions along an axis at which anything is seen."""
    positions: set[int] = set()
    for part in seen.parts:
        along = part[axis]
        found = range(seen.extent[axis]) if along is None else (along.start + along.bits.nonzero()[0]).tolist()
        positions.update(found)
    return positions
