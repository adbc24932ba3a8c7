"""What a call of an ATen op means in the network's own ops: one rule per op, one file per family.

To add an op, find the relation in network/relations.py that says which positions it reads, choose or add the op in
network/ops, and record it in the family's file here.
"""

from __future__ import annotations

from eyeshot.read.aten import (
    attention,
    fused,
    losses,
    masking,
    mixing,
    parts,
    picking,
    pointwise,
    products,
    quantized,
    recurrent,
    strides,
    taps,
    windows,
)
from eyeshot.read.aten.rules import RULES

__all__ = [
    "RULES",
    "attention",
    "fused",
    "losses",
    "masking",
    "mixing",
    "parts",
    "picking",
    "pointwise",
    "products",
    "quantized",
    "recurrent",
    "strides",
    "taps",
    "windows",
]
