"""The effective field by path density: from the network alone, exact, without weights."""

from __future__ import annotations

import numpy as np

from eyeshot.analyse.field import Fields
from eyeshot.analyse.pull import Counts, path_counts
from eyeshot.analyse.units import At
from eyeshot.measure.target import Aligned, Target
from eyeshot.network.graph import Network
from eyeshot.report.effective import EffectiveField, Origin


def density(
    network: Network, layer: str, unit: At | str = "centre", *, gates: bool = False, is_shared: bool = True
) -> EffectiveField:
    """How the paths into a unit are spread over the image: of source density, or of source paths.

    Args:
        network: the network.
        layer: one of its layers.
        unit: the unit's indices, "centre" for the middle one, or "all" for the mean over all units, each moved by its
            field's centre.
        gates: True follows gates (squeeze-excitation, attention) and statistics as well as the data path.
        is_shared: True gives source density: each unit shares its weight among what it reads, as squared gradients do
            under random weights. False gives source paths: every path counts alike. Where no branches meet both agree.

    Raises:
        UsageError: the layer has no such unit, or the unit sees nothing of the image.

    Reference: Luo, Li, Urtasun & Zemel 2016, arXiv:1701.04128, section 2.
    """
    fields = Fields(network)
    target = Target(fields, layer, unit, gates=gates)
    maps = Aligned(target)
    reached = endless = 0.0
    exponent: int | None = None
    is_whole = True
    for at in target.units:
        index = target.of.index(at)
        counts = path_counts(network, layer, index, gates=gates, is_shared=is_shared)
        beyond = path_counts(network, layer, index, gates=gates, endless=True, is_shared=is_shared)
        if beyond is None:
            continue
        is_whole = is_whole and beyond.is_whole
        exponent = beyond.exponent if exponent is None else exponent
        endless += _total(beyond, exponent)
        if counts is not None:
            reached += _total(counts, exponent)
            maps.add(at, tuple(o or 0 for o in counts.offsets), np.ldexp(counts.values, counts.exponent - exponent))
    start, values = maps.cut()
    return EffectiveField(
        network=network.name,
        network_source=network.source,
        input_shape=network.input.shape[1:],
        layer=layer,
        origin=Origin(source="density" if is_shared else "paths", unit=target.single, gates=gates),
        start=start,
        map=values / values.sum(),
        field_size=target.field_size,
        frame=target.frame,
        is_exact=target.is_exact,
        share_on_padding=max(0.0, 1 - reached / endless) if is_whole else None,
    )


def _total(counts: Counts, exponent: int) -> float:
    return float(np.ldexp(counts.values.sum(), counts.exponent - exponent))
