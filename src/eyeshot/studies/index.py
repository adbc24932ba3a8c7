"""One file beside the records of a study that says what is in them, so that a large study opens without reading each.

It is a cache and nothing else: a row holds when its record still has the size and the time of change that it had; what
the index does not know is read from its record, and a missing or damaged index costs time alone. Only who holds the
study's lock writes it, a row behind the others as each trial ends, so that a kill leaves at most one torn row at the
end. Each row carries a CRC-32, and what stands behind the first that is wrong is as if it were not there.

See docs/decisions/0015-an-index-of-records.md.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from eyeshot import opening
from eyeshot.garbage import uncollected
from eyeshot.studies.plan import Plan
from eyeshot.train.directory import RECORD
from eyeshot.train.measures import known
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Answers, Record, Score

INDEX = "index.bin"
_SCHEMA = "eyeshot.index/1"
_HEAD = struct.Struct("<IIIQqQd")
"""CRC-32 of all that follows in the row, bytes behind this head, arm's number, seed, the record's time of change in ns,
its size in bytes, and its score."""
_CRC = 4
_SEEDS = 1 << 64
"""Seeds that a row has room for."""
_SPARE = 1000
"""Rows that may be replaced before an index is written anew."""


class _Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record without its recipe, which the plan tells."""

    versions: msgspec.Raw
    """A table of texts, the same in most records: each is read once."""
    scores: tuple[Score, ...]
    is_diverged: bool
    weights: str
    answers: Answers | None
    measures: dict[str, float | None]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Body).decode


@lru_cache(maxsize=64)
def _versions(packed: bytes) -> dict[str, str]:
    return msgspec.msgpack.decode(packed, type=dict[str, str])


_Stamp = tuple[int, int]
_Row = tuple[_Stamp, float, memoryview]


class Index:
    """What an index knows of the records of one plan.

    Args:
        directory: the study's.
        plan: whose identity the rows are of; those of another plan are not used.
    """

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._plan, self._directory = plan, str(directory)
        self._rows: dict[tuple[int, int], _Row] = {}
        self.path = directory / INDEX
        self.head = f"{_SCHEMA} {plan.identity}\n".encode()
        """What an index of this plan begins with."""
        self.count = 0
        """Rows, those that a later one replaces too."""
        self.missed: set[tuple[str, int]] = set()
        """Arms and seeds that were asked for and of which no row holds."""
        try:
            content = opening.read(self.path)
        except OSError:
            content = b""
        with uncollected():
            self.length = self._read(memoryview(content)) if content.startswith(self.head) else 0
        """Bytes up to where the last whole row ends."""

    def __len__(self) -> int:
        """Trials of which there is a row."""
        return len(self._rows)

    def _read(self, content: memoryview) -> int:
        """Take the rows in; where the last whole one ends."""
        place, unpack, size, crc = len(self.head), _HEAD.unpack_from, _HEAD.size, zlib.crc32
        while place + size <= len(content):
            check, length, number, seed, changed, nbytes, score = unpack(content, place)
            start, end = place + size, place + size + length
            if end > len(content) or crc(content[place + _CRC : end]) != check:
                break
            self._rows[number, seed] = (changed, nbytes), score, content[start:end]  # the later row holds
            self.count, place = self.count + 1, end
        return place

    def score(self, label: str, seed: int) -> float | None:
        """The score of a trial whose record lies there unchanged; None where the index does not know."""
        row = self._row(label, seed)
        return None if row is None else row[1]

    def record(self, recipe: Recipe) -> Record | None:
        """A recipe's record where it lies there unchanged; None where the index does not know."""
        row = self._row(recipe.label, recipe.seed)
        if row is None:
            return None
        try:
            body = _decode(row[2])
            versions = _versions(bytes(body.versions))
        except msgspec.MsgspecError:  # of another version
            self.missed.add((recipe.label, recipe.seed))
            return None
        measures: Mapping[str, float | None] = body.measures
        return Record(
            recipe=recipe,
            versions=versions,
            scores=body.scores,
            is_diverged=body.is_diverged,
            weights=body.weights,
            answers=body.answers,
            measures=measures and known(measures),
        )

    def _row(self, label: str, seed: int) -> _Row | None:
        row = self._rows.get((self._plan.number(label), seed))
        if row is None or row[0] != self._stamp(label, seed):
            self.missed.add((label, seed))
            return None
        return row

    def _stamp(self, label: str, seed: int) -> _Stamp | None:
        """What tells whether a record was changed, as for make and rsync."""
        try:
            # Paths as texts: there may be a hundred thousand.
            there = os.stat(f"{self._directory}/{self._plan.folder(label)}/seed-{seed}/{RECORD}")
        except OSError:
            return None
        return there.st_mtime_ns, there.st_size

    def writing(self, records: Iterable[Record] = ()) -> Writing:
        """What adds rows, first those of some records that lie there and that were missed.

        Only for who holds the study's lock.
        """
        return Writing(self, records)

    def packed(self, record: Record) -> bytes | None:
        """A row of a record that lies in its place; None for what has no row."""
        recipe = record.recipe
        stamp = self._stamp(recipe.label, recipe.seed)
        if stamp is None or recipe.seed >= _SEEDS:
            return None
        body = _encode(
            _Body(
                versions=msgspec.Raw(_encode(dict(record.versions))),
                scores=record.scores,
                is_diverged=record.is_diverged,
                weights=record.weights,
                answers=record.answers,
                measures=dict(record.measures),
            )
        )
        head = _HEAD.pack(0, len(body), self._plan.number(recipe.label), recipe.seed, *stamp, record.score)
        row = head[_CRC:] + body
        return zlib.crc32(row).to_bytes(_CRC, "little") + row


class Writing:
    """Adds rows to an index; where that fails nothing is lost but time, and no more is added."""

    def __init__(self, index: Index, records: Iterable[Record]) -> None:
        self._index = index
        self._records = records
        self._file: int | None = None

    def __enter__(self) -> Self:
        index = self._index
        # Rows that hold no more, such as after a copy that kept no times, shall not pile up.
        is_new = index.length == 0 or index.count > 2 * len(index) + _SPARE
        try:
            self._file = os.open(index.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            os.ftruncate(self._file, 0 if is_new else index.length)
            os.lseek(self._file, 0, os.SEEK_END)
        except OSError:
            self._close()
        if is_new:
            self._append(index.head)
        for record in self._records:
            if is_new or (record.recipe.label, record.recipe.seed) in index.missed:
                self.add(record)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def add(self, record: Record) -> None:
        """Add a row of a record that lies in its place."""
        if self._file is not None and (row := self._index.packed(record)) is not None:
            self._append(row)

    def _append(self, content: bytes) -> None:
        if self._file is None:
            return
        try:
            is_whole = os.write(self._file, content) == len(content)
        except OSError:
            is_whole = False
        if not is_whole:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
