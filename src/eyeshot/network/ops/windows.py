"""Ops that slide a window: convolutions, pools, constant padding, slices, running sums."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from eyeshot.network.ops.op import Edges, Op
from eyeshot.network.relations import Read, Reduce, Shape, Sides, Sizes, Window


@lru_cache(maxsize=1024)
def _window(kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Sides, groups: int | None) -> Window:
    """The window over axes 2 …: a network has many layers of few kinds."""
    axes = tuple(range(2, 2 + len(kernel)))
    return Window(axes=axes, kernel=kernel, stride=stride, dilation=dilation, padding=padding, groups=groups)


class Sliding(Op):
    """What convolutions and pools share: a window over the last axes."""

    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    padding: Sides

    def window(self, groups: int | None) -> Window:
        """The window relation over axes 2 …"""
        return _window(self.kernel, self.stride, self.dilation, self.padding, groups)


class Conv(Sliding):
    """A convolution with ``groups`` groups of channels; a second input is a kernel that depends on the data."""

    groups: int = 1
    bias: bool = True

    @property
    def kind(self) -> str:
        """conv1d, conv2d or conv3d."""
        return f"conv{len(self.kernel)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A window over all channels of the group; all of a kernel that depends on the data, as a gate."""
        window = Read(0, self.window(self.groups))
        if len(inputs) == 1:
            return (window,)
        return (window, Read(1, Reduce(axes=tuple(range(len(out))), keep=True), gate=True))


class ConvTranspose(Sliding):
    """A transposed convolution: a window at stride 1 on its input with ``stride`` − 1 gaps between positions.

    ``padding`` is that of the convolution it transposes, as PyTorch gives it.
    """

    groups: int = 1
    bias: bool = True

    @property
    def kind(self) -> str:
        """conv_transpose1d, conv_transpose2d or conv_transpose3d."""
        return f"conv_transpose{len(self.kernel)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Output i reads (i + p − t·d)/s for the taps t at which that is whole."""
        sizes = zip(self.kernel, self.dilation, self.padding, strict=True)
        window = Window(
            axes=tuple(range(2, 2 + len(self.kernel))),
            kernel=self.kernel,
            stride=(1,) * len(self.kernel),
            dilation=self.dilation,
            padding=tuple((d * (k - 1) - a, d * (k - 1) - b) for k, d, (a, b) in sizes),
            groups=self.groups,
            base=self.stride,
        )
        return (Read(0, window),)


class Pool(Sliding):
    """Max or average pooling; ``ceil`` keeps a last window that hangs over the end."""

    mode: str
    ceil: bool = False

    @property
    def kind(self) -> str:
        """max_pool2d, avg_pool2d and so on."""
        return f"{self.mode}_pool{len(self.kernel)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A window over the unit's own channel."""
        return (Read(0, self.window(None)),)


class Unpool(Sliding):
    """Values put back into the windows of a max pool, whose settings these are; the rest of each window is zero.

    Where in its window a value stands depends on the data, so any of it may. A second input told where.
    """

    @property
    def kind(self) -> str:
        """max_unpool2d and so on."""
        return f"max_unpool{len(self.kernel)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Position i reads every window that it lies in, as a transposed convolution does."""
        sizes = zip(self.kernel, self.dilation, self.padding, strict=True)
        padding = tuple((d * (k - 1) - a, d * (k - 1) - b) for k, d, (a, b) in sizes)
        ones = (1,) * len(self.stride)
        window = replace(self.window(None), stride=ones, padding=padding, base=self.stride)
        return tuple(Read(i, window, gate=i > 0) for i in range(len(inputs)))


class Copy(Sliding):
    """One tap of a window as a tensor of its own, as unfolding takes; ``spread`` puts it back, as folding does."""

    spread: bool = False

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A window of one, at the stride or on gaps of it."""
        window = self.window(None)
        if self.spread:
            window = replace(window, stride=(1,) * len(self.stride), base=self.stride)
        return (Read(0, window),)


class Pad(Op):
    """Constant padding; negative amounts crop. ``axes`` are padded by ``padding``."""

    axes: tuple[int, ...]
    padding: Sides

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A window of one that starts before the first position."""
        ones = tuple(1 for _ in self.axes)
        return (Read(0, Window(axes=self.axes, kernel=ones, stride=ones, dilation=ones, padding=self.padding)),)


class Slice(Op):
    """Every ``step``-th position along ``axis`` from ``start`` on."""

    axis: int
    start: int
    step: int = 1

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A window of one with a stride, which starts inside."""
        return (
            Read(
                0,
                Window(
                    axes=(self.axis,),
                    kernel=(1,),
                    stride=(self.step,),
                    dilation=(1,),
                    padding=((-self.start, 0),),
                ),
            ),
        )


class Insert(Op):
    """Put at every ``step``-th position along ``axis`` from ``start`` on, as slices are written; the rest is empty."""

    axis: int
    start: int
    step: int = 1

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Output i reads (i − start)/step where that is whole."""
        window = Window(
            axes=(self.axis,),
            kernel=(1,),
            stride=(1,),
            dilation=(1,),
            padding=((self.start, 0),),
            base=(self.step,),
        )
        return (Read(0, window),)


class LocalResponseNorm(Op):
    """Local response normalisation over ``size`` neighbouring channels (Krizhevsky et al. 2012, section 3.3)."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0

    def size_over(self, channels: int) -> int:
        """The neighbours that can exist: beyond 2·channels − 1 more of them are more of nothing."""
        return min(self.size, 2 * channels - 1)

    @property
    def kind(self) -> str:
        """The usual abbreviation."""
        return "lrn"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A window over channels."""
        size = self.size_over(out[1])
        before = size // 2
        window = Window(axes=(1,), kernel=(size,), stride=(1,), dilation=(1,), padding=((before, size - 1 - before),))
        return (Read(0, window),)


class Cumulative(Op):
    """A running sum, product or maximum along one axis: position i reads 0 … i, or ``backwards`` i … n − 1."""

    name: str
    axis: int
    backwards: bool = False

    @property
    def kind(self) -> str:
        """cumsum and so on."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """A causal window as long as the axis."""
        n = out[self.axis]
        padding = (0, n - 1) if self.backwards else (n - 1, 0)
        ones = (1,)
        window = Window(axes=(self.axis,), kernel=(n,), stride=ones, dilation=ones, padding=(padding,), runs=True)
        return (Read(0, window),)


def window_sizes(sizes: Sizes, op: Sliding) -> Sizes:
    """Positions that a sliding window takes along each axis (see ``Slide.count``)."""
    slides, ceil = op.window(None).slides, isinstance(op, Pool) and op.ceil
    return tuple(slide.count(n, ceil=ceil) for n, slide in zip(sizes, slides, strict=True))
