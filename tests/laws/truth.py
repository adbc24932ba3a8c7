"""Hulls of a model's convolutions and pools against NaN in the model itself, at some lines of its own input."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from eyeshot.analyse.inspection import Layer
from eyeshot.api.report import Report
from eyeshot.read.arguments import arguments_for

SLIDING = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d,
           nn.AvgPool3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)  # fmt: skip
MOST_LINES = 4


def agreement(module: nn.Module, report: Report, shape: Any) -> tuple[str, list[str]]:
    """How many layers and axes were held against NaN, and which differ."""
    twin = _prepared(copy.deepcopy(module))
    arguments = arguments_for(twin, "", shape, None).with_numbers(torch.device("cpu"))
    axes = report.network.axes
    layers = [layer for layer in report if _is_map(twin, layer, len(axes))]
    if not layers:
        return "no layers to hold against NaN", []
    x = arguments.specs[0][1]
    names = [layer.name for layer in layers]

    def outputs(image: torch.Tensor) -> dict[str, torch.Tensor]:
        return _outputs(twin, names, arguments.filled({**{id(t): t for _, t in arguments.specs}, id(x): image}))

    clean = outputs(x + 0.5)
    tried, found = 0, []
    for a, axis in enumerate(axes):
        n = x.shape[axis]
        lines = sorted({0, n // 3, 2 * n // 3 + 1, n - 1} & set(range(n)))[:MOST_LINES]
        for line in lines:
            poisoned = x.clone() + 0.5
            poisoned.select(axis, line).fill_(float("nan"))
            of_line = outputs(poisoned)
            for layer in layers:
                tried += 1
                found += list(_differences(layer, a, line, of_line.get(layer.name), clean.get(layer.name)))
    return f"{len(layers)} layers at {tried // max(1, len(layers))} lines", found


def _prepared(module: nn.Module) -> nn.Module:
    """In float64, weights positive and small, running statistics 1: nothing cancels, no rectification is shut."""
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.copy_((torch.rand_like(parameter) * 0.5 + 0.75) / fan_in)
        for name, buffer in module.named_buffers():
            if name.rpartition(".")[2] in ("running_mean", "running_var"):
                buffer.fill_(1)
    return module


def _is_map(module: nn.Module, layer: Layer, axes: int) -> bool:
    try:
        child = module.get_submodule(layer.name)
    except AttributeError:
        return False
    return isinstance(child, SLIDING) and len(layer.node.shape) == axes + 2 and layer.node.shape[0] == 1


def _outputs(module: nn.Module, names: list[str], arguments: Any) -> dict[str, torch.Tensor]:
    """The first output of some submodules in one forward pass, as far as it goes."""
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        def hook(child: nn.Module, inputs: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple) else output  # a pool may give its indices, too
            outputs.setdefault(name, first.detach().clone())

        return hook

    handles = [module.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        with torch.no_grad(), TapsThatWeigh():
            module(*arguments.args, **arguments.kwargs)
    except (RuntimeError, ValueError, IndexError):
        pass  # what chooses by values has none to choose by; layers before it have run
    finally:
        for handle in handles:
            handle.remove()
    return outputs


class TapsThatWeigh(TorchFunctionMode):
    """Interpolation that passes NaN on where it weighs something: 0 · NaN is NaN, and says nothing of what is seen."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if function is not functional.interpolate or kwargs.get("mode", "nearest") in ("nearest", "nearest-exact"):
            return function(*args, **kwargs)
        x = args[0] if args else kwargs["input"]
        out = function(x.nan_to_num(1.0), *args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
        nan = x.isnan().to(out.dtype)
        for axis in range(2, x.dim()):
            nan = nan.movedim(axis, -1) @ _weights(x.shape[axis], out.shape[axis], kwargs).to(out.dtype)
            nan = nan.movedim(-1, axis)
        return out.masked_fill(nan > 0, float("nan"))


def _weights(n: int, m: int, kwargs: dict[str, Any]) -> torch.Tensor:
    """Which of n positions weigh in each of m, as 1 and 0."""
    mode = "bicubic" if kwargs["mode"] == "bicubic" else "bilinear"
    basis = torch.eye(n, dtype=torch.float64).reshape(1, n, n, 1)
    aligned = kwargs.get("align_corners")
    return functional.interpolate(basis, (m, 1), mode=mode, align_corners=aligned)[0, :, :, 0].abs() > 1e-9


def _differences(
    layer: Layer, a: int, line: int, output: torch.Tensor | None, clean: torch.Tensor | None
) -> Iterator[str]:
    if output is None or clean is None or output.shape != clean.shape or output.shape != torch.Size(layer.node.shape):
        return
    # Where NaN is the largest of a pool, what is put back by its position goes there, and leaves a zero where the
    # largest was before: that is seen, too, and no NaN.
    seen = output.isnan() | ~output.isclose(clean, rtol=1e-13, atol=0, equal_nan=True)
    bits = seen.transpose(a + 2, -1).reshape(-1, output.shape[a + 2]).any(dim=0).numpy()
    first, last = layer.hulls[a]
    if first.shape != bits.shape:
        return
    if np.any(bits & ((line < first) | (line > last))):
        yield f"{layer.name} sees line {line} of axis {a}, more than its hulls say"
    ends = (first <= last) & ((line == first) | (line == last))
    if layer.field.is_exact and np.any(ends & ~bits):
        yield f"{layer.name} does not see line {line} of axis {a}, an end of its hulls"
