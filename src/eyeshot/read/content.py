"""What a file of another framework holds, before anything of it is believed."""

from __future__ import annotations

from typing import Protocol, overload


class Bytes(Protocol):
    """A file in memory, or mapped."""

    @overload
    def __getitem__(self, key: int, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...

    def __len__(self) -> int:
        """How many there are."""
