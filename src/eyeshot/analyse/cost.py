"""What does each layer cost? Weights, operations and memory, one rule per op.

MACs count one multiply-accumulate as 1, in convolutions, fully connected layers and matrix products (attention's);
biases, activations, pools and normalisation are not counted; FLOPs are 2 MACs. Activations are the elements that a
layer writes, for one image: views and dropout write none. Published tables count the outputs of the layers with MACs
alone. What is alive at once, and what training keeps, tells ``memory``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from eyeshot.analyse.memory import alive_at_once, allocations, kept_for_backward
from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    Attention,
    Bilinear,
    Conv,
    ConvTranspose,
    DeformConv,
    Linear,
    MatMul,
    Pointwise,
    Recurrent,
    RecurrentCell,
)

RECTIFIERS = frozenset(
    {
        "relu",
        "relu6",
        "leaky_relu",
        "prelu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "hardswish",
        "mish",
        "softplus",
    }
)


class Cost(NamedTuple):
    """What one layer costs; ``saved_activations`` are the elements that training keeps since this layer needs them."""

    params: int
    macs: int
    activations: int
    saved_activations: int


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a network costs.

    Attributes:
        params: weights and biases, shared ones once.
        macs: multiply-accumulates of one image.
        activations: elements that layers write.
        mac_activations: those of the layers with MACs, as published tables count.
        peak_activations: the most elements alive at once, a planner's minimum in use.
        saved_activations: elements that training keeps for the backward pass.
        is_saved_exact: False where some op has no rule for that, which makes it at least so many.
    """

    params: int
    macs: int
    activations: int
    mac_activations: int
    peak_activations: int
    saved_activations: int
    is_saved_exact: bool


@once
def costs(network: Network) -> Mapping[str, Cost]:
    """The cost of every node."""
    allocated, kept = allocations(network), kept_for_backward(network).layers
    return {
        node.name: Cost(
            params=node.params,
            macs=_macs(network, node),
            activations=0 if allocated[node.name].only_shows else math.prod(node.shape),
            saved_activations=kept.get(node.name, 0),
        )
        for node in network
    }


def totals(network: Network) -> Totals:
    """The cost of the whole network."""
    each = [costs(network)[node.name] for node in network.layers]
    kept = kept_for_backward(network)
    return Totals(
        params=sum(c.params for c in each),
        macs=sum(c.macs for c in each),
        activations=sum(c.activations for c in each),
        mac_activations=sum(math.prod(n.shape) for n, c in zip(network.layers, each, strict=True) if c.macs),
        peak_activations=alive_at_once(network),
        saved_activations=kept.total,
        is_saved_exact=kept.is_exact,
    )


def rectifications(network: Network) -> int:
    """How many rectifying non-linearities follow one another or run side by side in the network."""
    return sum(1 for node in network if isinstance(node.op, Pointwise) and node.op.name in RECTIFIERS)


def _macs(network: Network, node: Node) -> int:
    op = node.op
    if isinstance(op, Conv):
        channels_in = network[node.inputs[0]].shape[1]
        return math.prod(node.shape) * channels_in // op.groups * math.prod(op.kernel)
    if isinstance(op, ConvTranspose):
        return math.prod(network[node.inputs[0]].shape) * node.shape[1] // op.groups * math.prod(op.kernel)
    if isinstance(op, Linear | MatMul):
        summed = op.axis if isinstance(op, Linear) else -1
        return math.prod(node.shape) * network[node.inputs[0]].shape[summed]
    if isinstance(op, Attention):  # as PyTorch counts: products in full, what is masked included
        query, keys, _ = (network[name].shape for name in node.inputs)
        return (math.prod(query) + math.prod(node.shape)) * keys[-2]
    if isinstance(op, Bilinear):
        return math.prod(node.shape) * math.prod(op.features)
    if isinstance(op, DeformConv):
        return math.prod(node.shape) * network[node.inputs[0]].shape[1] // op.groups * math.prod(op.kernel)
    if isinstance(op, Recurrent):
        return op.weights * (op.positions or math.prod(node.shape[:2]))
    if isinstance(op, RecurrentCell):
        return op.weights * node.shape[0]
    return 0
