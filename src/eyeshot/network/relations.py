"""How positions of an output depend on positions of an input.

A relation is declared once; every analysis follows from it. Axes count from 0 with the batch axis first, so an image
tensor has channels on axis 1 and height and width on axes 2 and 3.

    kind         output position i reads
    Window       i·s − p + t·d for t = 0 … k−1, those that exist; convolution, pooling, constant padding, strided slices
    Taps         a fixed list of positions: adaptive pooling, reflection, flip, roll, resizing
    Elementwise  i, with NumPy's broadcasting
    Concat       i − offset, if the input has that position
    Reshape      the position with the same row-major index
    Permute      i with its axes reordered
    Reduce       every position along some axes
    Opaque       unknown: everything, and marked as a bound
"""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, ...]
Sizes = tuple[int, ...]
"""One integer per windowed axis."""
Sides = tuple[tuple[int, int], ...]
"""Padding before and after, per windowed axis; negative cuts off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A sliding window.

    ``groups`` says which channels (axis 1) are read: None the unit's own channel, as pools do; g all channels of
    the unit's group among g, as convolutions do.
    """

    axes: tuple[int, ...]
    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    padding: Sides
    groups: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Taps:
    """A fixed list of read positions for each output position along one axis.

    ``endless`` is the window that the taps follow away from the borders, where there is one.
    """

    axis: int
    reads: tuple[tuple[int, ...], ...]
    endless: Window | None = None


@dataclass(frozen=True, slots=True)
class Elementwise:
    """Position by position, axes aligned from the last one, size 1 broadcast."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Concat:
    """One part of a concatenation: it fills ``offset`` … along ``axis``."""

    axis: int
    offset: int


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in row-major order under another shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Permute:
    """Axis j of the output is axis ``order[j]`` of the input."""

    order: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reduce:
    """Every position along ``axes`` is read; ``keep`` leaves the axes in place, with any size."""

    axes: tuple[int, ...]
    keep: bool


@dataclass(frozen=True, slots=True)
class Opaque:
    """Which positions are read is unknown or depends on the data."""


Relation = Window | Taps | Elementwise | Concat | Reshape | Permute | Reduce | Opaque
KINDS: tuple[type, ...] = (Window, Taps, Elementwise, Concat, Reshape, Permute, Reduce, Opaque)


@dataclass(frozen=True, slots=True)
class Read:
    """One dependence of a node: which of its inputs, how, and along which path.

    ``gate`` marks dependence through gates and statistics (squeeze-excitation, normalisation over positions), told
    apart from the data path.
    """

    source: int
    relation: Relation
    gate: bool = False


def matching_axes(before: Shape, after: Shape) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Split a reshape into the smallest runs of axes whose elements stay together.

    Returns: pairs of (axes before, axes after), in order, covering both shapes.

    Example:
        >>> matching_axes((1, 4, 6, 5), (1, 24, 5))
        [((0,), (0,)), ((1, 2), (1,)), ((3,), (2,))]
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
    return runs
