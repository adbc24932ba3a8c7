"""From a design and the size of its input to a network.

Layers get the field's names by one rule: layers with weights are numbered through (conv1 … conv5, fc6 …), the others
take the number of the weighted layer before them (relu1, norm1, pool1). A label names a layer, or opens a scope of
its own for a group or branches, with an index where that repeats or the label occurs again: layer1.0.conv1.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import NoReturn

from eyeshot.design.steps import check_steps
from eyeshot.design.syntax import Branches, Conv, Design, Full, Group, Item, Padding, Plain, Pool
from eyeshot.errors import ShapeError, UsageError
from eyeshot.network.graph import Network, Node, Note, node
from eyeshot.network.ops import (
    AdaptivePool,
    Arithmetic,
    Concatenate,
    Dropout,
    Input,
    Linear,
    LocalResponseNorm,
    Norm,
    Op,
    Pointwise,
    Rearrange,
    Sliding,
    window_sizes,
)
from eyeshot.network.ops import Conv as ConvOp
from eyeshot.network.ops import Pool as PoolOp
from eyeshot.network.relations import Shape, Sides
from eyeshot.shown import LONGEST_WORD, shortened

FIRST_WIDTH, LARGEST_WIDTH, HIDDEN_WIDTH = 64, 512, 4096
"""Widths that a design leaves out: VGG's 64, doubled to 512 at most, and 4096 (Simonyan & Zisserman 2014)."""


def lower(
    design: Design,
    input_shape: tuple[int, ...],
    *,
    name: str,
    source: str,
    classes: int = 1000,
    notes: tuple[Note, ...] = (),
) -> Network:
    """The network of a design on inputs of ``input_shape`` = (channels, sizes…).

    Args:
        design: what to lower.
        input_shape: channels and one to three sizes.
        name: the network's name.
        source: where the design came from.
        classes: width of a last F that gives none.
        notes: what to tell readers of the results.

    Raises:
        ShapeError: if a layer does not fit its input; points at the layer.
    """
    if not 2 <= len(input_shape) <= 4 or any(n < 1 for n in input_shape):
        raise UsageError(
            f"an input is channels and one to three sizes, such as 3x224x224; found {'x'.join(map(str, input_shape))}"
        )
    lowering = _lowered(design, input_shape, classes)
    return Network(name=name, source=source, nodes=tuple(lowering.nodes), notes=notes)


def widths_of(design: Design, input_shape: tuple[int, ...], classes: int) -> dict[int, set[int]]:
    """The widths that each convolution and fully connected layer gets, by its position in the text."""
    return _lowered(design, input_shape, classes).widths


def items_of(design: Design, input_shape: tuple[int, ...], classes: int) -> dict[str, int]:
    """The item that each layer comes from, by its position in the text."""
    return _lowered(design, input_shape, classes).places


def _lowered(design: Design, input_shape: tuple[int, ...], classes: int) -> _Lowering:
    check_steps(design)
    axes = tuple(range(2, 1 + len(input_shape)))
    start = node(name="input", op=Input(axes=axes), inputs=(), shape=(1, *input_shape))
    lowering = _Lowering(design, classes, _last_full(design.items), [start])
    lowering.items(design.items, start, _Scope(""))
    return lowering


def _last_full(items: tuple[Item, ...]) -> Full | None:
    """The design's last layer with weights, if that is fully connected and stands alone."""
    for item in reversed(items):
        if isinstance(item, Full):
            return item
        if not isinstance(item, Plain):
            return None
    return None


@dataclass
class _Scope:
    """Numbers of layers under one prefix."""

    prefix: str
    weighted: int = 0


class _Lowering:
    """The nodes so far, and what widths follow by default."""

    def __init__(self, design: Design, classes: int, last: Full | None, nodes: list[Node]) -> None:
        self.design, self.classes, self.last, self.nodes = design, classes, last, nodes
        self.names = {n.name for n in nodes}
        self.counts: dict[str, int] = {}
        self.width: int | None = None
        self.halved = False
        self.widths: dict[int, set[int]] = {}
        self.places: dict[str, int] = {}
        self.at = 0

    def fail(self, item: Item, message: str) -> NoReturn:
        raise ShapeError(f"{shortened(str(item), LONGEST_WORD)}: {message}", self.design.text, item.position)

    def add(
        self,
        scope: _Scope,
        name: str,
        op: Op,
        inputs: tuple[Node, ...],
        shape: Shape,
        params: int = 0,
    ) -> Node:
        lowered = node(name=self.unique(scope.prefix + name), op=op, inputs=inputs, shape=shape, params=params)
        self.nodes.append(lowered)
        self.places[lowered.name] = self.at
        return lowered

    def unique(self, name: str) -> str:
        """The name, numbered where it is taken; counting goes on where it ended for the last one of that name."""
        unique, count = name, self.counts.get(name, 2)
        while unique in self.names:
            unique, count = f"{name}_{count}", count + 1
        self.counts[name] = count
        self.names.add(unique)
        return unique

    def items(self, items: tuple[Item, ...], x: Node, scope: _Scope) -> Node:
        times = Counter[str | None]()
        for item in items:
            times[item.label] += item.repeat if isinstance(item, Group) else 1
        met = Counter[str | None]()
        for item in items:
            for _ in range(item.repeat if isinstance(item, Group) else 1):
                index = met[item.label] if times[item.label] > 1 else None
                met[item.label] += 1
                x = self.item(item, x, scope, index)
        return x

    def item(self, item: Item, x: Node, scope: _Scope, index: int | None) -> Node:
        if isinstance(item, Group):
            return self.items(item.items, x, self.inner(item, scope, index))
        if isinstance(item, Branches):
            return self.branches(item, x, self.inner(item, scope, index))
        self.at = item.position
        if isinstance(item, Conv):
            return self.conv(item, x, scope)
        if isinstance(item, Pool):
            return self.pool(item, x, scope)
        if isinstance(item, Full):
            return self.full(item, x, scope)
        assert isinstance(item, Plain)
        return self.plain(item, x, scope)

    def inner(self, item: Item, scope: _Scope, index: int | None) -> _Scope:
        if item.label is None:
            return scope
        return _Scope(f"{scope.prefix}{item.label}." + ("" if index is None else f"{index}."))

    # --- layers -----------------------------------------------------------------------------------------------------

    def conv(self, item: Conv, x: Node, scope: _Scope) -> Node:
        sizes = self.positions(item, x)
        channels = x.shape[1]
        groups = item.groups or channels
        width = item.width or (channels if item.groups == 0 else self.default_width())
        if channels % groups or width % groups:
            self.fail(item, f"{groups} groups do not divide {channels} channels in and {width} out")
        self.widths.setdefault(item.position, set()).add(width)
        axes = len(sizes)
        kernel, stride, dilation = (self.each(item, v, axes) for v in (item.kernel, item.stride, item.dilation))
        op = ConvOp(
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            padding=self.padding(item, item.padding, sizes, kernel, stride, dilation),
            groups=groups,
            bias=not item.normalised,
        )
        scope.weighted += 1
        params = width * channels // groups * math.prod(kernel) + (width if op.bias else 0)
        x = self.add(
            scope,
            item.label or f"conv{scope.weighted}",
            op,
            (x,),
            (1, width, *self.slide(item, sizes, op)),
            params,
        )
        if item.groups != 0:
            self.width, self.halved = width, False
        self.halved |= any(s > 1 for s in stride)
        if item.normalised:
            x = self.batch_norm(x, scope)
        return x if item.linear else self.relu(x, scope)

    def default_width(self) -> int:
        if self.width is None:
            return FIRST_WIDTH
        return min(2 * self.width, max(LARGEST_WIDTH, self.width)) if self.halved else self.width

    def pool(self, item: Pool, x: Node, scope: _Scope) -> Node:
        sizes = self.positions(item, x)
        axes = len(sizes)
        kernel = self.each(item, item.kernel, axes)
        stride = self.each(item, item.stride or item.kernel, axes)
        ones = (1,) * axes
        op = PoolOp(
            mode=item.mode,
            kernel=kernel,
            stride=stride,
            dilation=ones,
            padding=self.padding(item, item.padding, sizes, kernel, stride, ones),
            ceil=item.ceil,
        )
        if item.padding != "same" and any(2 * max(p) > k for p, k in zip(op.padding, kernel, strict=True)):
            self.fail(item, "a pool's padding is at most half its kernel")
        out = self.slide(item, sizes, op)
        self.halved |= any(s > 1 for s in stride)
        return self.add(scope, item.label or f"pool{scope.weighted}", op, (x,), (*x.shape[:2], *out))

    def full(self, item: Full, x: Node, scope: _Scope) -> Node:
        if len(x.shape) > 2:
            x = self.flatten(x, scope)
        is_last = item is self.last
        width = item.width or (self.classes if is_last else HIDDEN_WIDTH)
        self.widths.setdefault(item.position, set()).add(width)
        scope.weighted += 1
        params = x.shape[1] * width + width
        x = self.add(scope, item.label or f"fc{scope.weighted}", Linear(), (x,), (1, width), params)
        return x if is_last or item.linear else self.relu(x, scope)

    def flatten(self, x: Node, scope: _Scope) -> Node:
        shape = (1, math.prod(x.shape[1:]))
        return self.add(scope, "flatten", Rearrange(name="flatten"), (x,), shape)

    def plain(self, item: Plain, x: Node, scope: _Scope) -> Node:
        if item.letter == "ID":
            return x
        if item.letter == "R":
            return self.relu(x, scope)
        if item.letter == "B":
            return self.batch_norm(x, scope)
        if item.letter == "D":
            op: Op = Dropout(p=item.value or 0.0)
            return self.add(scope, item.label or f"drop{scope.weighted}", op, (x,), x.shape)
        sizes = self.positions(item, x)
        if item.letter == "N":
            op = LocalResponseNorm(size=int(item.value or 5))
            return self.add(scope, item.label or f"norm{scope.weighted}", op, (x,), x.shape)
        op = AdaptivePool(mode="avg", size=(1,) * len(sizes))
        return self.add(scope, item.label or "gap", op, (x,), (*x.shape[:2], *op.size))

    def relu(self, x: Node, scope: _Scope) -> Node:
        return self.add(scope, f"relu{scope.weighted}", Pointwise(name="relu"), (x,), x.shape)

    def batch_norm(self, x: Node, scope: _Scope) -> Node:
        op = Norm(mode="batch")
        return self.add(scope, f"bn{scope.weighted}", op, (x,), x.shape, 2 * x.shape[1])

    def branches(self, item: Branches, x: Node, scope: _Scope) -> Node:
        width, halved = self.width, self.halved
        ends = []
        for branch in item.branches:
            self.width, self.halved = width, halved
            ends.append(self.items(branch, x, scope))
        self.at = item.position
        shapes = [end.shape for end in ends]
        sizes = " and ".join("×".join(map(str, shape[1:])) for shape in dict.fromkeys(shapes))
        if item.summed:
            if len(set(shapes)) > 1:
                self.fail(item, f"summed branches must have one shape, found {sizes}")
            total = ends[0]
            for end in ends[1:]:
                total = self.add(scope, f"add{scope.weighted}", Arithmetic(name="add"), (total, end), shapes[0])
            return total
        if len({shape[2:] for shape in shapes}) > 1:
            self.fail(item, f"concatenated branches must agree in all but channels, found {sizes}")
        self.width = sum(shape[1] for shape in shapes)
        shape = (1, self.width, *shapes[0][2:])
        return self.add(scope, f"concat{scope.weighted}", Concatenate(axis=1), tuple(ends), shape)

    # --- sizes ------------------------------------------------------------------------------------------------------

    def positions(self, item: Item, x: Node) -> tuple[int, ...]:
        if len(x.shape) < 3:
            self.fail(item, "this layer needs a map of positions, and a fully connected layer came before it")
        return x.shape[2:]

    def each(self, item: Item, sizes: tuple[int, ...], axes: int) -> tuple[int, ...]:
        if len(sizes) not in {1, axes}:
            self.fail(item, f"{'x'.join(map(str, sizes))} gives {len(sizes)} sizes for an input with {axes} axes")
        return sizes * axes if len(sizes) == 1 else sizes

    def padding(
        self,
        item: Item,
        padding: Padding,
        sizes: tuple[int, ...],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
    ) -> Sides:
        if not isinstance(padding, str):
            if len(padding) not in {1, len(sizes)}:
                self.fail(item, f"padding for {len(padding)} axes on an input with {len(sizes)}")
            return padding * len(sizes) if len(padding) == 1 else padding
        sides = []
        for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
            spread = d * (k - 1)
            total = spread if padding == "half" else max((math.ceil(n / s) - 1) * s + spread + 1 - n, 0)
            sides.append((total // 2, total - total // 2))
        return tuple(sides)

    def slide(self, item: Item, sizes: tuple[int, ...], op: Sliding) -> tuple[int, ...]:
        out = window_sizes(sizes, op)
        if any(m < 1 for m in out):
            span = "×".join(str(d * (k - 1) + 1) for k, d in zip(op.kernel, op.dilation, strict=True))
            self.fail(
                item,
                f"its kernel spans {span} pixels and is larger than its {'×'.join(map(str, sizes))} map;"
                " take a larger input, more padding, or fewer pools before it",
            )
        return out
