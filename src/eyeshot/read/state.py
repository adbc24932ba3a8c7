"""Stand-ins for a module's weights: tensors without memory, so that nothing is copied or computed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from eyeshot.read.trace import Trace

_MOST_NUMBERS = 1 << 20


Modules = Sequence[tuple[str, torch.nn.Module]]
"""A module and all in it, each with its path."""
_OF_WEIGHTS = ("_parameters", "_buffers")
_META = torch.device("meta")
_OF_KNOWN_SHAPE = frozenset({torch.nn.Parameter, torch.Tensor, type(None)})


def modules_in(root: torch.nn.Module) -> Modules:
    """All modules with their paths, each once, as ``named_modules`` gives them; without its generators' depth."""
    modules: dict[int, tuple[str, torch.nn.Module]] = {}
    ahead = [("", root)]
    while ahead:
        path, module = ahead.pop()
        if id(module) in modules:
            continue
        modules[id(module)] = (path, module)
        lead = f"{path}." if path else ""
        ahead += [(lead + name, child) for name, child in module._modules.items() if child is not None][::-1]
    return list(modules.values())


def weights_of(modules: Modules) -> list[dict[str, Any]]:
    """The tables of weights and buffers that ``stand_ins`` sets aside: those that hold some."""
    plain = [child.__dict__ for _, child in modules if not isinstance(child, torch.jit.ScriptModule)]
    return [held for attributes in plain for table in _OF_WEIGHTS if (held := attributes[table])]


@contextmanager
def stand_ins(modules: Modules, trace: Trace) -> Iterator[None]:
    """While this lasts all weights and buffers have no memory, and what a forward pass does to them is undone.

    Each module's tables are exchanged as a whole, which costs a fraction of setting attributes one by one. Weights that
    are shared stay shared. Scripted modules keep theirs elsewhere; those are registered as they are.
    """
    twins: dict[int, torch.Tensor] = {}
    held: list[tuple[dict[str, Any], str, Any]] = []

    def stand_in(path: str, name: str, tensor: torch.Tensor, is_param: bool) -> torch.Tensor:
        twin = twins.get(id(tensor))
        if twin is None:
            twin = twins[id(tensor)] = _stand_in(tensor, name, is_param)
            if is_param:
                trace.add_param(f"{path}.{name}" if path else name, twin, tensor.numel())
            elif twin.is_meta and not tensor.is_meta and tensor.numel() <= _MOST_NUMBERS:
                trace.remember_numbers(twin, tensor.detach().cpu)  # a grid, say, which tells where is sampled
        return twin

    try:
        for path, child in modules:
            if isinstance(child, torch.jit.ScriptModule):
                for name, tensor in child.named_parameters(path, recurse=False):
                    trace.add_param(name, tensor, tensor.numel())
                continue
            attributes = child.__dict__
            for table in _OF_WEIGHTS:
                table_before = attributes[table]
                if not table_before:
                    continue
                held.append((attributes, table, table_before))
                attributes[table] = {
                    name: tensor if tensor is None else stand_in(path, name, tensor, table == "_parameters")
                    for name, tensor in table_before.items()
                }
            if "_flat_weights" in attributes:  # recurrent modules hold their weights a second time
                held.append((attributes, "_flat_weights", attributes["_flat_weights"]))
                attributes["_flat_weights"] = [twins.get(id(w), w) for w in attributes["_flat_weights"]]
        yield
    finally:
        for attributes, table, table_before in reversed(held):
            attributes[table] = table_before


@contextmanager
def as_they_are(modules: Modules, trace: Trace) -> Iterator[None]:
    """All weights are used as they are; the trace is told of them."""
    for name, tensor in modules[0][1].named_parameters():
        trace.add_param(name, tensor, tensor.numel())
    yield


def _stand_in(tensor: torch.Tensor, name: str, is_param: bool) -> torch.Tensor:
    """A tensor without memory; small buffers of numbers that may say what is read keep theirs, in a copy."""
    if tensor.is_meta:
        return tensor.detach()  # another tensor all the same: what a pass does to it is not done to the module's
    says_what_is_read = not is_param and (tensor.numel() == 1 or not tensor.dtype.is_floating_point)
    if says_what_is_read and tensor.numel() <= _MOST_NUMBERS and name != "num_batches_tracked":
        return tensor.detach().to("cpu", copy=True)
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=_META)


def has_lazy_weights(modules: Modules) -> bool:
    """Whether some weights get their shape from the first input only."""
    tables = [table for _, child in modules for table in (child._parameters, child._buffers) if table]
    kinds = {type(tensor) for table in tables for tensor in table.values()}
    return not kinds <= _OF_KNOWN_SHAPE and any(
        tensor is not None and is_lazy(tensor) for table in tables for tensor in table.values()
    )


def initialised_copy(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.nn.Module:
    """A copy without memory of a module with lazy weights, which have got their shapes from an input."""
    memo: dict[int, Any] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        memo[id(tensor)] = _bare(tensor)
    bare = copy.deepcopy(module, memo)
    with torch.no_grad(), in_evaluation(modules_in(bare)):
        bare(*args, **kwargs)
    return bare


def _bare(tensor: torch.Tensor) -> torch.Tensor:
    if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
        kind: Any = type(tensor)
        bare: torch.Tensor = kind(device="meta", dtype=tensor.dtype)
        return bare
    empty = torch.empty_like(tensor, device="meta")
    return torch.nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, torch.nn.Parameter) else empty


@contextmanager
def in_evaluation(modules: Modules) -> Iterator[None]:
    """Evaluation mode, each module's own mode restored afterwards; no method of the user's is called."""
    trained = [child for _, child in modules if child.training]
    for child in trained:
        child.training = False
    try:
        yield
    finally:
        for child in trained:
            child.training = True


def floating_type(module: torch.nn.Module) -> torch.dtype:
    """The type of the module's weights, which is that of its input."""
    for parameter in module.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.get_default_dtype()


def device_of(module: torch.nn.Module) -> torch.device:
    """Where the module's weights are; the CPU where it has none."""
    return next((tensor.device for tensor in (*module.parameters(), *module.buffers())), torch.device("cpu"))
