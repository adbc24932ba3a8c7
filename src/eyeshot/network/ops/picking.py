"""Ops that read or write positions given by numbers: indexing, gathering, sampling, scattering."""

from __future__ import annotations

from itertools import pairwise

from eyeshot.network.ops.op import Edges, Op
from eyeshot.network.relations import Elementwise, Opaque, Read, Reduce, Relation, Shape, Sizes, Taps
from eyeshot.network.slide import Pattern, Reads


class Index(Op):
    """Fixed positions along one axis, such as a table of indices; −1 where a constant stands instead of any."""

    axis: int
    positions: tuple[int, ...]
    name: str = "index"

    @property
    def kind(self) -> str:
        """What chose the positions: index, diagonal, triu."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The positions listed."""
        steps = {b - a for a, b in pairwise(self.positions)}
        step = steps.pop() if len(steps) == 1 else 0
        is_even = step > 0 and not steps and self.positions[0] >= 0
        pattern = Pattern(step, ((self.positions[0],),)) if is_even else None
        reads = tuple((p,) if p >= 0 else () for p in self.positions)
        return (Read(0, Taps(axes=(self.axis,), reads=(reads,), endless=(pattern,))),)


class Pick(Op):
    """Positions along some axes that depend on the data or are not known, as gathering and unpooling read them.

    Further inputs say which positions. ``by_data`` is False where a table says so whose numbers are not there, since
    the model was built without memory.
    """

    name: str
    axes: tuple[int, ...]
    by_data: bool = True

    @property
    def kind(self) -> str:
        """The framework's name."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """All positions along the axes, as a bound; where to read, as a gate."""
        which = tuple(
            Read(i, Elementwise() if shape == out else Opaque(), gate=True)
            for i, shape in enumerate(inputs[1:], start=1)
        )
        return (Read(0, Reduce(axes=self.axes, keep=True), may_read_less=True), *which)


class GridSample(Op):
    """The input sampled where a grid says; ``taps`` where the grid is constant, ``is_exact`` where axes are apart.

    With a grid that depends on the data (a second input) any position may be read, as a bound.
    """

    mode: str
    taps: tuple[Reads, ...] | None = None
    is_exact: bool = False

    @property
    def kind(self) -> str:
        """The usual name."""
        return "grid_sample"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Taps of a constant grid; everything, and the grid at the same position as a gate."""
        axes = tuple(range(2, len(out)))
        if self.taps is not None:
            taps = Taps(axes=axes, reads=self.taps, endless=(None,) * len(axes))
            return (Read(0, taps, may_read_less=not self.is_exact),)
        everything = Read(0, Reduce(axes=axes, keep=True), may_read_less=True)
        return (everything, *(Read(i, Elementwise(), gate=True) for i in range(1, len(inputs))))


class DeformConv(Op):
    """A convolution whose taps are moved by offsets that depend on the data (Dai et al. 2017, arXiv:1703.06211)."""

    kernel: Sizes
    groups: int = 1

    @property
    def kind(self) -> str:
        """The usual name."""
        return "deform_conv2d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Any position of the input, as a bound; offsets and masks at the same position, over channels, as gates."""
        everything = Read(0, Reduce(axes=(1, 2, 3), keep=True), may_read_less=True)
        offsets = tuple(Read(i, Reduce(axes=(1,), keep=True), gate=True) for i in range(1, len(inputs)))
        return (everything, *offsets)


class FractionalPool(Op):
    """Max pooling in windows at random steps (Graham 2014, arXiv:1412.6071)."""

    kernel: Sizes
    size: Sizes

    @property
    def kind(self) -> str:
        """fractional_max_pool2d or 3d."""
        return f"fractional_max_pool{len(self.kernel)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Wherever a window may start, as a bound.

        With a = (n − k)/(m − 1), window i starts at ⌊(i + u)·a⌋ − ⌊u·a⌋ for a random u, which is ⌊i·a⌋ or ⌈i·a⌉; the
        last one at n − k.
        """
        axes = tuple(range(len(out) - len(self.size), len(out)))
        reads = tuple(_fractional(inputs[0][axis], out[axis], k) for axis, k in zip(axes, self.kernel, strict=True))
        return (Read(0, Taps(axes=axes, reads=reads, endless=(None,) * len(axes)), may_read_less=True),)


def _fractional(n: int, m: int, k: int) -> Reads:
    starts = [((n - k) * i, max(m - 1, 1)) for i in range(m - 1)] + [(n - k, 1)]
    return tuple(tuple(range(a // b, min(-(-a // b) + k, n))) for a, b in starts)


class Scatter(Op):
    """Values written at positions that depend on the data or are not known; ``has_base`` where the first input is
    what they are written into.
    """

    name: str
    has_base: bool

    @property
    def kind(self) -> str:
        """The framework's name."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """What was there, and any of the values, as a bound."""
        relations: list[Relation] = [Opaque() for _ in inputs]
        if self.has_base:
            relations[0] = Elementwise()
        return tuple(Read(i, relation, may_read_less=True) for i, relation in enumerate(relations))
