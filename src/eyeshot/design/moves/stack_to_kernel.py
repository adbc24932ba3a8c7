"""Stack to kernel: convolutions in a row, and average pools among them, become the one convolution that they are.

Where nothing stands between that is exact, away from the borders: the outer rows and columns differ as far as later
layers read padding of their own (n − 1 for n 3×3 padded by 1 each), and none where only the first pads. Three 3×3 with
activations between have no such kernel; with ``relu`` one of their field is put there, with new weights.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.design.moves.move import ANEW, COMPOSED, Asked, DoesNotFitError, Move, Part, Plan, Subject, Swap, matching
from eyeshot.design.moves.runs import as_one, ring, runs
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Pool, Sliding


def _plan(subject: Subject, asked: Asked) -> Plan:
    activated = "relu" in asked.options
    nodes = [node for node in matching(subject, asked) if isinstance(node.op, Conv | Pool)]
    reasons = {node.name: _why_not(subject, node, activated) for node in nodes}
    swaps: list[Swap] = []
    width = 0
    alone: list[str] = []
    for run in runs(subject, nodes, lambda node: not reasons[node.name], activated=activated):
        windows = [node for node in run if isinstance(node.op, Sliding)]
        if len(windows) < 2 or not any(isinstance(node.op, Conv) for node in windows):
            alone.append(run[0].name)
            continue
        if between := next((n for n in run if n not in windows and subject.why_fixed(n)), None):
            reasons[run[0].name] = f"{between.name} between cannot be taken out: {subject.why_fixed(between)}"
            continue
        made = _swaps(run, windows, is_linear=len(windows) == len(run))
        if padded := next(filter(None, (subject.why_padded(swap, ()) for swap in made)), None):
            reasons[made[0].layer] = padded
            continue
        swaps += made
        width = max(width, ring([node.op for node in windows if isinstance(node.op, Sliding)]))
    if not swaps:
        told = [f"{name}: {why}" for name, why in reasons.items() if why]
        told += [f"{name}: no other follows directly that alone reads it" for name in alone]
        shown = "; ".join(told[:6]) or "there is none"
        raise DoesNotFitError(
            f"{asked.text}: of {len(nodes)} convolutions and average pools looked at none fits: {shown}"
        )
    is_exact = all(swap.weights != ANEW for swap in swaps)
    return Plan(swaps=tuple(swaps), is_exact=is_exact, ring=width if is_exact else 0)


def _why_not(subject: Subject, node: Node, activated: bool) -> str:
    if isinstance(node.op, Pool) and (node.op.mode != "avg" or node.op.ceil):
        return "a maximum is no convolution" if node.op.mode != "avg" else "it rounds up"
    if isinstance(node.op, Conv) and node.op.groups > 1 and node.op.groups != node.shape[1]:
        return f"it has {node.op.groups} groups"
    return subject.why_fixed(node, weights=not activated)


def _swaps(run: Sequence[Node], windows: Sequence[Node], *, is_linear: bool) -> list[Swap]:
    """The first convolution becomes the kernel; the others go, with what stood between."""
    convs = [node for node in windows if isinstance(node.op, Conv)]
    kernel, stride, padding = as_one([node.op for node in windows if isinstance(node.op, Sliding)])
    is_depthwise = all(isinstance(n.op, Conv) and 1 < n.op.groups == n.shape[1] == convs[0].shape[1] for n in convs)
    op = Conv(
        kernel=kernel,
        stride=stride,
        dilation=(1,) * len(kernel),
        padding=padding,
        groups=convs[0].shape[1] if is_depthwise else 1,
        bias=any(isinstance(node.op, Conv) and node.op.bias for node in convs),
    )
    others = [node for node in run if node is not convs[0]]
    chain = (Part(op=op, width=convs[-1].shape[1]),)
    sources = tuple(node.name for node in windows)
    weights = COMPOSED if is_linear else ANEW
    swap = Swap(layer=convs[0].name, parts=chain, weights=weights, sources=sources if is_linear else ())
    return [swap, *(Swap(layer=node.name, parts=()) for node in others)]


MOVE = Move(
    name="stack-to-kernel",
    does="makes convolutions in a row, and average pools among them, the one that they are",
    keeps="fields and maps; what is computed, away from the borders, where no activation stands between",
    changes="params and MACs, the number of layers",
    plan=_plan,
    options={"relu": "also where norms and activations stand between, which go; weights are drawn anew"},
)
