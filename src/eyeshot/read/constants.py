"""Which numbers besides the image's go into each step? Readings of one module at two sizes are told apart by them.

`x / x.shape[-1]`, `arange(w).sum()` or a row of a table looked up by the size make the same steps at every size, of
other numbers. So each constant that a pass makes keeps what it was made of, and each step the numbers that it takes:

    numbers known      the numbers, with one place for all along axes on which they do not differ
    not known          a digest of the op that made them, of its numbers and of what it made them from

Sizes given to functions that only fill or show (zeros, expand) are left out: there is more of the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eyeshot.network.graph import Constant
from eyeshot.read.aten.pointwise import ARITHMETIC, FRESH, POINTWISE
from eyeshot.read.digests import collapsed, digest
from eyeshot.read.trace import Trace, tensors_in

_MOST_NUMBERS = 4096
_MOST_BYTES = 1 << 20
_PLACE_BY_PLACE = frozenset({*POINTWISE, *ARITHMETIC, *FRESH}) | {
    "zeros", "ones", "full", "empty", "empty_strided", "scalar_tensor", "to", "_to_copy", "clone", "alias", "detach",
    "lift_fresh", "contiguous", "expand", "expand_as", "view", "reshape", "_unsafe_view", "view_as", "unsqueeze",
    "squeeze", "permute", "transpose", "t", "repeat", "fill", "zero", "copy", "type_as", "broadcast_to",
}  # fmt: skip
"""What makes more of the same where there are more places."""
_CHOOSING = frozenset({"select", "slice", "narrow", "roll", "split", "split_with_sizes", "chunk", "diagonal"})
"""What whole numbers say where to look."""


@dataclass(frozen=True, slots=True)
class _Kinds:
    """An op's arguments by what they are: numbers to compute with, and whole numbers that say where to look."""

    computed: tuple[str, ...]
    chosen: tuple[str, ...]
    is_random: bool


class Constants:
    """The constants of one pass, by what they were made of."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._origins: dict[int, tuple[torch.Tensor, str]] = {}
        self._written: dict[int, str] = {}
        self._draws = count()

    def make(self, func: Any, arguments: Mapping[str, Any], made: Any, written: Iterable[torch.Tensor]) -> None:
        """Note what an op made, or wrote, that does not depend on the image."""
        name = _name(func)
        inputs = tensors_in(list(arguments.values()))
        shapes = () if name in _PLACE_BY_PLACE else tuple(tuple(tensor.shape) for tensor in inputs)
        origin = digest(name, self._numbers(func, arguments, with_places=True), shapes, *map(self._origin_of, inputs))
        targets = list(written)
        for target in targets:
            self._written[_block(target)] = digest(self._written.get(_block(target)), origin)
        for i, tensor in enumerate(tensors_in(made)):
            if not any(tensor is target for target in targets) and not self._trace.knows(tensor):
                self._origins[id(tensor)] = tensor, digest(i, origin)

    def taken(self, func: Any, arguments: Mapping[str, Any]) -> tuple[Constant, ...]:
        """The constants that go into an op on what depends on the image."""
        numbers = self._numbers(func, arguments, with_places=False)
        constants = [self._constant(t) for t in tensors_in(list(arguments.values())) if not self._trace.knows(t)]
        return (Constant(None, digest(*numbers)), *constants)

    def _numbers(self, func: Any, arguments: Mapping[str, Any], *, with_places: bool) -> tuple[object, ...]:
        kinds = _kinds(func)
        result: list[object] = [arguments[name] for name in kinds.computed if _is_number(arguments[name])]
        if with_places:
            result += [arguments[name] for name in kinds.chosen]
        if kinds.is_random and _draws(arguments):
            result.append(("drawn", next(self._draws), id(self)))
        return tuple(result)

    def _constant(self, tensor: torch.Tensor) -> Constant:
        """A constant as a step takes it; of those made in this pass the numbers, where they are known."""
        tensor = self._trace.original_of(tensor)
        is_made = id(tensor) in self._origins and tensor.numel() <= _MOST_NUMBERS
        numbers = self._trace.numbers_of(tensor) if is_made else None
        return Constant(None if numbers is None else collapsed(_numpy(numbers)), self._origin_of(tensor))

    def _origin_of(self, tensor: torch.Tensor) -> str:
        """What a constant was made of; what was there before the pass is told by its name or its numbers."""
        if self._trace.knows(tensor):
            return "image"
        tensor = self._trace.original_of(tensor)
        if (known := self._origins.get(id(tensor))) is not None:
            origin = known[1]
        elif tensor.device.type == "meta" or self._trace.param_names(tensor):
            origin = digest("given", *sorted(self._trace.param_names(tensor)), *self._trace.lies_at(tensor))
        else:
            origin = (
                digest(content=_numpy(tensor).tobytes()) if tensor.numel() <= _MOST_BYTES else digest(next(self._draws))
            )
        changes = self._written.get(_block(tensor))
        return origin if changes is None else digest(origin, changes)


def _numpy(numbers: torch.Tensor) -> NDArray[Any]:
    """Numbers as NumPy has them; of types that it has not, their bits."""
    plain = torch.empty(numbers.shape, dtype=numbers.dtype).copy_(numbers.detach())  # strides of 0 too
    try:
        return np.asarray(plain.numpy())
    except TypeError:
        return np.asarray(plain.view(torch.int16 if plain.element_size() == 2 else torch.uint8).numpy())


def _block(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _name(func: Any) -> str:
    name = str(func._schema.name).removeprefix("aten::")
    return name.rstrip("_") if name.endswith("_") and not name.startswith("_") else name


@cache
def _kinds(func: Any) -> _Kinds:
    """Scalars, floats and flags are computed with; whole numbers are sizes and axes, but for some."""
    computed, chosen = [], []
    for each in func._schema.arguments:
        kind = str(each.type)
        if "List" in kind or each.name.startswith("scales"):  # how a resize steps is compared where it reads
            chosen.append(each.name)
        elif any(word in kind for word in ("number", "float", "bool", "str", "Tensor")):
            computed.append(each.name)
        elif kind in ("int", "Optional[int]"):
            (computed if each.name in _COUNTS else chosen).append(each.name)
    is_choosing = _name(func) in _CHOOSING
    is_random = torch.Tag.nondeterministic_seeded in func.tags
    return _Kinds(tuple(computed), tuple(chosen) if is_choosing else (), is_random)


_COUNTS = frozenset({"divisor_override", "correction"})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | complex | str)


def _draws(arguments: Mapping[str, Any]) -> bool:
    """Whether an op that may draw random numbers does: dropout in use draws none."""
    return all(arguments.get(name, True) for name in ("train", "training", "dropout_p", "dropout", "p"))
