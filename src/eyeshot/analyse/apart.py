"""Do branches that meet, in a sum or side by side, look at the same place of the input?

A unit of a layer is centred on the middle of its field; where units differ in a fixed turn, on the mean of those. Where
two branches have one stride and different centres, what is added or put side by side lies apart by the difference:

    centre = mean over a turn of (first + last)/2 − position of the unit

A strided 3×3 convolution with padding 1 is centred on pixel 0, a 2×2 pool on 0.5: their sum is half a pixel apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from eyeshot.analyse.axes import along
from eyeshot.analyse.field import Fields
from eyeshot.analyse.sights import Moving, Sight
from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network, Node, Note
from eyeshot.network.ops import Arithmetic, Concatenate, Copy, Index, Rearrange, Shift, Slice
from eyeshot.network.relations import Concat, Read

KIND = "misaligned"


@dataclass(frozen=True)
class Branch:
    """A branch as it arrives where it meets others: the layer that it comes from, and the centre of unit 0's field."""

    layer: str
    centre: Fraction


@dataclass(frozen=True)
class Apart:
    """Two branches that lie apart along a followed axis, the farthest of those that meet, by centre."""

    axis: int
    low: Branch
    high: Branch

    @property
    def pixels(self) -> Fraction:
        """By how much."""
        return self.high.centre - self.low.centre


@dataclass(frozen=True)
class _Place:
    """Where the units of a branch look along one axis of the tensor: ``step`` input positions in ``period`` units.

    ``ends`` is the sum of the first and last position of all units of a turn. These are whole numbers, since nearly all
    branches that meet are alike: of fractions, only those that are not need any.
    """

    axis: int
    step: int
    period: int
    ends: int
    is_causal: bool

    @property
    def pace(self) -> Fraction:
        """Input positions a unit."""
        return Fraction(self.step, self.period)

    @property
    def centre(self) -> Fraction:
        """The mean centre of a turn, each seen from its own unit: that of unit r less r·pace."""
        return Fraction(self.ends, 2 * self.period) - self.pace * (self.period - 1) / 2


Places = tuple[_Place | None, ...]
"""One per followed axis; None where units do not move, or some of them see nothing."""


@once
def apart(network: Network) -> Mapping[str, tuple[Apart, ...]]:
    """The layers at which branches meet apart, along the data path, and which those are."""
    meetings = _Meetings(network)
    told = {node.name: tuple(meetings.at(node)) for node in network.layers if meetings.may_be_at(node)}
    return {name: each for name, each in told.items() if each}


class _Meetings:
    """The meetings of a network; what is known of a branch is kept, since some layers read all before them."""

    def __init__(self, network: Network) -> None:
        self.network, self.fields = network, Fields(network, gates=False)
        self._places: dict[str, Places] = {}
        self._makers: dict[str, str] = {}

    def may_be_at(self, node: Node) -> bool:
        """Whether branches meet that come from different layers: every second pixel and those between are put side by
        side on purpose.
        """
        if not isinstance(node.op, Arithmetic | Concatenate):
            return False
        return len({self._maker(node.inputs[read.source]) for read in node.reads if not read.gate}) > 1

    def _maker(self, name: str) -> str:
        """The layer that made what a branch holds, of which it may have picked some positions."""
        if name not in self._makers:
            node = self.network[name]
            while isinstance(node.op, Slice | Copy | Rearrange | Shift | Index):
                node = self.network[node.inputs[0]]
            self._makers[name] = node.name
        return self._makers[name]

    def at(self, node: Node) -> Iterator[Apart]:
        """The branches that lie farthest apart where they meet, along each axis along which some do."""
        branches = {
            (name := node.inputs[read.source]): self._places_of(node, name, read)
            for read in node.reads
            if not read.gate
        }
        for axis in range(len(self.network.axes)):
            places = [(name, place) for name, of_axes in branches.items() if (place := of_axes[axis]) is not None]
            if len({(place.axis, place.step, place.period, place.ends) for _, place in places}) <= 1:
                continue
            if len({(place.axis, place.pace) for _, place in places}) != 1:
                continue  # fewer than two move, or at different paces: only what steps alike can lie apart
            if all(place.is_causal for _, place in places):
                continue  # what looks back alone is put together by its end
            low, high = (choose(places, key=lambda pair: pair[1].centre) for choose in (min, max))
            if low[1].centre < high[1].centre:
                yield Apart(axis, Branch(low[0], low[1].centre), Branch(high[0], high[1].centre))

    def _places_of(self, node: Node, name: str, read: Read) -> Places:
        """Where a branch looks as it arrives; maps that only come to lie side by side look where they did."""
        source = self.network[name]
        if source.shape != node.shape and not isinstance(read.relation, Concat):
            return tuple(map(_place, self.fields.through(node, read)))
        if name not in self._places:
            self._places[name] = tuple(map(_place, self.fields.form(name)))
        return self._places[name]


def _place(sight: Sight) -> _Place | None:
    if not isinstance(sight, Moving) or any(b < a for a, b in zip(sight.firsts, sight.lasts, strict=True)):
        return None
    step, period = sight.step, sight.period
    is_causal = all(last * period <= r * step for r, last in enumerate(sight.lasts))
    return _Place(sight.axis, step, period, sum(sight.firsts) + sum(sight.lasts), is_causal)


def notes(network: Network) -> Iterator[Note]:
    """What is said of them."""
    for name, axes in apart(network).items():
        several: dict[tuple[str, str, Fraction], list[Apart]] = {}
        for each in axes:
            several.setdefault((each.low.layer, each.high.layer, each.pixels), []).append(each)
        yield Note(name, KIND, "; ".join(_words(network, alike) for alike in several.values()))


def _words(network: Network, alike: list[Apart]) -> str:
    first, count = alike[0], len(network.axes)
    where = along([each.axis for each in alike], count)
    unit = "pixel" if count > 1 else "position"
    by = "half a" if first.pixels == Fraction(1, 2) else "one" if first.pixels == 1 else f"{float(first.pixels):g}"
    plural = "" if first.pixels in (Fraction(1, 2), 1) else "s"
    centres = f"unit 0 is centred at {_told(first.low)} and {_told(first.high)}"
    return f"{first.low.layer} and {first.high.layer} meet {by} {unit}{plural} apart{where}: {centres}"


def _told(branch: Branch) -> str:
    return f"{float(branch.centre):g}".replace("-", "−")
