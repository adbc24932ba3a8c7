"""Where in the user's model a forward pass is: followed by hooks that are gone afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from eyeshot.read.state import Modules
from eyeshot.read.trace import CallSite, Trace, tensors_in

_OWN = (f"{Path(__file__).parents[1]}{os.sep}", f"{Path(torch.__file__).parent}{os.sep}", "<")


@dataclass(slots=True)
class _Running:
    """A module's forward under way: where it is and was called from, what it got, and what its last part gave.

    ``unwatched`` leads the public functions that a layer of PyTorch's own calls past ``Whole``, where that may be.
    """

    place: CallSite
    caller: CallSite
    inputs: Any
    last: tuple[str, Any] = ("", None)
    unwatched: Any = None


class Places:
    """Follows which of a model's modules is running.

    PyTorch's own layers call none of the functions that ``Whole`` changes, but one layer; handing it each that they do
    call takes a seventh of a reading. With ``watches_all`` it is done all the same: where somebody else watches the
    functions, or where weights are used as they are, which may be tensors of a kind that changes functions itself.
    """

    def __init__(self, modules: Modules, trace: Trace, *, watches_all: bool) -> None:
        self.trace, self.watches_all = trace, watches_all
        self.modules = dict(modules)
        self.paths = {id(child): path for path, child in self.modules.items()}
        self.stack: list[_Running] = []
        self.failed: _Running | None = None

    @contextmanager
    def followed(self) -> Iterator[None]:
        """While this lasts the trace knows its place."""
        handles = (
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            for running in reversed(self.stack):  # none, unless the pass ended with sys.exit
                if running.unwatched is not None:
                    running.unwatched.__exit__(None, None, None)

    def _enter(self, module: torch.nn.Module, inputs: Any) -> None:
        path, caller = self.paths.get(id(module)), self.trace.place
        place = self.trace.place = CallSite(caller.path if path is None else path, not module._modules)
        running = _Running(place, caller, inputs)
        kind: Any = type(module)
        if not self.watches_all and _is_of_pytorch(kind) and _runs_as_written(module):
            running.unwatched = torch._C.DisableTorchFunction()
            running.unwatched.__enter__()
        self.stack.append(running)

    def _leave(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        path = self.paths.get(id(module))
        if path:
            self.trace.finish(path, tensors_in(output))
        if not self.stack:
            return
        running = self.stack.pop()
        if running.unwatched is not None:
            running.unwatched.__exit__(None, None, None)
        self.trace.place = running.caller
        if output is None and sys.exc_info()[0] is not None:
            # PyTorch calls this from the innermost module outwards, and the innermost is where it failed.
            self.failed = self.failed or running
            return
        self.failed = None
        if self.stack:
            self.stack[-1].last = (path or "", output)

    def of_failure(self) -> str:
        """Where a forward pass failed: the innermost module with its weight's shape, what went into it, and how far."""
        # PyTorch tells of no sys.exit; then what was running still is.
        at = self.failed or (self.stack[-1] if self.stack else None)
        if at is None:
            return "in forward"
        path, output = at.last
        last = f", after {path} gave {_shapes(output)}" if path else ""
        if not at.place.path:
            return f"in forward{last}"
        module = self.modules.get(at.place.path)
        weight = getattr(module, "weight", None)
        has_shape = isinstance(weight, torch.Tensor) and not torch.nn.parameter.is_lazy(weight)
        words = f" with a weight of {_shapes(weight)}" if has_shape else ""
        return f"in {at.place.path} ({type(module).__name__}{words}), which got {_shapes(at.inputs)}{last}"


@cache
def _is_of_pytorch(kind: Any) -> bool:
    """Whether a module's class is one of PyTorch's layers that call no function which ``Whole`` changes."""
    return kind.__module__.startswith("torch.nn.modules.") and kind is not torch.nn.LocalResponseNorm


def _runs_as_written(module: torch.nn.Module) -> bool:
    """Whether nothing of the user's runs while a module does: neither parts nor hooks, nor a forward of its own."""
    return not (module._modules or module._forward_pre_hooks or module._forward_hooks or "forward" in module.__dict__)


def _shapes(values: Any) -> str:
    return " and ".join("×".join(map(str, tensor.shape)) for tensor in tensors_in(values)) or "no tensor"


def line_of_user() -> str:
    """The innermost line of code that is neither PyTorch's nor ours, as ``file:line``."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back  # type: ignore[assignment]
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
