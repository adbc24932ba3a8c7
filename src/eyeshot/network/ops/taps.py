"""Ops that read fixed positions: adaptive pools, padding that repeats the input, rolls, flips, resizing."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from eyeshot.network.ops.op import Edges, Op
from eyeshot.network.relations import Read, Reduce, Shape, Sides, Sizes, Taps
from eyeshot.network.slide import Pattern, Reads


class AdaptivePool(Op):
    """Pooling to a given size: output i of m reads from ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉ − 1 of n (PyTorch)."""

    mode: str
    size: Sizes

    @property
    def kind(self) -> str:
        """adaptive_avg_pool2d and so on."""
        return f"adaptive_{self.mode}_pool{len(self.size)}d"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """All positions for size 1; else taps, which are windows where the sizes divide."""
        axes = tuple(range(len(out) - len(self.size), len(out)))
        if all(m == 1 for m in self.size):
            return (Read(0, Reduce(axes=axes, keep=True)),)
        sizes = [(inputs[0][axis], m) for axis, m in zip(axes, self.size, strict=True)]
        reads = tuple(tuple(tuple(range(i * n // m, -(-(i + 1) * n // m))) for i in range(m)) for n, m in sizes)
        endless = tuple(None if n % m else Pattern(n // m, (tuple(range(n // m)),)) for n, m in sizes)
        return (Read(0, Taps(axes=axes, reads=reads, endless=endless)),)


class EdgePad(Op):
    """Padding that repeats the input: ``mode`` reflect, replicate or circular; along the last axes."""

    mode: str
    padding: Sides

    @property
    def kind(self) -> str:
        """reflect_pad and so on."""
        return f"{self.mode}_pad"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The position that is repeated."""
        axes = tuple(range(len(out) - len(self.padding), len(out)))
        reads = tuple(
            tuple((_repeated(i - before, inputs[0][axis], self.mode),) for i in range(out[axis]))
            for axis, (before, _) in zip(axes, self.padding, strict=True)
        )
        endless = tuple(Pattern(1, ((-before,),)) for before, _ in self.padding)
        return (Read(0, Taps(axes=axes, reads=reads, endless=endless)),)


def _repeated(i: int, n: int, mode: str) -> int:
    """The position among 0 … n − 1 that a position outside repeats."""
    if mode == "circular":
        return i % n
    if mode == "replicate":
        return min(max(i, 0), n - 1)
    period = max(2 * (n - 1), 1)
    return min(i % period, period - i % period)


class Shift(Op):
    """A roll (``step`` 1: position i goes to i + ``shift``, wrapping round) or a flip (``step`` −1) along one axis."""

    axis: int
    shift: int = 0
    step: int = 1

    @property
    def kind(self) -> str:
        """roll or flip."""
        return "roll" if self.step == 1 else "flip"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """One position, elsewhere."""
        n = out[self.axis]
        taps = tuple(((self.step * i - self.shift) % n if self.step == 1 else n - 1 - i,) for i in range(n))
        return (Read(0, Taps(axes=(self.axis,), reads=(taps,), endless=(None,))),)


class Tile(Op):
    """The input repeated side by side: output i reads i mod n."""

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """One position along each axis that repeats."""
        axes = tuple(axis for axis, (n, m) in enumerate(zip(inputs[0], out, strict=True)) if n != m)
        reads = tuple(tuple((i % inputs[0][axis],) for i in range(out[axis])) for axis in axes)
        return (Read(0, Taps(axes=axes, reads=reads, endless=(None,) * len(axes))),)


class OverlapAdd(Op):
    """Windows of ``size`` at steps of ``step`` put back where they were taken and added, as spectrograms are undone.

    The windows stand one behind the other along ``axis``, no two of them further apart than they are long.
    """

    axis: int
    size: int
    step: int

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """Tap t of window j goes to j·step + t: position i reads j·size + i − j·step for each j that reaches it."""
        count = inputs[0][self.axis] // self.size
        reads: list[list[int]] = [[] for _ in range(out[self.axis])]
        for j in range(count):
            for t in range(self.size):
                reads[j * self.step + t].append(j * self.size + t)
        # of phase r, window q − k puts its tap r + k·step there
        turns = range(-(-self.size // self.step))
        offsets = tuple(
            tuple(sorted(r + k * (self.step - self.size) for k in turns if r + k * self.step < self.size))
            for r in range(self.step)
        )
        taps = Taps(axes=(self.axis,), reads=(tuple(map(tuple, reads)),), endless=(Pattern(self.size, offsets),))
        return (Read(0, taps),)


class Banded(Op):
    """A product with a matrix of numbers along each of some axes, as resizing is; ``taps`` are those that are not 0."""

    name: str
    axes: tuple[int, ...]
    taps: tuple[Reads, ...]

    @property
    def kind(self) -> str:
        """What the model calls it: resize."""
        return self.name

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The taps of each output position."""
        endless = tuple(_repeating(taps, inputs[0][axis]) for axis, taps in zip(self.axes, self.taps, strict=True))
        return (Read(0, Taps(axes=self.axes, reads=self.taps, endless=endless)),)


def _repeating(taps: Reads, n: int) -> Pattern | None:
    """What the taps of m outputs over n positions follow, cut off at the borders; None where they follow nothing."""
    ratio = Fraction(n, len(taps))
    phases, step = ratio.denominator, ratio.numerator
    offsets = []
    for phase in range(phases):
        # of each phase the output in the middle, whose taps no border cuts off
        turn = len(range(phase, len(taps), phases)) // 2
        offsets.append(tuple(tap - turn * step for tap in taps[phase + turn * phases]))
    pattern = Pattern(step, tuple(offsets))
    is_followed = all(tuple(j for j in pattern.reads(i) if 0 <= j < n) == line for i, line in enumerate(taps))
    return pattern if is_followed else None


class Resize(Op):
    """Interpolation along the last axes.

    ``mode`` is PyTorch's; ``steps`` are input positions per output position, (numerator, denominator) per axis;
    ``aligned`` counts from the corners' centres. Where neither that nor half a pixel before holds, ``starts`` say where
    the first output reads, and ``rounding`` which position is the nearest (ONNX's words). ``outside`` is what a tap
    beyond the border reads: the border, nothing ("cut"), or nothing at all where its centre is beyond ("nothing").
    Taps whose weight is always zero are left out.
    """

    mode: str
    steps: tuple[tuple[int, int], ...]
    aligned: bool = False
    antialiased: bool = False
    starts: tuple[tuple[int, int], ...] | None = None
    rounding: str = ""
    outside: str = "border"

    @property
    def kind(self) -> str:
        """resize_bilinear and so on."""
        return f"resize_{self.mode}"

    def reads(self, inputs: tuple[Shape, ...], out: Shape) -> Edges:
        """The taps of each output position, cut off at the borders."""
        axes = tuple(range(len(out) - len(self.steps), len(out)))
        reads, endless = [], []
        for number, (axis, step) in enumerate(zip(axes, self.steps, strict=True)):
            n, fraction, start = inputs[0][axis], Fraction(*step), self._start(number)
            # taps repeat after as many outputs as the step's denominator, moved by its numerator
            offsets = tuple(tuple(self._taps(i, fraction, start)) for i in range(fraction.denominator))
            turns = (divmod(i, fraction.denominator) for i in range(out[axis]))
            axis_reads = tuple(self._inside(offsets[phase], turn * fraction.numerator, n) for turn, phase in turns)
            if self.outside == "nothing":
                is_in = [0 <= i * fraction + start <= n - 1 for i in range(out[axis])]
                axis_reads = tuple(taps if inside else () for taps, inside in zip(axis_reads, is_in, strict=True))
            reads.append(axis_reads)
            endless.append(Pattern(fraction.numerator, offsets) if fraction > 0 else None)
        return (Read(0, Taps(axes=axes, reads=tuple(reads), endless=tuple(endless))),)

    def _start(self, number: int) -> Fraction:
        """Where the first output reads."""
        if self.starts is not None:
            return Fraction(*self.starts[number])
        half = Fraction(1, 2)
        return Fraction(0) if self.aligned or self.mode == "nearest" else Fraction(*self.steps[number]) * half - half

    def _inside(self, offsets: tuple[int, ...], start: int, n: int) -> tuple[int, ...]:
        if start + offsets[0] >= 0 and start + offsets[-1] < n:
            return tuple(start + offset for offset in offsets)
        if self.antialiased or self.outside == "cut":
            return tuple(start + offset for offset in offsets if 0 <= start + offset < n)
        return tuple(sorted({min(max(start + offset, 0), n - 1) for offset in offsets}))

    def _taps(self, i: int, step: Fraction, start: Fraction) -> list[int]:
        centre = i * step + start
        if self.mode in {"nearest", "nearest-exact"}:
            return [_ROUNDED[self.rounding or ("floor" if self.mode == "nearest" else "round_prefer_ceil")](centre)]
        reach = 2 if self.mode == "bicubic" else 1
        if self.antialiased:
            spread = reach * max(step, Fraction(1))
            return [j for j in range(math.floor(centre - spread), math.ceil(centre + spread) + 1)
                    if abs(j - centre) < spread]  # fmt: skip
        low = math.floor(centre)
        return [low] if centre == low else list(range(low - reach + 1, low + reach + 1))


_ROUNDED: dict[str, Callable[[Fraction], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round_prefer_ceil": lambda place: math.floor(place + Fraction(1, 2)),
    "round_prefer_floor": lambda place: math.ceil(place - Fraction(1, 2)),
}
