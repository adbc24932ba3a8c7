"""k×k convolutions taken apart, each into a chain with 1×1 ones: what depthwise-separate and bottleneck share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from eyeshot.design.moves.move import ANEW, FACTORED, Asked, Part, Plan, Subject, Swap, swaps_of
from eyeshot.design.moves.stacks import stacked
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Input

RELU = {"relu": "norm and activation between, with new weights"}
"""The word of both moves with which nothing is kept of the weights."""


def taken_apart(subject: Subject, asked: Asked, chain_of: Callable[[Conv, int, int], Sequence[Part]]) -> Plan:
    """The plan that gives each k×k convolution a chain, made of its op and of the channels that it reads and gives."""
    activated = "relu" in asked.options

    def fit(conv: Node) -> Sequence[Swap] | str:
        op, before = conv.op, subject.before(conv)
        assert isinstance(op, Conv)
        if max(op.kernel) == 1:
            return "a 1×1 has nothing to take apart"
        if op.groups > 1:
            return f"it has {op.groups} groups"
        if isinstance(before.op, Input) and not asked.patterns:
            return "it reads the image; name it to change it all the same"
        if reason := subject.why_fixed(conv, weights=not activated):
            return reason
        chain = stacked(subject, conv, chain_of(op, before.shape[1], conv.shape[1]), linear=not activated)
        return [Swap(layer=conv.name, parts=chain, weights=ANEW if activated else FACTORED)]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv,), fit, "convolutions")))


def point(op: Conv) -> Conv:
    """The 1×1 convolution of a k×k one."""
    ones = (1,) * len(op.kernel)
    return replace(op, kernel=ones, stride=ones, dilation=ones, padding=tuple((0, 0) for _ in ones))
