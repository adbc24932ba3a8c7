"""A module is left as it was, whatever its forward pass keeps: anchors, grids, counters, caches in lists and tables.

Before a pass every table that can be reached from the module is noted, each with what it held: the modules' own
attributes and those of their classes, dictionaries, lists and sets in them, the attributes of plain objects, what
functions such as hooks close over. Afterwards each holds just that again. Tables are noted, not copied deep: what costs
memory, numbers, is copied only when an op is about to write it.
"""

from __future__ import annotations

import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from operator import is_
from typing import Any

import numpy as np
import torch

_MOST_TABLES = 200_000
"""Tables that are noted at most, so that a module that holds a whole data set is read all the same."""
_LARGEST_ARRAY = 1 << 20
"""Bytes of the arrays that are copied at most: arrays are written without an op that would tell of it."""
_LEAVES = frozenset(
    {str, bytes, int, float, complex, bool, type(None), type, types.BuiltinFunctionType}
    | {types.ModuleType, torch.dtype, torch.device, torch.Size}
)
_TABLES = frozenset({dict, OrderedDict, list, deque, set})
_LIBRARIES = frozenset({"builtins", "torch", "typing", "abc"})


class Snapshot:
    """What the tables held that can be reached from some modules, and the numbers that a pass has written over.

    Networks have tens of thousands of tables, most of them empty: one loop notes them, and nothing is called for each.
    Tables of tensors that are ``set_aside`` stay out of a pass's reach, and are not noted: only their numbers are
    copied where an op is about to write them after all.
    """

    def __init__(
        self, modules: Sequence[torch.nn.Module], set_aside: Sequence[Mapping[str, torch.Tensor | None]] = ()
    ) -> None:
        self._empty: list[Any] = []
        self._dictionaries: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any] | deque[Any] | bytearray, list[Any]]] = []
        self._sets: list[tuple[set[Any], set[Any]]] = []
        self._tensors: list[tuple[torch.Tensor, torch.Tensor | None, bool, torch.Tensor | None]] = []
        self._others_back: list[Callable[[], object]] = []  # of the few that are no tables
        self._others: list[object] = []  # held so that no identity is used twice
        self._numbers: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        self._set_aside = set_aside
        known = {*map(id, modules), *map(id, set_aside)}
        ahead: list[object] = [*(module.__dict__ for module in modules), *_classes(modules)]
        slots = {kind: _slots(kind) for kind in {type(module) for module in modules}}
        ahead += [tuple(self._noted_slots(module, names)) for module in modules if (names := slots[type(module)])]
        while ahead and len(known) < _MOST_TABLES:
            value = ahead.pop()
            if id(value) in known:
                continue
            known.add(id(value))
            for inner in self._noted(value):
                kind = type(inner)
                if kind in _LEAVES:
                    continue
                if kind in _TABLES and not inner:
                    self._empty.append(inner)
                # a kernel's (3, 3): the most frequent of all values, and nothing in it can change
                elif kind is not tuple or not _LEAVES.issuperset(map(type, inner)):
                    ahead.append(inner)

    def _noted(self, value: Any) -> Iterable[Any]:
        """Note one value; what it holds is looked at next."""
        if isinstance(value, dict):
            was = value.copy() if type(value) is dict else dict(value)  # that of another class is the user's
            self._dictionaries.append((value, was))
            held: Iterable[object] = was.values()
        elif isinstance(value, torch.Tensor):
            return self._noted_tensor(value)
        elif isinstance(value, (list, deque, bytearray)):  # a union would be made anew for each value
            self._lists.append((value, order := list(value)))
            held = order
        elif isinstance(value, set):
            self._sets.append((value, members := set(value)))
            held = members
        else:
            self._others.append(value)
            return self._noted_object(value)
        return held if type(value) in _TABLES else (*held, *_attributes(value))

    def _noted_tensor(self, tensor: torch.Tensor) -> Iterable[object]:
        grad = tensor.grad if tensor.is_leaf else None
        # another tensor on the same memory: `tensor.data = …` tells nobody, and leaves this one as it was
        alias = tensor.detach() if _has_numbers(tensor) else None
        self._tensors.append((tensor, alias, tensor.requires_grad, grad))
        return (tensor.__dict__,) if grad is None else (tensor.__dict__, grad)

    def _noted_object(self, value: Any) -> Iterable[object]:
        """Note what is no table: what it holds, by attributes, slots, or otherwise."""
        if isinstance(value, tuple | frozenset):
            return (*value, *_attributes(value))
        if isinstance(value, types.MethodType):
            return (value.__self__, value.__func__)
        if isinstance(value, partial):
            return (value.func, value.args, value.keywords, value.__dict__)
        if isinstance(value, types.FunctionType):
            return (value.__dict__, value.__defaults__, value.__kwdefaults__, *(value.__closure__ or ()))
        if isinstance(value, types.CellType):
            return self._noted_slots(value, ["cell_contents"])
        if isinstance(value, type):
            return self._noted_class(value)
        if isinstance(value, torch.Generator):
            self._others_back.append(partial(value.set_state, value.get_state()))
        elif isinstance(value, np.ndarray) and value.nbytes <= _LARGEST_ARRAY and value.flags.writeable:
            self._others_back.append(partial(np.copyto, value, value.copy()))
        return (*_attributes(value), *self._noted_slots(value, _slots(type(value))))

    def _noted_slots(self, value: Any, names: Sequence[str]) -> list[object]:
        if not names:
            return []
        was = _filled(value, names)

        def back() -> None:
            for name in names:
                if name in was:
                    if not _holds(value, name) or getattr(value, name) is not was[name]:
                        setattr(value, name, was[name])
                elif hasattr(value, name):
                    delattr(value, name)

        self._others_back.append(back)
        return list(was.values())

    def _noted_class(self, kind: type) -> Iterable[object]:
        """Note what a class holds for all its modules: caches, counters, tables."""
        was = {name: value for name, value in vars(kind).items() if not name.startswith("__")}

        def back() -> None:
            for name in [name for name in vars(kind) if name not in was and not name.startswith("__")]:
                delattr(kind, name)
            for name, value in was.items():
                if vars(kind).get(name) is not value:
                    setattr(kind, name, value)

        self._others_back.append(back)
        return [value for value in was.values() if not callable(value)]

    @cached_property
    def _storages(self) -> frozenset[int]:
        """The memory of all tensors noted; asked for only where a pass writes into memory at all."""
        aside = (tensor for table in self._set_aside for tensor in table.values() if tensor is not None)
        tensors = (*(tensor for tensor, *_ in self._tensors), *aside)
        return frozenset(tensor.untyped_storage()._cdata for tensor in tensors if _has_numbers(tensor))

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
        for storage, numbers in self._numbers.values():
            if storage.nbytes() != numbers.nbytes() and storage.resizable():
                storage.resize_(numbers.nbytes())
            storage.copy_(numbers, non_blocking=False)
        for tensor, alias, needs_grad, grad in self._tensors:
            if alias is not None and not _is_same(tensor, alias):
                tensor.data = alias
            if tensor.requires_grad != needs_grad and tensor.is_leaf:
                tensor.requires_grad_(needs_grad)
            if tensor.is_leaf and tensor.grad is not grad:
                tensor.grad = grad
        for put_back in self._others_back:
            put_back()


def _attributes(value: object) -> tuple[object, ...]:
    table = getattr(value, "__dict__", None)
    return (table,) if isinstance(table, dict) else ()


def _slots(kind: type) -> tuple[str, ...]:
    """The slots of a class and of those above it, by the names that attributes have."""
    members = [
        (name, member) for each in kind.__mro__ if "__slots__" in vars(each) for name, member in vars(each).items()
    ]
    return tuple(name for name, member in members if isinstance(member, types.MemberDescriptorType))


def _filled(value: object, names: Sequence[str]) -> dict[str, object]:
    """The slots that hold something; empty ones have no value to ask for."""
    return {name: getattr(value, name) for name in names if _holds(value, name)}


def _holds(value: object, name: str) -> bool:
    try:
        getattr(value, name)
    except (AttributeError, ValueError):  # of a slot, of a cell
        return False
    return True


def _classes(modules: Iterable[torch.nn.Module]) -> list[type]:
    """The classes that users wrote among those of the modules."""
    kinds = dict.fromkeys(map(type, modules))
    return [each for each in dict.fromkeys(e for kind in kinds for e in kind.__mro__) if not _is_of_library(each)]


def _is_of_library(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _LIBRARIES


def _is_same(tensor: torch.Tensor, alias: torch.Tensor) -> bool:
    """Whether a tensor still shows the memory that it showed, in the same way."""
    is_bare = tensor.device != alias.device or tensor.dtype != alias.dtype or tensor.shape != alias.shape
    return not is_bare and tensor.data_ptr() == alias.data_ptr() and tensor.stride() == alias.stride()


def _has_numbers(tensor: torch.Tensor) -> bool:
    return not tensor.is_meta and tensor.layout is torch.strided and not torch.nn.parameter.is_lazy(tensor)


@contextmanager
def left_as_it_was(
    modules: Sequence[torch.nn.Module], set_aside: Sequence[Mapping[str, torch.Tensor | None]] = ()
) -> Iterator[Snapshot]:
    """While this lasts a forward pass may keep what it likes; afterwards nothing of it is left."""
    snapshot = Snapshot(modules, set_aside)
    try:
        yield snapshot
    finally:
        snapshot.restore()
