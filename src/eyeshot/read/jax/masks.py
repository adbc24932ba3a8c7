"""Attention under a mask of numbers: softmax and products are known once a whole program is, and masked then."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.network.ops import Arithmetic, MatMul, Op, Softmax
from eyeshot.network.relations import Shape
from eyeshot.read.jax.values import Draft
from eyeshot.read.masks import Constant, Masks


def masked(drafts: Sequence[Draft], masks: Masks) -> list[Draft]:
    """Drafts in which softmax and products read no more than masks leave."""
    if not masks.silent and not masks.zeros:
        return list(drafts)
    made: list[Draft] = []
    for draft in drafts:

        def record(op: Op, source: Draft, shape: Shape, draft: Draft = draft) -> Draft:
            made.append(Draft(op, [source], shape, draft.place, line=draft.line))
            return made[-1]

        if isinstance(draft.op, Softmax):
            (scores,) = draft.inputs
            draft.inputs = [masks.scored(record, scores)]
            masks.weigh(draft, scores, draft.op.axis)
        elif isinstance(draft.op, Arithmetic) and draft.op.name == "mul":  # what softmax made 0 stays 0
            others = [Constant(lambda: None)] if len(draft.inputs) == 1 else []
            masks.follow(draft, "mul", [*draft.inputs, *others])
        elif type(draft.op) is MatMul:
            draft.op, draft.inputs = masks.product(record, *draft.inputs)
        made.append(draft)
    return made
