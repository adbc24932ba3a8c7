"""Tensors as Keras has them, and as a network's relations have them.

Keras keeps channels last; windows of a network slide over axes 2 …, channels are axis 1. So a value knows both: its
shape in Keras' order, and where each of Keras' axes lies in the step that made it. Nothing is moved until an op needs
its axes in Keras' own order, as a reshape does.
"""

from __future__ import annotations

from dataclasses import dataclass

from eyeshot.network.relations import Shape
from eyeshot.read.steps import Step


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that depends on the input: Keras' axis a is the step's axis ``order[a]``."""

    step: Step
    shape: Shape
    order: tuple[int, ...]

    @property
    def rank(self) -> int:
        """Number of axes, the batch included."""
        return len(self.shape)

    def lies_at(self, axis: int) -> int:
        """Where one of Keras' axes, counted from either end, lies in the step."""
        return self.order[axis]


def as_is(step: Step) -> Value:
    """A step whose axes are Keras' own."""
    return Value(step, step.shape, tuple(range(len(step.shape))))


def channels_first(rank: int) -> tuple[int, ...]:
    """The order in which channels, last for Keras, are axis 1."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(range(rank))
