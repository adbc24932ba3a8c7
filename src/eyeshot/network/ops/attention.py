"""Attention in which each position weighs some others only: those before it, or those that a mask leaves."""

from __future__ import annotations

from eyeshot.network.ops.mixing import MatMul
from eyeshot.network.ops.op import Edges, Op
from eyeshot.network.relations import Read, Reduce, Relation, Shape, Taps, Window
from eyeshot.network.slide import Reads


class Attention(Op):
    """Queries, keys and values, in this order; features on the last axis, positions on the one before it.

    ``keys`` are those that each query weighs; None for all up to its own place. Keys come with their features mixed.
    ``is_bound``: some heads or images may weigh fewer.
    """

    keys: Reads | None = None
    is_bound: bool = False

    @property
    def kind(self) -> str:
        """Causal or masked attention."""
        return "causal_attention" if self.keys is None else "masked_attention"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Of queries the one at its place, of keys and values those that it weighs; all as gates, as products are."""
        features, axis = len(out) - 1, len(out) - 2
        weighed = _weighed(self.keys, axis, out[axis], inputs[1][axis])
        query = Read(0, Reduce(axes=(features,), keep=True), gate=True)
        return (query, *(Read(i, weighed, gate=True, may_read_less=self.is_bound) for i in (1, 2)))


class MaskedMatMul(MatMul):
    """A product of which one operand (``side``) has zeros that a mask of numbers left, as weights of attention have.

    ``keys`` are the positions of the other that each row, or column, weighs; None for all up to its own place.
    ``is_bound``: some heads or images may weigh fewer.
    """

    keys: Reads | None = None
    side: int = 0
    is_bound: bool = False

    @property
    def kind(self) -> str:
        """As without a mask."""
        return "matmul"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The weights of the row, or column, and what they weigh."""
        axis = len(out) - 2 + self.side
        keys = _weighed(self.keys, axis, out[axis], inputs[1 - self.side][axis])
        weights = Reduce(axes=(len(out) - 1 - self.side,), keep=True)
        relations = (weights, keys) if self.side == 0 else (keys, weights)
        return tuple(Read(i, each, gate=True, may_read_less=self.is_bound) for i, each in enumerate(relations))


def _weighed(keys: Reads | None, axis: int, m: int, n: int) -> Relation:
    """Of n positions along an axis those that each of m weighs: all up to its own place, or those listed."""
    if keys is not None:
        return Taps(axes=(axis,), reads=(keys,), endless=(None,))
    ones, padding = (1,), ((m - 1, m - n),)
    return Window(axes=(axis,), kernel=(m,), stride=ones, dilation=ones, padding=padding, runs=True)
