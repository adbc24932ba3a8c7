"""A plan as it is asked for: by a model, the whole image, and a memory, a tile or a tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eyeshot.errors import UsageError
from eyeshot.tile.family import Family
from eyeshot.tile.plan import TilePlan, bytes_of, planned
from eyeshot.tile.probe import probe
from eyeshot.tile.tolerance import planned_within

_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def tile_plan(
    model: Any,
    input_shape: Any = None,
    *,
    memory: str | int | None = None,
    tile: int | Sequence[int] | None = None,
    layer: str | None = None,
    dtype: str | None = None,
    tolerance: float | None = None,
    images: Any = None,
) -> TilePlan:
    """The plan for a model; the arguments are those of ``eyeshot.tile_plan``."""
    if memory is not None and tile is not None:
        raise UsageError("give either memory or tile, not both: a memory chooses the tile")
    limit = None if memory is None else bytes_of(memory)
    size = _BYTES.get(dtype or _dtype_of(model))
    if size is None:
        raise UsageError(f"dtype {dtype!r}: needed is one of {', '.join(_BYTES)}")
    looked = probe(Family(model, input_shape), layer)
    if tolerance is None:
        return planned(looked, limit=limit, tile=tile, size=size)
    return planned_within(looked, tolerance, images, limit=limit, tile=tile, size=size)


def _dtype_of(model: Any) -> str:
    """The type of a module's weights; float32 unless it has some."""
    parameters = getattr(model, "parameters", None)
    first = next(iter(parameters()), None) if callable(parameters) else None
    name = "float32" if first is None else str(first.dtype).removeprefix("torch.")
    return name if name in _BYTES else "float32"
