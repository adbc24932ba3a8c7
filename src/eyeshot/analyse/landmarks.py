"""Which layers do sentences speak of? The last convolution, the first that sees all, the widest before it."""

from __future__ import annotations

import math

from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.network.ops import Conv, ConvTranspose, Linear

CONVOLUTIONS = (Conv, ConvTranspose)


def weighted(inspection: Inspection) -> list[Layer]:
    """The convolutions, transposed ones too, and fully connected layers."""
    return [layer for layer in inspection if isinstance(layer.node.op, (*CONVOLUTIONS, Linear))]


def last_convolution(inspection: Inspection) -> Layer | None:
    """The last convolution on the data's way to an output, of those with the widest view along it; None without any.

    What is called last may be a shortcut or an auxiliary head, which see less than what they stand beside; or stand
    behind a global pool, where it is a fully connected layer but for its name.
    """
    return _last_of_the_widest(inspection, data_path(inspection.network))


def last_convolutions(inspection: Inspection) -> dict[str, Layer]:
    """The same for each output by its name, where there are several."""
    network = inspection.network
    ends = {name: _last_of_the_widest(inspection, data_path(network, name)) for name in network.outputs}
    return {name: layer for name, layer in ends.items() if layer is not None}


def _last_of_the_widest(inspection: Inspection, carrying: frozenset[str]) -> Layer | None:
    convolutions = [
        layer for layer in reversed(inspection.layers) if isinstance(layer.node.op, Conv) and layer.name in carrying
    ]
    placed = [layer for layer in convolutions if layer.data.field.stride is not None]
    return max(placed or convolutions, key=lambda layer: math.prod(layer.data.field.size), default=None)


def horizon(inspection: Inspection, *, data: bool = False) -> Layer | None:
    """The first layer from which on every unit sees the whole image.

    Args:
        inspection: what the network's layers see.
        data: along the data path, gates and statistics left out.
    """
    first = None
    for layer in reversed(inspection.layers):
        if not (layer.data.field if data else layer.field).is_global:
            break
        first = layer
    return first


def deepest_before(inspection: Inspection) -> Layer | None:
    """The layer before the horizon with the largest field: the widest view that still differs between units."""
    end = horizon(inspection)
    candidates = []
    for layer in inspection:
        if layer is end:
            break
        if layer.field.stride is not None and layer.op != "flatten":
            candidates.append(layer)
    # The first of those that see most: what only follows it sees the same.
    return max(candidates, key=lambda layer: layer.field.size, default=None)


def macs_before(inspection: Inspection, layer: Layer) -> float:
    """Share of the network's MACs that is done before a layer runs."""
    done = 0
    for other in inspection:
        if other is layer:
            break
        done += other.macs
    return done / inspection.totals.macs if inspection.totals.macs else 0.0


def outgrows(inspection: Inspection) -> Layer | None:
    """The first layer whose field is at least as large as the image along every axis."""
    extent = inspection.network.extent
    for layer in inspection:
        if layer.field.stride is not None and all(s >= n for s, n in zip(layer.field.size, extent, strict=True)):
            return layer
    return None


def has_gates(inspection: Inspection) -> bool:
    """Whether gates or statistics let some layer see more than its data path does."""
    return any(layer.field != layer.data.field for layer in inspection)


def differing(inspection: Inspection) -> list[Layer]:
    """Layers whose units differ in a fixed turn."""
    return [layer for layer in inspection if layer.field.phases is not None]
