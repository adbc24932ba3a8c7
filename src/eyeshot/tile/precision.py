"""How many bytes a number takes, by the type that a model computes in."""

from __future__ import annotations

from typing import Any

from eyeshot.errors import UsageError

_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def bytes_per_number(model: Any, dtype: str | None = None) -> int:
    """Bytes of one number: of the type asked for, else of the module's weights, else of float32.

    Raises:
        UsageError: the type is none of these.
    """
    if dtype is not None and dtype not in _BYTES:
        raise UsageError(f"dtype {dtype!r}: needed is one of {', '.join(_BYTES)}")
    parameters = getattr(model, "parameters", None)
    first = next(iter(parameters()), None) if callable(parameters) else None
    of_weights = "float32" if first is None else str(first.dtype).removeprefix("torch.")
    return _BYTES[dtype or (of_weights if of_weights in _BYTES else "float32")]
