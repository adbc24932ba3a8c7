"""Ops that mix or move all positions along an axis: fully connected layers, products, sums, reshapes."""

from __future__ import annotations

from itertools import accumulate

from eyeshot.network.ops.op import Edges, Op
from eyeshot.network.relations import Concat, Permute, Read, Reduce, Relation, Reshape, Shape


class Linear(Op):
    """A fully connected layer over the last axis, or over another where weights multiply from the left (−2)."""

    bias: bool = True
    axis: int = -1

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """All of the axis."""
        return (Read(0, Reduce(axes=(len(inputs[0]) + self.axis,), keep=True)),)


class MatMul(Op):
    """A product of two tensors that both depend on the input, as in attention: weights that depend on the data."""

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The first's row and the second's column, as gates."""
        a, b = (len(shape) for shape in inputs)
        return (
            Read(0, Reduce(axes=(a - 1,), keep=True), gate=True),
            Read(1, Reduce(axes=(b - 2,), keep=True), gate=True),
        )


class Bilinear(Op):
    """A form of two vectors of ``features`` numbers, the last axis of each: Σ w·x·y for each output."""

    features: tuple[int, int]

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """All of each last axis."""
        return tuple(Read(i, Reduce(axes=(len(out) - 1,), keep=True)) for i in range(len(inputs)))


class Mixing(Op):
    """A fixed transform of all positions along some axes, such as a Fourier transform.

    ``is_bound``: some results read fewer, as those of a triangular factor do.
    """

    name: str
    axes: tuple[int, ...]
    is_bound: bool = False

    @property
    def kind(self) -> str:
        """The transform's name."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """All positions along the axes."""
        return (Read(0, Reduce(axes=self.axes, keep=True), may_read_less=self.is_bound),)


class Aggregate(Op):
    """Mean, sum or maximum over axes."""

    name: str
    axes: tuple[int, ...]
    keep: bool

    @property
    def kind(self) -> str:
        """mean, sum, amax …"""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """All positions along the axes."""
        return (Read(0, Reduce(axes=self.axes, keep=self.keep)),)


class Concatenate(Op):
    """Inputs side by side along ``axis``; ``offsets`` where parts stand between that do not depend on the input.

    ``varies`` are the other axes along which such a part differs from place to place.
    """

    axis: int
    offsets: tuple[int, ...] | None = None
    varies: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """The usual short name."""
        return "concat"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Each input at its offset."""
        ends = list(accumulate(shape[self.axis] for shape in inputs))
        offsets = self.offsets or [0, *ends[:-1]]
        return tuple(Read(i, Concat(axis=self.axis, offset=offset)) for i, offset in enumerate(offsets))


class Rearrange(Op):
    """A reshape (``order`` None) or a permutation of axes; ``name`` is what the model calls it."""

    name: str = "reshape"
    order: tuple[int, ...] | None = None

    @property
    def kind(self) -> str:
        """flatten, reshape, permute …"""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The same elements elsewhere."""
        relation: Relation = Reshape() if self.order is None else Permute(order=self.order)
        return (Read(0, relation),)
