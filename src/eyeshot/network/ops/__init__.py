"""The ops: what a node is, for people and for costs, and how it reads its inputs; one home per family."""

from __future__ import annotations

from eyeshot.network.ops.mixing import Aggregate, Concatenate, Linear, MatMul, Mixing, Rearrange
from eyeshot.network.ops.op import Edges, Input, Op, Unknown
from eyeshot.network.ops.pointwise import Arithmetic, Dropout, Norm, Pointwise, Softmax
from eyeshot.network.ops.taps import AdaptivePool, EdgePad, Resize, Shift, Tile
from eyeshot.network.ops.windows import (
    Conv,
    ConvTranspose,
    Copy,
    Cumulative,
    LocalResponseNorm,
    Pad,
    Pool,
    Slice,
    Sliding,
    window_sizes,
)

OPS: tuple[type[Op], ...] = (
    Input,
    Conv,
    ConvTranspose,
    Pool,
    Copy,
    AdaptivePool,
    Pad,
    EdgePad,
    Slice,
    Shift,
    Resize,
    Tile,
    Linear,
    MatMul,
    Mixing,
    Cumulative,
    Norm,
    LocalResponseNorm,
    Pointwise,
    Dropout,
    Softmax,
    Arithmetic,
    Concatenate,
    Rearrange,
    Aggregate,
    Unknown,
)

__all__ = [
    "OPS",
    "AdaptivePool",
    "Aggregate",
    "Arithmetic",
    "Concatenate",
    "Conv",
    "ConvTranspose",
    "Copy",
    "Cumulative",
    "Dropout",
    "EdgePad",
    "Edges",
    "Input",
    "Linear",
    "LocalResponseNorm",
    "MatMul",
    "Mixing",
    "Norm",
    "Op",
    "Pad",
    "Pointwise",
    "Pool",
    "Rearrange",
    "Resize",
    "Shift",
    "Slice",
    "Sliding",
    "Softmax",
    "Tile",
    "Unknown",
    "window_sizes",
]
