"""Which input sizes does a network take, and which of them does it read whole?

A network takes a size where each kernel fits its map and maps that meet agree. Strides divide sizes, so whether maps
agree repeats with the period of the strides, their least common multiple; and maps only grow with the input. So the
sizes of one period are asked for, and the smallest and largest looked for by halving. Where the arithmetic of windows
knows all maps it answers (see ``size_arithmetic``), and is put to test at its ends; else each size is a trial, which
reads the network anew, without computing numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eyeshot.analyse.field import Fields
from eyeshot.analyse.layouts import axes_counting
from eyeshot.analyse.size_arithmetic import SizeArithmetic, UnknownSizeError, tail
from eyeshot.analyse.walk import once
from eyeshot.errors import EyeshotError
from eyeshot.network.graph import Network
from eyeshot.network.ops import Conv, Pool

SCHEMA = "eyeshot.sizes/1"
Sizes = tuple[int, ...]
"""Positions along each followed axis of the input."""
_WORK = 10_000
"""Nodes that are read along one period at most; small networks are read at more sizes than large ones."""
_LEAST = 40
"""Sizes along one period that are tried in any case."""
_LONGEST_PERIOD = 4096
_FURTHEST = 16
"""Times the size at hand: what is taken as far as that is taken without end."""
_MULTIPLES = (32, 64, 16, 8, 128)
"""Multiples of these networks often ask for in so many words."""
_USUAL = (32, 28, 64, 128, 160, 192, 224, 227, 256, 299, 320, 384, 448, 512, 640, 1024)
"""Sizes that people train on, tried where nothing near the one asked for is taken."""


@dataclass(frozen=True)
class Progression:
    """The sizes ``first``, ``first`` + ``step`` and so on, up to ``last``; None where there is no largest."""

    first: int
    step: int
    last: int | None = None

    def __contains__(self, n: int) -> bool:
        return n >= self.first and not (n - self.first) % self.step and (self.last is None or n <= self.last)

    def below(self, n: int) -> int | None:
        """The largest up to n."""
        top = n if self.last is None else min(n, self.last)
        return None if top < self.first else top - (top - self.first) % self.step

    def above(self, n: int) -> int | None:
        """The smallest from n on."""
        size = self.first + self.step * max(0, -((self.first - n) // self.step))
        return size if size in self else None

    def to_dict(self) -> dict[str, int | None]:
        """Its three numbers."""
        return {"smallest": self.first, "multiple": self.step, "largest": self.last}


@dataclass(frozen=True)
class AxisSizes:
    """What a network takes along one axis; ``whole`` are the sizes of which no stride or pool leaves an end unread.

    ``whole`` is None where the period is too long to be tried; ``is_tried`` says that all was found by reading the
    network at sizes, since its arithmetic alone does not tell.
    """

    fits: tuple[Progression, ...]
    whole: tuple[Progression, ...] | None
    is_tried: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Unread:
    """Positions at the end of an axis that a layer's windows do not reach: of its map, and in input pixels."""

    layer: str
    axis: int
    positions: int
    of: int
    pixels: float | None

    def to_dict(self) -> dict[str, Any]:
        """Its entry in the document of schema eyeshot.sizes/1."""
        return {"layer": self.layer, "axis": self.axis, "side": "end", "positions": self.positions, "of": self.of,
                "pixels": self.pixels}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One size that fits: what comes out, and what strides and pools leave unread."""

    sizes: Sizes
    outputs: dict[str, Sizes]
    unread: tuple[Unread, ...]


@dataclass(frozen=True, kw_only=True)
class InputSizes:
    """The input sizes that a network takes.

    Attributes:
        network: the network at the size asked for where that fits, else at one that does.
        asked: the sizes asked for, one per followed axis.
        why: what it says of those where it does not take them; empty where it does.
        axes: what it takes along each axis, with the sizes of ``network`` along the others.
        trials: what comes out of a few of them, from small to large.
        tried: number of sizes that it was read at.
    """

    network: Network
    asked: Sizes
    why: str
    axes: tuple[AxisSizes, ...]
    trials: tuple[Trial, ...]
    tried: int

    @property
    def fits(self) -> bool:
        """Whether it takes the sizes asked for."""
        return not self.why

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.sizes/1, ready for json.dumps."""
        return {
            "schema": SCHEMA,
            "network": {
                "name": self.network.name,
                "source": self.network.source,
                "input": list(self.network.input.shape[1:]),
            },
            "asked": list(self.asked),
            "fits": self.fits,
            "why": self.why or None,
            "axes": [
                {
                    "fits": [each.to_dict() for each in axis.fits],
                    "whole": None if axis.whole is None else [each.to_dict() for each in axis.whole],
                    "found_by": "trials" if axis.is_tried else "arithmetic",
                }
                for axis in self.axes
            ],
            "sizes": [
                {
                    "input": list(trial.sizes),
                    "outputs": {name: list(shape) for name, shape in trial.outputs.items()},
                    "unread": [each.to_dict() for each in trial.unread],
                }
                for trial in self.trials
            ],
            "tried": self.tried,
        }


class Trials:
    """Reads a network at sizes, each once; ``read`` raises an EyeshotError where one does not fit."""

    def __init__(self, read: Callable[[Sizes], Network]) -> None:
        self._read = read
        self._read_at: dict[Sizes, Network | EyeshotError] = {}

    def __call__(self, sizes: Sizes) -> bool:
        """Whether the network takes these sizes."""
        return isinstance(self.at(sizes), Network)

    def at(self, sizes: Sizes) -> Network | EyeshotError:
        """The network at these sizes, or why there is none."""
        if sizes not in self._read_at:
            try:
                self._read_at[sizes] = self._read(sizes)
            except EyeshotError as error:
                self._read_at[sizes] = error
        return self._read_at[sizes]

    def __len__(self) -> int:
        return len(self._read_at)


def input_sizes(trials: Trials, asked: Sizes) -> InputSizes:
    """The input sizes that a network takes around those asked for.

    Raises:
        EyeshotError: what it says of the size asked for, where it takes no other either.
    """
    refusal = trials.at(asked)
    base = asked if isinstance(refusal, Network) else nearby(trials, asked)
    network = None if base is None else trials.at(base)
    if base is None or not isinstance(network, Network):
        assert isinstance(refusal, EyeshotError)
        raise refusal
    axes: list[AxisSizes] = []
    for axis, n in enumerate(base):
        alike = next((axes[i] for i in range(axis) if base[i] == n and _holds(trials, base, axis, axes[i])), None)
        axes.append(alike or _along(trials, base, axis))
    shown = sorted({sizes for sizes in _of_interest(axes, asked) if trials(sizes)})
    return InputSizes(
        network=network,
        asked=asked,
        why="" if isinstance(refusal, Network) else refusal.said,
        axes=tuple(axes),
        trials=tuple(_trial(trials, sizes) for sizes in shown),
        tried=len(trials),
    )


def nearby(trials: Trials, asked: Sizes, *, most: int | None = None) -> Sizes | None:
    """Sizes that fit, as near to those asked for as a short search finds; None where it finds none in ``most`` trials.

    Multiples of the period, then the sizes that follow, twice and four times as much, what people usually take.
    """
    failed = trials.at(asked)
    partial = failed if isinstance(failed, Network) else getattr(failed, "partial", None)
    repeats = 1
    if isinstance(partial, Network):
        repeats = math.lcm(*(period(partial, axis) for axis in range(len(asked))))
    multiples = dict.fromkeys((repeats, 2 * repeats, *_MULTIPLES))
    near = [tuple(-(-n // m) * m for n in asked) for m in multiples]
    near += [tuple(n // m * m for n in asked) for m in multiples]
    near += [tuple(n + j for n in asked) for j in range(1, min(repeats, _LEAST))]
    larger = [tuple(n * 2**j for n in asked) for j in range(1, 7) if max(asked) * 2**j <= _LONGEST_PERIOD]
    usual = [(n,) * len(asked) for n in _USUAL]
    for sizes in [sizes for sizes in (*near, *larger, *usual) if min(sizes) > 0][:most]:
        if trials(sizes):
            return sizes if sizes in near else _lowest(trials, asked, sizes)
    return None


def _lowest(trials: Trials, low: Sizes, high: Sizes) -> Sizes:
    """From sizes that do not fit to sizes that do: the first that do, by halving."""
    while max(b - a for a, b in zip(low, high, strict=True)) > 1:
        middle = tuple((a + b) // 2 for a, b in zip(low, high, strict=True))
        low, high = (low, middle) if trials(middle) else (middle, high)
    return high


@once
def period(network: Network, axis: int) -> int:
    """After how many input positions along a followed axis everything repeats: the strides' common multiple."""
    fields = Fields(network, gates=False)
    steps = {field.stride[axis] for node in network.layers if (field := fields[node.name]).stride is not None}
    numerators = sorted({step.numerator for step in steps if step})
    together = math.lcm(*numerators)
    return together if together <= _LONGEST_PERIOD else max(numerators)


def _along(trials: Trials, base: Sizes, axis: int) -> AxisSizes:
    """What fits along one axis, the sizes along the others as they are.

    By arithmetic where that knows the size of every map, and trials agree wherever they put it to test; else by trials.
    """
    network = trials.at(base)
    assert isinstance(network, Network)
    n, repeats = base[axis], period(network, axis)
    arithmetic = SizeArithmetic(network, axis)
    try:
        told = _found(arithmetic.takes, lambda at: not any(arithmetic.tails(at)), n, repeats, _LONGEST_PERIOD)
        if _holds(trials, base, axis, told):
            return told
    except UnknownSizeError:
        pass

    def is_whole(at: int) -> bool:
        return not _leaves_unread(trials.at(_sized(base, axis, at)), axis)

    most = max(_LEAST, _WORK // len(network.nodes))
    return replace(_found(_taking(trials, base, axis), is_whole, n, repeats, most), is_tried=True)


def _found(takes: Callable[[int], bool], is_whole: Callable[[int], bool], n: int, repeats: int, most: int) -> AxisSizes:
    """What fits, from a size that does; asked of at most so many sizes of a period."""
    # 224 of a network that takes multiples of 7·32: no stride tells of the windows' 7
    repeats = repeats if takes(n + repeats) or not takes(2 * n) else math.lcm(repeats, n)
    steps = (d for d in range(1, repeats + 1) if not repeats % d)
    step = next((d for d in steps if all(takes(n + j * d) for j in range(1, min(repeats // d, most) + 1))), None)
    if step is None:  # one size, or a few in a row
        few = Progression(_end(takes, n, -1), 1, _end(takes, n, 1))
        sizes = range(few.first, min(few.last or 0, few.first + most) + 1)
        return AxisSizes((few,), _runs([at for at in sizes if is_whole(at)]))
    others = [n + j for j in range(1, min(step, most)) if takes(n + j) and takes(n + j + repeats)]
    steps_of = {n: step} | dict.fromkeys(others, repeats)
    fits = tuple(sorted((_progression(takes, at, d) for at, d in steps_of.items()), key=lambda each: each.first))
    if repeats // step > most:
        return AxisSizes(fits, None)
    residues = [at for at, d in steps_of.items() for at in range(at, at + repeats, d)]
    return AxisSizes(fits, _classes([at for at in residues if is_whole(at)], repeats, fits))


def _runs(sizes: Sequence[int]) -> tuple[Progression, ...]:
    """Sizes in a row as one each."""
    starts = [n for n in sizes if n - 1 not in sizes]
    return tuple(Progression(n, 1, next(m for m in sizes if m >= n and m + 1 not in sizes)) for n in starts)


def _sized(base: Sizes, axis: int, n: int) -> Sizes:
    return (*base[:axis], n, *base[axis + 1 :])


def _taking(trials: Trials, base: Sizes, axis: int) -> Callable[[int], bool]:
    """Whether a size along one axis is taken, the sizes along the others as they are."""
    return lambda n: n > 0 and trials(_sized(base, axis, n))


def _holds(trials: Trials, base: Sizes, axis: int, other: AxisSizes) -> bool:
    """Whether what arithmetic says, or what was found along another axis of the same size, holds where it is tried.

    Tried are the ends, what lies beyond them, and the neighbours of the size at hand.
    """
    takes, n, fits = _taking(trials, base, axis), base[axis], other.fits
    ends = {end for each in fits for end in (each.first, each.last or n)}
    steps = {step for each in fits for step in (1, each.step)}
    tried = {end + sign * step for end in {*ends, n} for step in steps for sign in (-1, 0, 1)}
    if not all(takes(at) == _is_in(fits, at) for at in sorted(tried)):
        return False
    read = [at for at in sorted(tried) if _is_in(fits, at)]
    return other.whole is None or all(
        _leaves_unread(trials.at(_sized(base, axis, at)), axis) != _is_in(other.whole, at) for at in read
    )


def _progression(takes: Callable[[int], bool], n: int, step: int) -> Progression:
    """All sizes in steps from one that is taken on, down to the smallest and up to the largest."""
    low, high = n % step - step, n
    while high - low > step:
        middle = low + (high - low) // step // 2 * step
        low, high = (low, middle) if takes(middle) else (middle, high)
    return Progression(high, step, _last(takes, n, step))


def _last(takes: Callable[[int], bool], n: int, step: int) -> int | None:
    known, reach = n, step
    while known + reach <= _FURTHEST * max(n, step):
        if not takes(known + reach):
            return _end(takes, known, step)
        known, reach = known + reach, 2 * reach
    return None


def _end(takes: Callable[[int], bool], n: int, step: int) -> int:
    """The last size in steps that is taken without a gap, by doubling and halving."""
    reach = 1
    while takes(n + reach * step):
        reach *= 2
    low, high = reach // 2, reach
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if takes(n + middle * step) else (low, middle)
    return n + low * step


def _classes(sizes: Sequence[int], repeats: int, fits: tuple[Progression, ...]) -> tuple[Progression, ...]:
    """Sizes of one period as progressions: one where a common step says it all, else one for each."""
    smallest, largest = min(each.first for each in fits), max((each.last or 0 for each in fits), default=0) or None
    held = {n % repeats for n in sizes}
    step = next((d for d in range(1, repeats + 1) if not repeats % d and len(held) == repeats // d
                 and len({n % d for n in held}) == 1), None)  # fmt: skip
    of_one = [(sizes[0], step)] if step else [(n, repeats) for n in sizes]
    return tuple(sorted((_from(n, d, smallest, largest) for n, d in of_one), key=lambda each: each.first))


def _from(n: int, step: int, smallest: int, largest: int | None) -> Progression:
    first = smallest + (n - smallest) % step
    return Progression(first, step, largest and largest - (largest - first) % step)


def unread(network: Network) -> Iterator[Unread]:
    """What the windows of convolutions and pools leave at the end of their map."""
    fields = Fields(network, gates=False)
    for name, axis, n, positions in _tails(network):
        stride = fields[network[name].inputs[0]].stride if network[name].inputs[0] != network.input.name else None
        step = 1 if network[name].inputs[0] == network.input.name else stride and stride[axis]
        yield Unread(name, axis, positions, n, None if step is None else _plain(positions * step))


def _plain(pixels: Any) -> float:
    return int(pixels) if pixels == int(pixels) else float(pixels)


def _leaves_unread(network: Network | EyeshotError, axis: int) -> bool:
    return isinstance(network, Network) and any(along == axis for _, along, _, _ in _tails(network))


def _tails(network: Network) -> Iterator[tuple[str, int, int, int]]:
    """Layer, followed axis, the map's size along it, and how many positions at its end no window reaches."""
    for node in network.layers:
        if not isinstance(node.op, Conv | Pool):
            continue
        source = network[node.inputs[0]]
        for along in range(len(network.axes)):
            for axis in axes_counting(network, source.name, along):
                if (left := tail(node, axis, source.shape[axis], node.shape[axis])) > 0:
                    yield node.name, along, source.shape[axis], left


def _trial(trials: Trials, sizes: Sizes) -> Trial:
    network = trials.at(sizes)
    assert isinstance(network, Network)
    ends = [network[name] for name in network.outputs or (network.output.name,)]
    outputs = {node.name: node.shape[1:] if node.shape[:1] == (1,) else node.shape for node in ends}
    return Trial(sizes, outputs, tuple(unread(network)))


def _of_interest(axes: Sequence[AxisSizes], asked: Sizes) -> Iterator[Sizes]:
    """The smallest sizes, those asked for, the nearest on both sides, and the nearest that are read whole.

    Where those asked for do not fit, what fits of them stays.
    """
    fits = [axis.fits for axis in axes]
    keeps = not all(_is_in(of_axis, n) for of_axis, n in zip(fits, asked, strict=True))
    yield asked
    yield tuple(min(each.first for each in of_axis) for of_axis in fits)
    for near in (_below, _above):
        for kind in (fits, [axis.whole or () for axis in axes]):
            told = zip(kind, asked, strict=True)
            yield tuple(n if keeps and _is_in(each, n) else near(each, n) or n for each, n in told)


def _is_in(progressions: Iterable[Progression], n: int) -> bool:
    return any(n in each for each in progressions)


def _below(progressions: Iterable[Progression], n: int) -> int | None:
    return max((size for each in progressions if (size := each.below(n - 1)) is not None), default=None)


def _above(progressions: Iterable[Progression], n: int) -> int | None:
    return min((size for each in progressions if (size := each.above(n + 1)) is not None), default=None)
