"""Fully connected layers, products, attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import Aggregate, Attention, Linear, Mixing
from eyeshot.read.einsum import contracted, labels
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.graph import Table
from eyeshot.read.keras.layers.pointwise import activated, masked, softmax
from eyeshot.read.keras.layers.table import rule
from eyeshot.read.keras.values import Value, as_is


def linear(call: Call, x: Value, units: int, *, biased: bool, key: str = "kernel") -> Value:
    """A fully connected layer over the last axis."""
    x = call.logical(x)
    count = x.shape[-1] * units + units * biased
    params = call.reader.params((call.site.path, key), count)
    return as_is(call.step(Linear(bias=biased), [x.step], (*x.shape[:-1], units), params))


@rule("Dense")
def _dense(call: Call) -> Value:
    return activated(call, linear(call, call.x, call.whole("units"), biased=bool(call.get("use_bias", True))))


@rule("EinsumDense")
def _einsum_dense(call: Call) -> Value:
    """An equation such as abc,cde->abde: what the kernel shares with the input alone is summed."""
    x, equation = call.logical(call.x), call.get("equation")
    if not isinstance(equation, str) or equation.count(",") != 1:
        raise UnreadError(f"the equation {equation!r}")
    (left, kernel), out = labels(equation, [x.rank, len(equation.partition(",")[2].partition("->")[0].strip())])
    sizes = dict(zip(left, x.shape, strict=True))
    told = call.get("output_shape")
    told = [told] if isinstance(told, int) else list(told)
    for letter, size in zip(out[::-1], told[::-1], strict=False):
        sizes.setdefault(letter, size)
    if any(not isinstance(sizes.get(letter), int) for letter in (*kernel, *out)):
        raise UnreadError("its output's sizes are open")
    bias = call.get("bias_axes") or ""
    count = math.prod(sizes[c] for c in bias) if bias else 0
    weight = Table(tuple(sizes[c] for c in kernel), (call.site.path, "kernel"))
    return activated(call, by_kernel(call, x, weight, left, kernel, out, bias=count))


def by_kernel(
    call: Call, x: Value, kernel: Table, left: list[str], right: list[str], out: list[str], bias: int = 0
) -> Value:
    """A tensor with a table of weights, by the labels of their axes; ``bias``: how many weights are added."""
    summed = [c for c in left if c in right and c not in out]
    kept = [c for c in left if c not in right and c in out]
    new = [c for c in right if c not in left]
    algebra = Algebra(call, kernel, bias)
    if not summed or len(summed) + len(kept) != len(left) or sorted(kept + new) != sorted(out):
        operands: list[tuple[list[str], Value | Table]] = [(left, x), (right, kernel)]
        return call.logical(as_value(contracted(algebra, operands, out)))
    sizes = {**dict(zip(left, x.shape, strict=True)), **dict(zip(right, kernel.shape, strict=True))}
    moved = call.logical(call.permuted(x, [left.index(c) for c in (*kept, *summed)]))
    lead = tuple(sizes[c] for c in kept)
    flat = call.reshaped(moved, (*lead, math.prod(sizes[c] for c in summed)))
    table = Table((math.prod(sizes[c] for c in summed), math.prod(sizes[c] for c in new)))
    apart = call.reshaped(as_value(algebra.product(flat, table)), (*lead, *(sizes[c] for c in new)))
    order = [*kept, *new]
    return call.permuted(apart, [order.index(c) for c in out])


class Algebra:
    """What einsum is made of: tensors and tables of numbers, which cost nothing until a tensor is multiplied by one."""

    def __init__(self, call: Call, kernel: Table | None = None, bias: int = 0) -> None:
        self.call, self.kernel, self.bias = call, kernel, bias

    def permuted(self, value: Value | Table, order: Sequence[int]) -> Value | Table:
        """Axes in another order."""
        if isinstance(value, Table):
            return Table(tuple(value.shape[axis] for axis in order))
        return self.call.permuted(value, order)

    def reshaped(self, value: Value | Table, shape: Sequence[int]) -> Value | Table:
        """The same elements under another shape."""
        return Table(tuple(shape)) if isinstance(value, Table) else self.call.reshaped(value, shape)

    def summed(self, value: Value | Table, axes: tuple[int, ...]) -> Value | Table:
        """Sums over axes."""
        shape = tuple(n for axis, n in enumerate(value.shape) if axis not in axes)
        if isinstance(value, Table):
            return Table(shape)
        x = self.call.logical(value)
        return as_is(self.call.step(Aggregate(name="sum", axes=axes, keep=False), [x.step], shape))

    def product(self, a: Value | Table, b: Value | Table) -> Value | Table:
        """A product of matrices; a fully connected layer where one is a table."""
        if isinstance(a, Value) and isinstance(b, Value):
            return product(self.call, a, b)
        x = self.call.logical(as_value(b if isinstance(a, Table) else a))
        lead = x.shape[:-2]
        params = self.bias
        if self.kernel is not None and self.kernel.weight is not None:
            params += math.prod(self.kernel.shape)
            params = self.call.reader.params(self.kernel.weight, params)
        op = Linear(bias=self.bias > 0, axis=-2 if isinstance(a, Table) else -1)
        return as_is(self.call.step(op, [x.step], (*lead, a.shape[-2], b.shape[-1]), params))


def as_value(value: Value | Table) -> Value:
    """What depends on the input."""
    if isinstance(value, Table):
        raise UnreadError("it does not depend on the input")
    return value


@rule("Dot")
def _dot(call: Call) -> Value:
    """Batches of matrices, an axis of each summed over."""
    a, b = (call.logical(value) for value in call.inputs)
    axes = call.get("axes", -1)
    one, two = (axes, axes) if isinstance(axes, int) else axes
    if a.rank != 3 or b.rank != 3:
        raise UnreadError("a product of other than rows of vectors")
    a = a if one % 3 == 2 else call.permuted(a, (0, 2, 1))
    b = b if two % 3 == 1 else call.permuted(b, (0, 2, 1))
    return product(call, a, b)


def product(call: Call, a: Value, b: Value) -> Value:
    """A product of matrices that both depend on the input."""
    a, b = call.logical(a), call.logical(b)
    if a.rank != b.rank or a.shape[-1] != b.shape[-2]:
        raise ReadError("its matrices do not fit")
    lead = tuple(max(n, m) for n, m in zip(a.shape[:-2], b.shape[:-2], strict=True))
    op, read = call.reader.masks.product(call.reads_one, a.step, b.step)
    return as_is(call.step(op, read, (*lead, a.shape[-2], b.shape[-1])))


def swapped(call: Call, value: Value) -> Value:
    """The last two axes, one for the other."""
    rank = value.rank
    return call.permuted(value, (*range(rank - 2), rank - 1, rank - 2))


def weighed(call: Call, query: Value, key: Value, value: Value, *, is_causal: bool, mask: Any = None) -> Value:
    """Attention over rows of features: scores, softmax, sums; a causal one is an op of its own."""
    if is_causal and mask is None:
        query, key, value = (call.logical(each) for each in (query, key, value))
        mixed = call.step(Mixing(name="keys", axes=(key.rank - 1,)), [key.step], (*key.shape[:-1], value.shape[-1]))
        out = (*query.shape[:-1], value.shape[-1])
        return as_is(call.step(Attention(), [query.step, mixed, value.step], out))
    scores = product(call, query, swapped(call, key))
    if mask is not None:
        scores = masked(call, scores, mask)
    if is_causal:
        triangle = np.tri(scores.shape[-2], scores.shape[-1])
        scores = masked(call, scores, Table(triangle.shape, compute=lambda: triangle))
    return product(call, softmax(call, scores), value)


def _is_causal(call: Call) -> bool:
    return bool(call.kwargs.get("use_causal_mask"))


@rule("Attention")
def _attention(call: Call) -> Value:
    if call.get("score_mode", "dot") != "dot":
        raise UnreadError("its scores are sums")
    query, value, *key = call.inputs
    if len(key) > 1 or call.tables:
        raise UnreadError("it has masks of its values, or of the data")
    return weighed(call, query, key[0] if key else value, value, is_causal=_is_causal(call))


@rule("MultiHeadAttention")
def _multi_head(call: Call) -> Value:
    """Projections to heads, attention of each, projection back (Vaswani et al. 2017, section 3.2)."""
    tensors = {name: each for name, each in call.kwargs.items() if isinstance(each, Value)}
    query, value = call.inputs[:2]
    value = tensors.get("value", value)
    query = tensors.get("query", query)
    rest = [each for each in call.inputs[2:] if each is not value and each is not query]
    key = tensors.get("key", rest[0] if rest else value)
    if any(name.endswith("mask") for name in tensors) or len(rest) > 1:
        raise UnreadError("it has a mask of the data")
    mask = call.kwargs.get("attention_mask")
    if any(table is not mask for table in call.tables):
        raise UnreadError("it has masks of its values")
    if isinstance(mask, Table) and len(mask.shape) == 3:  # alike for all heads
        numbers = mask.numbers
        mask = Table((mask.shape[0], 1, *mask.shape[1:]), compute=lambda: None if numbers is None else numbers[:, None])
    if call.get("attention_axes") not in (None, [1], 1, [-2]) or query.rank != 3:
        raise UnreadError("attention along several axes")
    heads, width = call.whole("num_heads"), call.whole("key_dim")
    deep = call.whole("value_dim", width)
    biased = bool(call.get("use_bias", True))

    def of_heads(x: Value, size: int, name: str) -> Value:
        rows = linear(call, x, heads * size, biased=biased, key=name)
        return call.permuted(call.reshaped(rows, (*rows.shape[:2], heads, size)), (0, 2, 1, 3))

    parts = of_heads(query, width, "query"), of_heads(key, width, "key"), of_heads(value, deep, "value")
    mixed = weighed(call, *parts, is_causal=_is_causal(call), mask=mask)
    rows = call.logical(call.permuted(mixed, (0, 2, 1, 3)))
    rows = call.reshaped(rows, (*rows.shape[:2], heads * deep))
    told = call.get("output_shape")
    units = query.shape[-1] if told is None else told if isinstance(told, int) else math.prod(told)
    return linear(call, rows, units, biased=biased, key="output")
