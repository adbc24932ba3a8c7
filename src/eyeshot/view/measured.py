"""Measured effective fields from files: documents of schema eyeshot.effective/1, checked before they go into a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eyeshot import documents
from eyeshot.analyse.inspection import Inspection
from eyeshot.errors import UsageError
from eyeshot.report.wording import times
from eyeshot.shown import quoted

SCHEMA = "eyeshot.effective/1"
_MOST_CELLS = 4_000_000
_FARTHEST = 10**9
"""Pixels from the image's edge at which a map may start."""


@dataclass(frozen=True, kw_only=True)
class _Network:
    name: str


@dataclass(frozen=True, kw_only=True)
class _Runs:
    images: int | None = None
    seeds: int | None = None
    weights: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Map:
    start: list[int]
    shape: list[int]
    values: list[float]

    def __post_init__(self) -> None:
        if len(self.start) != len(self.shape) or not 1 <= len(self.shape) <= 3:
            raise ValueError(f"map.start {self.start[:9]} and map.shape {self.shape[:9]}")
        if any(n < 1 for n in self.shape) or math.prod(self.shape) > _MOST_CELLS:
            raise ValueError(f"map.shape {self.shape}")
        if any(abs(n) > _FARTHEST for n in self.start):
            raise ValueError(f"map.start {self.start}")
        if len(self.values) != math.prod(self.shape):
            raise ValueError(f"map.values: {len(self.values)} numbers for a map of {'×'.join(map(str, self.shape))}")
        if not all(map(math.isfinite, self.values)):
            raise ValueError("map.values: a number is not finite")


@dataclass(frozen=True, kw_only=True)
class _Document:
    """What the page needs of a document, by the types that it must have."""

    network: _Network
    layer: str
    source: str
    map: _Map
    measure: str | None = None
    unit: list[int] | None = None
    runs: _Runs = field(default_factory=_Runs)
    gates: bool = True


def parsed(content: bytes, name: str) -> dict[str, Any]:
    """The document in a file.

    Raises:
        UsageError: it is no document of that schema, or its map is not what it says.
    """
    try:
        document = documents.parsed(content)
    except ValueError as error:
        raise UsageError(f"{name} cannot be read: {error}") from error
    return checked(document, name)


def checked(document: Any, name: str) -> dict[str, Any]:
    """A document that the page can show.

    Raises:
        UsageError: it is none.
    """
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if schema != SCHEMA:
        raise UsageError(
            f"{name}: needed is a document of schema {SCHEMA} (eyeshot effective --json), found {quoted(str(schema))}"
        )
    try:
        documents.converted(document, _Document)
    except ValueError as error:
        raise UsageError(f"{name}: the document is incomplete or wrong: {error}") from error
    return dict(document)


def check_belongs(document: Mapping[str, Any], reports: Sequence[Inspection], name: str) -> None:
    """Complain of a measured field of a network that the page does not show, or of a layer that it lacks.

    Raises:
        UsageError: says what it was measured on, and what is shown.
    """
    network, layer = document["network"], document["layer"]
    shape = network.get("input")
    for report in reports:
        if report.network.name == network["name"] and shape in (None, list(report.network.input.shape[1:])):
            if layer not in {each.name for each in report}:
                raise UsageError(f"{name}: measured on layer {layer}, which {report.network.name} does not have")
            return
    on = f"{network['name']} with an input of {times(shape)}" if isinstance(shape, list) else network["name"]
    shown = " and ".join(f"{each.network.name} with {times(each.network.input.shape[1:])}" for each in reports)
    raise UsageError(f"{name}: measured on {on}, which the page does not show (it shows {shown})")


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
