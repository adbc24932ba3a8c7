"""Stride to pool: a convolution that steps steps by 1, and a pool behind its activation takes its stride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.design.moves.move import Asked, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Pool, window_sizes


def _plan(subject: Subject, asked: Asked) -> Plan:
    mode = asked.one_of(("max", "avg"))

    def fit(conv: Node) -> Sequence[Swap] | str:
        op = conv.op
        assert isinstance(op, Conv)
        if max(op.stride) == 1:
            return "it steps by 1"
        kernel = tuple(asked.number("kernel", s) if s > 1 else 1 for s in op.stride)
        dense = replace(op, stride=(1,) * len(op.stride))
        pool = Pool(
            mode=mode,
            kernel=kernel,
            stride=op.stride,
            dilation=dense.stride,
            padding=tuple(((k - s) // 2 if k > s else 0,) * 2 for k, s in zip(kernel, op.stride, strict=True)),
        )
        sizes = window_sizes(subject.before(conv).shape[2:], dense)
        if any(n < 1 for n in sizes) or any(
            n + 2 * p < k for n, k, (p, _) in zip(sizes, kernel, pool.padding, strict=True)
        ):
            return "its map is smaller than a pool's window"
        if window_sizes(sizes, pool) != conv.shape[2:]:
            pool = replace(pool, ceil=True)
        return behind(subject, conv, Part(op=dense, width=conv.shape[1]), [Part(op=pool)])

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv,), fit, "convolutions", settings=False)))


def behind(subject: Subject, conv: Node, changed: Part, parts: Sequence[Part]) -> list[Swap]:
    """A convolution changed, and layers put behind its activation, or behind itself where that cannot be swapped."""
    last = subject.behind(conv)[-1]
    if last is conv or subject.why_fixed(last) or subject.is_held_with_others(last):
        return [Swap(layer=conv.name, parts=(changed, *parts))]
    width = last.shape[1]
    return [
        Swap(layer=conv.name, parts=(changed,)),
        Swap(layer=last.name, parts=(Part(op=last.op, width=width), *parts)),
    ]


MOVE = Move(
    name="stride-to-pool",
    does="lets a convolution step by 1, and puts a pool behind its activation",
    keeps="params and weights, maps behind",
    changes="MACs of the convolution (stride² times as many), fields behind",
    plan=_plan,
    options={
        "max": "a max pool (unless another word is given)",
        "avg": "an average pool",
        "kernel=N": "the pool's kernel; the stride unless given",
    },
)
