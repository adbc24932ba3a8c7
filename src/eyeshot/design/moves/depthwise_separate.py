"""Depthwise-separate: a k×k convolution becomes one of each channel by itself, then a 1×1 (Chollet 2016, Howard 2017).

For each channel read, the layer's kernels of it are replaced by the multiples of one, the best in least squares.
"""

from __future__ import annotations

from dataclasses import replace

from eyeshot.design.moves.apart import RELU, point, taken_apart
from eyeshot.design.moves.move import Asked, Move, Part, Plan, Subject
from eyeshot.network.ops import Conv


def _plan(subject: Subject, asked: Asked) -> Plan:
    multiplier = asked.number("multiplier", 1)

    def chain(op: Conv, reads: int, gives: int) -> list[Part]:
        deep = replace(op, groups=reads, bias=False)
        return [Part(op=deep, width=reads * multiplier), Part(op=point(op), width=gives)]

    return taken_apart(subject, asked, chain)


MOVE = Move(
    name="depthwise-separate",
    does="takes k×k convolutions apart into one of each channel by itself and a 1×1",
    keeps="fields and maps",
    changes="params and MACs (about k² times fewer)",
    plan=_plan,
    options={**RELU, "multiplier=N": "channels that are made of each one read; 1 unless given"},
)
