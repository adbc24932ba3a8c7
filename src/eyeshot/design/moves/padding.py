"""Padding: what stands beyond the borders of a map: nothing, zeros, or the map itself repeated.

With ``front`` convolutions in a row pad once, before the first, for all of them: maps keep their sizes, and no layer
but the first reads padding.

``alternate`` is for padding that is larger on one side, as even kernels need it: the larger side stands before and
behind in turn, so that shifts by half a pixel do not add up. ``covering`` pads behind, and lets pools round up, where a
stride leaves rows or columns at the end unread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.analyse.size_arithmetic import tail
from eyeshot.design.moves.move import Asked, DoesNotFitError, Move, Part, Plan, Subject, Swap, matching, swaps_of
from eyeshot.design.moves.runs import as_one, runs
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, EdgePad, Pointwise, Pool

_MODES = ("zero", "none", "reflect", "replicate", "circular", "front", "alternate", "covering")


def _plan(subject: Subject, asked: Asked) -> Plan:
    given = [word for word in _MODES if word in asked.options]
    if not given:
        raise DoesNotFitError(f"{asked.text}: which padding? Give one of {', '.join(_MODES)}")
    mode = asked.one_of(given)
    if mode == "front":
        return _to_the_front(subject, asked)
    if mode == "alternate":
        return _alternating(subject, asked)
    if mode == "covering":
        return _covering(subject, asked)

    def fit(conv: Node) -> Sequence[Swap] | str:
        op = conv.op
        assert isinstance(op, Conv)
        edge = subject.edge(conv)
        sides = op.padding if edge is None or not isinstance(edge.op, EdgePad) else edge.op.padding
        if not any(map(any, sides)):
            return "it does not pad"
        if edge is not None and mode == "none":
            return f"it pads by {edge.op.kind}; make that zero first"
        if mode == "zero" and edge is None:
            return "it pads with zeros already"
        if mode in ("zero", "none"):
            padding = sides if mode == "zero" else tuple((0, 0) for _ in sides)
            swaps = [Swap(layer=conv.name, parts=(Part(op=replace(op, padding=padding), width=conv.shape[1]),))]
            return swaps if edge is None else [Swap(layer=edge.name, parts=(), module=""), *swaps]
        if edge is not None:
            return f"it pads by {edge.op.kind}; make that zero first"
        if any(a != b for a, b in sides):
            return "it pads unevenly"
        if mode == "reflect" and any(a >= n for (a, _), n in zip(sides, subject.before(conv).shape[2:], strict=True)):
            return f"its map of {'×'.join(map(str, subject.before(conv).shape[2:]))} is too small to reflect from"
        if reason := subject.why_fixed(conv, weights=True):
            return reason
        bare = replace(op, padding=tuple((0, 0) for _ in sides))
        pad = Part(op=EdgePad(mode=mode, padding=sides), suffix=f".{mode}_pad")
        return [Swap(layer=conv.name, parts=(pad, Part(op=bare, width=conv.shape[1], suffix="")))]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv,), fit, "convolutions")))


def _alternating(subject: Subject, asked: Asked) -> Plan:
    turns = 0

    def fit(conv: Node) -> Sequence[Swap] | str:
        nonlocal turns
        op = conv.op
        assert isinstance(op, Conv)
        if all(a == b for a, b in op.padding):
            return "it pads alike on both sides"
        turns += 1
        sides = tuple((max(pair), min(pair)) if turns % 2 == 0 else (min(pair), max(pair)) for pair in op.padding)
        if sides == op.padding:
            return "it is the first of a pair, which stays"
        return [Swap(layer=conv.name, parts=(Part(op=replace(op, padding=sides), width=conv.shape[1]),))]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv,), fit, "convolutions")))


def _covering(subject: Subject, asked: Asked) -> Plan:
    def fit(node: Node) -> Sequence[Swap] | str:
        op, before = node.op, subject.before(node)
        assert isinstance(op, Conv | Pool)
        axes = range(len(node.shape) - len(op.kernel), len(node.shape))
        left = [tail(node, axis, before.shape[axis], node.shape[axis]) > 0 for axis in axes]
        if not any(left):
            return "it reads its map to the end"
        if isinstance(op, Pool):
            return [Swap(layer=node.name, parts=(Part(op=replace(op, ceil=True)),))]
        sides = tuple(
            (a, max(0, m * s - a + d * (k - 1) + 1 - n)) if more else (a, b)
            for (a, b), more, n, m, k, s, d in zip(
                op.padding, left, before.shape[2:], node.shape[2:], op.kernel, op.stride, op.dilation, strict=True
            )
        )
        return [Swap(layer=node.name, parts=(Part(op=replace(op, padding=sides), width=node.shape[1]),))]

    return Plan(swaps=tuple(swaps_of(subject, asked, (Conv, Pool), fit, "convolutions and pools")))


def _to_the_front(subject: Subject, asked: Asked) -> Plan:
    nodes = [node for node in matching(subject, asked) if isinstance(node.op, Conv)]
    swaps: list[Swap] = []
    for run in runs(subject, nodes, lambda node: not subject.why_fixed(node), activated=True):
        convs = [(node, node.op) for node in run if isinstance(node.op, Conv)]
        is_plain = all(isinstance(node.op, Conv | Pointwise) for node in run)
        if len(convs) < 2 or not is_plain or not any(map(any, as_one([op for _, op in convs[1:]])[2])):
            continue
        _, _, padding = as_one([op for _, op in convs])
        none = tuple((0, 0) for _ in padding)
        for number, (node, op) in enumerate(convs):
            part = Part(op=replace(op, padding=none if number else padding), width=node.shape[1])
            swaps.append(Swap(layer=node.name, parts=(part,)))
    if not swaps:
        raise DoesNotFitError(
            f"{asked.text}: of {len(nodes)} convolutions looked at no two follow each other directly, or with an"
            " activation between, the later one padded"
        )
    return Plan(swaps=tuple(swaps))


MOVE = Move(
    name="padding",
    does="pads otherwise",
    keeps="params, weights and MACs; maps, but with none or covering",
    changes="what is read beyond the borders; with none or covering the sizes of maps",
    plan=_plan,
    options={
        "zero": "zeros, in place of what is repeated",
        "none": "nothing: maps shrink",
        "reflect": "the map reflected at its border",
        "replicate": "the border's own values",
        "circular": "the map from its other end",
        "front": "convolutions in a row pad once, before the first",
        "alternate": "uneven padding has its larger side before and behind in turn, so that shifts do not add up",
        "covering": "more behind, and pools round up, where a stride leaves rows or columns unread",
    },
)
