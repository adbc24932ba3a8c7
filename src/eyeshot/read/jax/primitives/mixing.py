"""Reductions, running sums, sorting, transforms of whole axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from eyeshot.network.ops import Aggregate, Arithmetic, Cumulative, Mixing
from eyeshot.read.jax.calls import Call, Known, UnreadError
from eyeshot.read.jax.primitives.pointwise import without
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Value, axes_of

_REDUCTIONS = {
    "reduce_sum": "sum", "reduce_max": "amax", "reduce_min": "amin", "reduce_prod": "prod", "reduce_and": "all",
    "reduce_or": "any", "reduce_xor": "xor", "argmax": "argmax", "argmin": "argmin", "reduce": "reduce",
}  # fmt: skip
_RUNNING = ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
_WHOLE = ("eigh", "eig", "svd")
"""Functions of a matrix, each of whose results depends on all of it."""
_IN_PART = ("cholesky", "qr", "geqrf", "householder_product", "lu", "schur", "hessenberg")
"""Those with a factor that is triangular or made column by column, whose results read fewer."""


@rule(*_REDUCTIONS)
def _reduce(call: Call) -> Known:
    if len(call.shapes) > 1:
        raise UnreadError("it reduces several arrays together")
    axes = call["dimensions"] if call.name == "reduce" else call["axes"]
    return aggregate(call, call.x, _REDUCTIONS[call.name], axes)


def aggregate(call: Call, x: Value, name: str, axes: Iterable[int]) -> Value:
    """A sum, maximum … over axes, which are no more."""
    gone = axes_of(axes, x.rank)
    if not gone:
        return x
    places = sorted(x.order[axis] for axis in gone)
    kept = [axis for axis in range(x.rank) if axis not in gone]
    left = sorted(x.order[axis] for axis in kept)
    op = Aggregate(name=name, axes=tuple(places), keep=False)
    made = call.draft(op, [x.made], [x.made.shape[place] for place in left])
    return Value(made, tuple(x.shape[axis] for axis in kept), tuple(left.index(x.order[axis]) for axis in kept))


@rule(*_RUNNING)
def _running(call: Call) -> Known:
    x = call.whole(call.x)
    op = Cumulative(name=call.name, axis=x.order[int(call["axis"])], backwards=bool(call["reverse"]))
    return call.same(op, x)


@rule("sort")
def _sort(call: Call) -> Sequence[Known]:
    """Each array is put into the order of the keys, which are the first ones: all of the axis decides.

    A later key orders only what earlier ones leave alike, so that a sorted key depends on none after it.
    """
    axis, keys = int(call["dimension"]), int(call["num_keys"])
    return [
        _sorted(call, list(dict.fromkeys([each, *call.inputs[: min(number, keys)]])), axis)
        for number, each in enumerate(call.inputs)
    ]


def _sorted(call: Call, parts: list[Known], axis: int) -> Value:
    data = [call.whole(part) for part in parts if isinstance(part, Value)]
    mixed = [call.same(Mixing(name="sort", axes=(part.order[axis],)), part) for part in data]
    first, *others = mixed
    if not others:
        return first
    made = [first.made, *(call.ordered(other, first.order).made for other in others)]
    return Value(call.draft(Arithmetic(name="sort"), made, first.made.shape), first.shape, first.order)


@rule("top_k", "approx_top_k")
def _top_k(call: Call) -> Sequence[Known]:
    x = call.whole(call.x)
    axis = next((a for a, (n, m) in enumerate(zip(x.shape, call.out, strict=True)) if n != m), x.rank - 1)
    axis = int(call.eqn.params.get("axis", call.eqn.params.get("reduction_dimension", axis))) % x.rank
    return [call.along(Mixing(name="topk", axes=(x.order[axis],)), x, axis, call.out[axis])] * len(call.shapes)


@rule("fft")
def _fft(call: Call) -> Known:
    x = call.whole(call.x)
    axes = range(x.rank - len(call["fft_lengths"]), x.rank)
    sizes = [0] * x.rank
    for axis, n in enumerate(call.out):
        sizes[x.order[axis]] = n
    op = Mixing(name="fft", axes=tuple(sorted(x.order[axis] for axis in axes)))
    return Value(call.draft(op, [x.made], sizes), call.out, x.order)


@rule(*_WHOLE, *_IN_PART)
def _of_matrices(call: Call) -> Sequence[Known]:
    """All of each matrix, the last two axes; of some factors as a bound."""
    x = call.logical(call.x)
    lead = x.shape[:-2]
    if any(shape[: len(lead)] != lead for shape in call.shapes):
        raise UnreadError("its outputs have other matrices than its input")
    if call.name == "eigh":  # half of a symmetric matrix; what JAX makes symmetric first reads both halves of its own
        below = np.tri(x.shape[-2], x.shape[-1]).astype(bool)
        x = without(call, x, np.broadcast_to(~(below if call["lower"] else below.T), x.shape))
    op = Mixing(name=call.name, axes=(x.rank - 2, x.rank - 1), is_bound=call.name in _IN_PART)
    whole = call.draft(op, [x.made], (*lead, 1, 1))
    outs = []
    for shape in call.shapes:
        seen = call.reshaped(Value(whole, whole.shape, tuple(range(x.rank))), (*lead, *(1 for _ in shape[len(lead) :])))
        outs.append(Value(seen.made, shape, seen.order))
    return outs


@rule("triangular_solve")
def _solve(call: Call) -> Known:
    """All of the matrix, and of each right-hand side all of its own column or row: a bound, as half of it is read."""
    a, b = call.inputs
    axis = len(b.shape) - (2 if call["left_side"] else 1)
    parts: list[Value] = []
    if isinstance(b, Value):
        b = call.logical(b)
        parts.append(call.same(Mixing(name="solve", axes=(axis,), is_bound=True), b))
    if isinstance(a, Value):
        a = call.logical(a)
        op = Mixing(name="solve", axes=(a.rank - 2, a.rank - 1), is_bound=True)
        whole = call.draft(op, [a.made], (*a.shape[:-2], 1, 1))
        parts.append(Value(whole, call.out, tuple(range(a.rank))))
    if len(parts) == 1:
        return call.whole(parts[0])
    weights = [each for each in call.inputs if isinstance(each, Constant)]
    made = [part.made for part in parts]
    return Value(call.draft(Arithmetic(name="solve"), made, call.out, weights), call.out, parts[0].order)
