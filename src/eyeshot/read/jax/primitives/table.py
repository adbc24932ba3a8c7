"""The table of rules for JAX's primitives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eyeshot.read.jax.calls import Call, Known
from eyeshot.read.registering import registered

Rule = Callable[[Call], Known | Sequence[Known]]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for some primitives."""
    return registered(RULES, *names)
