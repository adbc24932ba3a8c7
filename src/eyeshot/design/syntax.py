"""What a design is made of: layers, groups that repeat, and branches; and how each is written.

A design is a tree of frozen values. ``str`` writes it in the notation that ``notation.parse`` reads back. ``position``
is the index of the item's first character in the text that it came from; it takes no part in comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from eyeshot.values import Value

Padding = str | tuple[tuple[int, int], ...]
"""``half`` (⌊d·(k − 1)/2⌋ before, the rest after), ``same`` (as in TensorFlow, by the input's size), or per axis."""


class Item(Value):
    """What all items share."""

    label: str | None = None
    position: int = field(default=0, compare=False)

    def _labelled(self, text: str) -> str:
        return f"{self.label}:{text}" if self.label else text


class Conv(Item):
    """C: a convolution; then a batch norm if ``normalised``, then a rectification unless ``linear``.

    ``width`` None: as the layer before, doubled after each halving of the map, at most 512; ``groups`` 0: one a
    channel.
    """

    kernel: tuple[int, ...] = (3,)
    stride: tuple[int, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    padding: Padding = "half"
    groups: int = 1
    width: int | None = None
    normalised: bool = False
    linear: bool = False

    def __str__(self) -> str:
        text = "C" + _sizes(self.kernel)
        text += _modifier("s", self.stride) + _modifier("d", self.dilation) + _padding(self.padding, "half")
        text += "" if self.groups == 1 else f"g{self.groups or '*'}"
        text += ("b" if self.normalised else "") + ("" if self.width is None else f"-{self.width}")
        return self._labelled(text + ("~" if self.linear else ""))


class Pool(Item):
    """P or A: max or average pooling; the stride is the kernel unless given."""

    mode: str = "max"
    kernel: tuple[int, ...] = (2,)
    stride: tuple[int, ...] | None = None
    padding: Padding = ((0, 0),)
    ceil: bool = False

    def __str__(self) -> str:
        text = ("P" if self.mode == "max" else "A") + _sizes(self.kernel)
        text += "" if self.stride is None else f"s{_sizes(self.stride)}"
        return self._labelled(text + _padding(self.padding, ((0, 0),)) + ("c" if self.ceil else ""))


class Full(Item):
    """F: a fully connected layer, rectified unless it is the design's last or ``linear``.

    ``width`` None: the number of classes for the last, else 4096.
    """

    width: int | None = None
    linear: bool = False

    def __str__(self) -> str:
        return self._labelled("F" + ("" if self.width is None else str(self.width)) + ("~" if self.linear else ""))


class Plain(Item):
    """A layer without a shape of its own: G global average, N LRN, B batch norm, D dropout, R relu, ID identity."""

    letter: str
    value: float | None = None

    def __str__(self) -> str:
        return self._labelled(self.letter + ("" if self.value is None else _decimal(self.value)))


class Group(Item):
    """(…)xN: items in a row, ``repeat`` times."""

    items: tuple[Item, ...]
    repeat: int = 1

    def __str__(self) -> str:
        inner = " ".join(map(str, self.items))
        return self._labelled(f"({inner})") + (f"x{self.repeat}" if self.repeat > 1 else "")


class Branches(Item):
    """[… | …] side by side, concatenated; [… + …] summed."""

    branches: tuple[tuple[Item, ...], ...]
    summed: bool

    def __str__(self) -> str:
        mark = " + " if self.summed else " | "
        return self._labelled("[" + mark.join(" ".join(map(str, branch)) for branch in self.branches) + "]")


@dataclass(frozen=True)
class Design:
    """An architecture written down; ``text`` is what was typed."""

    items: tuple[Item, ...]
    text: str = field(compare=False)

    def __str__(self) -> str:
        return " ".join(map(str, self.items))


def _decimal(value: float) -> str:
    """All digits of a number, none as a power of ten, which the notation does not have."""
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def _sizes(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _modifier(letter: str, sizes: tuple[int, ...]) -> str:
    # One size stands for all axes; as many ones say how many axes there are.
    return "" if sizes == (1,) else letter + _sizes(sizes)


def _padding(padding: Padding, default: Padding) -> str:
    if padding == default:
        return ""
    if isinstance(padding, str):
        return padding
    return "p" + "x".join(str(a) if a == b else f"({a},{b})" for a, b in padding)
