"""What shape does a layer give once what it reads has another shape? A rule per op, without running anything.

A rule sees the op, the shapes read before and now, and the shape given before; it gives the op and the shape now. Where
a size may have come from somewhere that the network does not tell, as a reshape's, the sizes before must allow one
answer only.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Arithmetic,
    Concatenate,
    Conv,
    ConvTranspose,
    Cumulative,
    Dropout,
    EdgePad,
    Linear,
    LocalResponseNorm,
    MatMul,
    Norm,
    Op,
    Pad,
    Pointwise,
    Pool,
    Rearrange,
    Resize,
    Shift,
    Slice,
    Softmax,
    window_sizes,
)
from eyeshot.network.relations import Shape


class UnpredictableError(Exception):
    """The network does not tell what shape a layer will give."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A layer before the change, and the shapes that it will read; ``image`` is the shape of the network's input.

    ``like`` is the shape of a map whose size the layer's output had and is to have, where it must meet that.
    """

    op: Op
    was: tuple[Shape, ...]
    now: tuple[Shape, ...]
    gave: Shape
    image: Shape
    like: Shape | None = None


Answer = tuple[Op, Shape]
Rule = Callable[[Case], Answer]


def resized(case: Case) -> Answer:
    """The op and the shape that it gives now.

    Raises:
        UnpredictableError: that cannot be told, or the shapes do not fit together; says why.
    """
    for kinds, rule in _RULES:
        if isinstance(case.op, kinds):
            op, shape = rule(case)
            if any(n < 1 for n in shape):
                raise UnpredictableError(f"nothing is left of a map of {'×'.join(map(str, case.now[0][2:]))}")
            return op, shape
    raise UnpredictableError(f"nothing says what {case.op.kind} gives of other shapes")


def _same(case: Case) -> Answer:
    return case.op, case.now[0]


def _window(case: Case) -> Answer:
    assert isinstance(case.op, Conv | Pool)
    axes = len(case.op.kernel)
    width = case.gave[-axes - 1] if isinstance(case.op, Conv) else case.now[0][-axes - 1]
    return case.op, (*case.now[0][: -axes - 1], width, *window_sizes(case.now[0][-axes:], case.op))


def _transposed(case: Case) -> Answer:
    assert isinstance(case.op, ConvTranspose)
    axes = len(case.op.kernel)
    sizes = zip(case.was[0][-axes:], case.now[0][-axes:], case.gave[-axes:], case.op.stride, strict=True)
    return case.op, (*case.now[0][: -axes - 1], case.gave[-axes - 1], *(m + (b - a) * s for a, b, m, s in sizes))


def _padded(case: Case) -> Answer:
    assert isinstance(case.op, Pad | EdgePad)
    sides = case.op.padding
    first = len(case.gave) - len(sides)
    axes = case.op.axes if isinstance(case.op, Pad) else tuple(range(first, len(case.gave)))
    shape = list(case.now[0])
    for axis, (before, after) in zip(axes, sides, strict=True):
        if isinstance(case.op, EdgePad) and case.op.mode == "reflect" and max(before, after) >= shape[axis]:
            raise UnpredictableError(f"{max(before, after)} positions cannot be reflected from {shape[axis]}")
        shape[axis] += before + after
    return case.op, tuple(shape)


def _broadcast(case: Case) -> Answer:
    rank = max(len(case.gave), *(len(shape) for shape in case.now))
    now = [(1,) * (rank - len(shape)) + shape for shape in case.now]
    was = [(1,) * (rank - len(shape)) + shape for shape in case.was]
    gave = (1,) * (rank - len(case.gave)) + case.gave
    shape = []
    for axis in range(rank):
        sizes = {each[axis] for each in now} - {1}
        if len(sizes) > 1:
            raise UnpredictableError(f"its inputs no longer meet: {_listed(case.now)}")
        size = sizes.pop() if sizes else 1
        constant = gave[axis] if max(each[axis] for each in was) != gave[axis] else 1
        if {size, constant} - {1} and len({size, constant} - {1}) > 1:
            raise UnpredictableError(f"a table of {constant} does not fit {size}")
        shape.append(max(size, constant))
    return case.op, tuple(shape)


def _concatenated(case: Case) -> Answer:
    assert isinstance(case.op, Concatenate)
    axis = case.op.axis
    others = {shape[:axis] + shape[axis + 1 :] for shape in case.now}
    if len(others) > 1:
        raise UnpredictableError(f"its inputs no longer meet: {_listed(case.now)}")
    if case.op.offsets is not None and [s[axis] for s in case.was] != [s[axis] for s in case.now]:
        raise UnpredictableError("parts that depend on no input stand between its inputs")
    size = case.gave[axis] + sum(now[axis] - was[axis] for was, now in zip(case.was, case.now, strict=True))
    shape = list(case.now[0])
    shape[axis] = size
    return case.op, tuple(shape)


def _rearranged(case: Case) -> Answer:
    assert isinstance(case.op, Rearrange)
    if case.op.order is not None:
        return case.op, tuple(case.now[0][axis] for axis in case.op.order)
    if case.op.name == "flatten" and _flattened(case.was[0], case.was[0], case.gave) == case.gave:
        return case.op, _flattened(case.was[0], case.now[0], case.gave)
    return case.op, _reshaped(case.was[0], case.now[0], case.gave)


def _flattened(was: Shape, now: Shape, gave: Shape) -> Shape:
    """The new shape where a run of dimensions became one, those of 1 among them: 512×1×1 is 512 as 512×2×2 is 2048."""
    same = (a == b for a, b in zip(was, gave[:-1], strict=False))
    start = len(list(itertools.takewhile(bool, same)))
    end = len(was) - (len(gave) - 1 - start)
    return (*now[:start], math.prod(now[start:end]), *now[end:])


def _reshaped(was: Shape, now: Shape, gave: Shape) -> Shape:
    """The new shape where dimensions were merged, or one was split: the runs of both that have one product."""
    shape: list[int] = []
    i = j = 0
    while i < len(was) or j < len(gave):
        first, second = i, j
        a = was[i] if i < len(was) else 1
        b = gave[j] if j < len(gave) else 1
        i, j = min(i + 1, len(was)), min(j + 1, len(gave))
        while a != b:
            if a < b and i < len(was):
                a, i = a * was[i], i + 1
            elif j < len(gave):
                b, j = b * gave[j], j + 1
            else:
                raise UnpredictableError("a reshape whose sizes do not follow from what it reads")
        shape += _run(was[first:i], now[first:i], gave[second:j])
    return tuple(shape)


def _run(was: Shape, now: Shape, gave: Shape) -> Shape:
    if was == now:
        return gave
    if len([n for n in gave if n > 1]) <= 1:  # merged, or as it was
        total, place = math.prod(now), max(range(len(gave)), key=gave.__getitem__, default=0)
        if not gave:
            if total != 1:
                raise UnpredictableError("a dimension of 1 that was dropped is larger now")
            return ()
        return tuple(total if i == place else 1 for i in range(len(gave)))
    if len(was) == len(gave) and was == gave:
        return now
    raise UnpredictableError("a reshape splits what changed")


def _linear(case: Case) -> Answer:
    assert isinstance(case.op, Linear)
    shape = list(case.now[0])
    shape[case.op.axis] = case.gave[case.op.axis]
    return case.op, tuple(shape)


def _adaptive(case: Case) -> Answer:
    assert isinstance(case.op, AdaptivePool)
    axes = len(case.op.size)
    return case.op, (*case.now[0][:-axes], *case.op.size)


def _aggregated(case: Case) -> Answer:
    assert isinstance(case.op, Aggregate)
    axes = {axis % len(case.now[0]) for axis in case.op.axes}
    sizes = [(1 if axis in axes else n) for axis, n in enumerate(case.now[0]) if case.op.keep or axis not in axes]
    return case.op, tuple(sizes)


def _resize(case: Case) -> Answer:
    """A size that is the image's was asked for as such; others are those of what they meet, or follow their ratio."""
    assert isinstance(case.op, Resize)
    axes = len(case.op.steps)
    was, now, gave = case.was[0][-axes:], case.now[0][-axes:], case.gave[-axes:]
    if gave == case.image[-axes:]:
        sizes = gave
    elif case.like is not None:
        sizes = case.like[-axes:]
    else:
        ratios = [Fraction(m, n) for n, m in zip(was, gave, strict=True)]
        if any(ratio.denominator > 1 for ratio in ratios):
            raise UnpredictableError(f"nothing says whether its {'×'.join(map(str, gave))} follow what it reads")
        sizes = tuple(int(n * ratio) for n, ratio in zip(now, ratios, strict=True))
    steps = tuple(
        step if Fraction(a, m) == Fraction(n, k) else _step(case.op, n, k)
        for step, a, m, n, k in zip(case.op.steps, was, gave, now, sizes, strict=True)
    )
    if case.op.aligned or case.op.starts is not None:
        steps = tuple(_step(case.op, n, k) for n, k in zip(now, sizes, strict=True))
    return replace(case.op, steps=steps), (*case.now[0][:-axes], *sizes)


def _step(op: Resize, n: int, m: int) -> tuple[int, int]:
    if op.starts is not None:
        raise UnpredictableError("nothing says where its first output reads")
    fraction = Fraction(max(n - 1, 0), max(m - 1, 1)) if op.aligned else Fraction(n, m)
    return fraction.numerator, fraction.denominator


def _sliced(case: Case) -> Answer:
    """Slices that went up to the end go on to; others keep their size."""
    assert isinstance(case.op, Slice)
    axis, start, step = case.op.axis, case.op.start, case.op.step
    was, now, gave = case.was[0][axis], case.now[0][axis], case.gave[axis]
    shape = list(case.now[0])
    if was != now:
        if gave != -(-(was - start) // step) or start:
            raise UnpredictableError("nothing says where its slice ends")
        shape[axis] = -(-now // step)
    else:
        shape[axis] = gave
    return case.op, tuple(shape)


def _product(case: Case) -> Answer:
    a, b = case.now
    if a[-1] != b[-2]:
        raise UnpredictableError(f"its factors no longer fit: {_listed(case.now)}")
    return case.op, (*a[:-1], b[-1])


def _listed(shapes: Sequence[Shape]) -> str:
    return " and ".join("×".join(map(str, shape[1:])) for shape in dict.fromkeys(shapes))


_RULES: tuple[tuple[tuple[type[Op], ...], Rule], ...] = (
    ((Pointwise, Dropout, Norm, Softmax, LocalResponseNorm, Cumulative, Shift), _same),
    ((Conv, Pool), _window),
    ((ConvTranspose,), _transposed),
    ((Pad, EdgePad), _padded),
    ((Arithmetic,), _broadcast),
    ((Concatenate,), _concatenated),
    ((Rearrange,), _rearranged),
    ((Linear,), _linear),
    ((AdaptivePool,), _adaptive),
    ((Aggregate,), _aggregated),
    ((Resize,), _resize),
    ((Slice,), _sliced),
    ((MatMul,), _product),
)
