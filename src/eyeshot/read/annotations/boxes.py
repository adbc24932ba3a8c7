"""Objects as they come from any format: the sides of their boxes, and what was left out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

MOST = 20_000_000
"""Boxes of one set of annotations: more are refused rather than gathered."""


@dataclass
class Boxes:
    """Sides of boxes in pixels of the input, and what was left out, by reason.

    Attributes:
        extent: height and width of the input; images of known sizes are taken to be resized to fit into it.
        shorter, longer: of each box.
        left_out: how many were left out, by reason.
        images: number of images.
        is_scaled: the sizes of images were known, and boxes follow their resizing.
    """

    extent: tuple[int, int]
    shorter: list[float] = field(default_factory=list)
    longer: list[float] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    images: int = 0
    is_scaled: bool = False

    def add(self, height: float, width: float, image: tuple[float, float] | None) -> None:
        """Take in a box of an image whose height and width are known, or are not."""
        if not (math.isfinite(height) and math.isfinite(width)) or height <= 0 or width <= 0:
            self.left_out["without an extent"] += 1
            return
        if image is not None:
            # the longer side is made to fit and the proportions are kept, as detectors do
            scale = min(self.extent[0] / image[0], self.extent[1] / image[1])
            height, width = height * scale, width * scale
            self.is_scaled = True
        if len(self.shorter) >= MOST:
            raise ValueError(f"more than {MOST:,} boxes")
        self.shorter.append(min(height, width))
        self.longer.append(max(height, width))
