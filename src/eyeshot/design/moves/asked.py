"""What a user types for a move: ``name``, ``name:layers``, ``name:word,key=value,layers``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from eyeshot.design.moves.move import Asked, Move
from eyeshot.errors import UsageError
from eyeshot.shown import quoted


def asked_for(text: str, moves: Mapping[str, Move]) -> tuple[Move, Asked]:
    """A move and what was asked of it.

    Behind the colon stand, parted by commas, words of the move's own and names of layers; a word is a layer where it is
    written ``layer=word``.

    Raises:
        UsageError: there is no such move, or it has no such word.

    Example:
        >>> from eyeshot.design.moves.table import MOVES
        >>> move, asked = asked_for("stem:3x3,width=24,conv1", MOVES)
        >>> move.name, asked.options, asked.patterns
        ('stem', {'3x3': '', 'width': '24'}, ('conv1',))
    """
    name, _, rest = text.partition(":")
    move = moves.get(name.strip())
    if move is None:
        near = difflib.get_close_matches(name, moves, 2, 0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"moves are {', '.join(moves)}"
        raise UsageError(f"no move {quoted(name)}; {hint}")
    words = {word.partition("=")[0]: "=" in word for word in move.options}
    options: dict[str, str] = {}
    patterns: list[str] = []
    for piece in filter(None, (piece.strip() for piece in rest.split(","))):
        key, has_value, value = piece.partition("=")
        if "N" in words and key.replace("x", "").isdecimal():
            options["N"] = key
            continue
        if key == "layer" and has_value:
            patterns.append(value)
        elif key in words and words[key] == bool(has_value):
            options[key] = value
        elif has_value or key in words:
            known = ", ".join(move.options) or "none"
            raise UsageError(f"{text}: {piece!r} is no word of {move.name}; it has {known}")
        else:
            patterns.append(piece)
    return move, Asked(text=text, patterns=tuple(patterns), options=options, words=tuple(move.options))
