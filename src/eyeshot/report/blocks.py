"""What the parts of a network cost: the ledger's lines by the blocks that their names tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.report.folded import Line, steps


@dataclass(frozen=True)
class Block:
    """Layers of one part, in the order in which they run."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def params(self) -> int:
        """Weights and biases."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return sum(layer.macs for layer in self.layers)

    @property
    def activations(self) -> int:
        """Elements of the outputs."""
        return sum(layer.activations for layer in self.layers)


def blocks(report: Inspection, most: int, keep: Callable[[Line], bool] = lambda line: True) -> list[Block]:
    """The layers in at most ``most`` blocks: as many leading parts of their names as that allows.

    A layer that only follows another belongs to that one's line. Where even the first parts leave too many blocks,
    neighbours are put together.

    Example:
        >>> from eyeshot.api import inspect
        >>> [block.name for block in blocks(inspect("resnet18"), 9, lambda line: line.macs > 0)]
        ['conv1', 'layer1', 'layer2', 'layer3', 'layer4', 'fc']
    """
    kept = [line for line in steps(report) if keep(line)]
    parts: list[Block] = []
    for depth in range(max((len(_parts(line.name)) for line in kept), default=1), 0, -1):
        parts = _by_name(kept, depth)
        if len(parts) <= most:
            return parts
    size = -(-len(parts) // most)
    return [_joined(parts[i : i + size]) for i in range(0, len(parts), size)]


def _parts(name: str) -> list[str]:
    return name.split("#")[0].split(".")


def _by_name(kept: Iterable[Line], depth: int) -> list[Block]:
    """Neighbours whose names begin alike; with every part of a name, each line is alone."""
    runs = groupby(kept, key=lambda line: ".".join(_parts(line.name)[:depth]))
    return [Block(name, tuple(layer for line in run for layer in line.layers)) for name, run in runs]


def _joined(neighbours: Sequence[Block]) -> Block:
    name = neighbours[0].name if len(neighbours) == 1 else f"{neighbours[0].name} … {neighbours[-1].name}"
    return Block(name, tuple(layer for block in neighbours for layer in block.layers))
