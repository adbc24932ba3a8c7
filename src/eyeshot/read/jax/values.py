"""What is known of an array while a program is walked along: what made it, or that it depends on no input.

JAX's axes lie in any order, those of a network's windows on places 2 … with channels on place 1. So a value knows both:
its shape as JAX has it, and where each of JAX's axes lies in what made it. Nothing is moved until an op needs it, and
nothing is repeated: along an axis that was broadcast what made it may still have size 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeshot.network.ops import Op
from eyeshot.network.relations import Shape
from eyeshot.read.steps import CallSite

Numbers = npt.NDArray[Any]
MOST_NUMBERS = 1 << 20
"""Elements of a constant up to which its numbers are looked at."""


@dataclass(slots=True, eq=False)
class Draft:
    """A node in the making, which may still become part of another.

    ``operands`` are the inputs and constants in the order in which the program has them; ``weights`` the leaves of the
    model's state that it uses; ``instead`` what stands in its place.
    """

    op: Op
    inputs: list[Draft]
    shape: Shape
    place: CallSite
    weights: frozenset[str] = frozenset()
    operands: tuple[Draft | Constant, ...] = ()
    line: str = ""
    instead: Draft | None = None


@dataclass(slots=True, eq=False)
class Value:
    """An array that depends on the input: JAX's axis a is axis ``order[a]`` of what made it."""

    made: Draft
    shape: Shape
    order: tuple[int, ...]

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def count(self) -> int:
        """Its number of elements."""
        return math.prod(self.shape)

    @property
    def is_whole(self) -> bool:
        """Whether nothing waits to be repeated along an axis."""
        return all(self.made.shape[place] == n for place, n in zip(self.order, self.shape, strict=True))


@dataclass(slots=True, eq=False)
class Constant:
    """An array that depends on no input: numbers, found when somebody asks for them, or weights.

    ``weights`` are the leaves of the model's state that it was made of; ``alike`` the axes along which it is known to
    repeat one number.
    """

    shape: Shape
    compute: Callable[[], Numbers | None] | None = None
    weights: frozenset[str] = frozenset()
    alike: frozenset[int] = frozenset()
    _numbers: Numbers | None = field(default=None)

    @property
    def count(self) -> int:
        """Its number of elements."""
        return math.prod(self.shape)

    @property
    def numbers(self) -> Numbers | None:
        """Its numbers; None where they are not known, or too many to look at."""
        if self._numbers is None and self.compute is not None and self.count <= MOST_NUMBERS:
            compute, self.compute = self.compute, None
            self._numbers = compute()
        return self._numbers

    @property
    def number(self) -> float | None:
        """The one number that it holds; None where there are several, or it is not known."""
        if self.weights or (self.count - 1 and len(self.alike) < sum(n > 1 for n in self.shape)):
            return None
        numbers = self.numbers
        if numbers is None or not numbers.size or numbers.dtype.kind not in "fiub":
            return None
        return float(numbers.reshape(-1)[0])

    @property
    def varies(self) -> tuple[int, ...]:
        """The axes along which its numbers differ, or may."""
        wide = [axis for axis, n in enumerate(self.shape) if n > 1 and axis not in self.alike]
        numbers = None if self.weights or not wide else self.numbers
        if numbers is None:
            return tuple(wide)
        return tuple(axis for axis in wide if bool((numbers != np.take(numbers, [0], axis)).any()))


def constant(numbers: Any) -> Constant:
    """A constant of the numbers given."""
    array = np.asarray(numbers)
    return Constant(tuple(array.shape), _numbers=array)


def in_order(made: Draft) -> Value:
    """What was made, its axes as JAX has them."""
    return Value(made, made.shape, tuple(range(len(made.shape))))


def channels_first(rank: int) -> tuple[int, ...]:
    """The order in which channels, the last axis, are axis 1."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(range(rank))


def axes_of(axes: Iterable[Any], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, as Python's own integers."""
    return tuple(int(axis) % rank for axis in axes)
