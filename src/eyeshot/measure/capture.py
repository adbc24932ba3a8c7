"""The output of one layer in a forward pass that goes no further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from eyeshot.complaints import complaint, rest
from eyeshot.errors import EyeshotError, RunError, UsageError
from eyeshot.measure.calls import Made, Watcher
from eyeshot.network.graph import Network


class _Reached(Exception):  # noqa: N818 (no error: the way out of a forward pass)
    """The layer has run; the rest of the pass is not needed."""


class Capture:
    """Runs a module up to a layer.

    Args:
        module: the module.
        network: what it was read as.
        layer: the layer's name.
        calls: the calls that make the layers, where the module was read; None where layers are modules by their names.
        arguments: what forward is called with for some images.

    Raises:
        UsageError: no call, nor any module, gives the layer.
    """

    def __init__(
        self,
        module: nn.Module,
        network: Network,
        layer: str,
        calls: dict[str, Made] | None,
        arguments: Callable[[torch.Tensor], tuple[tuple[Any, ...], Mapping[str, Any]]],
    ) -> None:
        self.module, self.layer, self._arguments = module, layer, arguments
        self.shape = network[layer].shape
        self._made = None if calls is None else calls.get(layer)
        path, _, call = layer.partition("#")
        self._call, self._calls, self._output = int(call or 1), 0, None
        self._target = dict(module.named_modules()).get(path)
        if self._made is None and self._target is None:
            known = [name for name in calls or () if network[name].shape == self.shape]
            raise UsageError(
                f"{layer} of {network.name} is a step inside a function of PyTorch's, so its gradients cannot be taken;"
                f" of the same shape are {', '.join(known[-3:]) or 'no others'}"
            )

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output, with one entry per image in front of the layer's own shape."""
        end = _Reached()
        args, kwargs = self._arguments(x)
        try:
            with ExitStack() as stack:
                out = self._watched(stack, end)
                self.module(*args, **kwargs)
        except _Reached:
            pass
        except EyeshotError:
            raise
        except (Exception, SystemExit) as error:
            failed = f"the forward pass failed on its way to {self.layer}: {complaint(error)}"
            raise RunError(failed, lines=rest(error)) from error
        return self._per_image(out(), len(x))

    def _watched(self, stack: ExitStack, end: _Reached) -> Any:
        """Has the layer's output kept while the stack lasts; returns what gives it then."""
        if self._made is not None:
            watcher = stack.enter_context(Watcher(self._made, end))
            return lambda: watcher.output
        assert self._target is not None
        self._calls, self._output = 0, None

        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            self._calls += 1
            if self._calls == self._call:
                self._output = output[0] if isinstance(output, tuple | list) else output
                raise end

        stack.callback(self._target.register_forward_hook(keep).remove)
        return lambda: self._output

    def _per_image(self, out: Any, count: int) -> torch.Tensor:
        first = self.shape[0]
        if not isinstance(out, torch.Tensor):
            raise RunError(
                f"{self.layer} did not come to run: the forward pass took another path than the one that was read"
            )
        if tuple(out.shape) != (count * first, *self.shape[1:]):
            raise RunError(
                f"{self.layer}: for {count} images it gave {tuple(out.shape)}, where one gives {self.shape};"
                " its output is not one entry per image"
            )
        return out.reshape(count, *self.shape)
