"""Sizes scaled by one factor, then moved one by one, until what they cost comes near to a target."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from itertools import permutations
from typing import TypeVar

TOLERANCE = 0.01
"""Share of the target by which a cost that agrees may miss it."""
_MOST = 1e3
"""The factor is at most this, at least one by this."""
_FEW = 16

Key = TypeVar("Key", bound=Hashable)
Price = Callable[[Mapping[Key, int]], int | None]
"""What sizes cost; None where they do not fit together."""


def scaled(sizes: Mapping[Key, int], factor: float, multiple: int) -> dict[Key, int]:
    """All sizes by one factor, rounded to a multiple."""
    return {key: max(1, round(size * factor / multiple)) * multiple for key, size in sizes.items()}


def fitted(price: Price[Key], sizes: Mapping[Key, int], target: int, multiple: int) -> tuple[dict[Key, int], float]:
    """The sizes whose cost comes nearest, of those by one factor and a few steps from it; and the factor."""
    factor = _factor(price, sizes, target, multiple)
    return _refined(price, scaled(sizes, factor, multiple), target, multiple), factor


def off(cost: int | None, target: int) -> float:
    """The share of the target by which a cost misses it."""
    return float("inf") if cost is None else abs(cost / target - 1)


def _factor(price: Price[Key], sizes: Mapping[Key, int], target: int, multiple: int) -> float:
    """The factor at which the cost passes the target: doubled or halved until it lies between, then by bisection.

    It starts from 1, so that what is tried costs at most some times the target or what there was.
    """

    def is_enough(factor: float) -> bool:
        cost = price(scaled(sizes, factor, multiple))
        return cost is None or cost >= target

    low = high = 1.0
    while not is_enough(high) and high < _MOST:
        high *= 2
    while is_enough(low) and low > 1 / _MOST:
        low /= 2
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _refined(price: Price[Key], sizes: dict[Key, int], target: int, multiple: int) -> dict[Key, int]:
    """Sizes moved by single steps, those of one size together first, while that comes nearer."""

    def distance(candidate: Mapping[Key, int]) -> float:
        return off(price(candidate), target)

    best, gap = sizes, distance(sizes)
    for _ in range(12):
        if gap <= TOLERANCE / 4:
            break
        together = [{key for key, size in best.items() if size == one} for one in set(best.values())]
        candidates = [
            {key: max(multiple, size + step) if key in moved else size for key, size in best.items()}
            for moved in (*together, *({key} for key in best))
            for step in (multiple, -multiple)
        ]
        nearest = min(candidates, key=distance)
        if distance(nearest) >= gap and gap > TOLERANCE:
            nearest = min(_traded(best, multiple), key=distance, default=nearest)
        if distance(nearest) >= gap:
            break
        best, gap = nearest, distance(nearest)
    return best


def _traded(sizes: Mapping[Key, int], multiple: int) -> list[dict[Key, int]]:
    """One size a step up and another a step down; of few sizes alone, since these are many."""
    if len(sizes) > _FEW:
        return []
    return [
        {**sizes, a: sizes[a] + multiple, b: sizes[b] - multiple}
        for a, b in permutations(sizes, 2)
        if sizes[b] > multiple
    ]
