"""Kernel to stack: a k×k convolution becomes (k − 1)/2 of 3×3 in a row, which see as much.

The stride goes to the last, so that the field stays what it was; a kernel that is even along an axis ends with 2. Where
the padding keeps the map's size each layer pads for itself; otherwise, and with ``front``, the first pads for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from eyeshot.design.moves.move import ANEW, FACTORED, Asked, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.design.moves.predicted import conv_of, params_of
from eyeshot.design.moves.stacks import stacked
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, window_sizes
from eyeshot.network.relations import Sides

MOST_WIDTH = 4096


def _plan(subject: Subject, asked: Asked) -> Plan:
    is_linear = "linear" in asked.options
    by = asked.one_of(("equal", "params", "macs"))

    def fit(conv: Node) -> Sequence[Swap] | str:
        op = conv.op
        assert isinstance(op, Conv)
        if max(op.kernel) <= 3:
            return f"a kernel of {max(op.kernel)} is no stack"
        if op.groups not in (1, conv.shape[1]):
            return f"it has {op.groups} groups"
        if reason := subject.why_fixed(conv, weights=is_linear and op.groups == 1):
            return reason
        ops = _ops(op, front="front" in asked.options)
        widths = _widths(subject.before(conv), conv, ops, by)
        convs = [Part(op=each, width=width) for each, width in zip(ops, widths, strict=True)]
        chain = stacked(subject, conv, convs, linear=is_linear)
        weights = FACTORED if is_linear and op.groups == 1 else ANEW
        return [Swap(layer=conv.name, parts=chain, weights=weights)]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv,), fit, "convolutions")))


def _ops(op: Conv, *, front: bool) -> list[Conv]:
    left = [k - 1 for k in op.kernel]
    kernels = []
    while any(left):
        kernels.append(tuple(min(rest, 2) + 1 for rest in left))
        left = [max(rest - 2, 0) for rest in left]
    ones = (1,) * len(op.kernel)
    paddings = _paddings(op, kernels, front)
    last = len(kernels) - 1
    return [
        replace(op, kernel=kernel, stride=op.stride if i == last else ones, padding=padding, bias=op.bias or i < last)
        for i, (kernel, padding) in enumerate(zip(kernels, paddings, strict=True))
    ]


def _paddings(op: Conv, kernels: Sequence[tuple[int, ...]], front: bool) -> list[Sides]:
    none: Sides = tuple((0, 0) for _ in op.kernel)
    halves = [
        tuple((d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for k, d in zip(kernel, op.dilation, strict=True))
        for kernel in kernels
    ]
    total = tuple(
        (sum(half[axis][0] for half in halves), sum(half[axis][1] for half in halves)) for axis in range(len(op.kernel))
    )
    return halves if total == op.padding and not front else [op.padding, *(none for _ in kernels[1:])]


def _widths(before: Node, conv: Node, ops: Sequence[Conv], by: str) -> list[int]:
    """The channels that each layer gives: those in the middle so that params or MACs come nearest to the kernel's."""
    last, count = conv.shape[1], len(ops)
    if by == "equal" or ops[0].groups > 1:
        return [last] * count
    cost = _params if by == "params" else _macs
    goal = _params(before, [conv_of(conv)], [last]) if by == "params" else _macs(before, [conv_of(conv)], [last])

    def distance(width: int) -> int:
        return abs(cost(before, ops, [width] * (count - 1) + [last]) - goal)

    return [_least(distance)] * (count - 1) + [last]


def _least(distance: Callable[[int], int]) -> int:
    """The width with the least distance, which falls and then rises."""
    low, high = 1, MOST_WIDTH
    while low < high:
        middle = (low + high) // 2
        if distance(middle) <= distance(middle + 1):
            high = middle
        else:
            low = middle + 1
    return low


def _params(before: Node, ops: Sequence[Conv], widths: Sequence[int]) -> int:
    return sum(_costs(before, ops, widths, with_positions=False))


def _macs(before: Node, ops: Sequence[Conv], widths: Sequence[int]) -> int:
    return sum(_costs(before, ops, widths, with_positions=True))


def _costs(before: Node, ops: Sequence[Conv], widths: Sequence[int], *, with_positions: bool) -> list[int]:
    shape, costs = before.shape, []
    for op, width in zip(ops, widths, strict=True):
        axes = len(op.kernel)
        after = (*shape[: -axes - 1], width, *window_sizes(shape[-axes:], op))
        params = params_of(replace(op, bias=False) if with_positions else op, shape, after)
        places = 1
        for n in after[-axes:] if with_positions else ():
            places *= n
        costs.append(params * places)
        shape = after
    return costs


MOVE = Move(
    name="kernel-to-stack",
    does="takes k×k convolutions apart into 3×3 ones in a row",
    keeps="fields and maps",
    changes="params and MACs (three 3×3 have 55 % of a 7×7's), the number of activations",
    plan=_plan,
    options={
        "linear": "nothing stands between, and weights are the nearest in least squares; else norm and activation do",
        "equal": "middle widths as the layer's own (unless another word is given)",
        "params": "middle widths so that params agree",
        "macs": "middle widths so that MACs agree",
        "front": "the first pads for all, so that a linear stack is one kernel up to the borders",
    },
)
