"""Ops that read the same position of their inputs, some with statistics of others."""

from __future__ import annotations

from eyeshot.network.ops.op import Edges, Op, same_position
from eyeshot.network.relations import Elementwise, Read, Reduce, Shape


class Pointwise(Op):
    """A function of one element, such as relu."""

    name: str

    @property
    def kind(self) -> str:
        """The function's name."""
        return self.name


class Masked(Op):
    """What a mask leaves that has more elements than are told one by one: any of them may be left out."""

    @property
    def kind(self) -> str:
        """As where they are told."""
        return "mask"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The element itself, or nothing."""
        return (Read(0, Elementwise(), may_read_less=True),)


class Dropout(Op):
    """Dropout with probability ``p``; does nothing in use."""

    p: float


class Arithmetic(Op):
    """Addition, multiplication and the like of tensors, with broadcasting.

    ``varies`` are the axes along which a constant among its operands differs from place to place, as tables of
    positions do.
    """

    name: str
    varies: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """The operation's name."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Position by position; a factor that is the same at every position is a gate."""
        gates = [self.name in {"mul", "div"} and _is_broadcast_over_positions(shape, out) for shape in inputs]
        if all(gates) or not any(gates):
            return same_position(len(inputs))
        return tuple(Read(i, Elementwise(), gate) for i, gate in enumerate(gates))


def _is_broadcast_over_positions(shape: Shape, out: Shape) -> bool:
    aligned = (1,) * (len(out) - len(shape)) + shape
    return any(a == 1 and b > 1 for a, b in zip(aligned[2:], out[2:], strict=True))


class Norm(Op):
    """Normalisation; ``statistics`` are the axes over which mean and variance are taken (none for batch norm).

    ``groups`` is into how many parts group norm takes axis 1 apart.
    """

    mode: str
    statistics: tuple[int, ...] = ()
    groups: int = 1

    @property
    def kind(self) -> str:
        """batch_norm, layer_norm and so on."""
        return f"{self.mode}_norm"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The position itself, and the statistics as a gate."""
        if not self.statistics:
            return same_position(1)
        return (*same_position(1), Read(0, Reduce(axes=self.statistics, keep=True, groups=self.groups), gate=True))


class Softmax(Op):
    """Softmax along one axis: each position, and through the sum all of them."""

    axis: int

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The position itself, and the sum as a gate."""
        return (
            *same_position(1),
            Read(0, Reduce(axes=(self.axis,), keep=True), gate=True),
        )
