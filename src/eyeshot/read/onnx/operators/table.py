"""The table of rules for ONNX's operators, and what rules share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eyeshot.errors import ReadError
from eyeshot.network.relations import Shape
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.values import Value
from eyeshot.read.registering import registered

Rule = Callable[[Call], Value | Sequence[Value | None]]
RULES: dict[tuple[str, str], Rule] = {}


def rule(*names: str, domain: str = "") -> Callable[[Rule], Rule]:
    """Register a rule for some operators."""
    return registered(RULES, *((domain, name) for name in names))


def broadcast(*shapes: Shape) -> Shape:
    """The shape of an operation on tensors of these shapes.

    Raises:
        ReadError: they do not fit.
    """
    out: list[int] = []
    rank = max(map(len, shapes), default=0)
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in shapes if -axis <= len(shape)} - {1}
        if len(sizes) > 1:
            told = " and ".join("×".join(map(str, shape)) for shape in shapes)
            raise ReadError(f"shapes {told} do not fit each other")
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


def per_axis(sizes: Sequence[int] | None, axes: int, default: int, what: str) -> tuple[int, ...]:
    """One number for each axis of positions."""
    if sizes is None or len(sizes) == 0:
        return (default,) * axes
    if len(sizes) != axes:
        raise ReadError(f"its attribute {what} has {len(sizes)} numbers for {axes} axes")
    return tuple(sizes)
