"""Which object sizes do a network's last maps suit? Their strides and fields, and what they use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eyeshot.analyse.density import width
from eyeshot.analyse.inspection import Inspection, Layer

WIDTHS_OF_SIGMA = 3.92
"""A normal distribution has 95 % within ±1.96 σ."""


@dataclass(frozen=True)
class Range:
    """A map from which answers are made.

    Attributes:
        layer: its name.
        stride: pixels from unit to unit, the largest over axes: two smaller objects may share a unit.
        field: pixels that a unit sees, the smallest over axes, along the data path: of larger objects it sees a part.
        used: width that holds 95 % of what it uses, by its path density; None where none can be told.
    """

    layer: str
    stride: float
    field: int
    used: float | None


def ranges(inspection: Inspection) -> list[Range]:
    """The last maps before the outputs, one for each stride and field: a detector's levels, a classifier's last map."""
    layers = {layer.name: layer for layer in inspection}
    waiting = list(inspection.network.outputs or (inspection.network.output.name,))
    ends: dict[tuple[float, int], Range] = {}
    met: set[str] = set()
    while waiting:
        layer = layers.get(waiting.pop(0))
        if layer is None or layer.name in met:
            continue
        met.add(layer.name)
        steps = layer.data.field.stride
        if steps is not None and all(steps):
            stride, field = max(float(step) for step in steps if step), min(layer.data.field.size)
            if (stride, field) not in ends:
                ends[stride, field] = Range(layer.name, stride, field, _used(layer))
        else:
            waiting += [layer.node.inputs[read.source] for read in layer.node.reads if not read.gate]
    return sorted(ends.values(), key=lambda each: (each.stride, each.field))


def _used(layer: Layer) -> float | None:
    sigmas = width(layer.data.fields, layer.name)
    return None if sigmas is None else WIDTHS_OF_SIGMA * min(sigmas)


@dataclass(frozen=True)
class Missed:
    """Shares of objects that a map does not suit.

    Attributes:
        below_stride: with a shorter side below the stride, so that two may share a unit.
        beyond_used: with a longer side above what holds 95 % of what units use; None where that is not known.
        beyond_field: with a longer side above the field, of which no unit sees all.
    """

    below_stride: float
    beyond_used: float | None
    beyond_field: float


def missed(shorter: Sequence[float], longer: Sequence[float], each: Range) -> Missed:
    """The shares of objects, by their sides in pixels, that are too small or too large for a map."""
    return Missed(
        below_stride=share_below(shorter, each.stride),
        beyond_used=None if each.used is None else 1 - share_below(longer, math.nextafter(each.used, math.inf)),
        beyond_field=1 - share_below(longer, each.field + 1),
    )


def share_below(sizes: Sequence[float], limit: float) -> float:
    """The share of sizes below a limit."""
    return sum(size < limit for size in sizes) / len(sizes)
