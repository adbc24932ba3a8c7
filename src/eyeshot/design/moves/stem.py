"""Stem: the first layers made finer, for images smaller than those that a network was designed for, or coarser.

fine      the first convolution steps by 1, the pool behind it goes; with ``kernel`` 3 as ResNets for CIFAR are built
half      only the pool behind it goes
coarse    the first convolution steps twice as far
3x3       a k×k convolution becomes as many 3×3 as its stride and field need, activated (He et al. 2018,
          arXiv:1812.01187, ResNet-C); ``width`` of the first ones is half unless given
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eyeshot.design.moves.move import ANEW, FACTORED, Asked, DoesNotFitError, Move, Part, Plan, Subject, Swap, matching
from eyeshot.design.moves.stacks import stacked
from eyeshot.network.graph import Node
from eyeshot.network.ops import Conv, Pool

_KINDS = ("fine", "half", "coarse", "3x3")


def _plan(subject: Subject, asked: Asked) -> Plan:
    kind = asked.one_of(_KINDS)
    convs = [node for node in matching(subject, asked) if isinstance(node.op, Conv) and _is_first(subject, node)]
    if not convs:
        raise DoesNotFitError(f"{asked.text}: {subject.network.name} does not begin with a convolution")
    conv = convs[0]
    is_kernel = kind == "3x3" or "kernel" in asked.options
    reason = subject.why_fixed(conv, settings=is_kernel) or _why_not(asked, conv, kind)
    pool = _pool_behind(subject, conv)
    swaps: list[Swap] = []
    if kind == "3x3":
        if reason:
            raise DoesNotFitError(f"{asked.text}: {conv.name}: {reason}")
        return _three(subject, asked, conv)
    if not reason and kind != "half":
        swaps.append(_stepping(asked, conv, 1 if kind == "fine" else None))
    if pool is not None and kind in ("fine", "half"):
        fixed = subject.why_fixed(pool, settings=False)
        if not fixed:
            swaps.append(Swap(layer=pool.name, parts=()))
        elif not swaps:
            reason = f"{reason}; {pool.name}: {fixed}" if reason else f"{pool.name}: {fixed}"
    if not swaps:
        without = "no pool follows it" if pool is None else ""
        why = "; ".join(filter(None, (reason, without)))
        raise DoesNotFitError(f"{asked.text}: looked at {conv.name}: {why or 'nothing to change'}")
    return Plan(swaps=tuple(swaps), says=("later weights are kept; trained ones saw another scale: train on",))


def _is_first(subject: Subject, node: Node) -> bool:
    """Whether nothing with weights stands between the input and a layer."""
    while node.inputs:
        node = subject.before(node)
        if isinstance(node.op, Conv) or node.params:
            return False
    return True


def _why_not(asked: Asked, conv: Node, kind: str) -> str:
    op = conv.op
    assert isinstance(op, Conv)
    if kind == "fine" and max(op.stride) == 1 and "kernel" not in asked.options:
        return "it steps by 1 already"
    if kind == "3x3" and (max(op.kernel) < 5 or min(op.kernel) % 2 == 0 or op.groups > 1):
        return f"a kernel of {'×'.join(map(str, op.kernel))} is not one that several 3×3 can stand for"
    return ""


def _stepping(asked: Asked, conv: Node, stride: int | None) -> Swap:
    op = conv.op
    assert isinstance(op, Conv)
    steps = tuple(2 * s for s in op.stride) if stride is None else (stride,) * len(op.stride)
    if "kernel" not in asked.options:
        return Swap(layer=conv.name, parts=(Part(op=replace(op, stride=steps), width=conv.shape[1]),))
    size = asked.number("kernel", 3)
    kernel, halves = (size,) * len(steps), tuple((size // 2, (size - 1) // 2) for _ in steps)
    changed = replace(op, stride=steps, kernel=kernel, dilation=(1,) * len(steps), padding=halves)
    is_part = op.groups == 1 and set(op.dilation) == {1} and all(size <= k for k in op.kernel)
    part = Part(op=changed, width=conv.shape[1])
    return Swap(layer=conv.name, parts=(part,), weights=FACTORED if is_part else ANEW)


def _pool_behind(subject: Subject, conv: Node) -> Node | None:
    """The pool behind a convolution with only its norm, activation and the like between."""
    node = subject.after(conv)
    while node is not None and not isinstance(node.op, Conv):
        if isinstance(node.op, Pool):
            return node if max(node.op.stride) > 1 else None
        if len(node.inputs) > 1 or node.shape[2:] != conv.shape[2:]:
            return None
        node = subject.after(node)
    return None


def _three(subject: Subject, asked: Asked, conv: Node) -> Plan:
    """Three 3×3 for 7×7/2, two for 5×5, as ResNet-C has them: the stride in the first, later widths as before."""
    op = conv.op
    assert isinstance(op, Conv)
    width = asked.number("width", max(1, conv.shape[1] // 2))
    count = (max(op.kernel) - 1) // 2
    convs: Sequence[Part] = [
        Part(
            op=replace(
                op,
                kernel=(3,) * len(op.kernel),
                stride=op.stride if i == 0 else (1,) * len(op.stride),
                padding=tuple((d, d) for d in op.dilation),
            ),
            width=conv.shape[1] if i == count - 1 else width,
        )
        for i in range(count)
    ]
    return Plan(swaps=(Swap(layer=conv.name, parts=stacked(subject, conv, convs), weights=ANEW),))


MOVE = Move(
    name="stem",
    does="makes the first layers finer or coarser, or of 3×3 convolutions",
    keeps="all later layers and their weights; params, but for fully connected layers on maps of another size",
    changes="strides, fields, sizes of all maps and MACs",
    plan=_plan,
    options={
        "fine": "the first convolution steps by 1 and the pool behind it goes (unless another word is given)",
        "half": "only the pool behind it goes",
        "coarse": "the first convolution steps twice as far",
        "3x3": "a 5×5 or 7×7 becomes two or three 3×3, the first with its stride",
        "kernel=N": "with fine or coarse: another kernel, such as 3; the middle of the layer's own where it is smaller",
        "width=N": "with 3x3: width of all but the last; half of the last's unless given",
    },
)
