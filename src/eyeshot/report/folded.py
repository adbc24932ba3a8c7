"""The lines in which a network is told: one a layer, what only follows it folded in, repeated blocks told once; or one
a module.

A line adds up what it folds, so that lines add up to the totals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from eyeshot.analyse import apart, checkerboard
from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import horizon
from eyeshot.network.graph import Note
from eyeshot.network.ops import Dropout, LocalResponseNorm, Norm, Pointwise, Rearrange
from eyeshot.report.wording import op_name, op_words


@dataclass(frozen=True)
class Line:
    """Layers told together: the first with those that only follow it, or blocks that repeat the one before.

    ``blocks`` is empty for a layer, else the names of the blocks; ``members`` are then the lines folded in. A module is
    a block, and ``output`` the layer that makes what it gives.
    """

    layers: tuple[Layer, ...]
    blocks: tuple[str, ...] = ()
    members: tuple[Line, ...] = ()
    output: Layer | None = None

    @property
    def shown(self) -> Layer:
        """The layer whose shape and field stand in the line."""
        return self.output or (self.layers[-1] if self.blocks else self.layers[0])

    @property
    def name(self) -> str:
        """The layer's name, or the range of the blocks."""
        if not self.blocks:
            return self.layers[0].name
        return self.blocks[0] if len(self.blocks) == 1 else f"{self.blocks[0]} … {self.blocks[-1]}"

    @property
    def op(self) -> str:
        """The op and what follows it."""
        if self.output:
            return f"{len(self.layers)} layer{'s' * (len(self.layers) > 1)}"
        if self.blocks:
            return f"the same ×{len(self.blocks)}"
        return " +".join([op_words(self.layers[0].node.op), *(op_name(layer.node.op) for layer in self.layers[1:])])

    @property
    def params(self) -> int:
        """Weights of all layers told."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers told."""
        return sum(layer.macs for layer in self.layers)


def lines(report: Inspection, *, folded: bool = True, depth: int | None = None) -> list[Line]:
    """The lines of a report's ledger.

    Args:
        report: what its layers see and cost.
        folded: False gives every layer a line of its own.
        depth: a line for each module that lies so deep, with what it gives.
    """
    if depth is not None:
        return _modules(report, depth)
    if not folded:
        return [Line((layer,)) for layer in report]
    told, horizons = steps(report), _horizons(report)
    for level in range(3):
        told = _fold_repeats(told, level, horizons)
    return told


def _modules(report: Inspection, depth: int) -> list[Line]:
    """Layers by the first parts of their names, as many as ``depth``; those that lie less deep are as they are."""
    told: list[Line] = []
    for module, run in groupby(report, key=lambda layer: _module(layer, depth)):
        layers = tuple(run)
        members = _steps(layers, _horizons(report))
        if module is None:
            told += members
            continue
        ends = [layer for layer in layers if layer.name in report.network.module_outputs.get(module, ())]
        told.append(Line(layers, (module,), tuple(members), ends[-1] if ends else layers[-1]))
    return told


def _module(layer: Layer, depth: int) -> str | None:
    parts = layer.name.split("#")[0].split(".")
    return ".".join(parts[:depth]) if len(parts) > depth else None


def steps(report: Inspection) -> list[Line]:
    """A line for every layer but those that only follow another; repeated blocks in full."""
    return _steps(report, _horizons(report))


def _steps(layers: Iterable[Layer], horizons: set[str]) -> list[Line]:
    groups: list[list[Layer]] = []
    for layer in layers:
        if groups and layer.name not in horizons and _only_follows(layer, groups[-1]):
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return [Line(tuple(group)) for group in groups]


_MOST_OF_KIND = 3
"""Notes of one kind about layers that are told one by one."""


def folded_notes(report: Inspection) -> list[Note]:
    """A report's notes as people read them: what is said of several layers in the same words is said once.

    Of many layers of which something is said in other words each, a few are told.
    """
    several: dict[tuple[bool, str, str], list[str | None]] = {}
    for note in report.notes:
        several.setdefault((note.layer is None, note.kind, note.text), []).append(note.layer)
    told = [
        Note(layers[0] if len(layers) == 1 else f"{layers[0]} … {layers[-1]}, {len(layers)} times", kind, text)
        for (_, kind, text), layers in several.items()
    ]
    return [note for kind in dict.fromkeys(note.kind for note in told) for note in _a_few(told, kind)]


def _a_few(told: Sequence[Note], kind: str) -> list[Note]:
    alike = [note for note in told if note.kind == kind]
    more = len(alike) - _MOST_OF_KIND
    if kind not in (checkerboard.KIND, apart.KIND) or more < 2:
        return alike
    return [*alike[:_MOST_OF_KIND], Note(None, kind, f"so it is at {more} more layers, which --json has")]


def _horizons(report: Inspection) -> set[str]:
    """Layers above which a rule stands, so that each must be the first of its line."""
    return {layer.name for layer in (horizon(report), horizon(report, data=True)) if layer}


def _only_follows(layer: Layer, group: Sequence[Layer]) -> bool:
    """Whether a layer changes values alone, and those of the line's last layer."""
    op, last = layer.node.op, group[-1]
    if layer.node.inputs != (last.name,):
        return False
    if isinstance(op, Rearrange):
        return op.name == "flatten"
    follows = isinstance(op, Pointwise | Dropout | LocalResponseNorm) or (isinstance(op, Norm) and not op.statistics)
    return follows and (layer.field == last.field or last.op == "flatten")


def _fold_repeats(told: list[Line], level: int, horizons: set[str]) -> list[Line]:
    """Runs of blocks alike, by the ``level``-th number in their names: the first in full, the others in a line."""
    blocks = [(name, list(members)) for name, members in groupby(told, key=lambda line: _block(line, level))]
    result: list[Line] = []
    for _, run in groupby(blocks, key=lambda block: _signature(block[0], block[1], horizons)):
        (_, first), *others = run
        result += first
        if len(others) < 2:
            result += [line for _, members in others for line in members]
            continue
        folded = tuple(line for _, members in others for line in members)
        layers = tuple(layer for line in folded for layer in line.layers)
        result.append(Line(layers, tuple(str(name) for name, _ in others), folded))
    return result


def _block(line: Line, level: int) -> str | None:
    """The line's name up to its ``level``-th number; None where it has none or is folded already."""
    if line.blocks:
        return None
    ends = [match.end() for match in re.finditer(r"(?:^|\.)\d+(?=\.|$|#)", line.name)]
    return line.name[: ends[level]] if len(ends) > level else None


def _signature(name: str | None, members: list[Line], horizons: set[str]) -> object:
    """What blocks alike have in common; a block of one line, or where the whole image comes into view, is alone."""
    if name is None or len(members) < 2 or any(line.layers[0].name in horizons for line in members):
        return object()
    return (
        re.sub(r"\d+$", "", name),
        tuple((line.name[len(name) :], line.op, line.shown.out, line.params, line.macs) for line in members),
    )
