"""Stand-ins for a module's weights: tensors without memory, so that nothing is copied or computed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from eyeshot.read.trace import Trace

_MOST_NUMBERS = 1 << 20


def stand_ins(module: torch.nn.Module, trace: Trace) -> dict[str, torch.Tensor]:
    """Stand-ins for all weights and buffers, by name; weights that are shared stay shared.

    Weights of scripted modules cannot be replaced from outside; they are registered as they are.
    """
    scripted = _scripted(module)
    twins: dict[int, torch.Tensor] = {}
    state = {}
    for named, is_param in ((module.named_parameters, True), (module.named_buffers, False)):
        for name, tensor in named(remove_duplicate=False):
            is_own = name.startswith(scripted)
            if id(tensor) not in twins:
                twins[id(tensor)] = tensor if is_own else _stand_in(tensor, name, is_param)
                if is_param:
                    trace.add_param(name, twins[id(tensor)], tensor.numel())
            if not is_own:
                state[name] = twins[id(tensor)]
    return state


def registered(module: torch.nn.Module, trace: Trace) -> None:
    """Tell a trace of a module's weights, which are used as they are."""
    for name, tensor in module.named_parameters():
        trace.add_param(name, tensor, tensor.numel())


def _stand_in(tensor: torch.Tensor, name: str, is_param: bool) -> torch.Tensor:
    """A tensor without memory; small buffers of numbers that may say what is read keep theirs, in a copy."""
    says_what_is_read = tensor.numel() == 1 or not (tensor.is_floating_point() or tensor.is_complex())
    is_small = tensor.numel() <= _MOST_NUMBERS and not name.endswith("num_batches_tracked")
    if not is_param and says_what_is_read and is_small and tensor.device.type != "meta":
        return tensor.detach().to("cpu", copy=True)
    return torch.empty_like(tensor, device="meta")


def _scripted(module: torch.nn.Module) -> tuple[str, ...]:
    """Prefixes of the names of weights inside scripted modules."""
    found = [path for path, child in module.named_modules() if isinstance(child, torch.jit.ScriptModule)]
    return tuple("" if not path else f"{path}." for path in found)


def has_lazy_weights(module: torch.nn.Module) -> bool:
    """Whether some weights get their shape from the first input only."""
    return any(is_lazy(tensor) for tensor in (*module.parameters(), *module.buffers()))


def initialised_copy(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.nn.Module:
    """A copy without memory of a module with lazy weights, which have got their shapes from an input."""
    memo: dict[int, Any] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        memo[id(tensor)] = _bare(tensor)
    bare = copy.deepcopy(module, memo)
    with torch.no_grad(), in_evaluation(bare):
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
def in_evaluation(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode, each module's own mode restored afterwards; no method of the user's is called."""
    modes = [(child, child.training) for child in module.modules()]
    for child, _ in modes:
        child.training = False
    try:
        yield
    finally:
        for child, mode in modes:
            child.training = mode


def floating_type(module: torch.nn.Module) -> torch.dtype:
    """The type of the module's weights, which is that of its input."""
    for parameter in module.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.get_default_dtype()


def device_of(module: torch.nn.Module) -> torch.device:
    """Where the module's weights are; the CPU where it has none."""
    return next((tensor.device for tensor in (*module.parameters(), *module.buffers())), torch.device("cpu"))
