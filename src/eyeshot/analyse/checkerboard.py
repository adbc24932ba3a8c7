"""Do neighbouring outputs of an upsampling layer add up different numbers of positions? That shows as a checkerboard.

A transposed convolution puts s − 1 gaps between positions; output i reads those of its k taps that fall on a position.
Where s does not divide k some outputs have a tap more than their neighbours, in a fixed turn, and start out brighter:

    taps of phase r = |{t : (r − p' + t·d) mod s = 0, 0 ≤ t < k}|

So it is for convolutions over maps with zeros put in.

Reference: Odena, Dumoulin & Olah, Distill 2016, doi:10.23915/distill.00003.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from eyeshot.analyse.axes import along
from eyeshot.analyse.layouts import axes_counting
from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network, Node, Note
from eyeshot.network.ops import Conv, ConvTranspose, Insert
from eyeshot.network.slide import Pattern, Slide

KIND = "checkerboard"


@dataclass(frozen=True)
class Turns:
    """Positions that outputs add up along one followed axis, in their turn from output 0 on."""

    axis: int
    counts: tuple[int, ...]
    kernel: int
    stride: int

    @property
    def is_even(self) -> bool:
        """Whether all outputs add up as many."""
        return len(set(self.counts)) == 1


@once
def turns(network: Network) -> Mapping[str, tuple[Turns, ...]]:
    """The turns of every layer that adds up over gaps, even ones too; an entry for each axis that has gaps."""
    told = {node.name: tuple(_turns(network, node)) for node in network.layers}
    return {name: each for name, each in told.items() if each}


def notes(network: Network) -> Iterator[Note]:
    """What is said of the layers whose turns are uneven."""
    for name, axes in turns(network).items():
        alike: dict[Turns, list[int]] = {}
        for each in axes:
            if not each.is_even:
                alike.setdefault(replace(each, axis=0), []).append(each.axis)
        if alike:
            told = [_words(each, along(followed, len(network.axes))) for each, followed in alike.items()]
            yield Note(name, KIND, "; ".join(told))


def _words(turn: Turns, where: str) -> str:
    counts = ", ".join(map(str, turn.counts * (2 if len(turn.counts) == 2 else 1)))
    why = f"a kernel of {turn.kernel} is no multiple of a stride of {turn.stride}"
    if not turn.kernel % turn.stride:
        why = f"a kernel of {turn.kernel}, dilated, falls unevenly on a stride of {turn.stride}"
    return f"neighbouring outputs add up {counts} … positions{where}, since {why}"


def _turns(network: Network, node: Node) -> Iterator[Turns]:
    op = node.op
    if isinstance(op, ConvTranspose):
        (read,) = node.reads
        slides = zip(read.relation.axes, read.relation.slides, op.kernel, op.stride, strict=True)  # type: ignore[union-attr]
        for axis, slide, kernel, stride in slides:
            yield from _of(network, node, axis, slide.pattern, kernel, stride)
    elif isinstance(op, Conv):
        yield from _over_zeros(network, node, op)


def _over_zeros(network: Network, node: Node, op: Conv) -> Iterator[Turns]:
    """A convolution that reads what zeros were put into, by one write for each axis."""
    gaps: dict[int, Insert] = {}
    source = network[node.inputs[0]]
    while isinstance(source.op, Insert):
        gaps[source.op.axis] = source.op
        source = network[source.inputs[0]]
    if not gaps:
        return
    for axis, slide in enumerate(op.window(op.groups).slides, start=2):
        if axis in gaps:
            gap = gaps[axis]
            over = Slide(slide.kernel, slide.stride, slide.dilation, slide.before + gap.start, base=gap.step)
            yield from _of(network, node, axis, over.pattern, slide.kernel, gap.step)


def _of(network: Network, node: Node, axis: int, pattern: Pattern, kernel: int, stride: int) -> Iterator[Turns]:
    counts = tuple(map(len, pattern.offsets))
    followed = [i for i in range(len(network.axes)) if axis in axes_counting(network, node.name, i)]
    if stride > 1 and followed:
        yield Turns(followed[0], counts, kernel, stride)
