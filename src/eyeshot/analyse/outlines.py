"""The least and the largest that the units of a layer see, from the hulls of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from eyeshot.analyse.hulls import Union, hulls, interval
from eyeshot.analyse.labels import Ends, lower, reduced
from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network, Node
from eyeshot.network.relations import Shape

_SHORT = 1 << 16
"""Entries of an array that is joined with others, which copies them."""


@dataclass(frozen=True)
class Outline:
    """What the units that see something see along one followed axis: the least and the largest of each."""

    widest: int
    firsts: tuple[int, int]
    lasts: tuple[int, int]


def outline(node: Node, value: Union, elements: Sequence[Outline] | None, i: int, along: Shape) -> Outline | None:
    """The outline of the units that lie ``along`` axes of a node's tensor; None where none of them sees anything.

    ``value`` is what ``hulls`` says of the node, ``elements`` what ``of_elements`` does.
    """
    if elements is None and any(one.may_be_empty for term in value for one in term):
        first, last = interval(node, value, i, along)
        ends = np.stack([first, -last])[:, first <= last]
        return _outlines_of([ends])[0] if ends.size else None
    labels = value[0][i] if elements is not None else reduce(lower, [term[i] for term in value])
    apart = [axis for axis in labels.varying() if axis not in along]
    if apart:
        labels = reduced(labels, apart, node.shape)
    elif elements is not None:
        return elements[i]
    return _outlines_of([labels.ends.reshape(2, -1)])[0]


@once
def of_elements(network: Network, *, gates: bool) -> Mapping[str, Sequence[Outline]]:
    """For each followed axis the outline of all elements of a layer, whatever their unit.

    None of those layers whose labels are more than one product, or may be empty.
    """
    values = {name: value[0] for name, value in hulls(network, gates=gates).items() if len(value) == 1}
    plain = {name: term for name, term in values.items() if not any(one.may_be_empty for one in term)}
    # layers share their labels: those of each array once
    arrays = {id(one.ends): one.ends for term in plain.values() for one in term}
    short = {key: ends.reshape(2, -1) for key, ends in arrays.items() if ends.size <= _SHORT}
    told = dict(zip(short, _outlines_of(list(short.values())), strict=True))
    told |= {key: _outlines_of([ends.reshape(2, -1)])[0] for key, ends in arrays.items() if key not in short}
    return {name: [told[id(one.ends)] for one in term] for name, term in plain.items()}


def _outlines_of(several: Sequence[Ends]) -> list[Outline]:
    """The outline of each array of ends, all at once: most are short, and calling NumPy takes longer than the rest."""
    if not several:
        return []
    starts = np.cumsum([0, *(ends.shape[1] for ends in several[:-1])])
    joined = np.concatenate(several, axis=1)
    least, most = (f.reduceat(joined, starts, axis=1).T.tolist() for f in (np.minimum, np.maximum))
    widest = (1 - np.minimum.reduceat(joined.sum(axis=0), starts)).tolist()
    return [
        Outline(width, (first, last_first), (-most_last, -last))
        for width, (first, last), (last_first, most_last) in zip(widest, least, most, strict=True)
    ]
