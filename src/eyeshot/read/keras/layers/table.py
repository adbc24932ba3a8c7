"""The table of rules, by the names of Keras' classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eyeshot.read.keras.calls import Call
from eyeshot.read.keras.values import Value

Rule = Callable[[Call], Value | Sequence[Value]]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for some layers."""

    def register(function: Rule) -> Rule:
        for name in names:
            assert name not in RULES, f"a second rule for {name}"
            RULES[name] = function
        return function

    return register
