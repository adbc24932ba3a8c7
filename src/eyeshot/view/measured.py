"""Measured effective fields from files: documents of schema eyeshot.effective/1, checked before they go into a page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from eyeshot.errors import UsageError

SCHEMA = "eyeshot.effective/1"
_MOST_CELLS = 4_000_000


def parsed(content: bytes, name: str) -> dict[str, Any]:
    """The document in a file.

    Raises:
        UsageError: it is no document of that schema, or its map is not what it says.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}") from error
    return checked(document, name)


def checked(document: Any, name: str) -> dict[str, Any]:
    """A document that the page can show.

    Raises:
        UsageError: it is none.
    """
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if schema != SCHEMA:
        raise UsageError(
            f"{name}: needed is a document of schema {SCHEMA} (eyeshot effective --json), found {schema!r}"
        )
    try:
        return _checked(document)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{name}: the document is incomplete or wrong at {error}") from error


def _checked(document: Mapping[str, Any]) -> dict[str, Any]:
    str(document["network"]["name"]), str(document["layer"]), str(document["source"])
    start, shape, values = (document["map"][key] for key in ("start", "shape", "values"))
    if len(start) != len(shape) or not 1 <= len(shape) <= 3:
        raise ValueError(f"map.start {start} and map.shape {shape}")
    if any(not isinstance(n, int) or n < 1 for n in shape) or math.prod(shape) > _MOST_CELLS:
        raise ValueError(f"map.shape {shape}")
    if len(values) != math.prod(shape):
        raise ValueError(f"map.values: {len(values)} numbers for a map of {'×'.join(map(str, shape))}")
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        raise ValueError("map.values: a number is not finite")
    return dict(document)


_LEVELS = 65535


def packed(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the page needs of a measured field: the map as whole numbers, its greatest weight being 65,535.

    A rounded weight is off by at most 1/131,070 of the greatest, which no picture shows, and takes a quarter of the
    room. Profiles and widths are found again from the map; boxes are not, which a rounded weight may move by a pixel.
    """
    import numpy as np

    from eyeshot.analyse.box import box_holding

    values = [abs(value) for value in document["map"]["values"]]
    start, shape = document["map"]["start"], document["map"]["shape"]
    weights = np.array(values).reshape(shape)
    boxes = {share: box_holding(weights, share / 100) for share in (50, 95)}
    peak = max(values, default=0.0) or 1.0
    return {
        "network": document["network"]["name"],
        "layer": document["layer"],
        "source": document["source"],
        "measure": document.get("measure"),
        "unit": document.get("unit"),
        "runs": {key: document.get("runs", {}).get(key) for key in ("images", "seeds", "weights")},
        "gates": document.get("gates", True),
        "start": start,
        "shape": shape,
        "boxes": {
            str(share): [[o + first, o + last] for o, (first, last) in zip(start, box, strict=True)]
            for share, box in boxes.items()
        },
        "levels": [round(value / peak * _LEVELS) for value in values],
    }
