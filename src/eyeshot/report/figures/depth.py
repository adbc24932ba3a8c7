"""Depth along the horizontal axis: layers by their names where designs share them, by each design's own, or counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING

from eyeshot.report.figures.style import colour, points, shortened, whole_steps, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SAME = 0.75
"""Designs share the names on the axis where the longest has at least so much of each other's."""
_NAME = 0.042
"""Inches along the axis that a name takes, slanted, per point of its letters."""


@dataclass(frozen=True)
class Depth:
    """Where layers stand: for each design one place a layer, counted from 1, and the names below and above the axis.

    ``below`` is empty where three designs or more have names of their own, and layers are only counted.
    """

    places: Sequence[Sequence[int]]
    below: Sequence[str]
    above: Sequence[str] = ()


def depth(lists: Sequence[Sequence[str]]) -> Depth:
    """Layers of one name stand at one place where the designs share their names; else each has places of its own."""
    names = _common_order(lists)
    place = {name: i for i, name in enumerate(names, start=1)}
    shared = [[place[name] for name in each] for each in lists]
    if _are_shared(lists) and all(a < b for each in shared for a, b in pairwise(each)):
        return Depth(shared, names)
    counted = [range(1, len(each) + 1) for each in lists]
    return Depth(counted, *lists) if len(lists) <= 2 else Depth(counted, ())


def _are_shared(lists: Sequence[Sequence[str]]) -> bool:
    longest = max((set(each) for each in lists), key=len)
    return all(len(longest & set(each)) >= _SAME * len(each) for each in lists)


def _common_order(lists: Sequence[Sequence[str]]) -> list[str]:
    """Names of all lists in one order: what they share stands at one place."""
    names: list[str] = []
    for added in lists:
        merged: list[str] = []
        matcher = SequenceMatcher(a=names, b=added, autojunk=False)
        for kind, a0, a1, b0, b1 in matcher.get_opcodes():
            merged += names[a0:a1] if kind != "insert" else []
            merged += added[b0:b1] if kind in ("insert", "replace") else []
        names = list(dict.fromkeys(merged))
    return names


def draw_depth(axes: Axes, depth: Depth, counted: str) -> None:
    """The ticks: names below, a second design's above in its colour, or numbers with the word for what they count."""
    axes.set_xlim(0.6, max((each[-1] for each in depth.places if each), default=1) + 0.4)
    if not depth.below:
        whole_steps(axes.xaxis)
        axes.set_xlabel(counted)
        return
    step = _step(axes, max(len(depth.below), len(depth.above)))
    is_apart = bool(depth.above)
    axes.set_xticks(*_ticks(depth.below, step), rotation=45, ha="right", rotation_mode="anchor", fontsize=points(9))
    axes.tick_params(axis="x", labelcolor=colour(0) if is_apart else "black")
    if is_apart:
        top = axes.secondary_xaxis("top")
        top.set_xticks(*_ticks(depth.above, step), rotation=45, ha="left", rotation_mode="anchor", fontsize=points(9))
        top.tick_params(axis="x", labelcolor=colour(1))


def _step(axes: Axes, count: int) -> int:
    return -(-count // max(3, int(width_of(axes) / (_NAME * points(9)))))


def _ticks(names: Sequence[str], step: int) -> tuple[range, list[str]]:
    return range(1, len(names) + 1, step), [shortened(name) for name in names[::step]]
