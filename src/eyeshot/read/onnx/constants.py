"""Which numbers besides the image's go into each step? Readings of one file at two sizes are told apart by them.

A `Range` as long as the image, or a division by its size, makes the same steps at every size, of other numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

from eyeshot.network.graph import Constant
from eyeshot.network.ops import Arithmetic, Op, Pointwise
from eyeshot.read.digests import collapsed, digest
from eyeshot.read.onnx.values import Numbers, Value

_MOST_NUMBERS = 1 << 16


def constants_of(op: Op, values: Iterable[Value | None]) -> tuple[Constant, ...]:
    """Those of a node's inputs that do not depend on the image, as its step takes them."""
    constants = [(value, _numbers(value)) for value in values if value is not None and value.step is None]
    if not isinstance(op, Arithmetic | Pointwise):
        # of a reshape or a resize whole numbers say sizes and places, which its relation tells, too
        constants = [(value, n) for value, n in constants if n is None or n.dtype.kind not in "iu"]
    return tuple(_constant(value, numbers) for value, numbers in constants)


def _numbers(value: Value) -> Numbers | None:
    return value.numbers if value.count <= _MOST_NUMBERS else None


def _constant(value: Value, numbers: Numbers | None) -> Constant:
    return Constant(None if numbers is None else collapsed(numbers), digest(sorted(value.weights), value.shape))
