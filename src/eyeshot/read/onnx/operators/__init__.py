"""What an operator of ONNX means in the network's own ops: one rule per operator, one file per family.

A rule is given a call and returns what is known of its outputs, the first alone or all of them. It records no step for
what depends on no input, so that the shapes of constants are found by the same rules.
"""

from __future__ import annotations

from eyeshot.read.onnx.operators import (
    control,
    layout,
    mixing,
    picking,
    pointwise,
    quantized,
    recurrent,
    sequences,
    shapes,
    taps,
    windows,
)
from eyeshot.read.onnx.operators.table import RULES

__all__ = [
    "RULES",
    "control",
    "layout",
    "mixing",
    "picking",
    "pointwise",
    "quantized",
    "recurrent",
    "sequences",
    "shapes",
    "taps",
    "windows",
]
