"""Recurrent layers over a sequence, and the cells of which others are made by hand."""

from __future__ import annotations

from eyeshot.network.ops.op import Edges, Op
from eyeshot.network.ops.windows import Cumulative
from eyeshot.network.relations import Concat, Elementwise, Read, Reduce, Shape


class Recurrent(Op):
    """A recurrent layer along ``axis``, behind the mixing of its features: position i reads 0 … i, or all if both ways.

    Two inputs are what passes each way have made, of which each is a part of the features. ``weights`` are used once
    for each position, which is what it costs: ``positions`` says how many there are, where padding is none.
    """

    name: str
    axis: int
    both_ways: bool
    weights: int
    positions: int | None = None

    @property
    def kind(self) -> str:
        """lstm, gru or rnn."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A causal window, or every position; passes side by side."""
        if len(inputs) == 2:
            return tuple(Read(i, Concat(axis=2, offset=i * inputs[0][2])) for i in range(2))
        if self.both_ways:
            return (Read(0, Reduce(axes=(self.axis,), keep=True)),)
        return Cumulative(name=self.name, axis=self.axis).reads(inputs, out)


class RecurrentCell(Op):
    """One step of a recurrent layer: all features of its first ``mixed`` inputs, each feature of a cell's state alone.

    ``weights`` are used once for each sequence.
    """

    name: str
    mixed: int
    weights: int

    @property
    def kind(self) -> str:
        """lstm_cell, gru_cell or rnn_cell."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The input and the state over their features; what an LSTM carries on, feature by feature."""
        mixed = Reduce(axes=(1,), keep=True)
        return tuple(Read(i, mixed if i < self.mixed else Elementwise()) for i in range(len(inputs)))
