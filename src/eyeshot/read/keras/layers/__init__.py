"""What each of Keras' layers means in the network's own ops: one rule per layer, one file per family."""

from __future__ import annotations

from eyeshot.read.keras.layers import layout, mixing, operations, pointwise, recurrent, windows
from eyeshot.read.keras.layers.table import RULES

__all__ = ["RULES", "layout", "mixing", "operations", "pointwise", "recurrent", "windows"]
