"""What is measured of a layer's units by gradients, and how; checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass

from eyeshot.analyse.units import At
from eyeshot.errors import UsageError

MEASURES = ("abs", "square", "signed", "positive")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is measured and how.

    Attributes:
        layer, unit: which units; "centre", "all" or indices.
        measure: abs, square, signed or positive.
        channel: the index of one channel or class, "sum" of all, or "mixed": all, in a direction drawn for each image.
        seeds: number of initialisations (source init).
        per_seed: images for each initialisation (source init).
        precision: the run ends once the interval of σ is within this share of it; None to use all images.
        batch: images at once; by memory unless given.
        device: cpu, cuda, …; a GPU where there is one unless given.
        dtype: float32 or bf16.
    """

    layer: str
    unit: At | str = "centre"
    measure: str = "abs"
    channel: int | str = "mixed"
    seeds: int = 16
    per_seed: int = 4
    precision: float | None = None
    batch: int | None = None
    device: str | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name, is_right, needed in (
            ("measure", self.measure in MEASURES, f"one of {', '.join(MEASURES)}"),
            ("dtype", self.dtype in ("float32", "bf16"), "float32 or bf16"),
            ("seeds", self.seeds >= 1, "1 or more"),
            ("per_seed", self.per_seed >= 1, "1 or more"),
            ("batch", self.batch is None or self.batch >= 1, "1 or more"),
            ("precision", self.precision is None or 0 < self.precision < 1, "between 0 and 1, such as 0.02"),
        ):
            if not is_right:
                raise UsageError(f"{name} {getattr(self, name)!r}: needed is {needed}")
        if self.measure in ("signed", "positive") and self.channel == "mixed":
            # Directions drawn at random cancel in a mean that keeps signs.
            object.__setattr__(self, "channel", "sum")
