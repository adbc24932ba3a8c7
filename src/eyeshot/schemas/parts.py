"""What several documents hold."""

from __future__ import annotations

from typing import Any

import msgspec

Range = tuple[int, int]
Interval = tuple[float, float]


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a document; what may be missing has a default."""


def named(name: str, **more: Any) -> Any:
    """A key whose name is none of Python."""
    return msgspec.field(name=name, **more)


class InputOf(Part, kw_only=True):
    """One input."""

    name: str
    shape: list[int]
    axes: list[int]


class ReadNetwork(Part, kw_only=True):
    """A network, as it was read."""

    name: str
    source: str
    input: list[int]
    inputs: list[InputOf] = []
    outputs: list[str] = []
    rate: float = 0


class NamedNetwork(Part, kw_only=True):
    """A network, by its name and input."""

    name: str
    source: str
    input: list[int]


class Note(Part, kw_only=True):
    """A note on a layer, or on all."""

    layer: str | None
    kind: str
    text: str
