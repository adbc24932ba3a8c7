"""Convolutions in a row for one: its batch norm and activation stand between them as they stand behind it."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.design.moves.move import Part, Subject
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Norm, Pointwise

_RELU = Pointwise(name="relu")
BUILDABLE = frozenset({"relu", "gelu", "silu", "sigmoid", "tanh"})
"""Activations that a new layer can have."""


def stacked(subject: Subject, conv: Node, convs: Sequence[Part], *, linear: bool = False) -> tuple[Part, ...]:
    """A chain of convolutions, between them the norm and activation that follow the one they stand for.

    Where that has no activation, or one that cannot be built, a relu stands between; with ``linear`` nothing does.
    """
    between: list[Part] = []
    if not linear:
        behind = [node.op for node in subject.behind(conv)[1:]]
        between += [Part(op=Norm(mode="batch")) for op in behind if isinstance(op, Norm)]
        usable = [op for op in behind if isinstance(op, Pointwise) and op.name in BUILDABLE]
        between.append(Part(op=usable[0] if usable else _RELU))
    chain: list[Part] = []
    for number, part in enumerate(convs):
        assert isinstance(part.op, Conv)
        chain += [*(between if number else ()), part]
    return tuple(chain)
