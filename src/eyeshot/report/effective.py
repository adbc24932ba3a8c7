"""What a unit really uses, as an object to look into: the document of schema eyeshot.effective/1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.box import Range, box_holding, held_in
from eyeshot.analyse.spread import SHARES, Frame, Measures, measures, profiles_of
from eyeshot.report.wording import axis_letters

SCHEMA = "eyeshot.effective/1"
Floats = npt.NDArray[np.float64]
SOURCES = ("density", "paths", "init", "weights")
WITHOUT_WEIGHTS = ("density", "paths")
"""Sources that need the network alone."""
_PER_MAP = ("share_of_field", "share_of_image", "residual")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the numbers come from.

    Attributes:
        source: density (paths of the network alone, each unit's weight shared among what it reads), paths (every path
            counted alike), init (gradients at random weights), weights (at given ones).
        measure: abs, square, signed or positive: what is averaged of the gradients; paths are counted as abs.
        unit: the unit's indices; None for the average over all, aligned by their fields' centres.
        channel: one channel or class; "sum" of all; "mixed": all, in a direction drawn for each image; None for paths.
        gates: whether gates and statistics are followed, too. Gradients always follow them.
        images: number of images; 0 where none were needed.
        seeds: number of random initialisations; 0 where none were needed.
        weights, inputs: in words, whose weights and what images.
        versions: of what the numbers may depend on.
    """

    source: str
    measure: str = "abs"
    unit: tuple[int, ...] | None = None
    channel: int | str | None = None
    gates: bool = False
    images: int = 0
    seeds: int = 0
    weights: str = ""
    inputs: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Intervals:
    """95 % intervals of the measures: (low, high) per number; ``over`` seeds or images, in ``groups`` of them."""

    over: str
    groups: int
    ends: Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True)
class Box:
    """A box of whole pixels: the first and last of each axis, in the map's coordinates, and the share it holds."""

    ranges: tuple[Range, ...]
    holds: float

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return tuple(last - first + 1 for first, last in self.ranges)


@dataclass(frozen=True, kw_only=True)
class EffectiveField:
    """The effective receptive field of a layer's units.

    Attributes:
        network, network_source, input_shape: what was measured, as in eyeshot.network/1.
        layer: the layer's name.
        origin: where the numbers come from.
        start: pixel of the map's first cell; relative to the field's centre, rounded down, where units are aligned.
        map: share of the mass per pixel; its magnitudes sum to 1. Negative only for signed gradients.
        field_size: pixels that the unit sees on an endless image, per axis (of the data path where only that counts).
        frame: the field's centre, what it has inside the image, and the image's size.
        share_on_padding: of the paths on an endless image, those that fall on padding; None where that is not known.
        intervals: of the measures; None where nothing was drawn at random, or once only.
        area_ratios: RepLKNet's measure, by its thresholds in percent; depends on the gradients' scale.
    """

    network: str
    network_source: str
    input_shape: tuple[int, ...]
    layer: str
    origin: Origin
    start: tuple[int, ...]
    map: Floats
    field_size: tuple[int, ...]
    frame: Frame
    is_exact: bool = True
    share_on_padding: float | None = None
    intervals: Intervals | None = None
    area_ratios: Mapping[int, float | None] | None = None

    def __repr__(self) -> str:
        size = "×".join(map(str, self.boxes[95].size))
        return f"<EffectiveField {self.layer} of {self.network} ({self.origin.source}): 95 % in {size} px>"

    @cached_property
    def measures(self) -> Measures:
        """All that is measured of the map, by name; see ``eyeshot.analyse.spread.measures``."""
        return measures(np.abs(self.map), self.start, self.frame)

    @property
    def widths(self) -> dict[int, tuple[float, ...]]:
        """Per percent of the mass the width that holds it along each axis by itself, in pixels."""
        return {share: self.measures[f"width_{share}"] for share in SHARES}

    @cached_property
    def boxes(self) -> dict[int, Box]:
        """Per percent of the mass the box of whole pixels that holds it; see ``eyeshot.analyse.box``."""
        weights = np.abs(self.map)
        boxes = {share: box_holding(weights, share / 100) for share in SHARES}
        return {share: Box(self._placed(box), held_in(weights, box)) for share, box in boxes.items()}

    def _placed(self, box: tuple[Range, ...]) -> tuple[Range, ...]:
        return tuple((o + first, o + last) for o, (first, last) in zip(self.start, box, strict=True))

    def share_of(self, box: Box) -> float:
        """A box's pixels over those that the unit sees inside the image."""
        return math.prod(box.size) / math.prod(self.frame.field)

    @property
    def sigma(self) -> tuple[float, ...]:
        """Standard deviation per axis, in pixels."""
        return self.measures["sigma"]

    @property
    def share_of_field(self) -> float:
        """Product of the 95 % widths over what the unit sees inside the image."""
        return self.measures["share_of_field"][0]

    def profile(self, axis: int = 0) -> Floats:
        """The map summed over all other axes; sums to 1."""
        return profiles_of(np.abs(self.map))[axis]

    def on_image(self) -> Floats:
        """The map as an array of the image's size.

        Raises:
            ValueError: it is an average over units, which has no place on the image.
        """
        if self.origin.unit is None:
            raise ValueError("an average over units, aligned by their fields' centres, has no place on the image")
        full = np.zeros(self.frame.extent)
        full[tuple(slice(o, o + n) for o, n in zip(self.start, self.map.shape, strict=True))] = self.map
        return full

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.effective/1, ready for json.dumps."""
        origin = self.origin
        measures = self.measures
        return {
            "schema": SCHEMA,
            "network": {"name": self.network, "source": self.network_source, "input": list(self.input_shape)},
            "layer": self.layer,
            "source": origin.source,
            "measure": origin.measure,
            "unit": None if origin.unit is None else list(origin.unit),
            "channel": origin.channel,
            "gates": origin.gates,
            "exact": self.is_exact,
            "runs": {
                "images": origin.images,
                "seeds": origin.seeds,
                "weights": origin.weights,
                "inputs": origin.inputs,
                "versions": dict(origin.versions),
            },
            "map": {
                "start": list(self.start),
                "shape": list(self.map.shape),
                "values": [float(value) for value in self.map.ravel()],
            },
            "profiles": [[float(v) for v in self.profile(axis)] for axis in range(self.map.ndim)],
            "widths": {str(share): list(widths) for share, widths in self.widths.items()},
            "boxes": {
                str(share): {
                    "box": [list(ends) for ends in box.ranges],
                    "holds": box.holds,
                    "share_of_field": self.share_of(box),
                }
                for share, box in self.boxes.items()
            },
            "sigma": list(self.sigma),
            "shift": list(measures["shift"]),
            "gaussian": {
                "mean": [c + s for c, s in zip(self.frame.centre, measures["shift"], strict=True)],
                "sigma": list(self.sigma),
                "residual": measures["residual"][0],
            },
            "field": {
                "size": list(self.field_size),
                "inside": list(self.frame.field),
                "centre": list(self.frame.centre),
            },
            "share_of_field": self.share_of_field,
            "share_of_image": measures["share_of_image"][0],
            "share_on_padding": self.share_on_padding,
            "intervals": None if self.intervals is None else _intervals_json(self.intervals),
            "area_ratios": None if self.area_ratios is None else {str(t): r for t, r in self.area_ratios.items()},
        }

    def to_records(self) -> list[dict[str, Any]]:
        """One record per pixel of the map: its position per axis, and its share of the mass."""
        names = axis_letters(self.map.ndim)
        return [
            dict(zip(names, (int(i) + o for i, o in zip(at, self.start, strict=True)), strict=True))
            | {"share": float(value)}
            for at, value in np.ndenumerate(self.map)
        ]


def _intervals_json(intervals: Intervals) -> dict[str, Any]:
    document: dict[str, Any] = {"confidence": 0.95, "over": intervals.over, "groups": intervals.groups, "widths": {}}
    for name, ends in intervals.ends.items():
        pairs = [list(pair) for pair in ends]
        if name.startswith("width_"):
            document["widths"][name.removeprefix("width_")] = pairs
        else:
            document[name] = pairs[0] if name in _PER_MAP else pairs
    return document
