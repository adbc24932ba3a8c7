"""The plan: will tiles equal the whole, how much do they need around them, which tile, at what cost?"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from eyeshot.errors import ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.tile.choose import usual, within
from eyeshot.tile.grid import AxisTile, Lane
from eyeshot.tile.probe import Probe
from eyeshot.tile.reasons import Prevented, prevented

SCHEMA = "eyeshot.tile/1"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes: activations alive at once on a tile and on the whole image, and weights; tiles that fit at once."""

    tile: int
    whole: int
    weights: int
    batch: int = 1


@dataclass(frozen=True, kw_only=True)
class Step:
    """One halo: its predicted error, the measured one where it was, and work over the whole image's with a tile.

    ``work`` is None where the tile is too small for the halo.
    """

    halo: int
    predicted: float
    measured: float | None = None
    work: float | None = None


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """A halo smaller than the exact one: the error asked for, predicted and measured, over the output's spread.

    ``curve`` has the same of every halo that was looked at, with its work.
    """

    asked: float
    predicted: float
    measured: float | None = None
    curve: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output: its layer and shape, and per axis of the image its own axis and its positions per pixel."""

    layer: str
    shape: tuple[int, ...]
    axes: tuple[int | None, ...]
    rates: tuple[Fraction | None, ...]


@dataclass(frozen=True, kw_only=True)
class TilePlan:
    """How to run a network on an image piece by piece; one entry per followed axis, in the model's order.

    Attributes:
        network: as read on the whole image.
        layers: whose outputs the tiles deliver.
        verdict: "equal": tiles give the whole image's numbers; "tolerance": with an error below the one asked for;
            "differs": ``prevents`` says why.
        prevents: the layers that keep tiles from being equal.
        lanes: the axes, with how they are cut.
        tile: input pixels of a tile in the middle.
        offset: the input pixel on which output 0 lies, where the network leaves out the border.
        outputs: what the tiles deliver.
        work: MACs of all tiles over the whole image's.
        memory: bytes.
        limit: bytes asked for.
        fits: whether the tile fits into them.
        is_best: whether no other tile that fits costs less work, under the model of ``choose``.
        tolerance: where a smaller halo than the exact one was asked for.
        exact: the exact halo, where the plan's is smaller.
    """

    network: Network
    layers: tuple[str, ...]
    verdict: str
    prevents: tuple[Prevented, ...]
    lanes: tuple[Lane, ...]
    tile: tuple[int, ...]
    offset: tuple[int, ...]
    outputs: tuple[Output, ...]
    work: float
    memory: Memory
    limit: int | None = None
    fits: bool = True
    is_best: bool = False
    tolerance: Tolerance | None = None
    exact: tuple[tuple[int, int], ...] = ()
    probed: Probe = field(repr=False, compare=False)

    @property
    def halo(self) -> tuple[tuple[int, int], ...]:
        """Input pixels that a core needs before and after, cores on the lattice."""
        return tuple((lane.before + a, lane.after - a) for lane, a in zip(self.lanes, self.offset, strict=True))

    @property
    def lattice(self) -> tuple[int, ...]:
        """Cores and tiles begin at multiples of it."""
        return tuple(lane.lattice for lane in self.lanes)

    @property
    def core(self) -> tuple[int, ...]:
        """Input pixels whose outputs a tile in the middle delivers."""
        return tuple(lane.core(size) for lane, size in zip(self.lanes, self.tile, strict=True))

    @cached_property
    def rows(self) -> tuple[tuple[AxisTile, ...], ...]:
        """The tiles along each axis; every combination is a tile."""
        return tuple(tuple(lane.tiles(size)) for lane, size in zip(self.lanes, self.tile, strict=True))

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of tiles along each axis."""
        return tuple(map(len, self.rows))

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return math.prod(self.grid)

    @property
    def output_per_input(self) -> tuple[Fraction | None, ...]:
        """Output positions per input pixel, of the first output."""
        return self.outputs[0].rates

    @property
    def latency(self) -> tuple[int, ...]:
        """Of streams: pixels that must have come before the outputs of a core's first pixel can be told."""
        return tuple(after + lane.lattice for lane, (_, after) in zip(self.lanes, self.halo, strict=True))

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.tile/1, ready for json.dumps."""
        tolerance = self.tolerance
        return {
            "schema": SCHEMA,
            "network": {
                "name": self.network.name,
                "source": self.network.source,
                "input": list(self.network.input.shape[1:]),
            },
            "layer": self.layers[0],
            "layers": list(self.layers),
            "verdict": self.verdict,
            "prevents": [each.to_dict() for each in self.prevents],
            "halo": [list(sides) for sides in self.halo],
            "exact_halo": [list(sides) for sides in self.exact or self.halo],
            "lattice": list(self.lattice),
            "tile": list(self.tile),
            "core": list(self.core),
            "offset": list(self.offset),
            "grid": list(self.grid),
            "tiles": self.tiles,
            "smallest": [lane.smallest for lane in self.lanes],
            "output_per_input": [None if rate is None else str(rate) for rate in self.output_per_input],
            "outputs": [{"layer": out.layer, "shape": list(out.shape[1:])} for out in self.outputs],
            "work": self.work,
            "memory": {
                "tile": self.memory.tile,
                "whole": self.memory.whole,
                "weights": self.memory.weights,
                "batch": self.memory.batch,
                "limit": self.limit,
                "fits": self.fits,
            },
            "tolerance": None
            if tolerance is None
            else {
                "asked": tolerance.asked,
                "predicted": tolerance.predicted,
                "measured": tolerance.measured,
                "curve": [asdict(step) for step in tolerance.curve],
            },
        }


def planned(
    looked: Probe,
    *,
    limit: int | None = None,
    tile: int | Sequence[int] | None = None,
    size: int = 4,
    halo: int | None = None,
) -> TilePlan:
    """The plan of what was looked at: for a memory in bytes, for a tile, or for neither.

    ``size`` is that of an element in bytes; ``halo`` is at most so many pixels on each side, for tiles that need not be
    equal.
    """
    exact = tuple((lane.before, lane.after) for lane in looked.lanes)
    if halo is not None:
        looked = replace(looked, lanes=tuple(lane.of_halo(halo) for lane in looked.lanes))
    params = looked.params
    open_axes = {found.axis for found in looked.prevents}
    uncut = tuple(open_axes) if len(open_axes) < len(looked.lanes) else ()
    fits, is_best = True, False
    if limit is not None:
        sizes, is_best = _within(looked, limit - params * size, size, uncut)
    elif tile is not None:
        sizes = _asked(looked, tile)
    else:
        sizes = usual(looked, uncut)
    network = _read(looked, sizes)
    looked, least = _checked(looked, network, sizes, is_smaller=halo is not None)
    held = looked.held(sizes, size)
    if limit is not None:
        fits = held + params * size <= limit
    cut = {a for a, (lane, t) in enumerate(zip(looked.lanes, sizes, strict=True)) if t < lane.n}
    counts = [found for found in looked.prevents if not cut or found.axis in cut]
    outputs = tuple(_output(looked, end) for end in looked.ends)
    lanes = tuple(replace(lane, least=n) for lane, n in zip(looked.lanes, least, strict=True))
    looked = replace(looked, lanes=lanes)
    return TilePlan(
        network=looked.whole,
        layers=looked.ends,
        verdict="differs" if counts else "equal",
        prevents=prevented(looked.whole, counts, looked.ends),
        lanes=lanes,
        tile=sizes,
        offset=tuple(_offset(lane, outputs, a) for a, lane in enumerate(lanes)),
        outputs=outputs,
        work=float(looked.work([[t] for t in sizes]).item()),
        memory=Memory(
            tile=held,
            whole=round(held * looked.alive_on(looked.whole) / looked.alive_on(network)),
            weights=params * size,
            batch=1 if limit is None else max(1, (limit - params * size) // max(held, 1)),
        ),
        limit=limit,
        fits=fits,
        is_best=is_best and fits,
        exact=exact if halo is not None else (),
        probed=looked,
    )


def _within(looked: Probe, limit: int, size: int, uncut: Sequence[int]) -> tuple[tuple[int, ...], bool]:
    """The tile of the least work that fits; what PyTorch holds on the tile itself decides."""
    factor = 1.0
    small = looked.small[0] if looked.small is not None else looked.whole.extent
    small = tuple(
        min(4 * t, lane.n) if t * 4 >= lane.n else lane.fitting(4 * t)
        for t, lane in zip(small, looked.lanes, strict=True)
    )
    factor = looked.held(small, size) / (looked.alive_on(_read(looked, small)) * size)
    choices = within(looked, limit / size / factor, uncut)
    for choice in choices:
        if not choice.fits or looked.held(choice.tile, size) <= limit:
            return choice.tile, choice.is_best
    return choices[0].tile, False


def _read(looked: Probe, tile: Sequence[int]) -> Network:
    """The network on a tile; the whole where it takes no other."""
    if tuple(tile) == looked.whole.extent:
        return looked.whole
    try:
        return looked.family.at(tile)
    except ReadError as error:
        sizes = "×".join(map(str, tile))
        least = "×".join(str(lane.smallest) for lane in looked.lanes)
        raise UsageError(
            f"a tile of {sizes} is none that the network takes (the smallest is {least}): {error}"
        ) from error


def _checked(
    looked: Probe, network: Network, tile: Sequence[int], *, is_smaller: bool = False
) -> tuple[Probe, tuple[int, ...]]:
    """The plan's own tiles held against the whole: at its beginning, in its middle and at its end.

    Returns: with what else prevents equality, and the smallest last tile that the network takes, per axis.
    """
    rows, least = _rows(looked.lanes, tile), (1,) * len(tile)
    if not all(map(looked.family.accepts, _shapes(rows))):
        least = tuple(tile)
        rows = _rows([replace(lane, least=t) for lane, t in zip(looked.lanes, tile, strict=True)], tile)
    if looked.prevents or is_smaller:
        return looked, least
    middle = [row[min(1, max(0, len(row) - 2))] for row in rows]
    result = []
    for chosen in ([row[0] for row in rows], middle, *_at_the_end(rows)):
        sizes = tuple(each.size for each in chosen)
        on = network if sizes == tuple(tile) else looked.family.at(sizes)
        result += looked.beside(on, chosen).prevents
    return replace(looked, prevents=tuple(dict.fromkeys(result))), least


def _rows(lanes: Sequence[Lane], tile: Sequence[int]) -> list[list[AxisTile]]:
    return [lane.tiles(size) for lane, size in zip(lanes, tile, strict=True)]


def _shapes(rows: Sequence[Sequence[AxisTile]]) -> list[tuple[int, ...]]:
    """The sizes of tiles that a plan has: the last along one axis and not the last along another, too."""
    sizes = [dict.fromkeys((row[0].size, row[-1].size)) for row in rows]
    return list(itertools.product(*sizes))


def _at_the_end(rows: Sequence[Sequence[AxisTile]]) -> list[list[AxisTile]]:
    """The last tile of all, and one of each shape that ends with the image along some axes only.

    What holds of both tiles of a diagonal need not hold of those in the other corners: a network may ask that its input
    be square, say.
    """
    ends = [[row[-1]] if row[0].size == row[-1].size else [row[-1], row[-2]] for row in rows]
    corners = list(map(list, itertools.product(*ends)))
    return corners[:1] if len(corners) == 1 else corners[:-1]


def _asked(looked: Probe, tile: int | Sequence[int]) -> tuple[int, ...]:
    """The tile that a user asked for.

    Raises:
        UsageError: it is too small, or off the lattice.
    """
    axes = len(looked.lanes)
    sizes = (tile,) * axes if isinstance(tile, int) else tuple(tile)
    if len(sizes) != axes:
        raise UsageError(
            f"tile {'x'.join(map(str, sizes))}: {looked.whole.name} has {axes} axes to cut, so give {axes}"
        )
    result = []
    for lane, size in zip(looked.lanes, sizes, strict=True):
        if size >= lane.n:
            result.append(lane.n)
            continue
        if size < lane.smallest:
            halo = f"{lane.before} and {lane.after} pixels of halo around a core of {lane.lattice}"
            raise UsageError(f"a tile of {size} is too small: needed are {lane.smallest}, for {halo}")
        below = size - (size - lane.residue) % lane.lattice
        if below != size:
            near = [n for n in (below, below + lane.lattice) if n >= lane.smallest]
            raise UsageError(
                f"a tile of {size} is off the lattice: sizes are"
                f" {f'{lane.residue} more than ' if lane.residue else ''}multiples of {lane.lattice};"
                f" near it are {' and '.join(map(str, near))}"
            )
        result.append(size)
    return tuple(result)


def _output(looked: Probe, end: str) -> Output:
    state, shape = looked.states[end], looked.whole[end].shape
    axes = range(len(looked.lanes))
    return Output(
        layer=end,
        shape=shape,
        axes=tuple(state.place(a) if state.spans[a] is not None else None for a in axes),
        rates=tuple(looked.rate(end, a) for a in axes),
    )


def _offset(lane: Lane, outputs: Sequence[Output], axis: int) -> int:
    """The pixel on which output 0 lies: where a network leaves out the border, its output lies in the middle."""
    first = outputs[0]
    rate, place = first.rates[axis], first.axes[axis]
    if rate is None or place is None or len(outputs) > 1:
        return 0
    left_out = lane.n - math.ceil(first.shape[place] / rate)
    return max(0, min(left_out, (lane.after - lane.before) // 2))


def bytes_of(memory: str | int) -> int:
    """Bytes from a number or a text such as 4G, 512M or 80k (powers of 1024).

    Raises:
        UsageError: the text is no size.
    """
    if isinstance(memory, int):
        return memory
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(?:i?[bB])?\s*", memory)
    if match is None or not float(match[1]):
        raise UsageError(f"memory {memory!r}: write a size, such as 4G, 512M or 800k")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " "))
