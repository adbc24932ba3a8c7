"""How far back and ahead of its own position does a unit of a sequence see?

Unit i of a layer with stride S stands at position i·S of the input. It looks back to the first position that it sees,
and ahead to the last, on an endless sequence:

    back = i·S − first = −start,   ahead = last − i·S = start + size − 1

A layer is causal where no unit looks ahead. Where units differ in a fixed turn, as behind a transposed convolution, the
farthest of them count; where they share no form, as in recurrent layers, the hulls inside the sequence answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from eyeshot.analyse.field import Fields
from eyeshot.analyse.layouts import axes_counting
from eyeshot.analyse.sights import Moving
from eyeshot.network.graph import Network, Node
from eyeshot.network.relations import Read, Taps, Window


@dataclass(frozen=True, kw_only=True)
class Look:
    """Positions of the input that the units of a layer see back and ahead of their own, at most.

    None is without end: to the first position, or to the last. Negative where all that is seen lies on the other side.
    """

    back: Fraction | None
    ahead: Fraction | None

    @property
    def is_causal(self) -> bool:
        """Whether no unit sees past its own position."""
        return self.ahead is not None and self.ahead <= 0

    def to_dict(self, rate: float | None = None) -> dict[str, Any]:
        """Its entry in the document of schema eyeshot.network/1; null is without end, ``rate`` positions a second."""
        far = {"back": self.back, "ahead": self.ahead}
        document: dict[str, Any] = {key: plain(positions) for key, positions in far.items()}
        if rate is not None:
            document |= {f"{key}_seconds": None if n is None else float(n) / rate for key, n in far.items()}
        return document | {"causal": self.is_causal}


def look(fields: Fields, name: str) -> Look | None:
    """How far the units of a layer see; None for what is no sequence, and for layers without positions."""
    step = step_of(fields, name)
    if step is None:
        return None
    (sight,) = fields.form(name)
    if not isinstance(sight, Moving):
        return _inside(fields, name, step)
    turns = [
        (r * step - first, last - r * step)
        for r, (first, last) in enumerate(zip(sight.firsts, sight.lasts, strict=True))
        if first <= last
    ]
    return Look(back=max(back for back, _ in turns), ahead=max(ahead for _, ahead in turns)) if turns else None


def plain(positions: Fraction | None) -> float | None:
    """A number of positions for JSON, whole where it is."""
    return None if positions is None else int(positions) if positions.denominator == 1 else float(positions)


def look_of(fields: Fields, name: str, at: tuple[int, ...], ends: tuple[int, int]) -> tuple[Fraction, Look] | None:
    """One unit's own position, and how far from it lie the first and last of those that it sees."""
    step = step_of(fields, name)
    if step is None or len(at) != 1 or ends[1] < ends[0]:
        return None
    own = at[0] * step
    return own, Look(back=own - ends[0], ahead=ends[1] - own)


def _inside(fields: Fields, name: str, step: Fraction) -> Look | None:
    """The same of what units see of the sequence as it is; without end where all of them see to an end."""
    import numpy as np  # here, since closed forms need none

    first, last = fields.of_units(name)[0]
    seen = first <= last
    if not seen.any() or first.ndim != 1:
        return None
    own = np.arange(len(first))[seen]
    end = fields.network.extent[0] - 1
    back = max(int(i) * step - int(a) for i, a in zip(own, first[seen], strict=True))
    ahead = max(int(b) - int(i) * step for i, b in zip(own, last[seen], strict=True))
    return Look(
        back=None if (first[seen] == 0).all() else back,
        ahead=None if (last[seen] == end).all() else ahead,
    )


def step_of(fields: Fields, name: str) -> Fraction | None:
    """Input positions from a unit to the next: its stride; where it has none, that of what it reads, and how it does.

    A recurrent layer has no form, and so no stride; its units stand where those stand that it reads. None for what is
    no sequence, and behind what has no pace.
    """
    network, pace = fields.network, Fraction(1)
    node = network[name]
    while len(network.axes) == 1 and (count := _positions(network, node)) is not None and count > 1:
        stride = fields.data[node.name].stride if node is not network.input else (1,)
        if stride is not None and stride[0] is not None:
            return stride[0] * pace
        reads = ((read, network[node.inputs[read.source]]) for read in node.reads)
        paces = ((_pace(network, read, source, count), source) for read, source in reads)
        step, node = next(((step, source) for step, source in paces if step is not None), (None, node))
        if step is None:
            return None
        pace *= step
    return None


def _pace(network: Network, read: Read, source: Node, count: int) -> Fraction | None:
    """Positions of what is read from a unit to the next; None where there is no even pace."""
    positions, axes = _positions(network, source), axes_counting(network, source.name, 0)
    if positions is None:
        return None
    relation = read.relation
    if isinstance(relation, Window) and axes[0] in relation.axes and not relation.runs:
        slide = relation.slides[relation.axes.index(axes[0])]
        return Fraction(slide.stride, slide.base)
    if isinstance(relation, Taps) and axes[0] in relation.axes:
        pattern = relation.endless[relation.axes.index(axes[0])]
        if pattern is not None:
            return Fraction(pattern.step, len(pattern.offsets))
    return Fraction(1) if positions == count else None


def _positions(network: Network, node: Node) -> int | None:
    """How many positions a tensor has along the one axis that counts them."""
    axes = axes_counting(network, node.name, 0)
    return node.shape[axes[0]] if len(axes) == 1 else None
