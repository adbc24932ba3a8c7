"""What every reader records: steps, nodes in the making, and where in the user's model each was called.

Nobody changes them. They are not frozen, since making them then takes three times as long: there is one for each op and
for each call of a module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from eyeshot.network.graph import Memory
from eyeshot.network.ops import Op
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


class Steps(Protocol):
    """A record of steps in the order in which they run, and where the outputs of some lie."""

    steps: list[Step]
    memory: dict[Step, Memory]


class Watched(Protocol):
    """A record of what calls of modules gave, as well."""

    modules: list[tuple[str, tuple[Step, ...]]]
