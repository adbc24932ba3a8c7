"""What every op is.

An op makes everything explicit: sizes per axis in the model's order, padding per side. ``kind`` is the name that people
see; ``reads`` derives the relations from the op and the shapes around it, so that an op states its dependence in one
place. Shapes carry the batch axis; channels are on axis 1.
"""

from __future__ import annotations

from functools import lru_cache

from eyeshot.network.relations import Elementwise, Opaque, Read, Shape
from eyeshot.values import Value

Edges = tuple[Read, ...]
"""A node's relations to its inputs."""


@lru_cache
def same_position(inputs: int) -> Edges:
    """Position by position of so many inputs, as most ops read: one value for all."""
    return tuple(Read(i, Elementwise()) for i in range(inputs))


class Op(Value):
    """What every op is: a name for people, and relations to its inputs."""

    @property
    def kind(self) -> str:
        """The field's name for this op."""
        return type(self).__name__.lower()

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The relations to the inputs; position by position unless an op says otherwise."""
        return same_position(len(inputs))


class Input(Op):
    """The image; ``axes`` are the axes whose positions are followed."""

    axes: tuple[int, ...]

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """An input reads nothing."""
        return ()


class Constant(Op):
    """Values that depend on no input, where a layer's output was overwritten with them."""

    name: str = "constant"

    @property
    def kind(self) -> str:
        """How the model wrote them: zero, fill, copy."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Nothing."""
        return ()


class Unknown(Op):
    """An op without a rule: everything it could read, marked as a bound."""

    name: str
    reason: str

    @property
    def kind(self) -> str:
        """The framework's own name."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Everything."""
        return tuple(Read(i, Opaque()) for i in range(len(inputs)))
