"""What the axes of an image are called."""

from __future__ import annotations

_AXES = {1: ("positions",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}


def axis_names(count: int) -> tuple[str, ...]:
    """What the axes of an image are called, from outer to inner.

    >>> axis_names(2)
    ('rows', 'columns')
    """
    return _AXES[count]


def along(axes: list[int], count: int) -> str:
    """Some of the axes in a sentence; empty for all of them.

    >>> along([1], 3), along([0, 1], 2)
    (' along rows', '')
    """
    return "" if len(axes) == count else f" along {' and '.join(axis_names(count)[axis] for axis in axes)}"
