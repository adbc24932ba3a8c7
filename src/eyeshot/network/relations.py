"""How positions of an output depend on positions of an input.

A relation is declared once; every analysis follows from it. Axes count from 0 with the batch axis first, so an image
tensor has channels on axis 1 and height and width on axes 2 and 3.

    kind         output position i reads
    Window       a sliding window's positions (see ``slide``): convolution, pooling, constant padding, strided slices,
                 transposed convolution
    Taps         a fixed list of positions: adaptive pooling, reflection, flip, roll, resizing
    Elementwise  i, with NumPy's broadcasting
    Concat       i − offset, if the input has that position
    Reshape      the position with the same row-major index
    Permute      i with its axes reordered
    Reduce       every position along some axes
    Opaque       unknown: everything, and marked as a bound
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from eyeshot.network.slide import Pattern, Reads, Slide
from eyeshot.values import Value

Shape = tuple[int, ...]
Sizes = tuple[int, ...]
"""One integer per windowed axis."""
Sides = tuple[tuple[int, int], ...]
"""Padding before and after, per windowed axis; negative cuts off."""


class Window(Value):
    """A sliding window over the input, or over the input with ``base`` − 1 gaps put between its positions.

    ``groups`` says which channels (axis 1) are read: None the unit's own channel, as pools do; g all channels of
    the unit's group among g, as convolutions do. ``runs``: the window is as long as the axis, whatever that is, as a
    running sum's, so that units see from one end on and share no form.
    """

    axes: tuple[int, ...]
    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    padding: Sides
    groups: int | None = None
    base: Sizes | None = None
    runs: bool = False

    def bases(self) -> Sizes:
        """``base``, one number per axis."""
        return self.base or (1,) * len(self.axes)

    @cached_property
    def slides(self) -> tuple[Slide, ...]:
        """The window along each of ``axes``."""
        sizes = zip(self.kernel, self.stride, self.dilation, self.padding, self.bases(), strict=True)
        return tuple(Slide(k, s, d, before, after, b) for k, s, d, (before, after), b in sizes)

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """What outputs read along each of ``axes`` away from the borders."""
        return tuple(slide.pattern for slide in self.slides)


class Taps(Value):
    """A fixed list of read positions for each output position, along each of some axes.

    ``endless`` has, per axis, what the taps follow away from the borders, or None.
    """

    axes: tuple[int, ...]
    reads: tuple[Reads, ...]
    endless: tuple[Pattern | None, ...]


class Elementwise(Value):
    """Position by position, axes aligned from the last one, size 1 broadcast."""


class Concat(Value):
    """One part of a concatenation: it fills ``offset`` … along ``axis``."""

    axis: int
    offset: int


class Reshape(Value):
    """The same elements in row-major order under another shape."""


class Permute(Value):
    """Axis j of the output is axis ``order[j]`` of the input."""

    order: tuple[int, ...]


class Reduce(Value):
    """Every position along ``axes`` is read; ``keep`` leaves the axes in place, with any size.

    Of axis 1, where that is one of them, only the channels of the unit's own group among ``groups``.
    """

    axes: tuple[int, ...]
    keep: bool
    groups: int = 1


class Opaque(Value):
    """Which positions are read is unknown or depends on the data."""


Relation = Window | Taps | Elementwise | Concat | Reshape | Permute | Reduce | Opaque
KINDS: tuple[type, ...] = (Window, Taps, Elementwise, Concat, Reshape, Permute, Reduce, Opaque)


def in_turn(relation: Relation) -> tuple[Relation, ...]:
    """The relations that make one when followed in turn, in either direction: itself, but for groups of channels.

    Those are mixed as a grouped convolution of one tap mixes them, and the other axes read as without groups.
    """
    if not isinstance(relation, Reduce) or relation.groups == 1:
        return (relation,)
    mixed = Window(axes=(), kernel=(), stride=(), dilation=(), padding=(), groups=relation.groups)
    return mixed, Reduce(axes=tuple(axis for axis in relation.axes if axis != 1), keep=relation.keep)


class Read(NamedTuple):
    """One dependence of a node: which of its inputs, how, and along which path.

    ``gate`` marks dependence through gates and statistics (squeeze-excitation, normalisation over positions), told
    apart from the data path. ``may_read_less`` marks a bound: which of the positions are read depends on the data.
    """

    source: int
    relation: Relation
    gate: bool = False
    may_read_less: bool = False

    @property
    def is_bound(self) -> bool:
        """Whether the relation says more than what is read."""
        return self.may_read_less or isinstance(self.relation, Opaque)
