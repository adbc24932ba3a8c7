"""Pool to stride: the convolution before a pool takes its stride, and the pool goes (Springenberg et al. 2014).

plain      the convolution as it is, at the pool's stride: the field shrinks by what the pool saw
kernel     its kernel grown by the pool's, so that field and map stay: k' = d·(k − 1) + (k_pool − 1)·s + 1
dilated    its dilation grown so, where that divides: d' = d + (k_pool − 1)·s/(k − 1)

An average pool is itself a convolution, so with ``kernel`` what is computed stays the same where no activation stands
between. A maximum has no strided twin: the kernel is that of an average in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.design.moves.move import COMPOSED, KEPT, Asked, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.design.moves.runs import as_one, hangs_over, ring
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Pool, window_sizes
from eyeshot.network.relations import Sides


def _plan(subject: Subject, asked: Asked) -> Plan:
    kind = asked.one_of(("plain", "kernel", "dilated"))
    exact: list[int | None] = []

    def fit(pool: Node) -> Sequence[Swap] | str:
        assert isinstance(pool.op, Pool)
        if max(pool.op.stride) == 1:
            return "it steps by 1"
        chain = subject.leading(pool)
        if not chain:
            before = subject.before(pool)
            return f"what it reads, {before.name} ({before.op.kind}), is no convolution that it alone reads"
        conv = chain[0]
        if reason := subject.why_fixed(conv, weights=kind == "kernel", settings=kind == "kernel"):
            return f"of {conv.name}: {reason}"
        grown = _grown(conv, pool, kind)
        if isinstance(grown, str):
            return grown
        op = replace(grown, padding=_up_to(grown, subject.before(conv), pool))
        is_average = pool.op.mode == "avg" and len(chain) == 1 and kind == "kernel"
        assert isinstance(conv.op, Conv)
        # a window that hangs over averages over less
        width = max(ring([conv.op, pool.op]), hangs_over(pool.op, subject.before(pool)))
        exact.append(width if is_average else None)
        weights, sources = (COMPOSED, (conv.name, pool.name)) if kind == "kernel" else (KEPT, ())
        swap = Swap(layer=conv.name, parts=(Part(op=op, width=conv.shape[1]),), weights=weights, sources=sources)
        return [swap, Swap(layer=pool.name, parts=())]

    swaps = swaps_of(subject, asked, (Pool,), fit, "pools", settings=False)
    widths = [each for each in exact if each is not None]
    is_exact = len(widths) == len(exact)
    says = () if is_exact or kind != "kernel" else ("kernels are as if the pool averaged what the convolution gives",)
    return Plan(swaps=tuple(swaps), is_exact=is_exact, ring=max(widths, default=0), says=says)


def _grown(conv: Node, pool: Node, kind: str) -> Conv | str:
    a, b = conv.op, pool.op
    assert isinstance(a, Conv)
    assert isinstance(b, Pool)
    kernel, stride, padding = as_one([a, b])
    if kind == "plain":
        return replace(a, stride=stride)
    if kind == "kernel":
        return replace(a, kernel=kernel, stride=stride, padding=padding, dilation=(1,) * len(kernel))
    spread = zip(kernel, a.kernel, strict=True)
    dilation = []
    for size, k in spread:
        if k == 1 or (size - 1) % (k - 1):
            return f"no dilation of {conv.name}'s kernel of {k} sees {size} positions"
        dilation.append((size - 1) // (k - 1))
    return replace(a, stride=stride, padding=padding, dilation=tuple(dilation))


def _up_to(op: Conv, before: Node, pool: Node) -> Sides:
    """The padding with which the map is as large as the pool's, where padding at its end can make it so."""
    sizes, wanted = window_sizes(before.shape[2:], op), pool.shape[2:]
    missing = [max(0, (m - got) * s) for got, m, s in zip(sizes, wanted, op.stride, strict=True)]
    padding = list(op.padding)
    for axis, most in enumerate(missing):
        for extra in range(most + 1):
            sides = (padding[axis][0], op.padding[axis][1] + extra)
            trial = replace(op, padding=(*padding[:axis], sides, *padding[axis + 1 :]))
            if window_sizes(before.shape[2:], trial)[axis] == wanted[axis]:
                padding[axis] = sides
                break
    return tuple(padding)


MOVE = Move(
    name="pool-to-stride",
    does="lets the convolution before a pool take its stride, and takes the pool out",
    keeps="maps behind the pool; with kernel or dilated also fields",
    changes="MACs of the convolution (a stride² of them), its kernel or dilation; or fields behind",
    plan=_plan,
    options={
        "plain": "the convolution as it is, at the pool's stride (unless another word is given)",
        "kernel": "its kernel grown, so that the field stays",
        "dilated": "its dilation grown, so that the field stays",
    },
)
