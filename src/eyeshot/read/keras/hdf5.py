"""One text out of an HDF5 file: an attribute of its first group, which is where Keras 1 to 3 keep a configuration.

HDF5's own library follows what a file says wherever that leads: of files that were changed at random some keep it busy
for good. All that is needed here are the first group's messages and one piece of a heap, each looked at once.

    superblock        where the first group's header is
    object header     messages, in one block or several; an attribute is one of them
    attribute         a name, a type, a number of elements, the data
    global heap       where the data of texts of any length lie

Reference: The HDF Group, HDF5 File Format Specification Version 3.0, sections II.A, III.E, IV.A.1, IV.A.2.m.
"""

from __future__ import annotations

from collections.abc import Iterator

from eyeshot.errors import ReadError
from eyeshot.read.content import Bytes

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_BLOCKS, MOST_MESSAGES = 1_000, 100_000
"""Of one header that are looked at; a group of Keras has some ten messages."""
_CONTINUATION, _ATTRIBUTE, _MANY_ATTRIBUTES = 0x10, 0x0C, 0x15
_FIXED_TEXT, _OF_ANY_LENGTH = 3, 9


class _Cursor:
    """Whole numbers, one behind the other, from a place on; lowest byte first."""

    def __init__(self, data: Bytes, at: int, end: int | None = None) -> None:
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def number(self, size: int) -> int:
        return int.from_bytes(self.bytes(size), "little")

    def bytes(self, size: int) -> bytes:
        if not 0 <= size <= self.end - self.at:
            raise ReadError(f"it says {size:,} bytes at {self.at:,} where {max(self.end - self.at, 0):,} are left")
        self.at += size
        return bytes(self.data[self.at - size : self.at])


class Hdf5:
    """An HDF5 file, as far as attributes of its first group."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        head = _Cursor(data, 0)
        if head.bytes(8) != SIGNATURE:
            raise ReadError("it is no HDF5 file")
        version = head.number(1)
        if version > 3:
            raise ReadError(f"its superblock is of version {version}; 0 to 3 are read")
        head.bytes(4 if version < 2 else 0)
        self.offset, self.length = head.number(1), head.number(1)
        if self.offset not in (2, 4, 8) or self.length not in (2, 4, 8):
            raise ReadError(f"its places are numbers of {self.offset} and {self.length} bytes")
        head.bytes({0: 9, 1: 13, 2: 1, 3: 1}[version])
        self.base = head.number(self.offset)
        head.bytes(self.offset * (4 if version < 2 else 2))  # until the header's place: others', and a name's
        self.root = self._place(head)

    def text(self, name: str, most: int) -> bytes | None:
        """The text of the first group's attribute of that name; None where there is none.

        Raises:
            ReadError: the file is cut off or changed, or the text has more than ``most`` bytes.
        """
        for kind, start, end in self._messages():
            if kind == _ATTRIBUTE:
                found = self._attribute(_Cursor(self.data, start, end), name.encode(), most)
                if found is not None:
                    return found
        return None

    def _place(self, cursor: _Cursor) -> int:
        return self.base + cursor.number(self.offset)

    # --- messages -----------------------------------------------------------------------------------------------------

    def _messages(self) -> Iterator[tuple[int, int, int]]:
        """What kind each message is, where it begins and where it ends."""
        head = _Cursor(self.data, self.root)
        is_old = head.number(1) == 1
        ordered = 0
        if is_old:
            head.bytes(7)
            blocks = [(self.root + 16, head.number(4))]
        else:
            if bytes(self.data[self.root : self.root + 5]) != b"OHDR\2":
                raise ReadError(f"it has no group at {self.root:,}")
            head.bytes(4)
            flags = head.number(1)
            head.bytes((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
            size = head.number(1 << (flags & 3))
            ordered = 2 if flags & 4 else 0
            blocks = [(head.at, size)]
        left = MOST_MESSAGES
        seen: set[int] = set()
        while blocks:
            start, size = blocks.pop(0)
            if start in seen or len(seen) > MOST_BLOCKS:
                raise ReadError("its messages lie in a circle")
            seen.add(start)
            if size > len(self.data) - start:
                raise ReadError(f"a block of {size:,} bytes where {max(len(self.data) - start, 0):,} are left")
            cursor = _Cursor(self.data, start, start + size)
            while cursor.end - cursor.at >= (8 if is_old else 4 + ordered):
                kind, length = (cursor.number(2 if is_old else 1), cursor.number(2))
                cursor.bytes(4 if is_old else 1 + ordered)
                begin = cursor.at
                cursor.bytes(length)
                left -= 1
                if left < 0:
                    raise ReadError(f"its first group has more than {MOST_MESSAGES:,} messages")
                if kind == _CONTINUATION:
                    inner = _Cursor(self.data, begin, begin + length)
                    place, much = self._place(inner), inner.number(self.length)
                    blocks.append((place, much) if is_old else (place + 4, much - 8))  # OCHK before, a sum behind
                elif kind == _MANY_ATTRIBUTES and _has_heap(_Cursor(self.data, begin, begin + length), self.offset):
                    raise ReadError("its attributes lie in a heap of their own: save the model as .keras")
                else:
                    yield kind, begin, begin + length

    def _attribute(self, cursor: _Cursor, name: bytes, most: int) -> bytes | None:
        version = cursor.number(1)
        if not 1 <= version <= 3:
            raise ReadError(f"an attribute of it is of version {version}; 1 to 3 are read")
        cursor.bytes(1)
        sizes = [cursor.number(2) for _ in range(3)]
        cursor.bytes(1 if version == 3 else 0)
        padded = [-(-size // 8) * 8 for size in sizes] if version == 1 else sizes
        called = cursor.bytes(padded[0])[: sizes[0]].rstrip(b"\0")
        if called != name:
            return None
        kind = _Cursor(self.data, cursor.at, cursor.at + sizes[1])
        cursor.bytes(padded[1])
        cursor.bytes(padded[2])  # the number of elements: one text
        form = kind.number(1) & 15
        way = kind.number(3) & 15
        length = kind.number(4)
        if form == _FIXED_TEXT:
            if length > most:
                raise ReadError(_too_long(most))
            return cursor.bytes(length).rstrip(b"\0")
        if form == _OF_ANY_LENGTH and way == 1:
            return self._in_heap(cursor, most)
        raise ReadError(f"its {name.decode()} is no text")

    def _in_heap(self, cursor: _Cursor, most: int) -> bytes:
        """A text of any length: how long it is, which heap holds it, and as what number."""
        length, place, number = cursor.number(4), self._place(cursor), cursor.number(4)
        if length > most:
            raise ReadError(_too_long(most))
        heap = _Cursor(self.data, place)
        if heap.bytes(4) != b"GCOL":
            raise ReadError(f"it has no heap at {place:,}")
        heap.bytes(4)
        heap.end = min(place + heap.number(self.length), heap.end)
        left = MOST_MESSAGES
        while heap.end - heap.at >= 8 + self.length and left:
            found = heap.number(2)
            heap.bytes(6)
            size = heap.number(self.length)
            if found == number and found:
                return heap.bytes(min(length, size)).rstrip(b"\0")
            heap.bytes(min(-(-size // 8) * 8, heap.end - heap.at))
            left -= 1
        raise ReadError(f"its heap at {place:,} has no piece {number:,}")


def _has_heap(cursor: _Cursor, offset: int) -> bool:
    """Whether attributes lie elsewhere than in messages: where is all ones for nowhere."""
    cursor.bytes(1)
    flags = cursor.number(1)
    cursor.bytes(2 if flags & 1 else 0)
    return cursor.number(offset) != (1 << 8 * offset) - 1


def _too_long(most: int) -> str:
    return f"its configuration has more than {most >> 20} MiB, which no network needs"
