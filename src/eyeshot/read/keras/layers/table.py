"""The table of rules, by the names of Keras' classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eyeshot.read.keras.calls import Call
from eyeshot.read.keras.values import Value
from eyeshot.read.registering import registered

Rule = Callable[[Call], Value | Sequence[Value]]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for some layers."""
    return registered(RULES, *names)
