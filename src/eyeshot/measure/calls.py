"""Which call of which function makes a layer, in a user's module? Found while the module is read, seen when it runs.

Layers need not be modules: a sum, a reshape, a function's result has a name, too. The reader's pass and a real one call
the same functions in the same order, so a layer is known by the number of the call that makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode, resolve_name

from eyeshot.network.graph import Network
from eyeshot.network.ops import Input
from eyeshot.read.naming import nodes_of
from eyeshot.read.torch import read_module
from eyeshot.read.trace import Step, Trace, tensors_in


@dataclass(frozen=True)
class Made:
    """The call that makes a layer: its number, its function, and which of its results the layer is."""

    number: int
    function: str
    result: int


class _Reader(TorchFunctionMode):
    """Notes, for each call of a function, the steps that it makes and the results that it gives."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace
        self.calls: list[tuple[str, list[Step], list[Step | None]]] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """PyTorch's entry: called for every public function."""
        first = len(self.trace.steps)
        self.calls.append(("", [], []))
        number = len(self.calls) - 1
        out = func(*args, **(kwargs or {}))
        results = [self.trace.step_of(tensor) if self.trace.knows(tensor) else None for tensor in tensors_in(out)]
        self.calls[number] = (resolve_name(func) or repr(func), self.trace.steps[first:], results)
        return out


def calls_of(module: nn.Module, network: Network, input_shape: Any) -> dict[str, Made]:
    """For each layer the call that makes it; layers that no single call gives are left out."""
    readers: list[_Reader] = []

    def watching(trace: Trace) -> _Reader:
        readers.append(_Reader(trace))
        return readers[-1]

    read_module(module, input_shape, name=network.name, source=network.source, watching=watching)
    reader = readers[-1]
    inputs = {step: f"input{i}" for i, step in enumerate(reader.trace.steps) if isinstance(step.op, Input)}
    names = {step: node.name for step, node in nodes_of(reader.trace, inputs).items()}
    outputs: dict[str, Made] = {}
    for number, (function, steps, results) in enumerate(reader.calls):
        for i, step in enumerate(results):
            if step in steps and step in names:
                outputs.setdefault(names[step], Made(number, function, i))
    return {name: output for name, output in outputs.items() if name in network}


class Watcher(TorchFunctionMode):
    """Keeps the result of one call in a forward pass, and ends the pass by an exception.

    Attributes:
        output: the result; None until the call has come.
        is_another: the call of that number was of another function.
    """

    def __init__(self, output: Made, end: Exception) -> None:
        super().__init__()
        self._made, self._end, self._number = output, end, -1
        self.output: torch.Tensor | None = None
        self.is_another = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """PyTorch's entry: called for every public function."""
        self._number += 1
        number = self._number
        out = func(*args, **(kwargs or {}))
        if number == self._made.number:
            self.is_another = (resolve_name(func) or repr(func)) != self._made.function
            self.output = list(tensors_in(out))[self._made.result] if not self.is_another else None
            raise self._end
        return out
