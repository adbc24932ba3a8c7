"""The table of rules for JAX's primitives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eyeshot.read.jax.calls import Call, Known

Rule = Callable[[Call], Known | Sequence[Known]]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for some primitives."""

    def register(function: Rule) -> Rule:
        for name in names:
            assert name not in RULES, f"a second rule for {name}"
            RULES[name] = function
        return function

    return register
