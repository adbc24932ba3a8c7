"""What the axes of an image are called."""

from __future__ import annotations

from eyeshot.errors import UsageError
from eyeshot.network.graph import Network

_AXES: dict[int, tuple[str, ...]] = {0: (), 1: ("positions",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}


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


def check_positions(network: Network) -> None:
    """Complain of a network whose input is a list of numbers: it has no map, and its units no fields.

    Raises:
        UsageError: the input has no axes of positions.
    """
    if not network.axes:
        sizes = "×".join(map(str, network.input.shape[1:])) or "one number"
        raise UsageError(f"{network.name}: its input, {sizes}, has no axes of positions, so its units have no field")
