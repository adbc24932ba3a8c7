"""Protobuf's wire format: a message as its fields, each within the bounds of the message.

A field is a number, a wire type and a value: a whole number, four or eight bytes, or a length and so many bytes. What
lies in bytes is told by where it begins and ends, so that weights are stepped over and never read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from eyeshot.errors import ReadError
from eyeshot.read.content import Bytes

MOST_FIELDS = 4_000_000
"""Fields of one file that are looked at: graphs of real networks have some hundred thousand."""
LONGEST_TEXT = 1 << 16


Field = tuple[int, int, int]
"""A field's number, and where its bytes begin and end; of a whole number its value, and −1."""


class Wire:
    """A file's bytes, and how many more fields of it will be looked at."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.left = MOST_FIELDS

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """The fields of the message that lies from ``start`` to ``end``.

        Raises:
            ReadError: a field reaches beyond its message, or the file has too many.
        """
        data, i = self.data, start
        while i < end:
            self.left -= 1
            if self.left < 0:
                raise ReadError(f"more than {MOST_FIELDS:,} fields, which no network needs")
            key = data[i]
            if key < 0x80:
                i += 1
            else:
                key, i = self.varint(i, end)
            wire, number = key & 7, key >> 3
            if wire == 2:
                length, i = self.varint(i, end)
                if length > end - i:
                    told = f"a field of {length:,} bytes where {end - i:,} are left"
                    raise ReadError(f"byte {i:,}: {told}; is the file cut off?")
                yield number, i, i + length
                i += length
            elif wire == 0:
                value, i = self.varint(i, end)
                yield number, value, -1
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
                if size > end - i:
                    raise ReadError(f"byte {i:,}: the message ends within a number; is the file cut off?")
                yield number, i, i + size
                i += size
            else:
                raise ReadError(f"byte {i:,}: no field of ONNX has the wire type {wire}")

    def varint(self, i: int, end: int) -> tuple[int, int]:
        """A whole number of seven bits a byte, and where it ends."""
        value = shift = 0
        while i < end and shift < 70:
            byte = self.data[i]
            i += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, i
            shift += 7
        raise ReadError(f"byte {i:,}: the message ends within a number; is the file cut off?")

    def integers(self, start: int, end: int) -> list[int]:
        """Packed whole numbers."""
        values: list[int] = []
        while start < end:
            self.left -= 1
            if self.left < 0:
                raise ReadError(f"more than {MOST_FIELDS:,} numbers, which no network needs")
            value, start = self.varint(start, end)
            values.append(signed(value))
        return values

    def floats(self, start: int, end: int) -> list[float]:
        """Packed numbers of four bytes."""
        count = (end - start) // 4
        if end < start:
            raise ReadError(f"byte {start:,}: a number of four bytes is needed")
        self.left -= count
        if self.left < 0:
            raise ReadError(f"more than {MOST_FIELDS:,} numbers, which no network needs")
        return list(struct.unpack(f"<{count}f", self.data[start : start + 4 * count]))

    def text(self, start: int, end: int) -> str:
        """A text; what is no UTF-8 shows as �."""
        if end < 0 or end - start > LONGEST_TEXT:
            raise ReadError(f"byte {start:,}: a name of {end - start:,} bytes")
        return self.data[start:end].decode("utf-8", "replace")


def signed(value: int) -> int:
    """A number below zero is written as its complement."""
    return value - (1 << 64) if value >> 63 else value
