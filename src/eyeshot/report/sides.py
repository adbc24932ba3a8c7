"""The sides of a comparison: what designs are called, and which of their layers stand next to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import CONVOLUTIONS, weighted

LONGEST_LABEL = 24
"""Characters of a name up to which tables and sentences that name designs often are read with ease."""


@dataclass(frozen=True)
class Pair:
    """The layers of one role, one per design; None where a design has none."""

    role: str
    layers: tuple[Layer | None, ...]


def layers_aligned(reports: Sequence[Inspection]) -> list[Pair]:
    """Convolutions in their order, then fully connected layers in theirs."""
    pairs = []
    for role, is_conv in (("conv", True), ("fc", False)):
        columns = [[x for x in weighted(r) if isinstance(x.node.op, CONVOLUTIONS) is is_conv] for r in reports]
        for i in range(max(map(len, columns))):
            layers = tuple(column[i] if i < len(column) else None for column in columns)
            names = {layer.name for layer in layers if layer}
            pairs.append(Pair(names.pop() if len(names) == 1 else f"{role} {i + 1}", layers))
    return pairs


def letter(index: int) -> str:
    """A, B, C … for the designs in their order."""
    return chr(ord("A") + index) if index < 26 else f"#{index + 1}"


def labels(reports: Sequence[Inspection]) -> list[str]:
    """What tables call the designs: their names, or letters where a name is long or occurs twice."""
    names = [report.network.name for report in reports]
    is_short = all(len(name) <= LONGEST_LABEL for name in names)
    if is_short and max(Counter(names).values()) == 1:
        return names
    return [letter(i) for i in range(len(names))]


def legend(reports: Sequence[Inspection]) -> list[str]:
    """What the letters stand for."""
    return [f"{letter(i)} = {report.network.name}" for i, report in enumerate(reports)]
