"""A module is left as it was, whatever its forward pass keeps: anchors, grids, counters, caches in lists and tables.

Before a pass every table that can be reached from the module is noted, each with what it held: the modules' own
attributes, dictionaries, lists and sets in them, and the attributes of plain objects. Afterwards each holds just that
again. Tables are noted, not copied deep: what costs memory, numbers, is copied only when an op is about to write it.
"""

from __future__ import annotations

import types
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from operator import is_
from typing import Any

import torch

_MOST_TABLES = 200_000
"""Tables that are noted at most, so that a module that holds a whole data set is read all the same."""
_LEAVES = frozenset(
    {str, bytes, int, float, complex, bool, type(None), type, types.FunctionType, types.BuiltinFunctionType}
    | {types.ModuleType, torch.dtype, torch.device, torch.Size, torch.Generator}
)
_TABLES = frozenset({dict, OrderedDict, list, deque, set})
_PLAIN_TENSORS = (torch.Tensor, torch.nn.Parameter)


class Snapshot:
    """What the tables held that can be reached from some modules, and the numbers that a pass has written over.

    Networks have tens of thousands of tables, most of them empty: one loop notes them, and nothing is called for each.
    """

    def __init__(self, modules: Sequence[torch.nn.Module]) -> None:
        self._empty: list[Any] = []
        self._dictionaries: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any] | deque[Any], list[Any]]] = []
        self._sets: list[tuple[set[Any], set[Any]]] = []
        self._tensors: list[tuple[torch.Tensor, bool, torch.Tensor | None]] = []
        self._others: list[object] = []  # held so that no identity is used twice
        self._numbers: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        known: set[int] = set()
        ahead: list[object] = list(modules)
        while ahead and len(known) < _MOST_TABLES:
            value = ahead.pop()
            if id(value) in known:
                continue
            known.add(id(value))
            for inner in self._noted(value):
                kind = type(inner)
                if kind in _TABLES and not inner:
                    self._empty.append(inner)
                elif kind not in _LEAVES:
                    ahead.append(inner)

    def _noted(self, value: Any) -> Iterable[object]:
        """Note one value; what it holds is looked at next."""
        if isinstance(value, dict):
            was = dict(value)
            self._dictionaries.append((value, was))
            return was.values()
        if isinstance(value, torch.Tensor):
            self._tensors.append((value, value.requires_grad, value.grad if value.is_leaf else None))
            return () if type(value) in _PLAIN_TENSORS else (value.__dict__,)
        if isinstance(value, list | deque):
            held = list(value)
            self._lists.append((value, held))
            return held
        if isinstance(value, set):
            self._sets.append((value, set(value)))
            return ()
        self._others.append(value)
        if isinstance(value, tuple):
            return value
        if isinstance(value, types.MethodType):
            return (value.__self__,)
        table = getattr(value, "__dict__", None)
        return (table,) if isinstance(table, dict) else ()

    @cached_property
    def _storages(self) -> frozenset[int]:
        """The memory of all tensors noted; asked for only where a pass writes into memory at all."""
        return frozenset(tensor.untyped_storage()._cdata for tensor, _, _ in self._tensors if _has_numbers(tensor))

    def before_write(self, tensor: torch.Tensor) -> None:
        """Copy the numbers that an op is about to write over, where they were there before the pass."""
        if not _has_numbers(tensor):
            return
        storage = tensor.untyped_storage()
        if storage._cdata in self._storages and storage._cdata not in self._numbers:
            self._numbers[storage._cdata] = storage, storage.clone()

    def restore(self) -> None:
        """Let every table hold what it held, and every number be what it was."""
        for table in self._empty:
            if table:
                table.clear()
        for items, held in self._dictionaries:
            if len(items) != len(held) or not (all(map(is_, items.values(), held.values())) and [*items] == [*held]):
                items.clear()
                items.update(held)
        for each, order in self._lists:
            if len(each) != len(order) or not all(map(is_, each, order)):
                each.clear()
                each.extend(order)
        for members, were in self._sets:
            if members != were:
                members.clear()
                members.update(were)
        for tensor, needs_grad, grad in self._tensors:
            if tensor.requires_grad != needs_grad and tensor.is_leaf:
                tensor.requires_grad_(needs_grad)
            if tensor.is_leaf and tensor.grad is not grad:
                tensor.grad = grad
        for storage, numbers in self._numbers.values():
            storage.copy_(numbers, non_blocking=False)


def _has_numbers(tensor: torch.Tensor) -> bool:
    is_plain = tensor.layout is torch.strided and not torch.nn.parameter.is_lazy(tensor)
    return is_plain and tensor.device.type != "meta"


@contextmanager
def left_as_it_was(modules: Sequence[torch.nn.Module]) -> Iterator[Snapshot]:
    """While this lasts a forward pass may keep what it likes; afterwards nothing of it is left."""
    snapshot = Snapshot(modules)
    try:
        yield snapshot
    finally:
        snapshot.restore()
