"""Depthwise-separate: a k×k convolution becomes one of each channel by itself, then a 1×1 (Chollet 2016, Howard 2017).

For each channel read, the layer's kernels of it are replaced by the multiples of one, the best in least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.design.moves.move import ANEW, FACTORED, Asked, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.design.moves.stacks import stacked
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Input


def _plan(subject: Subject, asked: Asked) -> Plan:
    multiplier = asked.number("multiplier", 1)
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
        channels = before.shape[1]
        ones = (1,) * len(op.kernel)
        deep = replace(op, groups=channels, bias=False)
        point = replace(op, kernel=ones, stride=ones, dilation=ones, padding=tuple((0, 0) for _ in ones))
        parts = [Part(op=deep, width=channels * multiplier), Part(op=point, width=conv.shape[1])]
        chain = stacked(subject, conv, parts, linear=not activated)
        return [Swap(layer=conv.name, parts=chain, weights=ANEW if activated else FACTORED)]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv,), fit, "convolutions")))


MOVE = Move(
    name="depthwise-separate",
    does="takes k×k convolutions apart into one of each channel by itself and a 1×1",
    keeps="fields and maps",
    changes="params and MACs (about k² times fewer)",
    plan=_plan,
    options={
        "relu": "norm and activation between, as MobileNet has them, with new weights",
        "multiplier=N": "channels that are made of each one read; 1 unless given",
    },
)
