"""Why tiles differ from the whole image, in a sentence each, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eyeshot.analyse.data_path import data_path
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Attention,
    Cumulative,
    DeformConv,
    EdgePad,
    FractionalPool,
    GridSample,
    MatMul,
    Norm,
    Pick,
    Recurrent,
    Resize,
    Scatter,
    Shift,
    Softmax,
    Tile,
)
from eyeshot.network.ops import Linear as FullyConnected
from eyeshot.tile.agreement import Found


@dataclass(frozen=True)
class Prevented:
    """A layer that keeps tiles from being equal: its op, why, and what could be done."""

    layer: str
    op: str
    why: str
    cure: str

    def to_dict(self) -> dict[str, Any]:
        """As in the document of schema eyeshot.tile/1."""
        return {"layer": self.layer, "op": self.op, "why": self.why, "cure": self.cure}


_STATISTICS = "compute the statistics once for the whole image and keep them, or normalise by batch norm in evaluation"
_ONCE = "compute what is global once for the whole image and give it to every tile"
_OTHER_END = "pad with zeros, or pad the whole image once before it is cut"
_BY_KIND = {
    "constants": (
        "takes constants that differ from place to place, as position encodings do, and a tile would get those of the"
        " whole image's first places, or others",
        "cut the constants as the image is cut, by giving them as an input",
    ),
    "numbers": (
        "computes with a number that follows the image's size, as x / x.shape[-1] does, or is drawn anew each time:"
        " a tile's is another",
        "give that number as an argument or a buffer, which is the same for every tile",
    ),
    "path": (
        "is another layer, or none, on an image of a tile's size: the forward pass depends on the size",
        "give the module one path for all sizes",
    ),
    "input": ("the network takes images of its own size only", "give a network that takes any size"),
    "joined": (
        "puts positions of the image in one row with others, so that they lie elsewhere in a tile",
        "keep rows and columns apart",
    ),
    "reshape": (
        "deals the positions of the image out by its size, so that a tile's lie elsewhere",
        "keep rows and columns apart",
    ),
    "grid": (
        "steps over the image in a way that tiles on the lattice do not meet",
        "crop or pad the image to a multiple of the lattice",
    ),
    "misaligned": (
        "puts maps together that a tile shifts by different amounts",
        "crop or pad the image to a multiple of the lattice",
    ),
    "padding": (
        "pads by an amount that depends on the image's size",
        "crop or pad the image to a multiple of the lattice",
    ),
    "border": (
        "reads the other side of the image, or elsewhere in it, at the image's border, which a tile does not hold",
        _OTHER_END,
    ),
    "mixed": ("mixes positions as if they were channels", "keep positions and channels apart"),
    "extent": ("has a window as long as the image", "give it a window of a fixed length"),
    "unknown": ("is an op without a rule, which may read any position", "replace it by ops that are known"),
    "uncovered": (
        "does not come out the same on a tile with all the pixels that it sees",
        "crop or pad the image to a multiple of the lattice",
    ),
}


def prevented(network: Network, found: Sequence[Found], ends: Sequence[str]) -> tuple[Prevented, ...]:
    """The layers found, in order, each once and explained."""
    on_path = data_path(network, *ends)
    first = {one.layer: one for one in reversed(found)}
    return tuple(_explained(network[name], one, name in on_path) for name, one in reversed(first.items()))


def _explained(node: Node, found: Found, is_on_path: bool) -> Prevented:
    why, cure = _words(node, found.kind, is_on_path)
    return Prevented(node.name, node.op.kind, why, cure)


def _words(node: Node, kind: str, is_on_path: bool) -> tuple[str, str]:
    op = node.op
    if kind not in {"all", "size", "border", "extent"}:
        return _BY_KIND[kind]
    if isinstance(op, Norm):
        return f"{op.mode} norm takes mean and variance over positions, so that each tile has its own", _STATISTICS
    if isinstance(op, Softmax | MatMul | Attention):
        return "attention weighs all positions of the image against each other, and a tile holds only its own", (
            "attend within windows, or run the attention on the whole image's (smaller) map and the rest in tiles"
        )
    if isinstance(op, GridSample | DeformConv | Pick | Scatter | FractionalPool):
        return "samples at places that the data or the image's size tell, which may lie outside of a tile", (
            "bound how far it samples, and give tiles so much more halo"
        )
    if isinstance(op, Resize):
        return _resized(op)
    if isinstance(op, AdaptivePool) and any(n > 1 for n in op.size):
        return "pools to a given size, so that its windows follow the image's size", _ONCE
    if isinstance(op, AdaptivePool | Aggregate):
        if not is_on_path:
            return "squeeze-excitation, or a gate like it: it pools all positions, and scales the map by what comes"\
                " out, so that each tile has its own", _ONCE  # fmt: skip
        return "global pooling: it reads all positions, and a tile holds only its own", _ONCE
    if isinstance(op, EdgePad | Shift | Tile):
        return _BY_KIND["border"][0], _OTHER_END
    if isinstance(op, Cumulative | Recurrent):
        return "carries what it has read along the whole axis, and a tile begins anew", (
            "hand the state on from tile to tile"
        )
    if isinstance(op, FullyConnected):
        return "is fully connected over positions, and has weights for the whole image's", (
            "write it as a convolution of that size"
        )
    if kind == "all":
        return "reads all positions of the image, and a tile holds only its own", _ONCE
    return _BY_KIND.get(kind, ("reads places that follow the image's size", _BY_KIND["misaligned"][1]))


def _resized(op: Resize) -> tuple[str, str]:
    if op.aligned:
        return "align_corners: its step is (n − 1)/(m − 1) of the sizes, so that a tile is sampled at other places", (
            "resize with align_corners=False, whose step is the same for every size"
        )
    return "resizes to a given size, so that its step follows the image's size", (
        "resize by a whole factor, or crop or pad the image to a multiple of the lattice"
    )
