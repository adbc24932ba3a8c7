"""How a reader's table of rules is filled: each rule beside what it is for, and one rule for each name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
R = TypeVar("R")


def registered(rules: dict[K, R], *keys: K) -> Callable[[R], R]:
    """A decorator that enters a rule into a table under some keys; a second rule for one is an error of ours."""

    def register(function: R) -> R:
        for key in keys:
            assert key not in rules, f"a second rule for {key}"
            rules[key] = function
        return function

    return register
