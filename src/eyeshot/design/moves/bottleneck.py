"""Bottleneck: a k×k convolution becomes 1×1, k×k on fewer channels, 1×1 (Szegedy et al. 2014, He et al. 2015).

Weights are Tucker's decomposition over the channels read and given, near the best in least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.design.moves.move import ANEW, FACTORED, Asked, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.design.moves.stacks import stacked
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Input


def _plan(subject: Subject, asked: Asked) -> Plan:
    ratio = asked.number("ratio", 4)
    activated = "relu" in asked.options

    def fit(conv: Node) -> Sequence[Swap] | str:
        op, before = conv.op, subject.before(conv)
        assert isinstance(op, Conv)
        if max(op.kernel) == 1:
            return "a 1×1 needs no bottleneck"
        if op.groups > 1:
            return f"it has {op.groups} groups"
        if isinstance(before.op, Input) and not asked.patterns:
            return "it reads the image; name it to change it all the same"
        if reason := subject.why_fixed(conv, weights=not activated):
            return reason
        width, ones = max(1, conv.shape[1] // ratio), (1,) * len(op.kernel)
        point = replace(op, kernel=ones, stride=ones, dilation=ones, padding=tuple((0, 0) for _ in ones), bias=False)
        parts = [
            Part(op=point, width=min(width, before.shape[1])),
            Part(op=replace(op, bias=False), width=width),
            Part(op=replace(point, bias=op.bias), width=conv.shape[1]),
        ]
        chain = stacked(subject, conv, parts, linear=not activated)
        return [Swap(layer=conv.name, parts=chain, weights=ANEW if activated else FACTORED)]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv,), fit, "convolutions")))


MOVE = Move(
    name="bottleneck",
    does="puts a k×k convolution on fewer channels, between two 1×1",
    keeps="fields and maps",
    changes="params and MACs",
    plan=_plan,
    options={
        "ratio=N": "how many times fewer channels the k×k has than the layer gave; 4 unless given",
        "relu": "norm and activation between, with new weights",
    },
)
