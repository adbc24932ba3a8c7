"""Pool: a pool one convolution earlier or later; earlier ones save MACs and widen fields, later ones keep positions."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.design.moves.move import Asked, DoesNotFitError, Move, Part, Plan, Subject, Swap, swaps_of
from eyeshot.design.moves.stride_to_pool import behind
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Pool


def _plan(subject: Subject, asked: Asked) -> Plan:
    if not {"earlier", "later"} & set(asked.options):
        raise DoesNotFitError(f"{asked.text}: which way? Give pool:earlier or pool:later")
    is_earlier = asked.one_of([word for word in ("earlier", "later") if word in asked.options]) == "earlier"

    def fit(pool: Node) -> Sequence[Swap] | str:
        return _earlier(subject, pool) if is_earlier else _later(subject, pool)

    return Plan(swaps=tuple(swaps_of(subject, asked, (Pool,), fit, "pools", settings=False)))


def _earlier(subject: Subject, pool: Node) -> Sequence[Swap] | str:
    chain = subject.leading(pool)
    if not chain:
        before = subject.before(pool)
        return f"what it reads, {before.name} ({before.op.kind}), is no convolution that it alone reads"
    conv = chain[0]
    if reason := subject.why_fixed(conv, settings=False):
        return f"of {conv.name}: {reason}"
    parts = (Part(op=pool.op), Part(op=conv.op, width=conv.shape[1]))
    return [Swap(layer=conv.name, parts=parts), Swap(layer=pool.name, parts=())]


def _later(subject: Subject, pool: Node) -> Sequence[Swap] | str:
    conv = subject.after(pool)
    if conv is None or not isinstance(conv.op, Conv):
        reader = "several layers" if conv is None else f"{conv.name} ({conv.op.kind})"
        return f"it is read by {reader}, not by one convolution alone"
    if reason := subject.why_fixed(conv, settings=False):
        return f"of {conv.name}: {reason}"
    changed = Part(op=conv.op, width=conv.shape[1])
    return [Swap(layer=pool.name, parts=()), *behind(subject, conv, changed, [Part(op=pool.op)])]


MOVE = Move(
    name="pool",
    does="puts a pool one convolution earlier or later",
    keeps="params and weights, maps behind both",
    changes="fields and MACs of the convolution that it passes, fields behind",
    plan=_plan,
    options={"earlier": "before the convolution that it followed", "later": "behind the convolution that read it"},
)
