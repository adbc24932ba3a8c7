"""Blur-pool: what steps over positions first averages them with a binomial filter (Zhang 2019, arXiv:1904.11486).

A max pool takes its maximum at every position and the filter steps; an average pool becomes the filter; a convolution
steps by 1 and the filter behind its activation steps. The filter of size m, [1 2 1] for 3, is written as m − 1 averages
of 2 in a row, whose product it is: along any number of axes, on maps of even and odd size, without weights.

Where a convolution reads the filter, stack-to-kernel takes it into that one's weights: k' = (k − 1)·s + m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.design.moves.move import Asked, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.design.moves.stride_to_pool import behind
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Pool
from eyeshot.network.relations import Sizes


def _plan(subject: Subject, asked: Asked) -> Plan:
    size = asked.number("size", 3)

    def fit(node: Node) -> Sequence[Swap] | str:
        op = node.op
        assert isinstance(op, Conv | Pool)
        if max(op.stride) == 1:
            return "it steps by 1"
        if size < 2:
            return "a filter of 1 averages nothing"
        blur = [Part(op=each) for each in blurring(size, op.stride)]
        dense = replace(op, stride=(1,) * len(op.stride))
        if isinstance(op, Conv):
            return behind(subject, node, Part(op=dense, width=node.shape[1]), blur)
        if op.mode == "max":
            assert isinstance(dense, Pool)
            return [Swap(layer=node.name, parts=(Part(op=replace(dense, ceil=False)), *blur))]
        return [Swap(layer=node.name, parts=tuple(blur))]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv, Pool), fit, "layers that may step", settings=False)))


def blurring(size: int, stride: Sizes) -> list[Pool]:
    """Averages of 2 whose product is the binomial filter of a size, the last of which steps; no filter along axes
    without steps. The filter's middle lies on the position that it stands for, half a step after it where its size is
    even.
    """
    along = [s > 1 for s in stride]
    ones = (1,) * len(stride)
    pools = []
    for i in range(size - 1):
        pad = int(i < (size - 1) // 2)
        pools.append(
            Pool(
                mode="avg",
                kernel=tuple(2 if steps else 1 for steps in along),
                stride=stride if i == size - 2 else ones,
                dilation=ones,
                padding=tuple((pad, pad) if steps else (0, 0) for steps in along),
            )
        )
    return pools


MOVE = Move(
    name="blur-pool",
    does="averages with a binomial filter before what steps over positions",
    keeps="params and weights, sizes of maps in most cases",
    changes="fields behind (the filter is seen), MACs of convolutions that stepped",
    plan=_plan,
    options={"size=N": "of the filter: 3 is [1 2 1]/4 along each axis, which it is unless given"},
)
