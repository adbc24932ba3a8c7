"""The graph beside a list of steps, as `git log` draws it: each step on a lane, lines from it to all that read it.

A lane is a tensor that is still to be read. Lanes are given out in order, the lowest free one first, in time linear in
steps and edges.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from eyeshot.network.graph import Network


@dataclass(frozen=True)
class Edge:
    """What step ``reader`` reads of step ``source``: it runs down ``lane`` and turns off to the reader's own."""

    source: int
    reader: int
    lane: int


@dataclass(frozen=True)
class Lanes:
    """Steps on lanes: ``of`` has each step's, ``width`` is how many there are."""

    of: tuple[int, ...]
    edges: tuple[Edge, ...]
    width: int


def lanes(inputs: Sequence[Sequence[int]]) -> Lanes:
    """Put steps on lanes.

    Args:
        inputs: for every step the earlier steps that it reads.

    Example:
        Two branches of one step, joined again.

        >>> lanes([(), (0,), (0,), (1, 2)]).of
        (0, 1, 0, 0)
    """
    last_reader = {source: reader for reader, sources in enumerate(inputs) for source in sources}
    of: list[int] = []
    free: list[int] = []
    width = 0
    for step, sources in enumerate(inputs):
        for source in dict.fromkeys(sources):
            if last_reader[source] == step:
                heapq.heappush(free, of[source])
        if free:
            of.append(heapq.heappop(free))
        else:
            of.append(width)
            width += 1
        if step not in last_reader:
            heapq.heappush(free, of[step])
    drawn = [
        Edge(source, reader, of[source]) for reader, sources in enumerate(inputs) for source in dict.fromkeys(sources)
    ]
    return Lanes(tuple(of), tuple(drawn), width)


def contracted(network: Network, kept: Sequence[str], *, gates: bool = True) -> list[tuple[int, ...]]:
    """For every node kept, which of the kept ones it reads, directly or through nodes left out.

    Args:
        network: the network.
        kept: names of nodes, in the network's order.
        gates: False leaves out what is read through gates and statistics.
    """
    number = {name: i for i, name in enumerate(kept)}
    behind: dict[str, tuple[int, ...]] = {}
    sources: list[tuple[int, ...]] = []
    for node in network:
        names = [node.inputs[read.source] for read in node.reads if gates or not read.gate]
        reads = tuple(dict.fromkeys(step for name in names for step in behind[name]))
        if node.name in number:
            sources.append(reads)
        behind[node.name] = (number[node.name],) if node.name in number else reads
    return sources
