"""Which share of what a layer's units use is padding?

Paths that lead into padding end there. Of the path density of all units together, shared among what each unit reads,
the part that does not arrive at the image is what they use of padding:

    exposure = 1 − Σ over units (what arrives inside the image) / (units · what one unit has on an endless image)

Reference: Alsallakh, Kokhlikyan, Miglani, Yuan & Reblitz-Richardson 2021, arXiv:2010.02178, on what padding does.
"""

from __future__ import annotations

import math

from eyeshot.analyse.inspection import Layer
from eyeshot.analyse.pull import Counts, path_counts
from eyeshot.analyse.units import Units


def exposure(layer: Layer) -> float | None:
    """The share of padding, the mean over all units of a layer; None where nothing reaches it or none can be told."""
    network = layer.fields.network
    units = Units(layer.data.fields, layer.name)
    middle = units.index(units.centre)
    beyond = path_counts(network, layer.name, middle, endless=True, is_shared=True)
    inside = path_counts(network, layer.name, {}, is_shared=True)
    if beyond is None or not beyond.is_whole or not units.axes:
        return None
    if inside is None:
        return 1.0
    whole, arriving = _log(beyond), _log(inside)
    return max(0.0, 1 - math.exp2(arriving - whole - math.log2(units.count)))


def _log(counts: Counts) -> float:
    """Logarithm of the sum, which may be larger than any float."""
    return math.log2(float(counts.values.sum())) + counts.exponent
