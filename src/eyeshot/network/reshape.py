"""How a reshape deals the axes of a tensor out to other axes, in row-major order.

A reshape neither moves nor mixes elements, so its axes fall into runs that hold the same elements before and after.
Within a run an axis before may be cut in two, and parts of several axes may come to lie in one. Whatever is known of
axes by parts (what they count, which label they carry, what a unit along them sees) is dealt out the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

Shape = tuple[int, ...]
Runs = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
"""Pairs of axes before and axes after that hold the same elements."""
P = TypeVar("P")


@lru_cache(maxsize=1024)
def matching_axes(before: Shape, after: Shape) -> Runs:
    """Split a reshape into the smallest runs of axes whose elements stay together.

    Returns: pairs of (axes before, axes after), in order, covering both shapes.

    Example:
        >>> matching_axes((1, 4, 6, 5), (1, 24, 5))
        (((0,), (0,)), ((1, 2), (1,)), ((3,), (2,)))
    """
    runs: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    i = j = 0
    while i < len(before) or j < len(after):
        start_i, start_j = i, j
        size_i = size_j = 1
        if i < len(before):
            size_i, i = before[i], i + 1
        if j < len(after):
            size_j, j = after[j], j + 1
        while size_i != size_j:
            if (size_i < size_j and i < len(before)) or j >= len(after):
                size_i, i = size_i * before[i], i + 1
            else:
                size_j, j = size_j * after[j], j + 1
        runs.append((tuple(range(start_i, i)), tuple(range(start_j, j))))
    return tuple(runs)


def dealt(
    parts: Sequence[P], sizes: Sequence[int], size_of: Callable[[P], int], cut: Callable[[P, int], tuple[P, P]]
) -> list[list[P]] | None:
    """The parts of a run, outermost first, dealt out to axes of other sizes; None where no cut fits.

    Args:
        parts: what the run's axes are made of; parts of one position are left out.
        sizes: the sizes of the axes after.
        size_of: a part's number of positions.
        cut: a part and the size of its outer piece → that piece and the inner one.

    Example:
        Pixel shuffle by 2 of 3 rows: rows and the two of each become one axis; 6 rows in pairs are cut.

        >>> pieces = lambda n, outer: (outer, n // outer)
        >>> dealt([3, 2], [6], int, pieces), dealt([6], [3, 2], int, pieces), dealt([6], [4, 3], int, pieces)
        ([[3, 2]], [[3], [2]], None)
    """
    queue = [part for part in reversed(parts) if size_of(part) != 1]
    axes: list[list[P]] = []
    for size in sizes:
        axis: list[P] = []
        left = size
        while left > 1:
            part = queue.pop()
            if left % size_of(part) and size_of(part) % left:
                return None
            if size_of(part) > left:
                part, inner = cut(part, left)
                queue.append(inner)
            axis.append(part)
            left //= size_of(part)
        axes.append(axis)
    return axes
