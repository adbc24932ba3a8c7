"""The part of the image that one unit depends on. A pass over that part alone has the same gradient, and less to do.

The part is the unit's field, and as much more as keeps every layer's grid: it begins at a multiple of all strides. The
network is read on the part, where the unit must see just what it sees on the whole. Layers that do not move with
the image (fully connected, pools to a fixed size, statistics over positions, tokens) need the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from torch import nn

from eyeshot.analyse.data_path import below
from eyeshot.analyse.field import Fields, UnitHull
from eyeshot.analyse.layouts import unit_axes
from eyeshot.analyse.sights import Moving
from eyeshot.analyse.units import At
from eyeshot.errors import ReadError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Input
from eyeshot.network.relations import Concat, Elementwise, Window
from eyeshot.read.torch import read_module

_LARGEST = 0.75
"""Of the whole's pixels; a larger part is not worth another reading."""


@dataclass(frozen=True)
class Crop:
    """A part of the image, and the network as read on it.

    Attributes:
        network: of the part.
        start, size: the part, per followed axis of the input.
        shift: by how much a unit's index is smaller there, per axis along which units lie.
    """

    network: Network
    start: tuple[int, ...]
    size: tuple[int, ...]
    shift: At

    def unit(self, at: At) -> At:
        """A unit's index there."""
        return tuple(i - s for i, s in zip(at, self.shift, strict=True))


def whole(network: Network, layer: str) -> Crop:
    """No crop at all."""
    zeros = (0,) * len(network.extent)
    return Crop(network, zeros, network.extent, (0,) * len(unit_axes(network, layer)))


def crop_for(module: nn.Module, fields: Fields, layer: str, at: At) -> Crop | None:
    """The part of the image for one unit; None where there is none that is known to do, or worth it."""
    network = fields.network
    nodes = below(network, layer)
    is_map_of_one_image = len(network.inputs) == 1 and network.axes == tuple(
        range(2, len(network.input.shape))
    ) == unit_axes(network, layer)
    grid = _grid(fields, nodes) if is_map_of_one_image and all(map(_moves, nodes)) else None
    if grid is None:
        return None
    hull = fields.unit(layer, at)
    if any(last < first for first, last in hull.clipped):
        return None
    start = tuple(first // step * step for (first, _), step in zip(hull.clipped, grid, strict=True))
    ends = [
        min(-(-(last + 1) // step) * step, n)
        for (_, last), step, n in zip(hull.clipped, grid, network.extent, strict=True)
    ]
    size = tuple(end - first for first, end in zip(start, ends, strict=True))
    shift = _shift(fields, layer, start)
    if shift is None or math.prod(size) > _LARGEST * math.prod(network.extent):
        return None
    read = _read(module, network, size)
    if read is None or layer not in read or not _is_same(nodes, below(read, layer)):
        return None
    crop = Crop(read, start, size, shift)
    there = crop.unit(at)
    if any(not 0 <= i < read[layer].shape[axis] for i, axis in zip(there, network.axes, strict=True)):
        return None
    return crop if Fields(read).unit(layer, there) == _moved(hull, start) else None


def _moves(node: Node) -> bool:
    """Whether a layer does the same at every place of the image."""
    if isinstance(node.op, Input):
        return True
    kinds = (Window, Elementwise)
    return bool(node.reads) and all(
        isinstance(read.relation, kinds) or (isinstance(read.relation, Concat) and read.relation.axis == 1)
        for read in node.reads
    )


def _grid(fields: Fields, nodes: list[Node]) -> tuple[int, ...] | None:
    """Per axis the pixels by which all layers' units move together; None where some do not move."""
    steps = [1] * len(fields.network.axes)
    for node in nodes:
        for axis, sight in enumerate(fields.form(node.name)):
            if not isinstance(sight, Moving):
                return None
            steps[axis] = math.lcm(steps[axis], sight.step)
    return tuple(steps)


def _shift(fields: Fields, layer: str, start: tuple[int, ...]) -> At | None:
    """The units of the layer before the part's first one."""
    counts = []
    for sight, first in zip(fields.form(layer), start, strict=True):
        assert isinstance(sight, Moving)
        units = Fraction(first * sight.period, sight.step)
        if units.denominator != 1:
            return None
        counts.append(int(units))
    return tuple(counts)


def _read(module: nn.Module, network: Network, size: tuple[int, ...]) -> Network | None:
    """The module on an input of another size, as far as it goes."""
    shape = list(network.input.shape[1:])
    for axis, n in zip(network.axes, size, strict=True):
        shape[axis - 1] = n
    try:
        return read_module(module, tuple(shape), name=network.name, source=network.source)
    except ReadError as error:
        partial: Network | None = error.partial
        return partial


def _is_same(one: list[Node], other: list[Node]) -> bool:
    """Whether layers read alike, one by one."""
    return [(n.inputs, n.reads) for n in one] == [(n.inputs, n.reads) for n in other]


def _moved(hull: UnitHull, start: tuple[int, ...]) -> UnitHull:
    def move(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return tuple((a - s, b - s) for (a, b), s in zip(ranges, start, strict=True))

    return UnitHull(move(hull.unclipped), move(hull.clipped))
