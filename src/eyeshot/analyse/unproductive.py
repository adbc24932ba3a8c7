"""Which layers widen a view that holds the whole image already?

A layer is unproductive where every unit of what it reads sees as much as the image by every path, the narrowest one
included, and its window still spans several positions: it cannot add context. The first such layer is the border layer.
Where branches meet, the narrowest counts: behind a shortcut a layer may still work on what the shortcut brought. Gates
and statistics are left out, as of squeeze-excitation, which would make every layer unproductive.

Reference: Richter, Shenk, Byttner, Arnell & Wiedemann 2021, arXiv:2106.12307.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eyeshot.analyse.closed_form import forms_by
from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.parted import Parted
from eyeshot.analyse.sights import Class, Fixed, Moving, Sight, Sights, first_of, last_of
from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network
from eyeshot.network.ops import Conv, Pool
from eyeshot.network.relations import Shape


@once
def narrowest(network: Network) -> Mapping[str, tuple[int, ...]]:
    """Per followed axis the pixels that a unit of every node sees by the path that shows it least; 0 for nothing.

    Example:
        >>> from eyeshot.design.named import network_named
        >>> narrowest(network_named("C7 [C3 C3 + ID] C5"))["conv4"]
        (11, 11)
    """
    forms = forms_by(network, "narrowest form", _narrowest)
    shapes = {node.name: node.shape for node in network}
    return {name: _sizes(_least(sights.table, shapes[name]), shapes[name]) for name, sights in forms.items()}


def unproductive(inspection: Inspection) -> list[Layer]:
    """The convolutions and pools on the data path that cannot add context, in order; the first is the border layer."""
    network = inspection.network
    sizes, carrying = narrowest(network), data_path(network)

    def reads_all(layer: Layer) -> bool:
        read = layer.node.inputs[0]
        # where positions have no form, sizes are what all units see together: no unit sees more than by all paths
        most = layer.data.fields[read].size
        return all(min(n, m) >= extent for n, m, extent in zip(sizes[read], most, network.extent, strict=True))

    return [
        layer
        for layer in inspection
        if layer.name in carrying
        and isinstance(layer.node.op, Conv | Pool)
        and max(layer.node.op.kernel) > 1
        and reads_all(layer)
    ]


def _narrowest(parts: Sequence[Sights], shape: Shape) -> Sights:
    return Sights((_least([cls for part in parts for cls in part.table], shape),))


def _least(classes: Sequence[Class], shape: Shape) -> Class:
    """Per axis the sight that shows least; what shows nothing, as constants do, does not count beside others."""
    return tuple(min(sights, key=lambda sight: _size(sight, shape) or float("inf")) for sights in zip(*classes))  # noqa: B905


def _sizes(cls: Class, shape: Shape) -> tuple[int, ...]:
    return tuple(_size(sight, shape) for sight in cls)


def _size(sight: Sight, shape: Shape) -> int:
    if sight is None:
        return 0
    if isinstance(sight, Moving | Parted):
        return max(last - first + 1 for first, last in zip(sight.firsts, sight.lasts, strict=True))
    if isinstance(sight, Fixed):
        return sight.last - sight.first + 1
    return last_of(sight, shape) - first_of(sight, shape) + 1
