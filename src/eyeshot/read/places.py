"""Where in the user's model a forward pass is: followed by hooks that are gone afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from eyeshot.read.state import Modules
from eyeshot.read.trace import CallSite, Trace, tensors_in

_OWN = (f"{Path(__file__).parents[1]}{os.sep}", f"{Path(torch.__file__).parent}{os.sep}", "<")


class Places:
    """Follows which of a model's modules is running."""

    def __init__(self, modules: Modules, trace: Trace) -> None:
        self.trace = trace
        self.modules = dict(modules)
        self.paths = {id(child): path for path, child in self.modules.items()}
        self.stack: list[CallSite] = []
        self.failed: CallSite | None = None
        self._inputs: Any = ()

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

    def _enter(self, module: torch.nn.Module, inputs: Any) -> None:
        path = self.paths.get(id(module))
        if path is None:
            path = self.trace.place.path
        self.stack.append(self.trace.place)
        self.trace.place = CallSite(path, not module._modules)
        self.failed, self._inputs = self.trace.place, inputs

    def _leave(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        if output is not None:
            self.failed = None
        path = self.paths.get(id(module))
        if path:
            self.trace.finish(path, tensors_in(output))
        self.trace.place = self.stack.pop() if self.stack else CallSite()

    def of_failure(self) -> str:
        """Where a forward pass failed: the innermost module, what went into it, and its weight's shape."""
        at = self.failed
        if at is None or not at.path:
            return "in forward"
        module = self.modules.get(at.path)
        shapes = " and ".join("×".join(map(str, tensor.shape)) for tensor in tensors_in(self._inputs))
        weight = getattr(module, "weight", None)
        has_shape = isinstance(weight, torch.Tensor) and not torch.nn.parameter.is_lazy(weight)
        weight_words = (
            f" with a weight of {'×'.join(map(str, weight.shape))}" if has_shape and weight is not None else ""
        )
        return f"in {at.path} ({type(module).__name__}{weight_words}), which got {shapes or 'no tensor'}"


def line_of_user() -> str:
    """The innermost line of code that is neither PyTorch's nor ours, as ``file:line``."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back  # type: ignore[assignment]
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
