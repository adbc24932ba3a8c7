"""What is known of a tensor: its shape, the step that made it if it depends on the input, its numbers if it does not.

Numbers are read and computed when somebody asks for them: shapes and positions are, weights are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeshot.errors import ReadError
from eyeshot.network.relations import Shape
from eyeshot.read.onnx.messages import Tensor
from eyeshot.read.onnx.wire import Wire, signed
from eyeshot.read.steps import Step

Numbers = npt.NDArray[Any]
MOST_NUMBERS = 1 << 20
"""Elements of a constant up to which its numbers are looked at."""
_FLOATS = frozenset({1, 10, 11, 16})
DTYPES: dict[int, str] = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8", 12: "<u4",
    13: "<u8",
}  # fmt: skip
"""NumPy's names of ONNX's types; those that it does not have are read by no rule."""


class LostError(Exception):
    """A value whose shape cannot be known: it depends on the data, or on numbers that are not in the file."""


@dataclass(slots=True, eq=False)
class Value:
    """A tensor: ``step`` where it depends on the input, else ``compute`` where it has numbers.

    ``weights`` are the file's constants that it was made of; ``items`` the tensors of a sequence.
    """

    shape: Shape
    step: Step | None = None
    compute: Callable[[], Numbers] | None = None
    weights: frozenset[str] = frozenset()
    items: list[Value] | None = None
    _numbers: Numbers | None = field(default=None)

    @property
    def count(self) -> int:
        """Its number of elements."""
        return math.prod(self.shape)

    @property
    def numbers(self) -> Numbers | None:
        """Its numbers; None where it has none, or too many to look at."""
        if self._numbers is None and self.compute is not None and self.count <= MOST_NUMBERS:
            compute, self.compute = self.compute, None
            try:
                self._numbers = compute()
            except LostError:
                return None
        return self._numbers


def constant(numbers: Numbers) -> Value:
    """A value with the numbers given."""
    return Value(tuple(numbers.shape), _numbers=numbers)


def known(values: Sequence[Value | None]) -> list[Value]:
    """Those of some values that depend on the input."""
    return [value for value in values if value is not None and value.step is not None]


def is_float(tensor: Tensor) -> bool:
    """Whether a constant holds fractions, as weights do."""
    return tensor.dtype in _FLOATS


def numbers_in(tensor: Tensor, wire: Wire) -> Numbers:
    """The numbers of a tensor as the file has them.

    Raises:
        LostError: they lie outside the file, or are of a type that shapes are not computed from.
        ReadError: there are more or fewer than its sizes say.
    """
    if tensor.is_external:
        raise LostError(f"the numbers of {tensor.name!r} lie outside the file, which is not opened")
    if tensor.dtype not in DTYPES:
        raise LostError(f"the numbers of {tensor.name!r} are of ONNX's type {tensor.dtype}")
    dtype, count = np.dtype(DTYPES[tensor.dtype]), math.prod(tensor.shape)
    if tensor.raw is not None:
        start, end = tensor.raw
        if end - start != count * dtype.itemsize:
            sizes = "×".join(map(str, tensor.shape)) or "one number"
            needed = f"{end - start:,} bytes of {count * dtype.itemsize:,}"
            raise ReadError(f"the tensor {tensor.name!r} of {sizes} has {needed}")
        return np.frombuffer(wire.data[start:end], dtype).reshape(tensor.shape)
    numbers: list[Any] = []
    for number, parts in tensor.lists.items():
        for start, end in parts:
            if end < 0:
                numbers.append(signed(start))
            elif number in (4, 10):
                kind = np.dtype("<f4" if number == 4 else "<f8")
                whole = end - (end - start) % kind.itemsize
                numbers += np.frombuffer(wire.data[start:whole], kind).tolist()
            else:
                numbers += wire.integers(start, end)
            if len(numbers) > count:
                break
    if len(numbers) != count:
        raise ReadError(f"the tensor {tensor.name!r} has {len(numbers):,} numbers where its sizes say {count:,}")
    if dtype == np.dtype("<f2"):  # halves are written as the numbers that their bits are
        return np.array([n & 0xFFFF for n in numbers], "<u2").view("<f2").reshape(tensor.shape)
    bits = 8 * dtype.itemsize
    if dtype.kind in "ui":
        numbers = [int(n) & ((1 << bits) - 1) for n in numbers]
        return np.array(numbers, f"<u{dtype.itemsize}").view(dtype).reshape(tensor.shape)
    return np.array(numbers, dtype).reshape(tensor.shape)
