"""Random modules: programs of a few steps that mix every kind of relation, with two followed axes.

Each step reads earlier values and makes one; its output passes a sigmoid, which keeps numbers small and positive and
gives every value a layer of its own, ``steps.3.mark``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

MOST = 600
"""Elements of a value at most."""

Made = Callable[..., torch.Tensor]


class Step(nn.Module):
    """One op on earlier values; ``inner`` has its weights if it has any."""

    def __init__(self, text: str, function: Made, inputs: tuple[int, ...]) -> None:
        super().__init__()
        self.text, self.inputs = text, inputs
        if isinstance(function, nn.Module):
            self.inner = function
        self.function = function
        self.mark = nn.Sigmoid()

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        made = self.function(*values)
        return self.mark(made)  # type: ignore[no-any-return]


class Program(nn.Module):
    """Steps in order; the last value is the output."""

    def __init__(self, steps: list[Step], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.steps, self.shape = nn.ModuleList(steps), shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = [x]
        for step in self.steps:
            values.append(step(*(values[i] for i in step.inputs)))
        return values[-1]

    def __repr__(self) -> str:
        lines = [f"x: {self.shape}"]
        return "\n".join(lines + [f"v{i}: {s.text} of {s.inputs}" for i, s in enumerate(self.steps, start=1)])  # type: ignore[union-attr]


@st.composite
def programs(draw: st.DrawFn, *, steps: int = 6, opaque: bool = False) -> Program:
    shape = (1, draw(st.integers(1, 4)), draw(st.integers(2, 8)), draw(st.integers(2, 8)))
    values = [torch.rand(shape, dtype=torch.float64) + 0.5]
    made: list[Step] = []
    count = draw(st.integers(1, steps))
    # a step that does not fit its input is left out, so more are drawn than needed
    for _ in range(3 * count):
        if len(made) == count:
            break
        index = len(values) - 1 if draw(st.integers(0, 3)) else draw(st.integers(0, len(values) - 1))
        kind = draw(st.sampled_from(sorted(OPAQUE if opaque and not draw(st.integers(0, 3)) else OPS)))
        drawn = {**OPS, **OPAQUE}[kind](draw, values, index)
        if drawn is None:
            continue
        text, function, inputs = drawn
        step = Step(f"{kind} {text}", function, inputs).double()
        try:
            with torch.no_grad():
                value = step(*(values[i] for i in inputs))
        except (RuntimeError, ValueError, IndexError):
            continue
        if not 0 < value.numel() <= MOST or value.dim() < 2:
            continue
        made.append(step)
        values.append(value)
    return Program(made or [Step("add", torch.add, (0, 0))], shape)


Drawn = tuple[str, Made, tuple[int, ...]] | None
OPS: dict[str, Callable[[Any, list[torch.Tensor], int], Drawn]] = {}
OPAQUE: dict[str, Callable[[Any, list[torch.Tensor], int], Drawn]] = {}


def op(name: str, table: dict[str, Any] = OPS) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        table[name] = function
        return function

    return register


def some(draw: Any, low: int, high: int, count: int = 2) -> tuple[int, ...]:
    return tuple(draw(st.integers(low, high)) for _ in range(count))


@op("conv")
def _conv(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    x = values[i]
    if x.dim() != 4:
        return None
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3, 4) if x.shape[1] % g == 0]))
    kernel, dilation = some(draw, 1, 3), some(draw, 1, 2)
    stride, padding = some(draw, 1, 2), some(draw, 0, 3)
    width = groups * draw(st.integers(1, 2))
    module = nn.Conv2d(x.shape[1], width, kernel, stride, padding, dilation, groups)
    return f"k{kernel} s{stride} p{padding} d{dilation} g{groups} to {width}", module, (i,)


@op("transposed")
def _transposed(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    x = values[i]
    if x.dim() != 4:
        return None
    kernel, stride, padding = some(draw, 1, 3), some(draw, 1, 3), some(draw, 0, 1)
    extra, dilation = some(draw, 0, 1), some(draw, 1, 2)
    groups = draw(st.sampled_from([g for g in (1, 2) if x.shape[1] % g == 0]))
    module = nn.ConvTranspose2d(x.shape[1], 2 * groups, kernel, stride, padding, extra, groups, True, dilation)
    return f"k{kernel} s{stride} p{padding}+{extra} d{dilation} g{groups}", module, (i,)


@op("pool")
def _pool(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    if values[i].dim() != 4:
        return None
    kernel, stride, ceil = some(draw, 1, 3), some(draw, 1, 3), draw(st.booleans())
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if draw(st.booleans()):
        dilation = some(draw, 1, 2)
        pool: nn.Module = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil)
        return f"max k{kernel} s{stride} p{padding} d{dilation} ceil={ceil}", pool, (i,)
    return f"avg k{kernel} s{stride} p{padding} ceil={ceil}", nn.AvgPool2d(kernel, stride, padding, ceil), (i,)


@op("adaptive")
def _adaptive(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    if values[i].dim() != 4:
        return None
    size = some(draw, 1, 5)
    kind = draw(st.sampled_from([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d]))
    return f"{kind.__name__} {size}", kind(size), (i,)


class Resize(nn.Module):
    """Interpolation; ``is_oracle`` leaves taps out whose weight is zero, which NaN passes though they say nothing."""

    def __init__(self, size: tuple[int, ...], mode: str, aligned: bool | None) -> None:
        super().__init__()
        self.size, self.mode, self.aligned, self.is_oracle = size, mode, aligned, False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.is_oracle:
            return functional.interpolate(x, self.size, mode=self.mode, align_corners=self.aligned)
        for axis, m in zip((2, 3), self.size, strict=True):
            n = x.shape[axis]
            basis = torch.eye(n, dtype=x.dtype).reshape(1, n, n, 1)
            weights = functional.interpolate(basis, (m, 1), mode=self.mode, align_corners=self.aligned)[0, :, :, 0].T
            rows = [sum(w * x.select(axis, k) for k, w in enumerate(row.tolist()) if abs(w) > 1e-9) for row in weights]
            x = torch.stack(rows, axis)  # type: ignore[arg-type]
        return x


@op("resize")
def _resize(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    if values[i].dim() != 4:
        return None
    mode, size = draw(st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"])), some(draw, 1, 10)
    aligned = draw(st.sampled_from([None, True, False])) if mode.startswith("bi") else None
    return f"{mode} to {size} aligned={aligned}", Resize(size, mode, aligned), (i,)


@op("pad")
def _pad(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    mode = draw(st.sampled_from(["constant", "constant", "reflect", "replicate", "circular"]))
    amounts = some(draw, -1 if mode == "constant" else 0, 2, 4)
    return f"{mode} {amounts}", lambda x: functional.pad(x, amounts, mode=mode), (i,)


@op("cut")
def _cut(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    axis = draw(st.integers(1, values[i].dim() - 1))
    size = values[i].shape[axis]
    start, step = draw(st.integers(0, size - 1)), draw(st.integers(1, 3))
    end = draw(st.integers(start + 1, size))
    which = (*(slice(None),) * axis, slice(start, end, step))
    return f"axis {axis} {start}:{end}:{step}", lambda x: x[which], (i,)


@op("move")
def _move(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    axis, kind = draw(st.integers(1, values[i].dim() - 1)), draw(st.sampled_from(["flip", "roll", "repeat", "pick"]))
    n = draw(st.integers(-3, 3))
    if kind == "flip":
        return f"flip {axis}", lambda x: x.flip(axis), (i,)
    if kind == "roll":
        return f"roll {n} along {axis}", lambda x: x.roll(n, axis), (i,)
    if kind == "repeat":
        times = [2 if a == axis else 1 for a in range(values[i].dim())]
        return f"repeat {times}", lambda x: x.repeat(times), (i,)
    size = values[i].shape[axis]
    picks = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4))
    return f"pick {picks} along {axis}", lambda x: x.index_select(axis, torch.tensor(picks)), (i,)


@op("shuffle")
def _shuffle(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    if values[i].dim() != 4:
        return None
    kinds = {
        "up": lambda x: functional.pixel_shuffle(x, 2),
        "down": lambda x: functional.pixel_unshuffle(x, 2),
        "channels": lambda x: functional.channel_shuffle(x, 2),
    }
    kind = draw(st.sampled_from(sorted(kinds)))
    return kind, kinds[kind], (i,)


@op("permute")
def _permute(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    order = (0, *draw(st.permutations(range(1, values[i].dim()))))
    return f"{order}", lambda x: x.permute(order), (i,)


@op("reshape")
def _reshape(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    """The elements dealt out to two to four axes, batch axis kept."""
    rest, shape = values[i].numel(), [1]
    for _ in range(draw(st.integers(0, 2))):
        part = draw(st.sampled_from([d for d in range(1, rest + 1) if rest % d == 0]))
        shape.append(part)
        rest //= part
    shape.append(rest)
    return f"to {shape}", lambda x: x.reshape(shape), (i,)


@op("window")
def _window(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    """Windows of 2×2 as tokens, and back."""
    if values[i].dim() != 4 or any(n % 2 for n in values[i].shape[2:]):
        return None
    b, c, h, w = values[i].shape
    if draw(st.booleans()):
        return (
            "partition",
            lambda x: x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, 4 * c),
            (i,),
        )
    return (
        "attention",
        lambda x: (
            (lambda t: (t @ t.transpose(-2, -1)).softmax(-1) @ t)(
                x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
            )
            .reshape(b, h // 2, w // 2, 2, 2, c)
            .permute(0, 5, 1, 3, 2, 4)
            .reshape(b, c, h, w)
        ),
        (i,),
    )


@op("linear")
def _linear(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    width = draw(st.integers(1, 4))
    return f"to {width}", nn.Linear(values[i].shape[-1], width), (i,)


@op("reduce")
def _reduce(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    rank = values[i].dim()
    axes = tuple(sorted(draw(st.sets(st.integers(1, rank - 1), min_size=1, max_size=max(1, rank - 2)))))
    kind, keep = draw(st.sampled_from(["mean", "sum", "amax"])), draw(st.booleans())
    return f"{kind} over {axes} keep={keep}", lambda x: getattr(x, kind)(axes, keepdim=keep), (i,)


@op("statistics")
def _statistics(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    x = values[i]
    axis = draw(st.integers(1, x.dim() - 1))
    kinds: dict[str, Made] = {
        "softmax": lambda x: x.softmax(axis),
        "cumsum": lambda x: x.cumsum(axis),
        "layer norm": lambda x: functional.layer_norm(x, x.shape[axis:]),
        "instance norm": lambda x: functional.instance_norm(x),
        "group norm": lambda x: functional.group_norm(x, 1),
        "group norm of pairs": lambda x: functional.group_norm(x, x.shape[1] // (2 - x.shape[1] % 2)),
        "batch norm": nn.BatchNorm2d(x.shape[1]),
    }
    kind = draw(st.sampled_from(sorted(kinds)))
    return f"{kind} {axis}", kinds[kind], (i,)


@op("gate")
def _gate(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    axes = tuple(range(2, values[i].dim())) or (1,)
    return f"mean over {axes}", lambda x: x * x.mean(axes, keepdim=True).sigmoid(), (i,)


@op("join")
def _join(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    """Side by side with another value, or with numbers that do not depend on the input."""
    axis = draw(st.integers(1, values[i].dim() - 1))
    others = [
        j
        for j, other in enumerate(values)
        if other.dim() == values[i].dim()
        and all(a == axis or m == n for a, (m, n) in enumerate(zip(other.shape, values[i].shape, strict=True)))
    ]
    j = draw(st.sampled_from(others))
    if j == i and draw(st.booleans()):
        return f"with ones along {axis}", lambda x: torch.cat([torch.ones_like(x), x], axis), (i,)
    return f"along {axis}", lambda a, b: torch.cat([a, b], axis), draw(st.permutations((i, j)))


@op("combine")
def _combine(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    """Added to or multiplied with another value that fits, broadcast where it has size 1."""
    x = values[i]
    others = [
        j
        for j, other in enumerate(values)
        if all(1 in (m, n) or m == n for m, n in zip(other.shape[::-1], x.shape[::-1], strict=False))
    ]
    j, kind = draw(st.sampled_from(others)), draw(st.sampled_from(["add", "mul", "maximum"]))
    return kind, getattr(torch, kind), (i, j)


@op("product")
def _product(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    if draw(st.booleans()):
        return "with itself", lambda x: x @ x.transpose(-2, -1), (i,)
    others = [j for j, other in enumerate(values) if other.dim() >= 2 and other.shape[-2] == values[i].shape[-1]]
    return ("with another", torch.matmul, (i, draw(st.sampled_from(others)))) if others else None


@op("unfold")
def _unfold(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    if values[i].dim() != 4:
        return None
    kernel, stride, padding = some(draw, 1, 3), some(draw, 1, 2), some(draw, 0, 1)
    size = tuple(values[i].shape[2:])

    def folded(x: torch.Tensor) -> torch.Tensor:
        columns = functional.unfold(x, kernel, padding=padding, stride=stride)
        return functional.fold(columns, size, kernel, padding=padding, stride=stride)

    if draw(st.booleans()):
        return f"and fold k{kernel} s{stride} p{padding}", folded, (i,)
    return (
        f"k{kernel} s{stride} p{padding}",
        lambda x: functional.unfold(x, kernel, padding=padding, stride=stride),
        (i,),
    )


@op("stack")
def _stack(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    axis = draw(st.integers(1, values[i].dim() - 1))
    parts = draw(st.sampled_from([p for p in range(1, values[i].shape[axis] + 1) if values[i].shape[axis] % p == 0]))
    at = draw(st.integers(1, values[i].dim() - 1))
    width = values[i].shape[axis] // parts
    return (
        f"{parts} parts of axis {axis} at {at}",
        lambda x: torch.stack(x.split(width, axis), at).flatten(at, at + 1),
        (i,),
    )


@op("sort", OPAQUE)
def _sort(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    axis = draw(st.integers(1, values[i].dim() - 1))
    return f"along {axis}", lambda x: x.sort(axis).values, (i,)


@op("pick by value", OPAQUE)
def _pick(draw: Any, values: list[torch.Tensor], i: int) -> Drawn:
    axis = draw(st.integers(1, values[i].dim() - 1))
    return f"along {axis}", lambda x: x.gather(axis, x.argsort(axis)), (i,)
