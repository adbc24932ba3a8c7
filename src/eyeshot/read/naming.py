"""From the steps of a trace to the nodes of a network: names as the user's model has them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from eyeshot.network.graph import Node, node
from eyeshot.network.ops import Conv, Input, Op, Pad, Pool
from eyeshot.read.steps import CallSite, Step, Steps, Watched


def nodes_of(trace: Steps, inputs: dict[Step, str]) -> dict[Step, Node]:
    """Name the steps and link them; ``inputs`` names the first ones.

    A module that makes one step, or one that uses weights, gives it its path; other steps take their module's path and
    their op. A second step of one name is ``name#2``. Padding that was folded into the window behind it has no node.
    """
    folded = _folded_padding(trace.steps)
    dropped = set(folded.values())
    steps = [step for step in trace.steps if step not in dropped]
    per_call: Counter[CallSite] = Counter(step.place for step in steps if not isinstance(step.op, Input))
    weighted: Counter[CallSite] = Counter(step.place for step in steps if step.uses_weights)
    nodes: dict[Step, Node] = {}
    used: Counter[str] = Counter()
    for step in steps:
        base = inputs.get(step) or _base_name(step, per_call, weighted)
        used[base] += 1
        pad = folded.get(step)
        nodes[step] = node(
            name=base if used[base] == 1 else f"{base}#{used[base]}",
            op=step.op if pad is None else _padded(step.op, pad.op),
            inputs=tuple(nodes[source] for source in (step if pad is None else pad).inputs),
            shape=step.shape,
            params=step.params,
            line=step.line,
            memory=trace.memory.get(step),
        )
    return nodes


def modules_of(trace: Watched, nodes: dict[Step, Node]) -> dict[str, tuple[str, ...]]:
    """The nodes that made what each call of a module gave, where the module is no node itself."""
    calls: Counter[str] = Counter()
    names = {made.name for made in nodes.values()}
    ends: dict[str, tuple[str, ...]] = {}
    for path, steps in trace.modules:
        calls[path] += 1
        name = path if calls[path] == 1 else f"{path}#{calls[path]}"
        if name in names:
            continue
        made = tuple(nodes[step].name for step in steps if step in nodes)
        if made:
            ends[name] = made
    return ends


def _base_name(step: Step, per_call: Counter[CallSite], weighted: Counter[CallSite]) -> str:
    place = step.place
    if place.is_leaf and place.path and (per_call[place] == 1 or (step.uses_weights and weighted[place] == 1)):
        return place.path
    return f"{place.path}.{step.op.kind}" if place.path else step.op.kind


def _folded_padding(steps: list[Step]) -> dict[Step, Step]:
    """Window steps and the constant padding just before each, in the same module, that nothing else reads.

    PyTorch pads in a step of its own for uneven padding; people and the relation know one op.
    """
    if not any(isinstance(step.op, Pad) for step in steps):
        return {}
    readers = Counter(source for step in steps for source in step.inputs)
    return {
        step: before
        for before, step in pairwise(steps)
        if isinstance(before.op, Pad)
        and isinstance(step.op, Conv | Pool)
        and step.inputs == (before,)
        and readers[before] == 1
        and before.place == step.place
        and before.place.is_leaf
        and min(before.op.axes) >= 2
    }


def _padded(op: Op, pad: Op) -> Op:
    assert isinstance(op, Conv | Pool)
    assert isinstance(pad, Pad)
    extra = dict(zip(pad.axes, pad.padding, strict=True))
    sides = tuple(
        (a + extra.get(axis, (0, 0))[0], b + extra.get(axis, (0, 0))[1])
        for axis, (a, b) in enumerate(op.padding, start=2)
    )
    return replace(op, padding=sides)
