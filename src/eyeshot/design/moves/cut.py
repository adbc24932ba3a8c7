"""Cut: layers that are left out, such as those behind the one whose units see the whole image already.

Blocks go as a whole: what a block read, its readers read now. Layers behind it that read another number of channels
for that have new weights.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.design.moves.move import Asked, DoesNotFitError, Move, Plan, Subject, Swap, matching
from eyeshot.network.graph import Node
from eyeshot.network.ops import AdaptivePool, Aggregate, Linear, Rearrange


def _plan(subject: Subject, asked: Asked) -> Plan:
    first = asked.options.get("from")
    if first is None and not asked.patterns:
        raise DoesNotFitError(f"{asked.text}: which layers? Give blocks (cut:layer4), or the first (cut:from=layer4.0)")
    nodes = matching(subject, asked) if asked.patterns else []
    if first is not None:
        nodes += [node for node in _body_from(subject, first) if node not in nodes]
    names = {node.name for node in nodes}
    if len(names) >= len(subject.network.layers):
        raise DoesNotFitError(f"{asked.text}: nothing would be left of {subject.network.name}")
    swaps = [Swap(layer=node.name, parts=()) for node in nodes]
    if not subject.is_design:
        swaps = _by_modules(subject, asked, nodes)
    return Plan(swaps=tuple(swaps))


def _body_from(subject: Subject, first: str) -> list[Node]:
    """The layers from one on, up to the global pool, flattening or fully connected layer where the head begins."""
    network = subject.network
    names = [node.name for node in network.layers]
    starts = [i for i, name in enumerate(names) if name == first or name.startswith(f"{first}.")]
    start = starts[0] if starts else names.index(network[first].name)
    body: list[Node] = []
    for node in network.layers[start:]:
        is_flat = isinstance(node.op, Linear) or (isinstance(node.op, Rearrange) and len(node.shape) == 2)
        is_global = isinstance(node.op, AdaptivePool | Aggregate)
        if is_flat or (is_global and all(n == 1 for n in node.shape[2:])):
            break
        body.append(node)
    if not body:
        raise DoesNotFitError(f"cut:from={first}: the head begins with {first}; nothing stands before it to be cut")
    return body


def _by_modules(subject: Subject, asked: Asked, nodes: Sequence[Node]) -> list[Swap]:
    """The swaps of a module's layers: the largest modules of which nothing is left are left out as they are."""
    names = {node.name for node in nodes}
    everything = [node.name for node in subject.network.layers]
    whole = {
        path
        for path in subject.blocks
        if path and (inside := [n for n in everything if _lies_in(n, path)]) and set(inside) <= names
    }
    largest = {path for path in whole if not any(path.startswith(f"{other}.") for other in whole)}
    swaps: list[Swap] = []
    stands: set[str] = set()
    for node in nodes:
        path = next((path for path in sorted(largest) if _lies_in(node.name, path)), None)
        if path is None:
            why = "is called as a function in the module's own code"
            raise DoesNotFitError(f"{asked.text}: {node.name} {why}; cut the block that it is part of")
        swaps.append(Swap(layer=node.name, parts=(), module="" if path in stands else path))
        stands.add(path)
    return swaps


def _lies_in(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


MOVE = Move(
    name="cut",
    does="leaves layers or blocks out",
    keeps="layers before and their weights; those behind where they read as many channels as before",
    changes="fields, maps, params and MACs behind",
    plan=_plan,
    options={"from=LAYER": "all from this layer on, up to the head (global pool, flattening, fully connected layers)"},
)
