"""Fold batch norm: a convolution or fully connected layer takes its batch norm into its weights.

In evaluation mode a batch norm multiplies each channel and adds to it, as weights and bias can. What is computed stays
the same everywhere, borders included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.design.moves.move import FOLDED, Asked, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, ConvTranspose, Linear, Norm


def _plan(subject: Subject, asked: Asked) -> Plan:
    def fit(norm: Node) -> Sequence[Swap] | str:
        assert isinstance(norm.op, Norm)
        if norm.op.mode != "batch":
            return f"a {norm.op.kind} takes its statistics from each image"
        layer = subject.before(norm)
        if not isinstance(layer.op, Conv | ConvTranspose | Linear):
            return f"it follows {layer.name} ({layer.op.kind}), which has no weights to fold into"
        if subject.after(layer) is None:
            return f"{layer.name} before it is read by other layers as well"
        if reason := subject.why_fixed(layer, weights=True, settings=False):
            return f"of {layer.name} before it: {reason}"
        width = layer.shape[1 if not isinstance(layer.op, Linear) else -1]
        folded = Part(op=replace(layer.op, bias=True), width=width)
        return [
            Swap(layer=layer.name, parts=(folded,), weights=FOLDED, sources=(norm.name,)),
            Swap(layer=norm.name, parts=(), weights=FOLDED),
        ]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Norm,), fit, "norms", settings=False)), is_exact=True)


MOVE = Move(
    name="fold-batch-norm",
    does="takes batch norms into the weights of the convolutions before them",
    keeps="what is computed in evaluation mode, everywhere; fields and MACs",
    changes="params (a batch norm's two a channel go, a bias may come), layers",
    plan=_plan,
)
