"""All moves there are, by name, in the order in which one comes to need them."""

from __future__ import annotations

from eyeshot.design.moves import fold_batch_norm, stem
from eyeshot.design.moves.move import Move

MOVES: dict[str, Move] = {move.name: move for move in (stem.MOVE, fold_batch_norm.MOVE)}
