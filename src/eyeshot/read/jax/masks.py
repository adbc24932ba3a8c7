"""Attention under a mask of numbers: what it left out of scores a softmax weighs by 0, and a product does not read.

Scores are filled with −10⁴, −10⁹ or −∞ where a key is not to be weighed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eyeshot.network.ops import MaskedMatMul, MatMul, Rearrange, Softmax
from eyeshot.read.jax.values import Draft, Numbers
from eyeshot.read.masks import weighed


def masked(drafts: Sequence[Draft], silent: Mapping[Draft, Numbers]) -> None:
    """Let products read no more than masks leave."""
    if not silent:
        return
    zeros: dict[Draft, Numbers] = {}
    for draft in drafts:
        if isinstance(draft.op, Softmax):
            gone = _of(silent, draft.inputs[0])
            if gone is not None:
                zeros[draft] = gone & ~gone.all(draft.op.axis, keepdims=True)
        elif type(draft.op) is MatMul:
            _weigh(draft, zeros)


def _of(noted: Mapping[Draft, Numbers], draft: Draft) -> Numbers | None:
    """What was noted of a draft, followed through what moves elements only; None where nothing was."""
    moves: list[Draft] = []
    while draft not in noted and isinstance(draft.op, Rearrange):
        moves.append(draft)
        draft = draft.inputs[0]
    elements = noted.get(draft)
    if elements is None:
        return None
    elements = np.broadcast_to(elements, draft.shape)
    for move in reversed(moves):
        assert isinstance(move.op, Rearrange)
        elements = elements.reshape(move.shape) if move.op.order is None else elements.transpose(move.op.order)
    return elements


def _weigh(draft: Draft, zeros: Mapping[Draft, Numbers]) -> None:
    for side in (0, 1):
        gone = _of(zeros, draft.inputs[side])
        table = None if gone is None else weighed(~(gone if side == 0 else gone.swapaxes(-2, -1)))
        if table is not None:
            draft.op = MaskedMatMul(keys=table[0], side=side, is_bound=table[1])
            return
