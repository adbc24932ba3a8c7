"""What a node is, for people and for costs, and how it reads its inputs.

Each op is a frozen dataclass that makes everything explicit: sizes per axis in the model's order, padding per side.
``kind`` is the name that people see; ``reads`` derives the relations from the op and the shapes around it, so that an
op states its dependence in one place. Shapes carry the batch axis; channels are on axis 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Opaque,
    Permute,
    Read,
    Reduce,
    Relation,
    Reshape,
    Shape,
    Sides,
    Sizes,
    Taps,
    Window,
)

Reads = tuple[Read, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Op:
    """What every op is: a name for people, and relations to its inputs."""

    @property
    def kind(self) -> str:
        """The field's name for this op."""
        return type(self).__name__.lower()

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """The relations to the inputs; position by position unless an op says otherwise."""
        return tuple(Read(i, Elementwise()) for i in range(len(inputs)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Input(Op):
    """The image; ``axes`` are the axes whose positions are followed."""

    axes: tuple[int, ...]

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """An input reads nothing."""
        return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sliding(Op):
    """What convolutions and pools share: a window over the last axes."""

    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    padding: Sides

    def window(self, groups: int | None) -> Window:
        """The window relation over axes 2 …"""
        return Window(
            axes=tuple(range(2, 2 + len(self.kernel))),
            kernel=self.kernel,
            stride=self.stride,
            dilation=self.dilation,
            padding=self.padding,
            groups=groups,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Conv(Sliding):
    """A convolution with ``groups`` groups of channels."""

    groups: int = 1
    bias: bool = True

    @property
    def kind(self) -> str:
        """conv1d, conv2d or conv3d."""
        return f"conv{len(self.kernel)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """A window over all channels of the group."""
        return (Read(0, self.window(self.groups)),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool(Sliding):
    """Max or average pooling; ``ceil`` keeps a last window that hangs over the end."""

    mode: str
    ceil: bool = False

    @property
    def kind(self) -> str:
        """max_pool2d, avg_pool2d and so on."""
        return f"{self.mode}_pool{len(self.kernel)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """A window over the unit's own channel."""
        return (Read(0, self.window(None)),)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptivePool(Op):
    """Pooling to a given size: output i of m reads from ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉ − 1 of n (PyTorch)."""

    mode: str
    size: Sizes

    @property
    def kind(self) -> str:
        """adaptive_avg_pool2d and so on."""
        return f"adaptive_{self.mode}_pool{len(self.size)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """One window where all sizes divide, all positions for size 1, else taps along the one uneven axis."""
        sizes = inputs[0][2:]
        axes = range(2, 2 + len(self.size))
        if all(m == 1 for m in self.size):
            return (Read(0, Reduce(axes=tuple(axes), keep=True)),)
        if all(n % m == 0 for n, m in zip(sizes, self.size, strict=True)):
            steps = tuple(n // m for n, m in zip(sizes, self.size, strict=True))
            ones = tuple(1 for _ in steps)
            window = Window(
                axes=tuple(axes),
                kernel=steps,
                stride=steps,
                dilation=ones,
                padding=tuple((0, 0) for _ in steps),
            )
            return (Read(0, window),)
        uneven = [(a, n, m) for a, n, m in zip(axes, sizes, self.size, strict=True) if n != m]
        if len(uneven) > 1:
            raise AssertionError("a pool that is uneven along several axes is one node per axis (see split)")
        ((axis, n, m),) = uneven
        reads = tuple(tuple(range(i * n // m, -(-(i + 1) * n // m))) for i in range(m))
        return (Read(0, Taps(axis=axis, reads=reads)),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pad(Op):
    """Constant padding; negative amounts crop. ``axes`` are padded by ``padding``."""

    axes: tuple[int, ...]
    padding: Sides

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """A window of one that starts before the first position."""
        ones = tuple(1 for _ in self.axes)
        return (Read(0, Window(axes=self.axes, kernel=ones, stride=ones, dilation=ones, padding=self.padding)),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice(Op):
    """Every ``step``-th position along ``axis`` from ``start`` on."""

    axis: int
    start: int
    step: int = 1

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Linear(Op):
    """A fully connected layer over the last axis."""

    bias: bool = True

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """All of the last axis."""
        return (Read(0, Reduce(axes=(len(inputs[0]) - 1,), keep=True)),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Norm(Op):
    """Normalisation: ``statistics`` are the axes over which mean and variance are taken in use (none for batch norm).

    ``groups`` splits axis 1 for the statistics, as group norm does.
    """

    mode: str
    statistics: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """batch_norm, layer_norm and so on."""
        return f"{self.mode}_norm"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """The position itself, and the statistics as a gate."""
        own = Read(0, Elementwise())
        if not self.statistics:
            return (own,)
        return (own, Read(0, Reduce(axes=self.statistics, keep=True), gate=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalResponseNorm(Op):
    """Local response normalisation over ``size`` neighbouring channels (Krizhevsky et al. 2012, section 3.3)."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0

    @property
    def kind(self) -> str:
        """The usual abbreviation."""
        return "lrn"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """A window over channels."""
        before = self.size // 2
        window = Window(
            axes=(1,),
            kernel=(self.size,),
            stride=(1,),
            dilation=(1,),
            padding=((before, self.size - 1 - before),),
        )
        return (Read(0, window),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointwise(Op):
    """A function of one element, such as relu; ``rectifies`` where it is a non-linearity between layers."""

    name: str

    @property
    def kind(self) -> str:
        """The function's name."""
        return self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropout(Op):
    """Dropout with probability ``p``; does nothing in use."""

    p: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Softmax(Op):
    """Softmax along one axis: each position, and through the sum all of them."""

    axis: int

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """The position itself, and the sum as a gate."""
        return (
            Read(0, Elementwise()),
            Read(0, Reduce(axes=(self.axis,), keep=True), gate=True),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Arithmetic(Op):
    """Addition, multiplication and the like of tensors, with broadcasting."""

    name: str

    @property
    def kind(self) -> str:
        """The operation's name."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """Position by position; a factor that is the same at every position is a gate."""
        gates = [self.name in {"mul", "div"} and _is_broadcast_over_positions(shape, out) for shape in inputs]
        if all(gates):
            gates = [False] * len(gates)
        return tuple(Read(i, Elementwise(), gate) for i, gate in enumerate(gates))


def _is_broadcast_over_positions(shape: Shape, out: Shape) -> bool:
    aligned = (1,) * (len(out) - len(shape)) + shape
    return any(a == 1 and b > 1 for a, b in zip(aligned[2:], out[2:], strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Concatenate(Op):
    """Inputs side by side along ``axis``."""

    axis: int

    @property
    def kind(self) -> str:
        """The usual short name."""
        return "concat"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """Each input at its offset."""
        offsets = [0]
        for shape in inputs:
            offsets.append(offsets[-1] + shape[self.axis])
        return tuple(Read(i, Concat(axis=self.axis, offset=offsets[i])) for i in range(len(inputs)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rearrange(Op):
    """A reshape (``order`` None) or a permutation of axes; ``name`` is what the model calls it."""

    name: str = "reshape"
    order: tuple[int, ...] | None = None

    @property
    def kind(self) -> str:
        """flatten, reshape, permute …"""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """The same elements elsewhere."""
        relation: Relation = Reshape() if self.order is None else Permute(order=self.order)
        return (Read(0, relation),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Aggregate(Op):
    """Mean, sum or maximum over axes."""

    name: str
    axes: tuple[int, ...]
    keep: bool

    @property
    def kind(self) -> str:
        """mean, sum, amax …"""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """All positions along the axes."""
        return (Read(0, Reduce(axes=self.axes, keep=self.keep)),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown(Op):
    """An op without a rule: everything it could read, marked as a bound."""

    name: str
    reason: str

    @property
    def kind(self) -> str:
        """The framework's own name."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Reads:
        """Everything."""
        return tuple(Read(i, Opaque()) for i in range(len(inputs)))


OPS: tuple[type[Op], ...] = (
    Input,
    Conv,
    Pool,
    AdaptivePool,
    Pad,
    Slice,
    Linear,
    Norm,
    LocalResponseNorm,
    Pointwise,
    Dropout,
    Softmax,
    Arithmetic,
    Concatenate,
    Rearrange,
    Aggregate,
    Unknown,
)


def window_sizes(sizes: Sizes, op: Sliding) -> Sizes:
    """Positions that a sliding window takes along each axis.

        m = ⌊(n + before + after − d·(k − 1) − 1) / s⌋ + 1

    With ``ceil`` the division rounds up, and a last window that would start in the padding is left out (PyTorch).
    A result below 1 means that the kernel is larger than its padded input.
    """
    result = []
    for n, k, s, d, (before, after) in zip(sizes, op.kernel, op.stride, op.dilation, op.padding, strict=True):
        room = n + before + after - d * (k - 1) - 1
        if isinstance(op, Pool) and op.ceil:
            m = math.ceil(room / s) + 1
            if (m - 1) * s >= n + before:
                m -= 1
        else:
            m = room // s + 1
        result.append(m)
    return tuple(result)
