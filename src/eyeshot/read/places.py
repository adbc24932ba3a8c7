"""Where in the user's model a forward pass is: its modules' calls are followed, as long as the pass lasts."""

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

from eyeshot.read.state import Modules
from eyeshot.read.trace import CallSite, Trace, tensors_in

_OWN = (f"{Path(__file__).parents[1]}{os.sep}", f"{Path(torch.__file__).parent}{os.sep}", "<")


@dataclass(slots=True)
class _Running:
    """A module's forward under way: where it is, what it got, and what its last part gave."""

    place: CallSite
    inputs: Any
    last: tuple[str, Any] = ("", None)


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
        """While this lasts the trace knows its place.

        Calls of modules are watched where PyTorch makes them. Its hooks for that would cost as much for each call as
        recording an op does: with hooks PyTorch takes another way through a call, and a failure has to be told by what
        a hook gets.
        """
        for child in self.modules.values():  # which run as they are written now; what they hold is put back afterwards
            if child.__dict__.get("_compiled_call_impl") is not None:
                child.__dict__["_compiled_call_impl"] = None
        of_pytorch: Any = torch.nn.Module
        called = of_pytorch._call_impl
        of_pytorch._call_impl = self._following(called)
        try:
            yield
        finally:
            of_pytorch._call_impl = called

    def _following(self, called: Any) -> Any:
        """PyTorch's way to call a module, followed."""
        paths, trace, stack, watches_all = self.paths, self.trace, self.stack, self.watches_all

        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            path, caller = paths.get(id(module)), trace.place
            trace.place = CallSite(caller.path if path is None else path, not module._modules)
            running = _Running(trace.place, args)
            stack.append(running)
            kind: Any = type(module)
            try:
                if watches_all or not _is_of_pytorch(kind) or not _runs_as_written(module):
                    output = called(module, *args, **kwargs)
                else:
                    with torch._C.DisableTorchFunction():  # public functions that it calls are led past ``Whole``
                        output = called(module, *args, **kwargs)
            except BaseException:
                self.failed = self.failed or running  # the innermost module comes first, and is where it failed
                raise
            finally:
                stack.pop()
                trace.place = caller
            self.failed = None
            if path:
                trace.finish(path, tensors_in(output))
            if stack:
                stack[-1].last = (path or "", output)
            return output

        return call

    def of_failure(self) -> str:
        """Where a forward pass failed: the innermost module with its weight's shape, what went into it, and how far."""
        at = self.failed
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
