"""Attention in which each position weighs some others only: those before it, or those that a mask leaves."""

from __future__ import annotations

from dataclasses import dataclass

from eyeshot.network.ops.op import Edges, Op
from eyeshot.network.relations import Read, Reduce, Relation, Shape, Taps, Window
from eyeshot.network.slide import Reads


@dataclass(frozen=True, kw_only=True)
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
        m, n = out[axis], inputs[1][axis]
        weighed: Relation
        if self.keys is None:
            ones, padding = (1,), ((m - 1, m - n),)
            weighed = Window(axes=(axis,), kernel=(m,), stride=ones, dilation=ones, padding=padding, runs=True)
        else:
            weighed = Taps(axes=(axis,), reads=(self.keys,), endless=(None,))
        query = Read(0, Reduce(axes=(features,), keep=True), gate=True)
        return (query, *(Read(i, weighed, gate=True, may_read_less=self.is_bound) for i in (1, 2)))
