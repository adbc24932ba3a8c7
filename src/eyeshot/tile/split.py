"""Patch-based inference: the first layers patch by patch, the rest on the whole map.

A layer's map of m positions is cut into p patches of ⌈m/p⌉ along each axis. From its last layer back, a patch of u
positions needs (u − 1)·s + d·(k − 1) + 1 positions before a window, so patches overlap, and that is computed again:

    side of the input  (u − 1)·stride + field
    extra work         patches · Σ MACs·(positions of a patch)/(positions of the map) / Σ MACs of the first layers − 1

Memory is activations in one byte each unless told otherwise: the larger of what a patch holds, with the map that the
patches fill, and what the rest holds. Norms, functions of one element, depthwise convolutions and sums with a shortcut
are taken to work in place.

Reference: Lin, Chen, Cai, Gan & Han 2021 (MCUNetV2), arXiv:2110.15352.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eyeshot.analyse.cost import costs
from eyeshot.analyse.data_path import below
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Arithmetic, Conv, Dropout, Norm, Pointwise
from eyeshot.network.relations import Concat, Elementwise, Read, Taps, Window

Ends = tuple[int, int]
_MOST_PATCHES = 8


@dataclass(frozen=True, kw_only=True)
class Split:
    """One way to split a network.

    Attributes:
        layer: the last one that runs by patches.
        patches: along each axis.
        side: input pixels of a patch along each axis, away from the border.
        overlap: by how many of them neighbouring patches overlap.
        extra: MACs of the first layers over those on the whole image, less 1.
        extra_in_all: the same over all MACs.
        peak: bytes of activations at once.
        whole: the same without patches.
    """

    layer: str
    patches: tuple[int, ...]
    side: tuple[int, ...]
    overlap: tuple[int, ...]
    extra: float
    extra_in_all: float
    peak: int
    whole: int

    def to_dict(self) -> dict[str, Any]:
        """Ready for json.dumps."""
        return {
            "layer": self.layer,
            "patches": list(self.patches),
            "side": list(self.side),
            "overlap": list(self.overlap),
            "extra": self.extra,
            "extra_in_all": self.extra_in_all,
            "peak": self.peak,
            "whole": self.whole,
        }


def split(network: Network, layer: str, patches: int | Sequence[int], *, bytes_each: int = 1) -> Split:
    """Run a network's first layers, up to ``layer``, in patches.

    Raises:
        UsageError: there is no such layer, it reads the image as a whole, or its map has not so many positions.
    """
    node, axes = network[layer], network.axes
    counts = (patches,) * len(axes) if isinstance(patches, int) else tuple(patches)
    if len(counts) != len(axes) or any(axis >= len(node.shape) for axis in axes):
        raise UsageError(f"{layer}: {len(counts)} numbers of patches for {len(axes)} axes")
    if any(not 0 < p <= node.shape[axis] for p, axis in zip(counts, axes, strict=True)):
        raise UsageError(
            f"{layer} has {_times(node.shape[a] for a in axes)} positions, which {_times(counts)} patches divide not"
        )
    layer = node.name  # a module's name stands for the layer that gives its output
    first = below(network, layer)
    needs = _needed(network, first, layer, [-(-node.shape[a] // p) for a, p in zip(axes, counts, strict=True)])
    shares = {name: math.prod((b - a + 1) / network[name].shape[axis] for (a, b), axis in zip(ends, axes, strict=True))
              for name, ends in needs.items()}  # fmt: skip
    once = sum(costs(network)[each.name].macs for each in first)
    again = math.prod(counts) * sum(
        costs(network)[each.name].macs * shares[each.name] for each in first if each.name in shares
    )
    total = sum(costs(network)[each.name].macs for each in network.layers)
    sides = tuple(b - a + 1 for a, b in needs[network.input.name])
    steps = tuple(
        (-(-node.shape[a] // p)) * network.input.shape[a] // node.shape[a] for a, p in zip(axes, counts, strict=True)
    )
    inside = {each.name for each in first}
    return Split(
        layer=layer,
        patches=counts,
        side=sides,
        overlap=tuple(max(0, side - step) for side, step in zip(sides, steps, strict=True)),
        extra=again / once - 1 if once else 0.0,
        extra_in_all=(again - once) / total if total else 0.0,
        peak=bytes_each * max(_peak_of_patch(network, first, layer, shares), _peak(network, inside)),
        whole=bytes_each * _peak(network, set()),
    )


def splits(network: Network, layer: str | None = None, *, bytes_each: int = 1) -> Iterator[Split]:
    """All ways to split after a layer, or after any that has a smaller map than the one before."""
    names = [layer] if layer is not None else [node.name for node in network.layers if _is_an_end(network, node)]
    for name in names:
        for patches in range(1, _MOST_PATCHES + 1):
            try:
                yield split(network, name, patches, bytes_each=bytes_each)
            except UsageError:
                if layer is not None and patches == 1:
                    raise
                break


def best(network: Network, limit: int, layer: str | None = None, *, bytes_each: int = 1) -> Split:
    """The split of the least work whose activations fit; of those that need the least memory where none does."""
    every = list(splits(network, layer, bytes_each=bytes_each))
    if not every:
        raise UsageError(f"{network.name} has no layer after which it could be split")
    fitting = [each for each in every if each.peak <= limit]
    if fitting:
        return min(fitting, key=lambda each: (each.extra_in_all, each.peak))
    return min(every, key=lambda each: (each.peak, each.extra_in_all))


def _times(numbers: Any) -> str:
    return "×".join(map(str, numbers))


def _is_an_end(network: Network, node: Node) -> bool:
    """Whether a layer has MACs, lies on the map, and no branch goes past it."""
    if len(node.shape) != len(network.input.shape) or not costs(network)[node.name].macs:
        return False
    index = network.nodes.index(node)
    later = {name for each in network.nodes[index + 1 :] for name in each.inputs}
    return not later & {each.name for each in network.nodes[:index]}


def _needed(network: Network, first: Sequence[Node], layer: str, sizes: Sequence[int]) -> dict[str, tuple[Ends, ...]]:
    """Positions of every layer that a patch needs, per axis, the image's border left out of account."""
    needs: dict[str, tuple[Ends, ...]] = {layer: tuple((0, size - 1) for size in sizes)}
    for node in reversed(first):
        if node.name not in needs:
            continue
        for read in node.reads:
            if read.gate:
                raise UsageError(f"{node.name} reads the whole map as a gate, so no patch comes before it")
            source = node.inputs[read.source]
            sent = tuple(_pulled(node, read, a, ends) for a, ends in zip(network.axes, needs[node.name], strict=True))
            held = needs.get(source, sent)
            needs[source] = tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(sent, held, strict=True))
    # a patch as large as the map has no more than that to compute
    sizes_of = {name: [network[name].shape[axis] for axis in network.axes] for name in needs}
    return {
        name: tuple((a, min(b, a + n - 1)) for (a, b), n in zip(ends, sizes_of[name], strict=True))
        for name, ends in needs.items()
    }


def _pulled(node: Node, read: Read, axis: int, ends: Ends) -> Ends:
    relation = read.relation
    if isinstance(relation, Elementwise) or (isinstance(relation, Concat) and relation.axis != axis):
        return ends
    if isinstance(relation, Window | Taps):
        if axis not in relation.axes:
            return ends
        i = relation.axes.index(axis)
        pattern = relation.slides[i].pattern if isinstance(relation, Window) else relation.endless[i]
        if pattern is not None:
            reads = [tap for output in range(ends[0], ends[1] + 1) for tap in pattern.reads(output)]
            return min(reads, default=0), max(reads, default=-1)
    raise UsageError(f"{node.name} ({node.op.kind}) reads the map as a whole, so no patch comes before it")


def _owners(network: Network) -> dict[str, str]:
    """The layer in whose memory each output lies: what works channel by channel does so in place, as in TinyEngine."""
    readers = Counter(name for node in network for name in node.inputs)
    owners: dict[str, str] = {}
    for node in network:
        is_in_place = len(node.inputs) == 1 and (
            isinstance(node.op, Norm | Pointwise | Dropout)
            or (isinstance(node.op, Conv) and node.op.groups == node.shape[1] and readers[node.inputs[0]] == 1)
        )
        owners[node.name] = owners[node.inputs[0]] if is_in_place else node.name
        if isinstance(node.op, Arithmetic) and len(node.inputs) == 2:
            # what is added last is added where the shortcut lies as it is computed
            kept, added = (owners[name] for name in sorted(node.inputs, key=list(owners).index))
            same = network[added].shape == network[kept].shape == node.shape
            if same and readers[max(node.inputs, key=list(owners).index)] == 1:
                owners = {name: kept if owner in (added, node.name) else owner for name, owner in owners.items()}
    return owners


def _peak(network: Network, skipped: set[str]) -> int:
    """The most elements alive at once, of layers that are not skipped."""
    return _most(network, network.nodes, skipped, lambda name: float(math.prod(network[name].shape)))


def _peak_of_patch(network: Network, first: Sequence[Node], layer: str, shares: Mapping[str, float]) -> int:
    """The same of a patch, with the map that patches fill."""
    sized = {name: math.prod(network[name].shape) * share for name, share in shares.items()}
    most = _most(network, first, set(), lambda name: sized.get(name, 0.0))
    return most + math.prod(network[layer].shape)


def _most(network: Network, nodes: Sequence[Node], skipped: set[str], sized: Any) -> int:
    owners = _owners(network)
    last = {owners[name]: step for step, node in enumerate(nodes) for name in (node.name, *node.inputs)}
    alive: dict[str, float] = {}
    most = 0.0
    for step, node in enumerate(nodes):
        owner = owners[node.name]
        alive.setdefault(owner, sized(owner))
        if node.name not in skipped:
            most = max(most, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last[name] > step}
    return round(most)
