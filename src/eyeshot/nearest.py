"""Which of some names a user may have meant: those that begin so, those a slip of the finger away, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PUNCTUATION = re.compile(r"[\W_]+")
_SHORTEST = 3
"""Letters that a beginning of a name needs at least."""
_LONGEST = 120
"""Letters up to which a name is compared: slips take their square to count, and nobody types more of one by hand."""


def nearest(word: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names nearest to a word, the nearest first; none where none is near.

    >>> nearest("alexnt", ["alexnet", "lenet"]), nearest("lenet", ["alexnet"]), nearest("resnet", ["resnet18", "vgg"])
    (['alexnet'], [], ['resnet18'])
    >>> nearest("resnet5", ["resnet50", "resnet50-v1", "resnet15"])
    ['resnet50', 'resnet50-v1', 'resnet15']
    """
    if len(word) > _LONGEST:
        return []
    word = word.lower()
    ranked = []
    for place, name in enumerate(names):
        rank = _rank(word, name.lower())
        if rank is not None:
            # Of names as near as each other those that only begin so keep their order; else the last, deepest one wins.
            ranked.append(((rank, place if rank == 1 else -place), name))
    return [name for _, name in sorted(ranked)[:most]]


def did_you_mean(word: str, names: Iterable[str], most: int = 3) -> str:
    """The same as a question; nothing where none is near."""
    near = nearest(word, names, most)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _rank(word: str, name: str) -> int | None:
    """0 for the same but for punctuation, 1 for a beginning or a part between dots, then one more a letter."""
    if _PUNCTUATION.sub("", word) == _PUNCTUATION.sub("", name):
        return 0
    if (len(word) >= _SHORTEST and name.startswith(word)) or f".{word}." in f".{name}.":
        return 1  # and no slip, where one letter is missing: resnet5 is resnet50 before it is resnet50-v1
    slips = max(1, len(word) // 4)
    distance = _distance(word, name, slips)
    return 1 + distance if distance <= slips else None


def _distance(a: str, b: str, most: int) -> int:
    """Letters to put in, take out, exchange, or swap with the next; more than ``most`` are not counted."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other)))
            if i > 1 and j > 1 and (letter, a[i - 2]) == (b[j - 2], other):
                row[j] = min(row[j], earlier[j - 2] + 1)
    return row[-1]
