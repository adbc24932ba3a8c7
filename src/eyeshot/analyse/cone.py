"""Which units of every earlier layer does a unit see, along one axis of the image?

The sets are exact, holes included; what lies along the other axes and in other channels is united.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np

from eyeshot.analyse.field import Fields
from eyeshot.analyse.footprint import marks
from eyeshot.analyse.layouts import axes_counting
from eyeshot.analyse.marks import Mark, bits_of
from eyeshot.analyse.parted import NEVER, Parted
from eyeshot.analyse.sights import Moving, Scattered
from eyeshot.network.graph import Network
from eyeshot.network.ops import Input

Runs = tuple[tuple[int, int], ...]
"""Positions as inclusive ranges, in order and apart."""


@dataclass(frozen=True)
class Placement:
    """Where a layer's units lie above the image: unit i is centred at pixel ``centre`` + i·``step``.

    Attributes:
        axis: the tensor's axis along which the units stand; None where it has none, and one unit stands for all.
        count: number of units.
        centre: input coordinate of unit 0's centre.
        step: input pixels from one unit to the next.
    """

    axis: int | None
    count: int
    centre: float
    step: float

    def edges(self, first: int, last: int) -> tuple[float, float]:
        """Where the cells of some units begin and end, in input pixels; a pixel p takes p − ½ … p + ½."""
        return self.centre + (first - 0.5) * self.step, self.centre + (last + 0.5) * self.step


def placement(fields: Fields, name: str, axis: int) -> Placement:
    """Where a layer's units lie along one followed axis: at the centres of their fields, averaged over phases.

    Units without a common form are spread evenly over the image.
    """
    network = fields.network
    node, extent = network[name], network.extent[axis]
    if isinstance(node.op, Input):
        return Placement(network.axes[axis], node.shape[network.axes[axis]], 0.0, 1.0)
    sight = fields.form(name)[axis]
    if isinstance(sight, Moving):
        step = sight.step / sight.period
        centres = [
            (first + last) / 2 - phase * step
            for phase, (first, last) in enumerate(zip(sight.firsts, sight.lasts, strict=True))
            if first != NEVER
        ]
        return Placement(sight.axis, node.shape[sight.axis], sum(centres) / len(centres), step)
    counting = axes_counting(network, name, axis)
    if isinstance(sight, Scattered | Parted) and len(counting) == 1:
        count = node.shape[counting[0]]
        return Placement(counting[0], count, (extent / count - 1) / 2, extent / count)
    return Placement(None, 1, (extent - 1) / 2, float(extent))


def seen(
    fields: Fields, name: str, at: tuple[int, ...], axis: int, *, until: Container[str] = ()
) -> Mapping[str, Runs]:
    """What the unit ``at`` of a layer sees of every node before it, and of its own layer, along one followed axis.

    What is seen only through nodes of ``until`` does not count.

    Raises:
        UsageError: if the layer has no such unit.
    """
    marked = marks(fields.network, name, at, gates=fields.gates, until=until)
    return {node: _runs(mark, placement(fields, node, axis), fields.network, node) for node, mark in marked.items()}


def _runs(mark: Mark, where: Placement, network: Network, name: str) -> Runs:
    if not mark:
        return ()
    if where.axis is None:
        return ((0, 0),)
    size = network[name].shape[where.axis]
    line = np.zeros(size, dtype=bool)
    for along in {term[where.axis] for term in mark}:
        line |= bits_of(along, size)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.view(np.int8), [0]])))
    return tuple((int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True))
