"""Do units look at the place of the image that they stand for?

The units of a map share the image evenly among them. The middle one of m units at a step of J pixels, whose field is
centred at c for unit 0, looks at c + (m − 1)·J/2, and the image of n pixels has its middle at (n − 1)/2:

    shift = c + (m − 1)·J/2 − (n − 1)/2

in pixels, positive towards the end. Odd kernels of stride 2 on even maps shift by −(J − 1)/2 in all, always less than
half a step: unit and pixel stay neighbours. From half a step on, a unit's field has its centre in another unit's share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.sights import Moving, Sight
from eyeshot.network.ops import Slice
from eyeshot.network.relations import Read

HALF_A_STEP = 0.5
"""Steps from which on units look beside their places: no chain of odd kernels and exact halvings comes to it."""


@dataclass(frozen=True)
class Shift:
    """How far a layer's units look beside their places.

    Attributes:
        layer: the layer's name.
        pixels: per axis, positive towards the end; None along axes without places, and along causal ones.
        steps: the same in steps from unit to unit; behind a map that is enlarged, in steps of the coarsest on the way,
            since a decoder looks where that looked.
    """

    layer: str
    pixels: tuple[float | None, ...]
    steps: tuple[float | None, ...]

    @property
    def most(self) -> float:
        """The largest of the steps, without its sign."""
        return max((abs(step) for step in self.steps if step is not None), default=0.0)


@dataclass(frozen=True)
class Meeting:
    """A layer where branches meet whose fields have their middles ``pixels`` apart: ``steps`` of the layer."""

    layer: str
    branches: tuple[str, str]
    pixels: float
    steps: float


def shifts(inspection: Inspection) -> list[Shift]:
    """The shift of every layer on the data path whose units have places."""
    carrying = data_path(inspection.network)
    every: list[Shift] = []
    coarsest: dict[str, list[float]] = {}
    for layer in inspection:
        read = [coarsest.get(layer.node.inputs[read.source], []) for read in layer.node.reads if not read.gate]
        coarsest[layer.name] = [max(steps) for steps in zip(_steps(layer), *filter(None, read), strict=True)]
        if layer.name in carrying:
            every.append(_shift(layer, coarsest[layer.name]))
    return [shift for shift in every if any(step is not None for step in shift.steps)]


def _steps(layer: Layer) -> list[float]:
    """Per axis the pixels from unit to unit; 0 where units do not move."""
    form = layer.data.fields.form(layer.name)
    return [sight.step / sight.period if isinstance(sight, Moving) else 0.0 for sight in form]


def meetings(inspection: Inspection) -> Iterator[Meeting]:
    """The layers on the data path whose branches have their middles at different pixels; decoders' are not told."""
    carrying = data_path(inspection.network)
    for layer in inspection:
        if layer.name not in carrying:
            continue
        reads = [read for read in layer.node.reads if not read.gate]
        centres = [(layer.node.inputs[read.source], _centres(layer, read)) for read in reads]
        for axis in range(len(inspection.network.axes)):
            known = [(name, *centre) for name, each in centres if (centre := each[axis])]
            if len(known) < 2 or len({step for _, _, step in known}) > 1:
                continue
            low, high = min(known, key=lambda k: k[1]), max(known, key=lambda k: k[1])
            if low[1] < high[1]:
                yield Meeting(layer.name, (low[0], high[0]), high[1] - low[1], (high[1] - low[1]) / low[2])
                break


def _shift(layer: Layer, coarsest: Sequence[float]) -> Shift:
    fields = layer.data.fields
    pixels: list[float | None] = []
    steps: list[float | None] = []
    for sight, n, coarse in zip(fields.form(layer.name), fields.network.extent, coarsest, strict=True):
        if not isinstance(sight, Moving) or sight.axis >= len(layer.node.shape) or is_causal(sight):
            pixels.append(None)
            steps.append(None)
            continue
        step, m = sight.step / sight.period, layer.node.shape[sight.axis]
        shift = _centre(sight) + (m - 1) * step / 2 - (n - 1) / 2
        pixels.append(shift)
        steps.append(shift / coarse)
    return Shift(layer.name, tuple(pixels), tuple(steps))


def is_causal(sight: Moving) -> bool:
    """Whether units see nothing behind their place and a step or more before it, as nets along time do."""
    step = sight.step / sight.period
    ends = [
        (first - phase * step, last - phase * step)
        for phase, (first, last) in enumerate(zip(sight.firsts, sight.lasts, strict=True))
        if first <= last
    ]
    return bool(ends) and max(last for _, last in ends) < step and min(first for first, _ in ends) <= -step


def _centre(sight: Moving) -> float:
    """Unit 0's middle, in a decoder the mean over phases as if each were unit 0."""
    step = sight.step / sight.period
    ends = enumerate(zip(sight.firsts, sight.lasts, strict=True))
    centres = [(first + last) / 2 - phase * step for phase, (first, last) in ends if first <= last]
    return sum(centres) / len(centres) if centres else 0.0


def _centres(layer: Layer, read: Read) -> list[tuple[float, float] | None]:
    """Per axis the middle of unit 0's field by one read alone, and the step; None without one, or in a decoder."""
    network = layer.data.fields.network
    # every second row beside the others, as of patch merging: a slice takes its place by intent
    if isinstance(network[layer.node.inputs[read.source]].op, Slice):
        return [None] * len(network.axes)
    form = layer.data.fields.through(layer.node, read)
    return [_regular(sight) for sight in form]


def _regular(sight: Sight) -> tuple[float, float] | None:
    if not isinstance(sight, Moving) or sight.period != 1 or sight.lasts[0] < sight.firsts[0] or is_causal(sight):
        return None
    return (sight.firsts[0] + sight.lasts[0]) / 2, float(sight.step)
