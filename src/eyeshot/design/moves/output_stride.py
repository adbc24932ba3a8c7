"""Output stride: layers that would step past it step no more, and those behind are dilated instead (DeepLab's way).

A layer behind steps that were taken out by a factor f reads positions f apart: dilation and padding are f times as
large. At every f-th position the map holds what it held before, borders included; between stand new ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from eyeshot.design.moves.move import AVERAGING, Asked, DoesNotFitError, Move, Part, Plan, Subject, Swap
from eyeshot.design.moves.runs import hangs_over
from eyeshot.errors import UsageError
from eyeshot.network.graph import Node
from eyeshot.network.ops import (
    Arithmetic,
    Concatenate,
    Conv,
    ConvTranspose,
    Dropout,
    EdgePad,
    Input,
    Linear,
    LocalResponseNorm,
    Norm,
    Op,
    Pointwise,
    Pool,
    Rearrange,
    Softmax,
    window_sizes,
)
from eyeshot.network.relations import Sides, Sizes

_PASS = (Arithmetic, Linear, Rearrange, Concatenate, Pointwise, Dropout, Norm, LocalResponseNorm, Softmax)


def _plan(subject: Subject, asked: Asked) -> Plan:
    network = subject.network
    axes = len(network.axes)
    most = _most(asked, axes)
    steps: dict[str, Sizes] = {}
    sizes: dict[str, Sizes] = {}
    apart: dict[str, Sizes] = {}
    swaps: list[Swap] = []
    none = (1,) * axes
    for node in network:
        if isinstance(node.op, Input) or not node.inputs:
            steps[node.name], apart[node.name], sizes[node.name] = none, none, node.shape[2:]
            continue
        wide = [name for name in node.inputs if any(n > 1 for n in network[name].shape[2:])] or [node.inputs[0]]
        before, gaps = steps[wide[0]], apart[wide[0]]
        sizes[node.name] = sizes[wide[0]] if isinstance(node.op, _PASS) else node.shape[2:]
        if isinstance(node.op, Conv | Pool) and len(node.op.kernel) == axes:
            op = _dilated(subject, asked, node, sizes[wide[0]], before, gaps, most)
            steps[node.name] = tuple(a * s for a, s in zip(before, op.stride, strict=True))
            kept = zip(gaps, node.op.stride, op.stride, strict=True)
            apart[node.name] = tuple(gap * (s // now) for gap, s, now in kept)
            sizes[node.name] = window_sizes(sizes[wide[0]], op)
            if op != node.op:
                if reason := subject.why_fixed(node, settings=False):
                    raise DoesNotFitError(f"{asked.text}: {node.name} would be dilated, but {reason}")
                swaps.append(_swap(node, op))
        elif isinstance(node.op, _PASS):
            if len({apart[name] for name in wide}) > 1:
                raise DoesNotFitError(f"{asked.text}: the inputs of {node.name} are not equally far behind the steps")
            steps[node.name], apart[node.name] = before, gaps
        elif isinstance(node.op, ConvTranspose) and gaps != none:
            raise DoesNotFitError(f"{asked.text}: {node.name} enlarges a map whose neighbours lie {max(gaps)} apart")
        elif isinstance(node.op, EdgePad) and gaps != none:
            raise DoesNotFitError(
                f"{asked.text}: {node.name} repeats a map whose neighbours lie {max(gaps)} apart; make that zero first"
                " (padding:zero)"
            )
        else:
            steps[node.name], apart[node.name] = before, none
    if not swaps:
        deepest = max((max(each) for each in steps.values()), default=1)
        raise DoesNotFitError(f"{asked.text}: {network.name} steps by {deepest} at most; no layer steps past it")
    f = max(max(each) for each in apart.values())
    says = [
        f"at every {ordinal(f)} position, or nearer, maps hold what they held; means over maps are of more positions"
    ]
    pools = [network[swap.layer] for swap in swaps if isinstance(network[swap.layer].op, Pool)]
    if less := [pool.name for pool in pools if _is_average(pool.op) and hangs_over(pool.op, subject.before(pool))]:
        says.append(f"but at the end of {', '.join(less)}, whose last window was averaged over the part inside the map")
    if any(swap.weights == AVERAGING for swap in swaps):
        says.append("average pools that are dilated are convolutions of each channel by itself, with equal weights")
    return Plan(swaps=tuple(swaps), says=tuple(says))


def _is_average(op: Op) -> TypeGuard[Pool]:
    return isinstance(op, Pool) and op.mode == "avg"


def ordinal(n: int) -> str:
    """2nd, 4th …"""
    return f"{n}{ {2: 'nd', 3: 'rd'}.get(n, 'th') }"


def _swap(node: Node, op: Conv | Pool) -> Swap:
    """A window for another; an average pool, which PyTorch cannot dilate, as a convolution of equal weights."""
    channels = node.shape[1]
    if isinstance(op, Conv) or op.mode != "avg" or max(op.dilation) == 1:
        return Swap(layer=node.name, parts=(Part(op=op, width=channels if isinstance(op, Conv) else None),))
    conv = Conv(
        kernel=op.kernel, stride=op.stride, dilation=op.dilation, padding=op.padding, groups=channels, bias=False
    )
    return Swap(layer=node.name, parts=(Part(op=conv, width=channels),), weights=AVERAGING)


def _most(asked: Asked, axes: int) -> Sizes:
    text = asked.options.get("N", "")
    sizes = tuple(int(part) for part in text.split("x") if part)
    if len(sizes) not in (1, axes) or min(sizes) < 1:
        raise UsageError(f"{asked.text}: give the largest stride, such as output-stride:8, or one an axis: 8x16")
    return sizes * axes if len(sizes) == 1 else sizes


def _dilated(
    subject: Subject, asked: Asked, node: Node, now: Sizes, before: Sizes, gaps: Sizes, most: Sizes
) -> Conv | Pool:
    """A window on a map of ``now`` positions, which lie ``gaps`` apart for what it read before."""
    op = node.op
    assert isinstance(op, Conv | Pool)
    stride = tuple(
        max(t for t in range(1, s + 1) if s % t == 0 and (a * t <= limit or t == 1))
        for a, s, limit in zip(before, op.stride, most, strict=True)
    )
    if stride == op.stride and set(gaps) == {1}:
        return op
    each = zip(op.dilation, op.kernel, gaps, strict=True)
    dilation = tuple(d * gap if k > 1 else d for d, k, gap in each)
    padding = tuple((a * gap, b * gap) for (a, b), gap in zip(op.padding, gaps, strict=True))
    changed = replace(op, stride=stride, dilation=dilation, padding=padding)
    if _is_average(op) and max(dilation) > 1 and _counts_less(op, subject.before(node)):
        raise DoesNotFitError(f"{asked.text}: {node.name} would be dilated, and padded average pools are not")
    return replace(changed, padding=_kept_sides(op, changed, subject.before(node).shape[2:], node.shape[2:], now))


def _counts_less(pool: Pool, before: Node) -> bool:
    """Whether an average pool has windows at its borders that average over less than a whole one."""
    return hangs_over(pool, before) or any(map(any, pool.padding))


def _kept_sides(op: Conv | Pool, changed: Conv | Pool, was: Sizes, gave: Sizes, now: Sizes) -> Sides:
    """The padding, more behind the end where a map that was ⌈n/s⌉ would come out smaller than that."""
    got = window_sizes(now, changed)
    sides = []
    for axis, (a, b) in enumerate(changed.padding):
        wanted = -(-now[axis] // changed.stride[axis])
        is_whole = gave[axis] == -(-was[axis] // op.stride[axis]) and op.stride[axis] != changed.stride[axis]
        sides.append((a, b + max(0, wanted - got[axis]) * changed.stride[axis] if is_whole else b))
    return tuple(sides)


MOVE = Move(
    name="output-stride",
    does="dilates layers instead of stepping past a stride",
    keeps="params and weights, fields; what maps hold, on the old positions",
    changes="sizes of maps and MACs behind, strides",
    plan=_plan,
    options={"N": "the largest stride, such as 8 (needed); one an axis as 8x16"},
)
