"""Protobuf messages changed as messages: fields set, left out, doubled, moved and taken from others of their kind.

Bytes that are changed blindly mostly break the first length they meet. What comes out here is a whole file whose
contents nobody meant: nodes that read other tensors, kernels of no size, graphs within graphs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

_EDGES = (0, 1, 2, 3, -1, -2, 7, 255, 1 << 16, 1 << 31, (1 << 31) - 1, 1 << 32, 1 << 40, (1 << 63) - 1, -(1 << 63))
_FRACTIONS = (0.0, -1.0, 0.5, 2.0, 1e30, float("inf"), float("nan"))
_MOST = 40_000
"""Bytes of a text or of numbers that are put in."""


def changed(message: Any, draw: Random, others: Sequence[Any], words: Sequence[str]) -> None:
    """Change a message in place; pieces and words come from others and from those given."""
    places = list(_messages(message))
    for _ in range(draw.choice((1, 1, 2, 4))):
        place = draw.choice(places)
        fields = [field for field, _ in place.ListFields()]
        absent = draw.random() < 0.15 or not fields
        field = draw.choice(place.DESCRIPTOR.fields if absent else fields)
        if field.message_type is not None:
            _change_messages(place, field, draw, others)
        elif field.is_repeated:
            _change_list(getattr(place, field.name), field, draw, words)
        elif draw.random() < 0.15:
            place.ClearField(field.name)
        else:
            _set(place, field, _value(getattr(place, field.name), field, draw, words))
        if sum(map(len, _texts(place))) > _MOST:
            return


def _messages(message: Any) -> Iterator[Any]:
    """A message and all within it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                yield from _messages(inner)


def _texts(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        if field.message_type is None:
            yield from value if field.is_repeated and field.cpp_type == field.CPPTYPE_STRING else ()
            if not field.is_repeated and field.cpp_type == field.CPPTYPE_STRING:
                yield value


def _change_messages(place: Any, field: Any, draw: Random, others: Sequence[Any]) -> None:
    """Leave one out, double it, exchange two, or take one of another file."""
    found = (each for each in _messages(draw.choice(others)) if each.DESCRIPTOR is field.message_type)
    donor = next(map(_copied, found), None)
    if not field.is_repeated:
        if draw.random() < 0.3 or donor is None:
            place.ClearField(field.name)
        else:
            getattr(place, field.name).CopyFrom(donor)
        return
    items = getattr(place, field.name)
    way = draw.randrange(5)
    if way == 0 and items:
        del items[draw.randrange(len(items))]
    elif way == 1 and items:
        items.append(_copied(draw.choice(items)))
    elif way == 2 and len(items) > 1:
        i, j = draw.sample(range(len(items)), 2)
        kept = _copied(items[i])
        items[i].CopyFrom(items[j])
        items[j].CopyFrom(kept)
    elif way == 3 and items and donor is not None:
        items[draw.randrange(len(items))].CopyFrom(donor)
    elif donor is not None:
        items.append(donor)


def _copied(message: Any) -> Any:
    """Protobuf does not look whether a message is put into itself."""
    kept = type(message)()
    kept.CopyFrom(message)
    return kept


def _change_list(items: Any, field: Any, draw: Random, words: Sequence[str]) -> None:
    """Leave an element out, put one in, change one."""
    way = draw.randrange(6)
    if way == 0 and items:
        del items[draw.randrange(len(items))]
    elif way == 1 or not items:
        items.append(_fitting(field, _value(None, field, draw, words)))
    elif way == 2 and len(items) < 1000:
        items.extend(list(items) * draw.randint(1, 3))
    else:
        i = draw.randrange(len(items))
        items[i] = _fitting(field, _value(items[i], field, draw, words))


def _value(old: Any, field: Any, draw: Random, words: Sequence[str]) -> Any:
    if field.cpp_type == field.CPPTYPE_STRING:
        return _text(old, field, draw, words)
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return draw.choice(_FRACTIONS)
    if field.enum_type is not None:
        return draw.choice(list(field.enum_type.values_by_number))
    near = (old or 0) + draw.choice((-1, 1, 2))
    return near if draw.random() < 0.5 else draw.choice(_EDGES)


def _text(old: Any, field: Any, draw: Random, words: Sequence[str]) -> Any:
    if field.type != field.TYPE_BYTES:
        return draw.choice(words) if draw.random() < 0.9 else draw.choice(("", "\x1b[2J", "x" * 5000, "\u202e"))
    data = bytearray(old or b"")
    if draw.random() < 0.5 and len(data) >= 8:  # a number among those of eight bytes, as shapes are written
        at = draw.randrange(len(data) // 8) * 8
        data[at : at + 8] = (draw.choice(_EDGES) & ((1 << 64) - 1)).to_bytes(8, "little")
        return bytes(data)
    if draw.random() < 0.5:
        return draw.choice(words).encode()
    return bytes(data[: draw.randrange(len(data) + 1)]) + draw.randbytes(draw.choice((0, 1, 8)))


def _set(place: Any, field: Any, value: Any) -> None:
    setattr(place, field.name, _fitting(field, value))


def _fitting(field: Any, value: Any) -> Any:
    """A number as wide as its field is."""
    if field.cpp_type == field.CPPTYPE_INT32:
        return (value + (1 << 31)) % (1 << 32) - (1 << 31)
    if field.cpp_type == field.CPPTYPE_INT64:
        return (value + (1 << 63)) % (1 << 64) - (1 << 63)
    if field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64):
        return value % (1 << (32 if field.cpp_type == field.CPPTYPE_UINT32 else 64))
    return value
