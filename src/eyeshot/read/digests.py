"""Short names for constants: two are alike where their numbers are."""

from __future__ import annotations

import hashlib
from typing import Any

from numpy.typing import NDArray


def digest(*parts: object, content: bytes = b"") -> str:
    """A name for some values, and for bytes."""
    return hashlib.blake2b(repr(parts).encode() + content, digest_size=16).hexdigest()


def collapsed(numbers: NDArray[Any]) -> str:
    """A name for numbers, with one place for all along axes on which they do not differ."""
    for axis, n in enumerate(numbers.shape):
        first = numbers.take([0], axis) if n else numbers
        if n > 1 and bool((numbers == first).all()):
            numbers = first
    return digest(numbers.shape, numbers.dtype.str, content=numbers.tobytes())
