"""Units whose fields do not meet can share one backward pass: their gradients lie side by side and are cut apart.

A comb is such a set. On a map, units that are a period apart along some axis have fields apart along that axis, so
period² combs hold all units. Where every field meets every other, a comb has one unit: that is exact, and nothing
cheaper is. (Random signs over all units at once give the sum of squares, but not where each unit's own lie.)
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from eyeshot.analyse.units import At
from eyeshot.measure.target import Target

Box = tuple[tuple[int, int], ...]
"""First and last pixel along each axis of the image."""


def combs(target: Target) -> list[list[At]]:
    """The measured units in sets with fields apart, gates and statistics included."""
    boxes = {at: tuple(target.of.hull(at)) for at in target.units}
    if not target.of.axes or len(target.units) == 1:
        return [[at] for at in target.units]
    periods = [
        _period([_span(boxes, a, i) for i in range(n)], len(target.of.axes) == len(target.frame.extent))
        for a, n in enumerate(target.of.sizes)
    ]
    by_phase: dict[tuple[int, ...], list[At]] = {}
    for at in target.units:
        by_phase.setdefault(tuple(i % p for i, p in zip(at, periods, strict=True)), []).append(at)
    return list(by_phase.values())


def _span(boxes: dict[At, Box], axis: int, index: int) -> tuple[int, int]:
    """What the units at one index along an axis of the map see along the image's axis of that place."""
    ends = [box[min(axis, len(box) - 1)] for at, box in boxes.items() if at[axis] == index]
    ends = [(first, last) for first, last in ends if first <= last]
    return (min((a for a, _ in ends), default=0), max((b for _, b in ends), default=-1))


def _period(spans: Sequence[tuple[int, int]], is_map: bool) -> int:
    """The smallest period at which spans are apart; the number of spans where there is none."""
    n = len(spans)
    if not is_map:
        return n
    for period in range(1, n):
        pairs = itertools.chain.from_iterable(itertools.pairwise(range(r, n, period)) for r in range(period))
        if all(_are_apart(spans[i], spans[j]) for i, j in pairs):
            return period
    return n


def _are_apart(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[1] < a[0] or b[1] < b[0] or a[1] < b[0] or b[1] < a[0]
