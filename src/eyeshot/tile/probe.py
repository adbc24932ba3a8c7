"""What a network does to tiles of any size: lattice, halo, what prevents equality, sizes and costs as they grow.

One small tile is read at the image's beginning, in its middle and at its end. On the lattice a layer's size grows with
the tile's by a fixed rate, so the small tile stands for all others:

    positions of a layer(T) = positions(T₀) + (T − T₀)·rate
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from eyeshot.analyse.cost import costs
from eyeshot.analyse.data_path import below
from eyeshot.analyse.field import Fields
from eyeshot.analyse.memory import alive_by_step
from eyeshot.errors import ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.ops import ConvTranspose
from eyeshot.network.relations import Reduce
from eyeshot.tile.agreement import Agreement, Found, agreement, other_numbers
from eyeshot.tile.family import Family
from eyeshot.tile.grid import AxisTile, Lane
from eyeshot.tile.halo import halo
from eyeshot.tile.spans import Span, State, positions


@dataclass(frozen=True)
class Probe:
    """A family of networks, looked at for tiling.

    Attributes:
        family: the model at all sizes.
        ends: the layers whose outputs are wanted.
        lanes: each axis with its lattice and halo.
        states: every layer on the whole image.
        small: the tile that was looked at, per axis, and the states on it; None where the network takes no tile.
        prevents: what keeps a tile from being equal.
    """

    family: Family
    ends: tuple[str, ...]
    lanes: tuple[Lane, ...]
    states: Mapping[str, State]
    small: tuple[tuple[int, ...], Mapping[str, State]] | None
    prevents: tuple[Found, ...]

    @property
    def whole(self) -> Network:
        """The network on the whole image."""
        return self.family.whole

    @cached_property
    def names(self) -> list[str]:
        """The layers that lead to the outputs, in order."""
        return [node.name for node in below(self.whole, *self.ends)]

    @cached_property
    def last(self) -> str:
        """The last layer that runs."""
        return self.names[-1]

    @cached_property
    def params(self) -> int:
        """Weights of the layers that lead to the outputs."""
        return sum(self.whole[name].params for name in self.names)

    def rate(self, name: str, axis: int) -> Fraction | None:
        """Positions of a layer per pixel; None where it has none along the axis."""
        span = self.states[name].spans[axis]
        return None if span is None or self.states[name].sizes(axis) is None else span.rate

    def share(self, name: str, axis: int, sizes: Any, *, at_end: bool = False) -> Any:
        """A layer's positions on tiles of some sizes over those on the whole image; tiles ``at_end`` end with it."""
        rate, n = self.rate(name, axis), self.whole.extent[axis]
        positions = self.states[name].sizes(axis)
        if rate is None or positions is None:
            return np.ones_like(np.asarray(sizes, dtype=float))
        if at_end or self.small is None:
            return 1 - (n - np.asarray(sizes, dtype=float)) * float(rate) / positions[0]
        there = self.small[1][name].sizes(axis)
        base = positions[0] if there is None else there[1]
        grown = (base + (np.asarray(sizes, dtype=float) - self.small[0][axis]) * float(rate)) / positions[0]
        return np.where(np.asarray(sizes) >= n, 1.0, grown)

    @cached_property
    def macs(self) -> dict[str, tuple[str, int]]:
        """MACs of the layers that lead to the outputs, with the layer whose positions they follow."""
        nodes = (self.whole[name] for name in self.names)
        return {
            node.name: (node.inputs[0] if isinstance(node.op, ConvTranspose) else node.name, macs)
            for node in nodes
            if (macs := costs(self.whole)[node.name].macs)
        }

    def work(self, choices: Sequence[Sequence[int]]) -> Any:
        """MACs of all tiles over the whole image's, for each combination of tiles along the axes."""
        axes = range(len(self.lanes))
        rows = [np.array([self._row(a, size) for size in choices[a]]).T for a in axes]
        total: Any = 0
        for follows, macs in self.macs.values():
            part: Any = macs
            for a in axes:
                part = np.multiply.outer(part, self._sum(follows, a, *rows[a]))
            total = total + part
        whole = sum(macs for _, macs in self.macs.values())
        if not whole:  # a network without weights: pixels
            part = 1.0
            for a in axes:
                tile, count, last = rows[a]
                part = np.multiply.outer(part, (tile * count + last) / self.lanes[a].n)
            return part
        return total / whole

    def _row(self, axis: int, size: int) -> tuple[int, int, int]:
        """A tile's size, how many of it there are, and the last tile's size."""
        tiles = self.lanes[axis].tiles(size)
        return size, len(tiles) - 1, tiles[-1].size

    def _sum(self, name: str, axis: int, sizes: Any, counts: Any, lasts: Any) -> Any:
        """A layer's positions on all tiles over those on the whole image, for each row of tiles."""
        return counts * self.share(name, axis, sizes) + self.share(name, axis, lasts, at_end=True)

    def alive(self, choices: Sequence[Sequence[int]]) -> Any:
        """Elements alive at once on a tile, for each combination of tiles along the axes."""

        def sized(name: str, elements: int) -> Any:
            part: Any = elements
            for a, sizes in enumerate(choices):
                part = np.multiply.outer(
                    part, self.share(name, a, sizes) if name in self.states else np.ones(len(sizes))
                )
            return part

        steps = alive_by_step(self.whole, sized, until=self.last, kept=self.ends)
        return np.maximum.reduce([np.broadcast_to(step, [len(sizes) for sizes in choices]) for step in steps])

    def alive_on(self, network: Network) -> int:
        """Elements alive at once on a network of the family."""
        steps = alive_by_step(network, lambda name, elements: elements, until=self.last, kept=self.ends)
        return int(max(steps))

    def held(self, sizes: Sequence[int], size: int) -> int:
        """Bytes held at once on a tile, of elements of ``size`` bytes: as PyTorch runs it, else a planner's minimum."""
        key = tuple(sizes), size
        if key not in self._held:
            bytes_held = self.family.held(sizes) if self.ends == (self.whole.outputs or self.ends) else None
            if bytes_held is None:
                network = self.whole if key[0] == self.whole.extent else self.family.at(sizes)
                self._held[key] = self.alive_on(network) * size
            else:
                self._held[key] = bytes_held * size // self.family.element_size
        return self._held[key]

    @cached_property
    def _held(self) -> dict[object, int]:
        return {}

    @property
    def patch(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Sizes of an image that holds all that a core of one lattice step sees, and where that core begins."""
        wide = [replace(lane, n=1 << 60) for lane in self.lanes]
        starts = tuple(lane.ahead + lane.lattice for lane in wide)
        ends = (start + 2 * lane.lattice + lane.after for lane, start in zip(wide, starts, strict=True))
        return tuple(lane.fitting(end) for lane, end in zip(wide, ends, strict=True)), starts

    def beside(self, network: Network, tiles: Sequence[AxisTile], whole: Network | None = None) -> Agreement:
        """A tile beside the whole image; what it does not deliver of its core is noted."""
        whole = whole or self.whole
        result = agreement(whole, network, [tile.start for tile in tiles], self.names)
        if self.ends == self.whole.outputs != network.outputs:  # layers of the tile's own come after the whole's last
            for axis in range(len(self.lanes)):
                result.note(self.last, axis, "path")
        for layer in other_numbers(whole, network, self.names):
            for axis in self._axes_of_numbers(layer, whole, network):
                result.note(layer, axis, "numbers")
        for end in self.ends:
            if end in result.states:
                _check_core(result, end, whole, tiles)
        return result

    def _axes_of_numbers(self, layer: str, whole: Network, tile: Network) -> list[int]:
        """The axes whose size alone makes a layer's numbers others; all that differ where none does alone."""
        differ = [a for a, (n, m) in enumerate(zip(whole.extent, tile.extent, strict=True)) if n != m]
        alone = []
        for axis in differ:
            sizes = [tile.extent[a] if a == axis else n for a, n in enumerate(whole.extent)]
            if not self.family.accepts(sizes) or other_numbers(whole, self.family.at(sizes), [layer]):
                alone.append(axis)
        return alone or differ or list(range(len(self.lanes)))


def _check_core(result: Agreement, end: str, whole: Network, tiles: Sequence[AxisTile]) -> None:
    state = result.states[end]
    for axis, tile in enumerate(tiles):
        span, sizes = state.spans[axis], state.sizes(axis)
        if span is None or sizes is None:
            continue
        first = math.ceil(tile.first * span.rate)
        end_unit = sizes[0] if tile.end >= whole.extent[axis] else min(math.ceil(tile.end * span.rate), sizes[0])
        before = max(0, math.ceil((span.offset + span.low - first) / span.rate))
        after = max(0, math.ceil((end_unit - 1 - span.offset - span.high) / span.rate))
        if first < end_unit and (before or after):
            if not any(found.axis == axis for found in result.prevents):
                result.note(end, axis, "uncovered")
            known = result.short.get(axis, (0, 0))
            # at the image's ends no halo could help
            before, after = before * (tile.start > 0), after * (tile.start + tile.size < whole.extent[axis])
            result.short[axis] = max(before, known[0]), max(after, known[1])


def probe(family: Family, layer: str | None) -> Probe:
    """Look at a model's tiles.

    Args:
        family: the model at all sizes.
        layer: the layer whose output is wanted; all outputs unless given.

    Raises:
        UsageError: there is no such layer.
    """
    whole = family.whole
    ends = (whole[layer].name,) if layer is not None else whole.outputs or (whole.output.name,)
    names = [node.name for node in below(whole, *ends)]
    if whole.input.name not in names:
        raise UsageError(f"{' and '.join(ends)} of {whole.name} does not depend on the image")
    states = agreement(whole, whole, (0,) * len(whole.axes), names).states
    lattice = [_lattice([states[name].spans[a] for name in names]) for a in range(len(whole.axes))]
    fields = Fields(whole)
    first = Probe(family, ends, tuple(_lanes(fields.data, ends, states, lattice)), states, None, ())
    looked = _looked_at(first, fixed=False)
    is_fixed = False
    if looked.prevents and any(n % step for n, step in zip(whole.extent, lattice, strict=True)):
        other = _looked_at(first, fixed=True)  # sizes as the whole's, which it is known to take
        if len(other.prevents) < len(looked.prevents):
            looked, is_fixed = other, True
    if not looked.prevents and any(read.gate for name in names for read in whole[name].reads):
        looked = _looked_at(replace(first, lanes=tuple(_lanes(fields, ends, states, lattice))), fixed=is_fixed)
    if looked.prevents and any(lane.smallest >= lane.n for lane in looked.lanes):
        # what reads everything is passed over: the halo of the rest
        bare = tuple(
            replace(lane, before=0, after=0)
            if lane.smallest >= lane.n and a in {f.axis for f in looked.prevents}
            else lane
            for a, lane in enumerate(first.lanes)
        )
        looked = _looked_at(replace(first, lanes=bare), fixed=is_fixed)
    return looked


def _lattice(spans: Sequence[Span | None]) -> int:
    """Pixels by which all layers' positions move as one; layers that follow the image's size are passed over."""
    return math.lcm(1, *(span.rate.denominator for span in spans if span is not None and span.is_regular))


def _lanes(
    fields: Fields,
    ends: Sequence[str],
    states: Mapping[str, State],
    lattice: Sequence[int],
) -> list[Lane]:
    lanes = []
    for axis, (n, step) in enumerate(zip(fields.network.extent, lattice, strict=True)):
        sides = [(0, 0)]
        for end in ends:
            span = states[end].spans[axis]
            if span is not None and states[end].sizes(axis) is not None:
                sides.append(halo(fields, end, axis, step, span.rate))
        lanes.append(Lane(n, step, max(b for b, _ in sides), max(a for _, a in sides)))
    return lanes


def _looked_at(first: Probe, *, fixed: bool, left: int = 6) -> Probe:
    """A small tile at the beginning, in the middle and at the end of an image that is large enough.

    Where it sees enough for its core and yet does not deliver it, since layers cut off their maps' ends, the halo is
    made larger by what is missing, ``left`` times at most.
    """
    family = first.family
    lanes = [replace(lane, residue=lane.n % lane.lattice if fixed else 0) for lane in first.lanes]
    # on an image that is larger than any: a small one would be one tile
    endless = [replace(lane, n=1 << 60) for lane in lanes]
    small = tuple(lane.fitting(lane.ahead + 2 * lane.lattice + lane.after) for lane in endless)
    sizes = tuple(_enough(lane, tile) for lane, tile in zip(lanes, small, strict=True))
    prevents: list[Found] = []
    short = [(0, 0)] * len(lanes)
    middle: Mapping[str, State] | None = None
    try:
        large = family.at(sizes)
        tile = family.at(small)
        cut = [replace(lane, n=n).tiles(t) for lane, n, t in zip(lanes, sizes, small, strict=True)]
        last = family.at([tiles[-1].size for tiles in cut])
    except (ReadError, UsageError):
        return replace(first, lanes=tuple(lanes), prevents=_of_fixed_size(first))
    for network, place in ((tile, 0), (tile, 1), (last, -1)):
        result = first.beside(network, [tiles[place] for tiles in cut], large)
        prevents += [found for found in result.prevents if found not in prevents]
        for axis, sides in result.short.items():
            short[axis] = max(sides[0], short[axis][0]), max(sides[1], short[axis][1])
        if place == 1 and len(result.states) == len(first.states):
            middle = result.states
    if left and any(map(any, short)):
        pairs = zip(first.lanes, short, strict=True)
        wider = tuple(replace(lane, before=lane.before + b, after=lane.after + a) for lane, (b, a) in pairs)
        # what reads all of an axis is short of any tile
        if all(lane.smallest < lane.n or lane == old for lane, old in zip(wider, first.lanes, strict=True)):
            return _looked_at(replace(first, lanes=wider), fixed=fixed, left=left - 1)
    return replace(
        first,
        lanes=tuple(lanes),
        small=None if middle is None else (small, middle),
        prevents=tuple(prevents),
    )


def _of_fixed_size(first: Probe) -> tuple[Found, ...]:
    """What keeps a network from taking images of another size than its own."""
    found = []
    for name in first.names:
        node = first.whole[name]
        layout = first.states[name].layout
        found += [
            Found(name, part.axis or 0, "constants")
            for k in getattr(node.op, "varies", ())
            for part in positions(layout[k])
        ]
        for read in node.reads:
            if isinstance(read.relation, Reduce):
                before = first.states[node.inputs[read.source]].layout
                found += [Found(name, p.axis or 0, "all") for k in read.relation.axes for p in positions(before[k])]
    return tuple(found) or tuple(Found(first.whole.input.name, a, "input") for a in range(len(first.lanes)))


def _enough(lane: Lane, tile: int) -> int:
    """The whole axis, or more where that would not give a tile in its middle."""
    needed = tile + lane.ahead + 4 * lane.lattice + lane.after + 1
    return lane.n if lane.n >= needed else needed + (lane.n - needed) % lane.lattice
