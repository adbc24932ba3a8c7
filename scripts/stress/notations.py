"""Designs as people, typing errors and enemies write them: each is a network, or one clear message that points into it.

What is read must be written so that it reads back, and its network must have the shapes that its layers give. Half of
the texts follow the grammar, half are such texts with characters changed, left out, doubled or put in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from eyeshot.design.lower import lower
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Design
from eyeshot.errors import NotationError, UsageError
from eyeshot.network.graph import Network
from eyeshot.shown import visible

WHAT = "notations"
EVERY = 1

_SECONDS = 60.0
"""One design takes no longer than this: a hundred thousand layers, on a busy machine."""
_NUMBERS = ("0", "1", "2", "3", "5", "7", "10", "64", "4096", "10000000", "10000001", "9" * 12, "9" * 400, "٣", "²")
_SIGNS = "()[]|+-~*x×:.,→ \t\n01239CPAFGNBDRIDsdpgbcSAME=@\x00\x1b[2J\u202e\u2028\udc80éß漢🙂"
_WORDS = ("CONV", "pool", "AvgPool", "FC", "lrn", "BN", "relu", "DROPOUT", "gap", "ID", "same", "valid")
_SHAPES = ((3, 32, 32), (1, 17), (2, 9, 8, 7), (3, 1, 1), (4, 64, 5))


@contextmanager
def tried() -> Iterator[Callable[[Random], str | None]]:
    """Nothing is needed beforehand."""
    yield _run


def _run(draw: Random) -> str | None:
    text = _design(draw, 0)
    if draw.random() < 0.5:
        text = _mistyped(text, draw)
    shape, began = draw.choice(_SHAPES), time.perf_counter()
    wrong = _wrong(text, shape)
    seconds = time.perf_counter() - began
    if wrong is None and seconds > _SECONDS:
        wrong = f"it took {seconds:.1f} s"
    return wrong and f"{text[:300]!r} on {shape}: {wrong}"


def _design(draw: Random, depth: int) -> str:
    return draw.choice((" ", " ", "-", ", ")).join(_item(draw, depth) for _ in range(draw.randint(1, 4)))


def _item(draw: Random, depth: int) -> str:
    kind = draw.random()
    if kind < 0.08 and depth < 4:
        return f"{_label(draw)}({_design(draw, depth + 1)}){_repeat(draw)}"
    if kind < 0.16 and depth < 4:
        mark = draw.choice(("|", " | ", " + "))
        return f"{_label(draw)}[{mark.join(_design(draw, depth + 1) for _ in range(draw.randint(1, 3)))}]"
    if kind < 0.22:
        return draw.choice(_WORDS)
    return _label(draw) + _layer(draw) + (_repeat(draw) if kind > 0.9 else "")


def _label(draw: Random) -> str:
    return f"{draw.choice(('a', 'layer1', 'b.c', 'conv1', 'x2'))}:" if draw.random() < 0.1 else ""


def _repeat(draw: Random) -> str:
    if draw.random() < 0.01:
        return "x" + draw.choice(_NUMBERS)
    return f"x{draw.randint(1, 3)}" if draw.random() < 0.5 else ""


def _layer(draw: Random) -> str:
    letter = draw.choice("CCCCPPAFGNBDR")
    if letter in "GBR":
        return letter
    if letter in "DN":
        return letter + draw.choice(("", "0.5", "5", ".5", "1", _number(draw)))
    if letter == "F":
        return "F" + draw.choice(("", _number(draw)))
    text = letter + draw.choice(("", _number(draw), f"{_number(draw)}x{_number(draw)}"))
    options = [f"s{_number(draw)}", f"p{_number(draw)}", f"p({_number(draw)},{_number(draw)})", "same", "valid"]
    options += [f"d{_number(draw)}", f"g{_number(draw)}", "g*", "b"] if letter == "C" else ["c"]
    text += "".join(draw.sample(options, draw.choice((0, 0, 1, 1, 2))))
    return text + (f"-{_number(draw)}" if letter == "C" and draw.random() < 0.5 else "") + draw.choice(("", "", "~"))


def _number(draw: Random) -> str:
    return draw.choice(_NUMBERS) if draw.random() < 0.03 else str(draw.randint(1, 8))


def _mistyped(text: str, draw: Random) -> str:
    for _ in range(draw.randint(1, 3)):
        at, length = draw.randint(0, len(text)), draw.choice((0, 1, 1, 5))
        piece = draw.choice(("", draw.choice(_SIGNS), text[at : at + length] * draw.choice((2, 3, 50))))
        text = text[:at] + piece + text[at + length :]
    return text


def _wrong(text: str, shape: tuple[int, ...]) -> str | None:
    """What is wrong with what a text is read as, or with the message that refuses it."""
    try:
        design = parse(text)
        if parse(str(design)) != design:
            return f"{str(design)[:300]!r} reads back as another design"
        network = lower(design, shape, name=text, source="notation")
    except UsageError as error:
        return _unclear(error, text)
    return _unlike(network, design)


def _unclear(error: UsageError, text: str) -> str | None:
    lines = str(error).split("\n")
    if len(str(error)) > 2_300 or any(visible(line) != line for line in lines):
        return f"the message is {str(error)[:300]!r}"
    if isinstance(error, NotationError) and not (0 <= error.position <= len(text) and len(lines) == 3):
        return f"the message points nowhere: {str(error)[:300]!r}"
    return None


def _unlike(network: Network, design: Design) -> str | None:
    names = [node.name for node in network]
    if len(set(names)) < len(names):
        return "two layers have one name"
    if any(n < 1 for node in network for n in node.shape):
        return f"a layer of {design} has no positions"
    return None
