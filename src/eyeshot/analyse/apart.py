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
from eyeshot.network.relations import Read

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


@once
def apart(network: Network) -> Mapping[str, tuple[Apart, ...]]:
    """The layers at which branches meet apart, along the data path, and which those are."""
    fields = Fields(network, gates=False)
    told = {node.name: tuple(_meeting(fields, node)) for node in network.layers if _may_meet(network, node)}
    return {name: each for name, each in told.items() if each}


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


def _may_meet(network: Network, node: Node) -> bool:
    """Whether branches meet that come from different layers: every second pixel and those between are put side by side
    on purpose.
    """
    if not isinstance(node.op, Arithmetic | Concatenate):
        return False
    sources = {node.inputs[read.source] for read in node.reads if not read.gate}
    return len({_picked_from(network, name) for name in sources}) > 1


def _picked_from(network: Network, name: str) -> str:
    """The layer that made what a branch holds, of which it may have picked some positions."""
    node = network[name]
    while isinstance(node.op, Slice | Copy | Rearrange | Shift | Index):
        node = network[node.inputs[0]]
    return node.name


def _meeting(fields: Fields, node: Node) -> Iterator[Apart]:
    reads = {node.inputs[read.source]: read for read in node.reads if not read.gate}
    forms = {name: _form(fields, node, name, read) for name, read in reads.items()}
    for axis in range(len(fields.network.axes)):
        sights = {name: sight for name, form in forms.items() if isinstance(sight := form[axis], Moving)}
        if len({(sight.axis, Fraction(sight.step, sight.period)) for sight in sights.values()}) != 1:
            continue  # fewer than two move, or at different paces: only what steps alike can lie apart
        if all(_is_causal(sight) for sight in sights.values()):
            continue  # what looks back alone is put together by its end
        branches = [Branch(name, centre) for name, sight in sights.items() if (centre := _centre(sight)) is not None]
        low, high = (choose(branches, key=lambda each: each.centre, default=None) for choose in (min, max))
        if low is not None and high is not None and low.centre < high.centre:
            yield Apart(axis, low, high)


def _form(fields: Fields, node: Node, name: str, read: Read) -> tuple[Sight, ...]:
    source = fields.network[name]
    return fields.form(name) if source.shape == node.shape else fields.through(node, read)


def _is_causal(sight: Moving) -> bool:
    pace = Fraction(sight.step, sight.period)
    return all(last <= r * pace for r, last in enumerate(sight.lasts))


def _centre(sight: Moving) -> Fraction | None:
    """The mean centre of a turn, each seen from its own unit; None where some units see nothing."""
    if any(last < first for first, last in zip(sight.firsts, sight.lasts, strict=True)):
        return None
    pace, turn = Fraction(sight.step, sight.period), sight.period
    return (
        sum(
            (Fraction(a + b, 2) - r * pace for r, (a, b) in enumerate(zip(sight.firsts, sight.lasts, strict=True))),
            Fraction(0),
        )
        / turn
    )
