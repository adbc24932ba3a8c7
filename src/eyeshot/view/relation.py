"""Relations and ops as plain values for the page: only what differs from the usual is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from eyeshot.network.ops import Op
from eyeshot.network.relations import Concat, Permute, Reduce, Relation, Taps, Window
from eyeshot.network.slide import Reads

_SHAPING = {
    "Conv": ("groups", "bias"),
    "ConvTranspose": ("groups", "bias"),
    "Pool": ("ceil",),
    "AdaptivePool": ("size",),
    "EdgePad": ("mode", "padding"),
    "Shift": ("axis", "shift", "step"),
    "Resize": ("mode", "steps", "aligned", "antialiased"),
    "Linear": ("bias", "axis"),
    "Rearrange": ("name",),
}
"""What of an op, besides its relations, its output's shape and cost follow from when its input's shape changes."""


def relation_of(relation: Relation) -> dict[str, Any]:
    """A relation's kind and numbers.

    >>> relation_of(Concat(axis=1, offset=64))
    {'kind': 'concat', 'axis': 1, 'offset': 64}
    """
    entry: dict[str, Any] = {"kind": type(relation).__name__.lower()}
    if isinstance(relation, Window):
        return entry | _window(relation)
    if isinstance(relation, Taps):
        return entry | {"axes": list(relation.axes), "reads": [_taps(reads) for reads in relation.reads]}
    if isinstance(relation, Concat):
        return entry | {"axis": relation.axis, "offset": relation.offset}
    if isinstance(relation, Permute):
        return entry | {"order": list(relation.order)}
    if isinstance(relation, Reduce):
        groups = {"groups": relation.groups} if relation.groups > 1 else {}
        return entry | {"axes": sorted(relation.axes), "keep": relation.keep} | groups
    return entry


def form_of(op: Op) -> dict[str, Any]:
    """An op's type, and what its output's shape follows from."""
    names = _SHAPING.get(type(op).__name__, ())
    known = {field.name for field in fields(op)}
    return {"type": type(op).__name__} | {name: getattr(op, name) for name in names if name in known}


def _window(relation: Window) -> dict[str, Any]:
    entry: dict[str, Any] = {"axes": list(relation.axes), "kernel": list(relation.kernel)}
    for name, values, usual in (
        ("stride", relation.stride, 1),
        ("dilation", relation.dilation, 1),
        ("padding", relation.padding, (0, 0)),
        ("base", relation.bases(), 1),
    ):
        if any(value != usual for value in values):
            entry[name] = list(values)
    if relation.groups is not None:
        entry["groups"] = relation.groups
    return entry | ({"runs": 1} if relation.runs else {})


def _taps(reads: Reads) -> list[int | list[int]]:
    """Per output position: the one position read, or ranges of positions, first and last in turn."""
    return [tap[0] if len(tap) == 1 else _ranges(tap) for tap in reads]


def _ranges(tap: Sequence[int]) -> list[int]:
    """Sorted positions as inclusive ranges.

    >>> _ranges((3, 4, 5, 9))
    [3, 5, 9, 9]
    """
    ends: list[int] = []
    for at in sorted(set(tap)):
        if ends and at == ends[-1] + 1:
            ends[-1] = at
        else:
            ends += [at, at]
    return ends
