"""Bottleneck: a k×k convolution becomes 1×1, k×k on fewer channels, 1×1 (Szegedy et al. 2014, He et al. 2015).

Weights are Tucker's decomposition over the channels read and given, near the best in least squares.
"""

from __future__ import annotations

from dataclasses import replace

from eyeshot.design.moves.apart import RELU, point, taken_apart
from eyeshot.design.moves.move import Asked, Move, Part, Plan, Subject
from eyeshot.network.ops import Conv


def _plan(subject: Subject, asked: Asked) -> Plan:
    ratio = asked.number("ratio", 4)

    def chain(op: Conv, reads: int, gives: int) -> list[Part]:
        width = max(1, gives // ratio)
        return [
            Part(op=replace(point(op), bias=False), width=min(width, reads)),
            Part(op=replace(op, bias=False), width=width),
            Part(op=point(op), width=gives),
        ]

    return taken_apart(subject, asked, chain)


MOVE = Move(
    name="bottleneck",
    does="puts a k×k convolution on fewer channels, between two 1×1",
    keeps="fields and maps",
    changes="params and MACs",
    plan=_plan,
    options={"ratio=N": "how many times fewer channels the k×k has than the layer gave; 4 unless given", **RELU},
)
