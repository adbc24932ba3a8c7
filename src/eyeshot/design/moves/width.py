"""Width: every layer has more or fewer channels, by one factor; what is given at the end keeps its own.

Channels that must agree, since an addition, a gate or a channel's own convolution joins them, stay together: they are
one class, which has one width before and after. A class that reaches an output keeps its width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from eyeshot.design.moves.move import ANEW, Asked, DoesNotFitError, Move, Part, Plan, Subject, Swap, matching
from eyeshot.design.moves.predicted import predict
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Arithmetic,
    Concatenate,
    Conv,
    ConvTranspose,
    Dropout,
    EdgePad,
    Linear,
    LocalResponseNorm,
    Norm,
    Pad,
    Pointwise,
    Pool,
    Resize,
    Slice,
    Softmax,
)

_KEEPS_CHANNELS = (
    AdaptivePool, Aggregate, Arithmetic, Dropout, EdgePad, LocalResponseNorm, Norm, Pad, Pointwise, Pool, Resize,
    Softmax,
)  # fmt: skip

_GIVES_CHANNELS = (Conv, ConvTranspose, Linear)


def widened(network: Network, factor: float) -> Network:
    """The network with all widths by a factor, as announced; the same where rounding leaves all as they are.

    Raises:
        DoesNotFitError: what comes behind a layer does not follow it.
    """
    subject, asked = Subject(network=network), Asked(text=f"width:by={factor:g}")
    return predict(subject, _swaps(subject, asked, factor), asked.text).network


def _plan(subject: Subject, asked: Asked) -> Plan:
    swaps = _swaps(subject, asked, _factor(asked))
    if not swaps:
        looked = sum(_gives_channels(node, subject) for node in matching(subject, asked))
        why = "widths stay as they are, or reach an output, which keeps its own"
        raise DoesNotFitError(f"{asked.text}: of {looked} layers with channels looked at none changes: {why}")
    return Plan(swaps=tuple(swaps))


def _swaps(subject: Subject, asked: Asked, factor: float) -> list[Swap]:
    classes = _classes(subject.network)
    multiples = _multiples(subject, classes, asked.number("multiple", 1))
    kept = _kept(subject.network, classes)
    joined = {
        classes[node.name]: node for node in subject.network if isinstance(node.op, Concatenate) and node.op.axis == 1
    }
    chosen = {classes[node.name] for node in matching(subject, asked) if _gives_channels(node, subject)}

    def width(node: Node) -> int:
        """Channels that a node has once the move is made; of what is joined, those of its parts together."""
        own, whose = _channels(node), classes[node.name]
        if whose in joined and whose not in kept:
            return sum(width(subject.network[name]) for name in joined[whose].inputs)
        if whose in kept or whose not in chosen:
            return own
        multiple = multiples[whose]
        return max(1, round(own * factor / multiple)) * multiple

    swaps: list[Swap] = []
    for node in subject.network:
        op: Conv | ConvTranspose | Linear
        if isinstance(node.op, Conv) and _is_depthwise(node, subject):
            before = width(subject.before(node))
            op, now = replace(node.op, groups=before), before * (node.shape[1] // node.op.groups)
        elif isinstance(node.op, _GIVES_CHANNELS):
            op, now = node.op, width(node)
        elif isinstance(node.op, Slice) and node.op.axis == 1 and width(subject.before(node)) != node.shape[1]:
            raise DoesNotFitError(f"{asked.text}: {node.name} takes some channels; nothing says which of others")
        else:
            continue
        if now == _channels(node):
            continue
        if reason := subject.why_fixed(node, settings=False):
            raise DoesNotFitError(f"{asked.text}: {node.name}: {reason}")
        swaps.append(Swap(layer=node.name, parts=(Part(op=op, width=now),), weights=ANEW))
    return swaps


def _factor(asked: Asked) -> float:
    text = asked.options.get("by", "")
    try:
        factor = float(text)
    except ValueError:
        factor = 0
    if not 1e-3 <= factor <= 1e3:
        raise UsageError(f"{asked.text}: by how much? Give a factor from 0.001 to 1000, such as width:by=0.5")
    return factor


def _multiples(subject: Subject, classes: dict[str, str], multiple: int) -> dict[str, int]:
    """By class what its width is a multiple of: of the groups, too, that give, read or normalise it."""
    multiples = dict.fromkeys(classes.values(), multiple)
    for node in subject.network:
        if isinstance(node.op, Conv | ConvTranspose | Norm) and not _is_depthwise(node, subject):
            for name in (node.name, node.inputs[0]):
                multiples[classes[name]] = math.lcm(multiples[classes[name]], node.op.groups)
    return multiples


def _channels(node: Node) -> int:
    return node.shape[-1] if isinstance(node.op, Linear) else node.shape[1] if len(node.shape) > 1 else 1


def _gives_channels(node: Node, subject: Subject) -> bool:
    return isinstance(node.op, _GIVES_CHANNELS) and not _is_depthwise(node, subject)


def _is_depthwise(node: Node, subject: Subject) -> bool:
    return isinstance(node.op, Conv) and 1 < node.op.groups == subject.before(node).shape[1]


@dataclass
class _Classes:
    """Sets that grow together; ``find`` gives the name of one for all of a set."""

    above: dict[str, str]

    def find(self, name: str) -> str:
        while self.above[name] != name:
            name = self.above[name]
        return name

    def unite(self, names: Sequence[str]) -> None:
        first, *others = (self.find(name) for name in names)
        self.above |= dict.fromkeys(others, first)


def _classes(network: Network) -> dict[str, str]:
    """By a node's name the class of its channels."""
    sets = _Classes({node.name: node.name for node in network})
    for node in network:
        sources = [name for name in node.inputs if _channels(network[name]) == _channels(node)]
        is_depthwise = isinstance(node.op, Conv) and node.op.groups == node.shape[1] > 1
        if sources and (isinstance(node.op, _KEEPS_CHANNELS) or is_depthwise):
            sets.unite([node.name, *sources])
    return {node.name: sets.find(node.name) for node in network}


def _kept(network: Network, classes: dict[str, str]) -> set[str]:
    """The classes of the image, and of all that reaches an output before it is given other channels."""
    kept = {classes[node.name] for node in network.inputs}
    waiting = list(network.outputs or (network.output.name,))
    met: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in met:
            continue
        met.add(name)
        node = network[name]
        kept.add(classes[name])
        if not isinstance(node.op, _GIVES_CHANNELS):
            waiting += node.inputs
    return kept


MOVE = Move(
    name="width",
    does="gives all layers more or fewer channels",
    keeps="fields and maps; the channels of the outputs",
    changes="channels, params and MACs (about by the factor squared); weights are new",
    plan=_plan,
    options={
        "by=F": "the factor, such as 0.5 (needed)",
        "multiple=N": "widths are multiples of it, and always of the groups that read them; 1 unless given",
    },
)
