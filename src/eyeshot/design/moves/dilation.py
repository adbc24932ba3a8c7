"""Dilation: layers in a row get rates without a common factor, so that a unit sees no grid.

Layers in a row that are all dilated by d read every d-th position only. Hybrid dilated convolution gives each three of
them the rates d − 1, d, d + 1, and two that are left d − 1, d + 1: the sum stays, and with it the field (Wang, Chen,
Yuan, Liu, Huang, Hou & Cottrell 2018, arXiv:1702.08502, section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from eyeshot.design.moves.move import Asked, DoesNotFitError, Move, Part, Plan, Subject, Swap, matching
from eyeshot.errors import UsageError
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv
from eyeshot.network.relations import Sides, Sizes

_HYBRID = {1: (0,), 2: (-1, 1), 3: (-1, 0, 1)}
"""By how many layers are left in a row, what is added to their rates."""


def _plan(subject: Subject, asked: Asked) -> Plan:
    convs = [node for node in matching(subject, asked) if _is_wide(node) and (asked.patterns or _is_dilated(node))]
    if "rates" in asked.options:
        rates = _rates(asked)
        wanted = [(node, tuple(rates[i % len(rates)] for _ in _op(node).kernel)) for i, node in enumerate(convs)]
    else:
        wanted = [(node, rate) for row in _rows(subject, convs) for node, rate in _hybrid(row)]
    swaps: list[Swap] = []
    reasons: list[str] = []
    for node, rate in wanted:
        if rate == _op(node).dilation:
            continue
        padding = _padding(_op(node), rate)
        if reason := subject.why_fixed(node) or ("" if padding else "its padding does not follow from its rate"):
            reasons.append(f"{node.name}: {reason}")
            continue
        op = replace(_op(node), dilation=rate, padding=padding or ())
        swaps.append(Swap(layer=node.name, parts=(Part(op=op, width=node.shape[1]),)))
    if reasons or not swaps:
        why = "; ".join(reasons[:6]) or "none is in a row with another of its rate"
        raise DoesNotFitError(f"{asked.text}: of {len(convs)} dilated convolutions looked at none changes: {why}")
    return Plan(swaps=tuple(swaps), says=("weights are kept; trained ones saw other rates: train on",))


def _rates(asked: Asked) -> list[int]:
    pieces = asked.options["rates"].split("-")
    if not all(piece.isdecimal() and 1 <= int(piece[:9]) < 10**6 for piece in pieces):
        raise UsageError(f"{asked.text}: rates are whole numbers from 1 on, such as rates=1-2-5")
    return [int(piece) for piece in pieces]


def _op(node: Node) -> Conv:
    assert isinstance(node.op, Conv)
    return node.op


def _is_wide(node: Node) -> bool:
    return isinstance(node.op, Conv) and max(node.op.kernel) > 1


def _is_dilated(node: Node) -> bool:
    return max(_op(node).dilation) > 1


def _rows(subject: Subject, convs: Sequence[Node]) -> Iterator[list[Node]]:
    """Layers behind each other of one kernel and one rate, on maps of one size."""
    behind: dict[str, set[str]] = {}
    names = {node.name for node in convs}
    for node in subject.network:
        behind[node.name] = {each for name in node.inputs for each in behind[name] | ({name} & names)}
    left = list(convs)
    while left:
        row = [left.pop(0)]
        for node in list(left):
            a, b = _op(row[-1]), _op(node)
            is_alike = (a.kernel, a.dilation) == (b.kernel, b.dilation) and row[-1].shape[2:] == node.shape[2:]
            if is_alike and max(b.stride) == 1 and row[-1].name in behind[node.name]:
                row.append(node)
                left.remove(node)
        yield row


def _hybrid(row: Sequence[Node]) -> Iterator[tuple[Node, Sizes]]:
    for start in range(0, len(row), 3):
        three = row[start : start + 3]
        for node, more in zip(three, _HYBRID[len(three)], strict=True):
            yield node, tuple(max(1, d + more) if d > 1 else d for d in _op(node).dilation)


def _padding(op: Conv, rate: Sizes) -> Sides | None:
    """Padding that grows with the rate, so that maps keep their sizes; None where it is no multiple of the old one."""
    sides = [(a * new, b * new, old) for (a, b), old, new in zip(op.padding, op.dilation, rate, strict=True)]
    if any(a % old or b % old for a, b, old in sides):
        return None
    return tuple((a // old, b // old) for a, b, old in sides)


MOVE = Move(
    name="dilation",
    does="gives dilated convolutions in a row rates without a common factor",
    keeps="params, weights, maps and MACs; fields, unless rates are given",
    changes="which positions are seen",
    plan=_plan,
    options={"rates=N-N": "these in turn, such as 1-2-5; else d − 1, d, d + 1 for each three of rate d"},
)
