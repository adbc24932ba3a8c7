"""The output of one layer in a forward pass that goes no further."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from eyeshot.errors import RunError, UsageError
from eyeshot.network.graph import Network


class _Reached(Exception):  # noqa: N818 (no error: the way out of a forward pass)
    """The layer has run; the rest of the pass is not needed."""


class Capture:
    """Runs a module up to a layer.

    Args:
        module: the module.
        network: what it was read as.
        layer: the layer's name.

    Raises:
        UsageError: the layer is a step of a function, which no module of its own computes.
    """

    def __init__(self, module: nn.Module, network: Network, layer: str) -> None:
        self.module, self.layer = module, layer
        self.shape = network[layer].shape
        path, _, call = layer.partition("#")
        self._call = int(call or 1)
        modules = dict(module.named_modules())
        if path not in modules:
            known = [name for name in network if name.name.partition("#")[0] in modules]
            near = [node.name for node in known if node.shape == self.shape][-3:]
            raise UsageError(
                f"{layer} of {network.name} is a step inside a module, not a module of its own, so its gradients cannot"
                f" be taken; layers of the same shape that are: {', '.join(near) or 'none'}"
            )
        self._target = modules[path]
        self._calls = 0
        self._output: Any = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output, with one entry per image in front of the layer's own shape."""
        self._calls, self._output = 0, None
        handle = self._target.register_forward_hook(self._keep)
        try:
            self.module(x)
        except _Reached:
            pass
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RunError(f"the forward pass failed on its way to {self.layer}: {text}") from error
        finally:
            handle.remove()
        out = self._output
        if not isinstance(out, torch.Tensor):
            raise RunError(f"{self.layer} did not run, or gave no tensor ({type(out).__name__})")
        count, first = len(x), self.shape[0]
        if tuple(out.shape) != (count * first, *self.shape[1:]):
            raise RunError(
                f"{self.layer}: for {count} images it gave {tuple(out.shape)}, where one gives {self.shape};"
                " its output is not one entry per image"
            )
        return out.reshape(count, *self.shape)

    def _keep(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._calls += 1
        if self._calls == self._call:
            self._output = output[0] if isinstance(output, tuple | list) else output
            raise _Reached
