"""Ways in which files go wrong: by failing disks, by hand, and by those who mean harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

_DEEP = 100_000
_RAW = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"NaN",
    b"[" * _DEEP,
    b'{"a":' * _DEEP,
    b"9" * 5000,
    b'"\\ud800"',
    b"\xff\xfe{}",
    b"\0" * 64,
    b"PK\x03\x04",
)
_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1", "1e-320", "9" * 400, "9" * 5000, "1.5", "true")
_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**300,
    "",
    "\ud800",
    "x" * 10_000,
    "\x1b[2J",
    [],
    {},
    [[]],
    {"a": []},
)
_HOLE = "\u2591hole\u2591"


def damaged(content: bytes, draw: Random) -> bytes:
    """Other bytes than these: some flipped, cut, doubled, moved, or something else altogether."""
    while True:
        other = draw.choice((_flipped, _flipped, _cut, _without, _doubled, _overwritten, _replaced))(content, draw)
        if other != content:
            return other


def damaged_json(content: bytes, draw: Random) -> bytes:
    """Other bytes than these, which are a JSON document's: mostly another document, with one value or key changed."""
    if draw.random() < 0.3:
        return damaged(content, draw)
    while True:
        values = json.loads(content)
        place, key = draw.choice(list(places(values)))
        way = draw.randrange(4)
        if way == 0:
            del place[key]
        elif way == 1 and isinstance(place, dict):
            place[draw.choice(("", "sha256", "schema", "x"))] = draw.choice(_VALUES)
        elif way == 2:
            place[key] = _HOLE
            return json.dumps(values).replace(json.dumps(_HOLE), draw.choice(_NUMBERS)).encode()
        else:
            place[key] = _near(place[key], draw)
        other = json.dumps(values, indent=1)
        if json.loads(other) != json.loads(content):
            return other.encode()


def places(values: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in a document, by what holds it and its key there."""
    for key in list(values) if isinstance(values, dict) else range(len(values)):
        yield values, key
        if isinstance(values[key], dict | list):
            yield from places(values[key])


def _near(value: Any, draw: Random) -> Any:
    """A value of the same kind, as one who edits would write it, or any at all."""
    if draw.random() < 0.5:
        if isinstance(value, bool):
            return not value
        if isinstance(value, int | float):
            return draw.choice((value + 1, -value, value * 1.001, value + 0.5))
        if isinstance(value, str):
            return draw.choice((value + "0", value[:-1], value[::-1], value.upper()))
    return draw.choice(_VALUES)


def _flipped(content: bytes, draw: Random) -> bytes:
    other = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 8))):
        if other:
            other[draw.randrange(len(other))] ^= 1 << draw.randrange(8)
    return bytes(other)


def _cut(content: bytes, draw: Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _without(content: bytes, draw: Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    return content[:start] + content[start + draw.randrange(1, 65) :]


def _doubled(content: bytes, draw: Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    return content[:start] + content[start : start + draw.randrange(1, 65)] + content[start:]


def _overwritten(content: bytes, draw: Random) -> bytes:
    start, bytes_ = draw.randrange(len(content) + 1), draw.randbytes(draw.randrange(1, 65))
    return content[:start] + bytes_ + content[start + len(bytes_) :]


def _replaced(content: bytes, draw: Random) -> bytes:
    return draw.choice(_RAW)
