"""What does each layer cost? Weights, operations and memory, one rule per op.

MACs count one multiply-accumulate as 1, in convolutions, fully connected layers and matrix products (attention's);
biases, activations, pools and normalisation are not counted; FLOPs are 2 MACs. Activations are the elements of a
layer's output. The peak of live activations is the largest sum of tensors that must exist at once when the layers run
in order, each output kept until its last reader has run; reshapes and ops that only rename share their input's memory;
batch size 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    Bilinear,
    Conv,
    ConvTranspose,
    DeformConv,
    Dropout,
    Linear,
    MatMul,
    Pointwise,
    Rearrange,
    Recurrent,
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


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one layer costs, or several together."""

    params: int
    macs: int
    activations: int


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a network costs; ``peak_activations`` is the largest number of elements alive at once."""

    params: int
    macs: int
    activations: int
    peak_activations: int


def cost(network: Network, node: Node) -> Cost:
    """The cost of one node."""
    return Cost(params=node.params, macs=_macs(network, node), activations=math.prod(node.shape))


def totals(network: Network) -> Totals:
    """The cost of the whole network."""
    costs = [cost(network, node) for node in network.layers]
    return Totals(
        params=sum(c.params for c in costs),
        macs=sum(c.macs for c in costs),
        activations=sum(c.activations for c in costs),
        peak_activations=peak_activations(network),
    )


def rectifications(network: Network) -> int:
    """How many rectifying non-linearities follow one another or run side by side in the network."""
    return sum(1 for node in network if isinstance(node.op, Pointwise) and node.op.name in RECTIFIERS)


def peak_activations(network: Network) -> int:
    """The largest number of elements alive at once when nodes run in order (see the module's docstring)."""
    home: dict[str, str] = {}
    for node in network:
        shares = isinstance(node.op, Rearrange | Dropout) and len(node.inputs) == 1
        home[node.name] = home[node.inputs[0]] if shares else node.name
    last_use: dict[str, int] = {}
    for step, node in enumerate(network):
        last_use[home[node.name]] = step
        for name in node.inputs:
            last_use[home[name]] = step
    ends: dict[int, list[str]] = {}
    for name, step in last_use.items():
        ends.setdefault(step, []).append(name)
    alive = peak = 0
    for step, node in enumerate(network):
        if home[node.name] == node.name:
            alive += math.prod(node.shape)
            peak = max(peak, alive)
        alive -= sum(math.prod(network[name].shape) for name in ends.get(step, ()))
    return peak


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
    if isinstance(op, Bilinear):
        return math.prod(node.shape) * math.prod(op.features)
    if isinstance(op, DeformConv):
        return math.prod(node.shape) * network[node.inputs[0]].shape[1] // op.groups * math.prod(op.kernel)
    if isinstance(op, Recurrent):
        return op.weights * math.prod(node.shape[:2])
    return 0
