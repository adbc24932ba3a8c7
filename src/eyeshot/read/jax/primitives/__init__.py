"""The rules of JAX's primitives, one file per family; importing this fills the table."""

from __future__ import annotations

from eyeshot.read.jax.primitives import control, layout, mixing, picking, pointwise, products, recurrent, windows
from eyeshot.read.jax.primitives.table import RULES

__all__ = ["RULES", "control", "layout", "mixing", "picking", "pointwise", "products", "recurrent", "windows"]
