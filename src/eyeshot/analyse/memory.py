"""Which tensors exist at once, and which does training keep?

Tensors lie in blocks of memory. Views (slices, transposes, reshapes of contiguous tensors) lie in their base's block,
and what is written in place where it was; a reshape that must copy has a block of its own. Where a forward pass was
watched the nodes say where they lie; a network that was written down shares memory where it reshapes, and for dropout.

- Alive at once: a planner's minimum in use. Layers run in order, each block from its first output until the last reader
  of any has run; weights, workspaces and what an allocator keeps are not in it; batch size 1.
- Kept for the backward pass: what the derivatives of the ops need, as PyTorch saves it: a convolution its input, a
  rectifier its output, batch norm its input and its statistics, an addition nothing. Each block counts once, at the
  layer that first needs it, with all that lies in it. An op without a rule counts nothing, and the sum is at least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Arithmetic,
    Banded,
    Concatenate,
    Constant,
    Conv,
    ConvTranspose,
    Copy,
    Cumulative,
    DeformConv,
    Dropout,
    EdgePad,
    GridSample,
    Index,
    Input,
    Insert,
    Linear,
    LocalResponseNorm,
    MatMul,
    Mixing,
    Norm,
    Op,
    Pad,
    Pick,
    Pointwise,
    Pool,
    Rearrange,
    Resize,
    Shift,
    Slice,
    Softmax,
    Tile,
)


class Allocation(NamedTuple):
    """Where a node's output lies: a block of so many elements; ``is_new`` where it is the first to lie there."""

    block: object
    elements: int
    is_view: bool
    is_new: bool

    @property
    def only_shows(self) -> bool:
        """Whether it takes no memory, being a view of what an earlier one wrote."""
        return self.is_view and not self.is_new


@once
def allocations(network: Network, *, training: bool = False) -> Mapping[str, Allocation]:
    """Where every node's output lies; in ``training`` dropout makes a tensor of its own."""
    if training and not any(map(_is_apart_in_training, network)):
        return allocations(network)
    allocated: dict[str, Allocation] = {}
    taken: set[object] = set()
    for node in network:
        block: object
        # running it, dropout passes its input on; training writes what is left of it beside the input
        is_apart = training and _is_apart_in_training(node)
        memory = None if is_apart else node.memory
        if memory is not None:
            block, elements, is_view = memory.block, memory.elements, memory.is_view
        # a network written down was not watched: what need not copy in PyTorch is taken to share
        elif not is_apart and len(node.inputs) == 1 and isinstance(node.op, _SHARING):
            base = allocated[node.inputs[0]]
            # a slice keeps all of its base alive: of x[:, :1] the block is x's
            block, elements, is_view = base.block, base.elements, True
        else:
            block, elements, is_view = node.name, math.prod(node.shape), False
        allocated[node.name] = Allocation(block, elements, is_view, block not in taken)
        taken.add(block)
    return allocated


_SHARING = (Rearrange, Slice, Dropout)


def _is_apart_in_training(node: Node) -> bool:
    if not isinstance(node.op, Dropout) or node.op.p <= 0:
        return False
    is_in_place = node.memory is not None and not node.memory.is_view
    return not is_in_place


def alive_at_once(network: Network) -> int:
    """The largest number of elements alive at once when nodes run in order."""
    return int(max(alive_by_step(network, lambda name, elements: elements)))


def alive_by_step(
    network: Network, sized: Callable[[str, int], Any], *, until: str | None = None, kept: Collection[str] = ()
) -> list[Any]:
    """Elements alive while each node runs, in order.

    Args:
        network: the network.
        sized: a node's name and its elements → how many they are to count as: at another size of the image, say.
        until: the last node that runs.
        kept: nodes whose outputs are not given up.
    """
    allocated = allocations(network)
    nodes = network.nodes[: None if until is None else network.nodes.index(network[until]) + 1]
    last_use: dict[object, int] = {}
    # a = conv(x); b = a[:, :8]; c = a + 1; d = b + c: b shows a's block, so that is needed up to d
    for step, node in enumerate(nodes):
        for name in (node.name, *node.inputs):
            last_use[allocated[name].block] = step
    last_use |= {allocated[name].block: len(nodes) - 1 for name in kept}
    sizes: dict[object, Any] = {}
    ends: dict[int, list[object]] = {}
    for block, step in last_use.items():
        ends.setdefault(step, []).append(block)
    alive: Any = 0
    steps = []
    for step, node in enumerate(nodes):
        place = allocated[node.name]
        if place.is_new:
            sizes[place.block] = sized(node.name, place.elements)
            alive = alive + sizes[place.block]
        now = alive
        if node.memory is not None and node.memory.copies:
            copied = list(zip(node.inputs, copies_of(node), strict=True))
            # what is read by a copy alone is gone when the output is made
            gone = {allocated[name].block for name, copy in copied if copy}
            # but not if the same op reads it as it is too: x·xᵀ copies one of the two
            gone -= {allocated[name].block for name, copy in copied if not copy}
            now = now + sum(sized(name, copy) for name, copy in copied if copy)
            now = now - sum(sizes[block] for block in ends.get(step, ()) if block in gone)
        steps.append(now)
        for block in ends.get(step, ()):
            alive = alive - sizes[block]
    return steps


def copies_of(node: Node) -> tuple[int, ...]:
    """Elements of each input that a node copies before it reads them."""
    copies = () if node.memory is None else node.memory.copies
    return copies or (0,) * len(node.inputs)


@dataclass(frozen=True)
class Kept:
    """What training keeps for the backward pass, in elements, by the layer that first needs it.

    ``is_exact`` is False where some op has no rule: it is at least that much.
    """

    layers: Mapping[str, int]
    is_exact: bool

    @property
    def total(self) -> int:
        """Over all layers."""
        return sum(self.layers.values())


class Saves(NamedTuple):
    """What an op's derivative needs: inputs by number, its output, and ``more`` elements such as statistics."""

    inputs: tuple[int, ...] = ()
    output: bool = False
    more: int = 0
    is_known: bool = True


NOTHING, FIRST, OUTPUT = Saves(), Saves(inputs=(0,)), Saves(output=True)
UNKNOWN = Saves(is_known=False)


@once
def kept_for_backward(network: Network) -> Kept:
    """What training keeps for the backward pass, all weights being trained."""
    allocated = allocations(network, training=True)
    needs: set[str] = set()
    seen: set[object] = set()
    layers: dict[str, int] = {}
    is_exact = True
    for node in network.layers:
        # pools and the like before the first weights have no derivative to take: the input itself is not trained
        if not (node.params or not needs.isdisjoint(node.inputs) or isinstance(node.op, _WEIGHTED)):
            continue
        needs.add(node.name)
        saves = saved_by(network, node, allocated)
        is_exact = is_exact and saves.is_known
        kept = saves.more
        if saves.inputs or saves.output:
            copies = copies_of(node)
            blocks = [allocated[node.inputs[i]] for i in saves.inputs if not copies[i]]
            blocks += [allocated[node.name]] if saves.output else []
            new = {place.block: place.elements for place in blocks if place.block not in seen}
            # x → ReLU → conv: the ReLU keeps its output, which is the conv's input, and it counts at the ReLU
            seen.update(new)
            kept += sum(new.values()) + sum([copies[i] for i in saves.inputs])
        layers[node.name] = kept
    return Kept(layers, is_exact)


_WEIGHTED = (Conv, ConvTranspose, DeformConv, Linear)

Rule = Callable[[Network, Node], Saves]
_rules: dict[type[Op], Rule] = {}


def rule(*ops: type[Op]) -> Callable[[Rule], Rule]:
    """Register what some ops keep."""

    def register(function: Rule) -> Rule:
        for op in ops:
            assert op not in _rules, f"a second rule for what {op.__name__} keeps"
            _rules[op] = function
        return function

    return register


def saved_by(network: Network, node: Node, allocated: Mapping[str, Allocation]) -> Saves:
    """What a node keeps: by its op's rule; without one it counts nothing, and the sum is a bound from below."""
    if isinstance(node.op, Pointwise):
        return _pointwise(node, allocated)
    function = _rules.get(type(node.op))
    return UNKNOWN if function is None else function(network, node)


@rule(Conv, ConvTranspose, Linear, MatMul, DeformConv, GridSample)
def _product(network: Network, node: Node) -> Saves:
    """The derivative by each factor needs the other."""
    return FIRST if len(node.inputs) == 1 else Saves(tuple(range(len(node.inputs))))


@rule(Input, Banded, Constant, Concatenate, Copy, Index, Insert, Pad, Rearrange, Resize, Shift, Slice, Tile)
def _moved(network: Network, node: Node) -> Saves:
    """Positions and sizes only."""
    return NOTHING


@rule(Mixing)
def _mixing(network: Network, node: Node) -> Saves:
    return FIRST if node.params else NOTHING


@rule(Pick)
def _picked(network: Network, node: Node) -> Saves:
    return Saves(tuple(range(1, len(node.inputs))))


@rule(EdgePad)
def _edge(network: Network, node: Node) -> Saves:
    assert isinstance(node.op, EdgePad)
    return NOTHING if node.op.mode == "circular" else FIRST


@rule(Norm)
def _norm(network: Network, node: Node) -> Saves:
    """The input, and mean and deviation of all that were taken together."""
    assert isinstance(node.op, Norm)
    op, shape = node.op, network[node.inputs[0]].shape
    if op.mode not in {"batch", "layer", "group", "instance"}:
        return Saves((0,), is_known=False)
    groups = shape[1] if op.mode == "batch" else shape[0] * op.groups
    if op.mode == "instance":
        groups = shape[0] * shape[1]
    if op.mode == "layer":
        groups = math.prod(n for axis, n in enumerate(shape) if axis not in op.statistics)
    return Saves((0,), more=2 * groups)


@rule(LocalResponseNorm)
def _response_norm(network: Network, node: Node) -> Saves:
    """The input, its squares padded along channels, their mean, and its power by which the input is divided."""
    assert isinstance(node.op, LocalResponseNorm)
    elements, channels = math.prod(node.shape), node.shape[1]
    return Saves((0,), more=2 * elements + elements // channels * (channels + node.op.size_over(channels) - 1))


@rule(Softmax)
def _softmax(network: Network, node: Node) -> Saves:
    """Its output; inside fused attention the logarithm of each sum, from which scores are computed again."""
    assert isinstance(node.op, Softmax)
    is_fused = node.memory is not None and node.memory.is_view
    return Saves(output=True, more=math.prod(node.shape) // node.shape[node.op.axis] if is_fused else 0)


@rule(Pool)
def _pool(network: Network, node: Node) -> Saves:
    """The input; of a maximum also where it was."""
    assert isinstance(node.op, Pool)
    return Saves((0,), more=math.prod(node.shape) if node.op.mode == "max" else 0)


@rule(AdaptivePool)
def _adaptive_pool(network: Network, node: Node) -> Saves:
    """As a pool; a mean over everything needs only its size."""
    assert isinstance(node.op, AdaptivePool)
    if node.op.mode == "max":
        return Saves((0,), more=math.prod(node.shape))
    return NOTHING if all(n == 1 for n in node.op.size) else FIRST


@rule(Dropout)
def _dropout(network: Network, node: Node) -> Saves:
    """Which elements were dropped."""
    assert isinstance(node.op, Dropout)
    return Saves(more=math.prod(node.shape) if node.op.p > 0 else 0)


@rule(Cumulative)
def _cumulative(network: Network, node: Node) -> Saves:
    assert isinstance(node.op, Cumulative)
    return NOTHING if node.op.name == "cumsum" else Saves((0,), is_known=False)


@rule(Aggregate)
def _aggregate(network: Network, node: Node) -> Saves:
    assert isinstance(node.op, Aggregate)
    name = node.op.name
    if name in {"mean", "sum", "any", "all"}:
        return NOTHING
    if name in {"max", "min"}:  # indices, along one axis
        return Saves(more=math.prod(node.shape)) if len(node.op.axes) == 1 else Saves((0,), output=True)
    if name in {"amax", "amin", "logsumexp", "std", "norm", "linalg_vector_norm"}:
        return Saves((0,), output=True)
    return FIRST if name == "var" else Saves((0,), is_known=False)


_KEEPS_NOTHING = frozenset(
    [
        "add",
        "sub",
        "rsub",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "logical_and",
        "logical_or",
        "logical_xor",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "floor_divide",
        "isclose",
    ]
)
_KEEPS_FACTORS = frozenset(["mul", "div", "true_divide", "maximum", "minimum"])


@rule(Arithmetic)
def _arithmetic(network: Network, node: Node) -> Saves:
    """Factors, where both depend on the input or one is a weight."""
    assert isinstance(node.op, Arithmetic)
    if node.op.name in _KEEPS_NOTHING:
        return NOTHING
    inputs = tuple(range(len(node.inputs)))
    if node.op.name not in _KEEPS_FACTORS:
        return UNKNOWN
    is_fused = node.memory is not None and node.memory.is_view
    # 2·x keeps nothing: its derivative is the number. x·y keeps both, and a layer's own scale, a weight, keeps x.
    return Saves(inputs) if len(inputs) > 1 or node.params or is_fused else NOTHING


_BY_OUTPUT = frozenset(["relu", "sigmoid", "tanh", "exp", "sqrt", "rsqrt", "reciprocal", "exp2", "expm1", "tan"])
_BY_INPUT = frozenset(
    [
        "gelu",
        "silu",
        "hardswish",
        "mish",
        "softplus",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "hardsigmoid",
        "hardtanh",
        "relu6",
        "prelu",
        "log",
        "log2",
        "log10",
        "log1p",
        "abs",
        "sin",
        "cos",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "lgamma",
        "erfc",
        "pow",
        "square",
        "clamp",
        "clamp_min",
        "clamp_max",
        "erf",
        "threshold",
        "hardshrink",
        "softshrink",
    ]
)
_BY_OUTPUT_IN_PLACE = frozenset(["leaky_relu", "elu", "selu", "celu"])
_BY_NEITHER = frozenset(
    ["neg", "floor", "ceil", "round", "trunc", "sign", "positive", "expand", "expand_as", "broadcast_to"]
)


def _pointwise(node: Node, allocated: Mapping[str, Allocation]) -> Saves:
    """What the derivative is told by; what is overwritten in place and still needed is copied before."""
    assert isinstance(node.op, Pointwise)
    name = node.op.name
    if name in _BY_NEITHER:
        return NOTHING
    is_in_place = allocated[node.name].block == allocated[node.inputs[0]].block and not allocated[node.name].is_view
    if name in _BY_OUTPUT or (is_in_place and name in _BY_OUTPUT_IN_PLACE):
        return OUTPUT
    if name not in _BY_INPUT:
        return UNKNOWN
    return Saves(more=math.prod(node.shape)) if is_in_place else FIRST
