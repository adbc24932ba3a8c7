"""Where in a tile's tensors the numbers are the whole image's, and what follows a network's axes there.

A network is read twice, on the whole image and on a tile of it. Every tensor of the tile shows a piece of the whole's
tensor: position j of the tile is position j + offset of the whole, and from ``low`` to ``high`` both hold the same
number, since what they read is the same and at the same places.

    window, output j reads j·s − p + t·d     offset' = (offset·b + p of the whole − p of the tile) / s
    taps that repeat, P outputs a step       offset' = offset·P / step

An offset that comes out broken means that the tile begins off the network's grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from eyeshot.network.relations import Shape
from eyeshot.network.slide import Pattern, Reads, Slide


@dataclass(frozen=True, slots=True)
class Part:
    """Positions along a part of an axis, in the whole and in the tile; ``axis`` is the image's, None for channels."""

    whole: int
    tile: int
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Positions of a tile that agree with the whole's: ``low`` … ``high``; ``rate`` positions per input position.

    ``is_regular`` is False where the rate follows the image's size.
    """

    offset: int
    low: int
    high: int
    rate: Fraction
    is_regular: bool = True


Axis = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A tensor: its axes by parts, and a span per followed axis, None where it is the same at every position."""

    layout: tuple[Axis, ...]
    spans: tuple[Span | None, ...]

    def sizes(self, axis: int) -> tuple[int, int] | None:
        """Positions along an axis of the image, in the whole and in the tile; None where there are none."""
        return next(((p.whole, p.tile) for parts in self.layout for p in parts if p.axis == axis), None)

    def place(self, axis: int) -> int | None:
        """The tensor's axis that is this axis of the image and nothing else."""
        return next((k for k, parts in enumerate(self.layout) if [p.axis for p in parts] == [axis]), None)


class Misfit(Exception):  # noqa: N818 (no failure: what a rule found, told to the walk)
    """Why a tile's numbers are not the whole's; ``kind`` is explained by ``reasons``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def covers(part: Part, span: Span) -> bool:
    """Whether the tile is all of the whole along an axis."""
    return part.whole == part.tile and span.offset == 0 and (span.low, span.high) == (0, part.tile - 1)


def channels(whole: int, tile: int) -> Axis:
    """An axis without positions."""
    return (Part(whole, tile),)


def positions(axis: Axis) -> list[Part]:
    """The parts of an axis that are the image's."""
    return [part for part in axis if part.axis is not None]


def slid(part: Part, span: Span, slides: tuple[Slide, Slide], after: tuple[int, int]) -> Span:
    """The span behind a window, of the whole and of the tile.

    Raises:
        Misfit: the window is another one, or the tile begins off its grid.
    """
    whole, tile = slides
    if replace(whole, before=0, after=0) != replace(tile, before=0, after=0):
        raise Misfit("extent")
    offset, rest = divmod(span.offset * tile.base + whole.before - tile.before, tile.stride)
    if rest:
        raise Misfit("grid")
    starts, ends = span.offset == span.low == 0, span.offset + span.high == part.whole - 1
    pattern = tile.pattern
    low = 0 if starts else _first_within(pattern, span.low)
    high = after[1] - 1 if ends and span.high == part.tile - 1 else _last_within(pattern, span.high)
    if starts and whole.before != tile.before:
        raise Misfit("padding")
    rate = span.rate * Fraction(tile.base, tile.stride)
    return Span(offset, max(low, 0), min(high, after[1] - 1, after[0] - 1 - offset), rate, span.is_regular)


def _first_within(pattern: Pattern, low: int) -> int:
    """The first output from which on none reads before ``low``."""
    phases = len(pattern.offsets)
    last_failing = -1
    for r, taps in enumerate(pattern.offsets):
        if taps:  # q·step + taps[0] < low for q up to:
            last_failing = max(last_failing, -(-(low - min(taps)) // pattern.step) * phases - phases + r)
    return last_failing + 1


def _last_within(pattern: Pattern, high: int) -> int:
    """The last output up to which none reads behind ``high``."""
    phases = len(pattern.offsets)
    firsts = [((high - max(taps)) // pattern.step + 1) * phases + r for r, taps in enumerate(pattern.offsets) if taps]
    return min(firsts, default=high + 1) - 1


def tapped(
    part: Part,
    span: Span,
    reads: tuple[Reads, Reads],
    endless: tuple[Pattern | None, Pattern | None],
    ratio: Fraction,
    is_same_sampling: bool,
) -> Span:
    """The span behind fixed taps, of the whole and of the tile.

    Raises:
        Misfit: the taps follow the image's size, reach its other end, or the tile begins off their grid.
    """
    whole, tile = reads
    after = len(whole), len(tile)
    if covers(part, span) and whole == tile:
        is_regular = (
            span.is_regular
            and endless[0] is not None
            and endless[0].step <= _LONGEST_STEP
            and ratio.denominator == endless[0].step // math.gcd(endless[0].step, len(endless[0].offsets))
        )
        return Span(0, 0, after[1] - 1, span.rate * ratio, is_regular)
    if endless[0] is None or endless[0] != endless[1] or not is_same_sampling:
        raise Misfit("size")
    phases, step = len(endless[0].offsets), endless[0].step
    offset, rest = divmod(span.offset * phases, step)
    if rest:
        raise Misfit("grid")

    def agrees(j: int) -> bool:
        taps = tile[j]
        if not 0 <= j + offset < after[0] or (taps and not (span.low <= min(taps) and max(taps) <= span.high)):
            return False
        return whole[j + offset] == tuple(tap + span.offset for tap in taps)

    middle = after[1] // 2
    low = next((j for j in range(middle, -1, -1) if not agrees(j)), -1) + 1
    high = next((j for j in range(middle, after[1]) if not agrees(j)), after[1]) - 1
    starts = span.offset == span.low == offset == 0
    ends = span.offset + span.high == part.whole - 1 and offset + after[1] == after[0]
    if (starts and low > 0) or (ends and high < after[1] - 1):
        raise Misfit("border")
    return Span(offset, low, high, span.rate * Fraction(phases, step), span.is_regular)


_LONGEST_STEP = 16
"""Of taps that repeat: a longer one comes of the image's size, as of 165 positions resized to 82."""


def ratio_of(whole: int, after: int, endless: Pattern | None) -> Fraction:
    """Outputs per position, as the taps repeat; where they follow the image's size, as the sizes say."""
    if endless is not None and 0 < endless.step <= _LONGEST_STEP:
        return Fraction(len(endless.offsets), endless.step)
    return Fraction(after, whole)


def repeated(reads: Reads) -> Pattern | None:
    """Taps that show each position so many times, the last one perhaps fewer; None where they do not.

    Pyramids resize to the size of another map: 14 nearest positions shown at 27 are each shown twice, but for the last.
    """
    times = next((j for j, taps in enumerate(reads) if taps != (0,)), 1)
    is_even = all(taps == (j // times,) for j, taps in enumerate(reads))
    return Pattern(1, ((0,),) * times) if is_even and times > 1 else None


def assumed(part: Part, span: Span, ratio: Fraction, after: tuple[int, int]) -> Span:
    """A span as if a misfit were none, to go on with."""
    high = math.floor((span.high + 1) * ratio) - 1
    return Span(
        round(span.offset * ratio), math.ceil(span.low * ratio), min(high, after[1] - 1), span.rate * ratio, False
    )


def merged(axis: Axis, spans: list[Span | None]) -> Axis:
    """Positions and what lies inside each, put back into one row of positions (pixel shuffle)."""
    kept = [part for part in axis if (part.whole, part.tile) != (1, 1) or part.axis is not None]
    if len(kept) < 2 or kept[0].axis is None or any(part.axis is not None for part in kept[1:]):
        return tuple(kept) or (Part(1, 1),)
    first, r = kept[0], 1
    assert first.axis is not None
    for part in kept[1:]:
        r *= part.tile
    span = spans[first.axis]
    if span is not None:
        spans[first.axis] = Span(span.offset * r, span.low * r, span.high * r + r - 1, span.rate * r, span.is_regular)
    return (Part(first.whole * r, first.tile * r, first.axis),)


def dealt(parts: Sequence[Part], sizes: Iterable[tuple[int, int]], spans: list[Span | None]) -> list[Axis]:
    """The parts of a run of axes, outermost first, dealt out to axes of other sizes (whole, tile).

    Raises:
        Misfit: an axis would hold different pieces of the image in the tile than in the whole.
    """
    queue = [part for part in reversed(parts) if (part.whole, part.tile) != (1, 1)]
    axes: list[Axis] = []
    for size in sizes:
        axis: list[Part] = []
        whole, tile = size
        while (whole, tile) != (1, 1):
            if not queue:
                raise Misfit("reshape")
            part = queue.pop()
            if part.whole > whole or part.tile > tile:
                part, inner = _cut(part, whole, tile, spans)
                queue.append(inner)
            if whole % part.whole or tile % part.tile:
                raise Misfit("reshape")
            axis.append(part)
            whole, tile = whole // part.whole, tile // part.tile
        axes.append(merged(tuple(axis), spans))
    return axes


def _cut(part: Part, whole: int, tile: int, spans: list[Span | None]) -> tuple[Part, Part]:
    """A part cut into ``whole`` (``tile``) outer positions, each with as many inner ones as the other's."""
    if part.whole % whole or part.tile % tile or part.whole // whole != part.tile // tile:
        raise Misfit("reshape")
    r = part.whole // whole
    if part.axis is not None and (span := spans[part.axis]) is not None:
        if span.offset % r:
            raise Misfit("grid")
        spans[part.axis] = Span(
            span.offset // r, -(-span.low // r), (span.high + 1) // r - 1, span.rate / r, span.is_regular
        )
    return Part(whole, tile, part.axis), Part(r, r)


def pairs(whole: Shape, tile: Shape, axes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Sizes along some axes, in the whole and in the tile."""
    return ((whole[axis], tile[axis]) for axis in axes)
