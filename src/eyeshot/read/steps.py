"""What every reader records: steps, nodes in the making, and where in the user's model each was called.

Nobody changes them. They are not frozen, since making them then takes three times as long: there is one for each op and
for each call of a module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from eyeshot.network.graph import Memory
from eyeshot.network.ops import Op, Shift, Tile
from eyeshot.network.relations import Shape


@dataclass(slots=True, eq=False)
class CallSite:
    """Where in the user's model steps were called: one call of a module, or the owner of the weights that they use."""

    path: str = ""
    is_leaf: bool = False


@dataclass(slots=True, eq=False)
class Step:
    """A node in the making: names come when all steps are known."""

    op: Op
    inputs: tuple[Step, ...]
    shape: Shape
    params: int
    place: CallSite
    line: str = ""
    uses_weights: bool = False


MOST_TAPS = 4_000_000
"""Positions of windows and tables that a file may ask for, of all together: unlike those of outputs, which analyses
keep some numbers of, each is an object of its own."""


def taps_of(step: Step) -> int:
    """The taps of an op that names what each of its positions reads, as many as there are positions."""
    if isinstance(step.op, Tile):
        return sum(m for n, m in zip(step.inputs[0].shape, step.shape, strict=True) if n != m)
    return step.shape[step.op.axis] if isinstance(step.op, Shift) else 0


class Steps(Protocol):
    """A record of steps in the order in which they run, and where the outputs of some lie."""

    steps: list[Step]
    memory: dict[Step, Memory]


class Watched(Protocol):
    """A record of what calls of modules gave, as well."""

    modules: list[tuple[str, tuple[Step, ...]]]
