"""Whether relations fit the shapes around them, which analyses take for granted.

Readers of files check it, since a file may say anything; a rule that forgot to ask is then one clear message, and no
failure deep in an analysis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from eyeshot.errors import ReadError
from eyeshot.network.graph import Node
from eyeshot.network.relations import Concat, Elementwise, Permute, Reduce, Relation, Reshape, Shape, Taps, Window


def check(nodes: Iterable[Node]) -> None:
    """Complain of the first node that reads what its input does not have.

    Raises:
        ReadError: a relation has axes that a shape has not, or other sizes.
    """
    shapes: dict[str, Shape] = {}
    for node in nodes:
        shapes[node.name] = node.shape
        for read in node.reads:
            before = shapes[node.inputs[read.source]]
            if not fits(read.relation, before, node.shape):
                raise ReadError(
                    f"{node.name} ({node.op.kind}) of {_shown(node.shape)} does not fit its input"
                    f" {node.inputs[read.source]} of {_shown(before)}"
                )


def fits(relation: Relation, before: Shape, after: Shape) -> bool:
    """Whether a relation can hold between an input and an output of these shapes."""
    if isinstance(relation, Window):
        groups = relation.groups or 1
        mixes = groups == 1 or (len(before) > 1 and before[1] % groups == after[1] % groups == 0)
        return len(before) == len(after) and _have(relation.axes, before, after) and mixes
    if isinstance(relation, Taps):
        return _have(relation.axes, before, after) and all(
            len(reads) == after[axis] and all(0 <= tap < before[axis] for taps in reads for tap in taps)
            for axis, reads in zip(relation.axes, relation.reads, strict=True)
        )
    if isinstance(relation, Elementwise):
        aligned = zip(reversed(before), reversed(after), strict=False)
        return len(before) <= len(after) and all(n in (1, m) for n, m in aligned)
    if isinstance(relation, Concat):
        axis = relation.axis
        return _have((axis,), before, after) and relation.offset + before[axis] <= after[axis]
    if isinstance(relation, Reshape):
        return math.prod(before) == math.prod(after)
    if isinstance(relation, Permute):
        return sorted(relation.order) == list(range(len(before))) and len(before) == len(after)
    return not isinstance(relation, Reduce) or _reduces(relation, before, after)


def _reduces(relation: Reduce, before: Shape, after: Shape) -> bool:
    """Whether the axes that are not reduced are as they were; a factor of a product may be repeated along them."""
    if not _have(relation.axes, before) or (relation.groups > 1 and (len(before) < 2 or before[1] % relation.groups)):
        return False
    if not relation.keep:
        return after == tuple(n for axis, n in enumerate(before) if axis not in relation.axes)
    pairs = enumerate(zip(before, after, strict=False))
    return len(before) == len(after) and all(n in (1, m) for axis, (n, m) in pairs if axis not in relation.axes)


def _have(axes: tuple[int, ...], *shapes: Shape) -> bool:
    return all(0 <= axis < len(shape) for axis in axes for shape in shapes)


def _shown(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "one number"
