r"""The compact notation for designs.

    C11s4p0-96   convolution: kernel 11, stride 4, padding 0, width 96; rectified
    C3           kernel 3, stride 1, padded so that the map keeps its size; width as before, doubled after a pool
    C1x7-192     kernel 1 high, 7 wide           C3d2-64    dilation 2
    C5g2-256     2 groups                        C3g*       one group a channel (depthwise)
    C3b-64       with batch norm                 C3-64~     not rectified
    p1, p0x3, p(1,2)   padding of 1, of 0 and 3, of 1 before and 2 after
    same, valid  padding as in TensorFlow (depends on the input's size); none
    P3s2, A2     max, average pool: kernel, stride (the kernel unless given); P3s2p1, P3s2c rounds up
    F4096, G     fully connected, global average; the last F is not rectified
    N5 B R D0.5 ID   LRN over 5 channels, batch norm, relu, dropout, identity
    (C3-64 C3-64)x2  repeats;  name:(…)  names
    [C1-64 | C3-96]  side by side, concatenated;  [C3-64 C3-64~ + ID] R  summed

Items are parted by spaces, commas or dashes, so the words of the question are designs too, in any case:
CONV-POOL-CONV-CONV-CONV-POOL, with AVGPOOL, FC, LRN, BN, RELU, DROPOUT, GAP.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NoReturn

from eyeshot.design.syntax import Branches, Conv, Design, Full, Group, Item, Padding, Plain, Pool
from eyeshot.errors import NotationError
from eyeshot.shown import LONGEST_WORD, quoted, shortened

_WORDS = {
    "C": "C", "CONV": "C",
    "P": "P", "POOL": "P", "MAXPOOL": "P", "M": "P",
    "A": "A", "AVGPOOL": "A",
    "F": "F", "FC": "F",
    "G": "G", "GAP": "G",
    "N": "N", "LRN": "N",
    "B": "B", "BN": "B",
    "D": "D", "DROP": "D", "DROPOUT": "D",
    "R": "R", "RELU": "R",
    "ID": "ID",
}  # fmt: skip
_LAYERS = (
    "C convolution, P max pool, A average pool, F fully connected, G global average, N LRN, B batch norm, R relu,"
    " D dropout, ID identity"
)
_SIZES = r"\d+(?:x\d+)*"
_SIDE = r"(?:\d+|\(\s*\d+\s*,\s*\d+\s*\))"
_WORD = re.compile(r"[A-Za-z]+?(?=\d|s\d|p\d|p\(|g\d|g\*|d\d|same|valid|[-~)\]\s,|+]|x\d|$)", re.IGNORECASE)
_LABEL = re.compile(r"([A-Za-z_][\w.]*):")
_MODIFIER = re.compile(
    rf"(?P<same>same)|(?P<valid>valid)|s(?P<stride>{_SIZES})|d(?P<dilation>{_SIZES})"
    rf"|p(?P<padding>{_SIDE}(?:x{_SIDE})*)|g(?P<groups>\d+|\*)|(?P<normalised>b)|(?P<ceil>c)|(?P<linear>~)",
    re.IGNORECASE,
)
_MEANINGS = {
    "same": "padding", "valid": "padding", "padding": "padding", "stride": "stride", "dilation": "dilation",
    "groups": "groups", "normalised": "batch norm", "ceil": "rounding up", "linear": "no rectification",
}  # fmt: skip
_ALLOWED = {
    "C": {"same", "valid", "padding", "stride", "dilation", "groups", "normalised", "linear"},
    "P": {"same", "valid", "padding", "stride", "ceil"},
    "A": {"same", "valid", "padding", "stride", "ceil"},
    "F": {"linear"},
}
_MAX_DEPTH = 40
_MAX_NUMBER = 10**7
_MAX_KERNEL = 10**6
"""Every tap of a kernel is followed."""


def parse(text: str) -> Design:
    """Read a design.

    Raises:
        NotationError: where the text is no design; points at the character.

    Example:
        >>> str(parse("conv-pool-conv3s2-128"))
        'C3 P2 C3s2-128'
    """
    reader = _Reader(text)
    items = reader.items(end="", depth=0)
    if not items:
        reader.fail("an empty design; write layers such as C3-64 P2", 0)
    return Design(items, text)


class _Reader:
    """A position in the text, and what can be read from there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, message: str, position: int) -> NoReturn:
        raise NotationError(message, self.text, position)

    def items(self, end: str, depth: int) -> tuple[Item, ...]:
        """Items up to a character of ``end`` or the end of the text."""
        if depth > _MAX_DEPTH:
            self.fail(f"brackets nested more than {_MAX_DEPTH} deep", self.at)
        items: list[Item] = []
        while True:
            self._skip(" \t\r\n,-→")
            if self.at == len(self.text) or self.text[self.at] in end:
                return tuple(items)
            item = self._item(depth)
            items.append(self._repeated(item))

    def _skip(self, characters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1

    def _item(self, depth: int) -> Item:
        position = self.at
        label = None
        if match := _LABEL.match(self.text, self.at):
            label = match[1]
            self.at = match.end()
            self._skip(" \t\r\n")
        character = self.text[self.at : self.at + 1]
        if character == "(":
            item: Item = self._group(depth)
        elif character == "[":
            item = self._branches(depth)
        else:
            item = self._layer()
        return replace(item, label=label, position=position)

    def _close(self, opened: int, closing: str) -> None:
        if self.text[self.at : self.at + 1] != closing:
            self.fail(f"the {self.text[opened]!r} opened here is never closed by {closing!r}", opened)
        self.at += 1

    def _group(self, depth: int) -> Group:
        opened = self.at
        self.at += 1
        items = self.items(end=")]|+", depth=depth + 1)
        self._close(opened, ")")
        if not items:
            self.fail("an empty group", opened)
        return Group(items=items)

    def _branches(self, depth: int) -> Branches:
        opened = self.at
        self.at += 1
        branches: list[tuple[Item, ...]] = []
        marks: set[str] = set()
        while True:
            branch = self.items(end="|+])", depth=depth + 1)
            if not branch:
                self.fail("an empty branch; write ID for an identity", self.at)
            branches.append(branch)
            mark = self.text[self.at : self.at + 1]
            if not mark or mark not in "|+":
                break
            if marks and mark not in marks:
                self.fail("branches are either summed (+) or concatenated (|); nest brackets to mix", self.at)
            marks.add(mark)
            self.at += 1
        self._close(opened, "]")
        if len(branches) < 2:
            self.fail("one branch only; part branches with | (concatenated) or + (summed)", opened)
        return Branches(branches=tuple(branches), summed="+" in marks)

    def _repeated(self, item: Item) -> Item:
        match = re.compile(r"\s*[x×](\d+)(?![\w.:])", re.IGNORECASE).match(self.text, self.at)
        if not match:
            return item
        repeat = self._number(match[1], match.start(1))
        self.at = match.end()
        if isinstance(item, Group):
            return replace(item, repeat=repeat)
        return Group(items=(item,), repeat=repeat, position=item.position)

    def _layer(self) -> Item:
        position = self.at
        match = _WORD.match(self.text, self.at)
        letter = _WORDS.get(match[0].upper()) if match else None
        if match is None or letter is None:
            self._unknown(position)
        self.at = match.end()
        if letter in {"C", "P", "A"}:
            item = self._window(letter, position)
        elif letter == "F":
            item = self._full(position)
        else:
            item = self._plain(letter, position)
        if self.at < len(self.text) and self.text[self.at] not in " \t\r\n,-→|+)]x×":
            kinds = ", ".join(sorted({_MEANINGS[name] for name in _ALLOWED.get(letter, ())}))
            hint = f"{letter} takes {kinds}, before the width" if kinds else f"{letter} takes no modifiers"
            self.fail(f"{self.text[self.at]!r} does not belong to a layer {letter}; {hint}", self.at)
        return item

    def _unknown(self, position: int) -> NoReturn:
        match = re.compile(r"[^\s,()\[\]|+-]+").match(self.text, position)
        word = match[0] if match else self.text[position : position + 1]
        if not word:
            self.fail("a label without a layer after it", position)
        if word in ")]|+":
            self.fail(f"{word!r} without an opening bracket", position)
        self.fail(f"{quoted(word)} is no layer; layers are {_LAYERS}", position)

    def _number(self, digits: str, position: int, least: int = 1, most: int = _MAX_NUMBER) -> int:
        value = int(digits) if len(digits) < 12 else most + 1
        if not least <= value <= most:
            self.fail(f"{shortened(digits, LONGEST_WORD)} is not between {least} and {most}", position)
        return value

    def _numbers(self, text: str, position: int, most: int = _MAX_NUMBER) -> tuple[int, ...]:
        return tuple(self._number(digits, position, most=most) for digits in re.split("x", text, flags=re.IGNORECASE))

    def _kernel(self) -> tuple[int, ...] | None:
        match = re.compile(_SIZES, re.IGNORECASE).match(self.text, self.at)
        if not match:
            return None
        self.at = match.end()
        return self._numbers(match[0], match.start(), _MAX_KERNEL)

    def _modifiers(self, letter: str) -> dict[str, tuple[str, int]]:
        modifiers: dict[str, tuple[str, int]] = {}
        while match := _MODIFIER.match(self.text, self.at):
            name = str(match.lastgroup)
            if name not in _ALLOWED[letter]:
                break
            if any(_MEANINGS[name] == _MEANINGS[other] for other in modifiers):
                self.fail(f"{_MEANINGS[name]} is given twice", self.at)
            modifiers[name] = (match[name], match.start(name))
            self.at = match.end()
        return modifiers

    def _window(self, letter: str, position: int) -> Item:
        kernel = self._kernel()
        modifiers = self._modifiers(letter)
        stride = self._numbers(*modifiers["stride"]) if "stride" in modifiers else None
        if letter != "C":
            pool = Pool(
                mode="max" if letter == "P" else "avg",
                kernel=kernel or (2,),
                stride=stride,
                padding=self._padding(modifiers, ((0, 0),)),
                ceil="ceil" in modifiers,
            )
            if pool.ceil and pool.padding == "same":
                self.fail("a pool with same padding has nothing to round up", position)
            return pool
        return Conv(
            kernel=kernel or (3,),
            stride=stride or (1,),
            dilation=self._numbers(*modifiers["dilation"]) if "dilation" in modifiers else (1,),
            padding=self._padding(modifiers, "half"),
            groups=self._groups(modifiers),
            normalised="normalised" in modifiers,
            width=self._width(),
            linear="linear" in modifiers or self._tilde(),
        )

    def _groups(self, modifiers: dict[str, tuple[str, int]]) -> int:
        if "groups" not in modifiers:
            return 1
        text, position = modifiers["groups"]
        return 0 if text == "*" else self._number(text, position)

    def _padding(self, modifiers: dict[str, tuple[str, int]], default: Padding) -> Padding:
        if "same" in modifiers:
            return "same"
        if "valid" in modifiers:
            return ((0, 0),)
        if "padding" not in modifiers:
            return default
        text, position = modifiers["padding"]
        sides = []
        for side in re.findall(_SIDE, text):
            numbers = [self._number(digits, position, least=0) for digits in re.findall(r"\d+", side)]
            sides.append((numbers[0], numbers[-1]))
        return tuple(sides)

    def _width(self) -> int | None:
        match = re.compile(r"-(\d+)").match(self.text, self.at)
        if not match:
            return None
        self.at = match.end()
        return self._number(match[1], match.start(1))

    def _tilde(self) -> bool:
        is_linear = self.text[self.at : self.at + 1] == "~"
        self.at += is_linear
        return is_linear

    def _full(self, position: int) -> Full:
        match = re.compile(r"-?(\d+)").match(self.text, self.at)
        width = None
        if match:
            self.at = match.end()
            width = self._number(match[1], match.start(1))
        return Full(width=width, linear="linear" in self._modifiers("F"))

    def _plain(self, letter: str, position: int) -> Plain:
        match = re.compile(r"\d*\.?\d+").match(self.text, self.at) if letter in {"D", "N"} else None
        self.at = match.end() if match else self.at
        digits = match[0] if match else ""
        value = None
        if letter == "D":
            value = float(digits or 0.5)
            if not 0 <= value < 1:
                self.fail(f"dropout takes a probability from 0 to below 1, found {value:g}", position)
        if letter == "N":
            whole, _, rest = digits.partition(".")
            if rest.strip("0"):
                self.fail(f"LRN takes a whole number of channels, found {shortened(digits, LONGEST_WORD)}", position)
            value = float(self._number(whole or "0", position)) if digits else 5.0
        return Plain(letter=letter, value=value)
