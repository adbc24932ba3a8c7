"""How many steps a design takes, counted without taking them: repeats of repeats are cheap to write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from eyeshot.design.syntax import Branches, Conv, Design, Full, Group, Item
from eyeshot.errors import ShapeError

MOST = 99_999
"""Steps behind the input; with it a network of 100,000."""


def check_steps(design: Design) -> None:
    """Complain of a design that takes more steps than can be laid out.

    Raises:
        ShapeError: points at the layer that is the first too many.
    """
    _take(design.items, MOST, design)


def _take(items: Iterable[Item], room: int, design: Design) -> int:
    """The room that is left behind some items."""
    for item in items:
        taken = _steps(item)
        if taken > room:
            _fail_inside(item, room, design)
        room -= taken
    return room


def _fail_inside(item: Item, room: int, design: Design) -> NoReturn:
    if isinstance(item, Group):
        # All turns but the last fit; what is left of the room ends within that one.
        _take(item.items, room % sum(map(_steps, item.items)), design)
    for branch in item.branches if isinstance(item, Branches) else ():
        room = _take(branch, room, design)
    raise ShapeError(f"the design has more than {MOST + 1:,} steps; repeat less", design.text, item.position)


def _steps(item: Item) -> int:
    """Layers of an item, as often as they repeat; one that leaves nothing behind, as ID does, is a step too."""
    if isinstance(item, Group):
        return item.repeat * sum(map(_steps, item.items))
    if isinstance(item, Branches):
        inside = sum(_steps(each) for branch in item.branches for each in branch)
        return inside + (len(item.branches) - 1 if item.summed else 1)
    if isinstance(item, Conv):
        return 1 + item.normalised + (not item.linear)
    if isinstance(item, Full):
        return 2 - item.linear
    return 1
