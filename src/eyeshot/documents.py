"""The one reader of what is kept in files: bytes become values of a declared type, or one line says why they do not.

A file comes back from a failing disk, from an editor, from another directory, or from somebody else. What eyeshot wrote
itself carries a digest of what it holds, so that no changed digit passes for one that was measured.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from eyeshot.errors import EyeshotError
from eyeshot.shown import shortened, visible

T = TypeVar("T")

_DIGEST = "sha256"
_MARK = b"\neyeshot sha256 "
_MOST_DIGITS = 19
"""Of a whole number: none that is kept has more, and arithmetic with longer ones may never end."""
_LONGEST = 200
"""Characters of a reason."""


def parsed(content: bytes) -> Any:
    """The plain values of a JSON document, all numbers finite.

    Raises:
        ValueError: it is none; in one line.

    Example:
        >>> parsed(b'{"loss": NaN}')
        Traceback (most recent call last):
        ...
        ValueError: NaN is no number in JSON
    """
    try:
        return json.loads(content, parse_constant=_no_number, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is no UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error}") from None


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(text, 30)} is more than a number holds")
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a whole number of {len(text):,} digits; {_MOST_DIGITS} are allowed")
    return int(text)


def converted(values: Any, kind: type[T]) -> T:
    """Plain values as a dataclass, checked against the types that it declares and by the checks of its own.

    Raises:
        ValueError: they do not fit; says where, in one line.
    """
    import msgspec  # here, since most commands read no documents

    try:
        return msgspec.convert(values, kind)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    except EyeshotError as error:
        raise ValueError(error.said) from None
    except ValueError as error:
        raise ValueError(reason(error)) from None


def reason(error: BaseException) -> str:
    """The first sentence of what an exception says: libraries' messages may run over pages."""
    says = isinstance(error, OSError) and error.strerror
    text = (says or str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0]
    return shortened(visible(text), _LONGEST)


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with their digest as the last."""
    return {**values, _DIGEST: _digest(values)}


def unsealed(content: bytes) -> dict[str, Any]:
    """The values that ``sealed`` gave a digest, without it.

    Raises:
        ValueError: the bytes are no such document, or it was changed.
    """
    values = parsed(content)
    if not isinstance(values, dict):
        raise ValueError("it holds no object")
    digest = values.pop(_DIGEST, None)
    if digest != _digest(values):
        raise ValueError("its digest is not that of its values" if digest else "it has no digest")
    return values


def _digest(values: Mapping[str, Any]) -> str:
    try:
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


SEAL_LENGTH = len(_MARK) + 64
"""Bytes of a seal."""


def seal_of(content: bytes | memoryview) -> bytes:
    """What is written after a file's bytes, which readers of ZIP archives pass over."""
    return _MARK + hashlib.sha256(content).hexdigest().encode()


def unsealed_bytes(content: bytes) -> memoryview:
    """A file's bytes before their seal.

    Raises:
        ValueError: there is no seal, or it is not theirs.
    """
    body = memoryview(content)[:-SEAL_LENGTH]
    if not has_seal(content):
        raise ValueError("it has no digest at its end")
    if content[len(body) :] != seal_of(body):
        raise ValueError("its digest is not that of its bytes")
    return body


def has_seal(content: bytes) -> bool:
    """Whether a file's bytes end with a seal, right or wrong."""
    return content[-SEAL_LENGTH:].startswith(_MARK)
