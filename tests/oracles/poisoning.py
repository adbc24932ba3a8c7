"""What a module's units depend on, found out by the module itself: NaN put in, and looked for in the outputs.

In float64, since fast float32 convolutions smear NaN over tiles. Shares no code with the analyses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

Bits = npt.NDArray[np.bool_]


def outputs_of(module: nn.Module, names: list[str], x: torch.Tensor) -> dict[str, torch.Tensor]:
    """The outputs of some submodules in one forward pass."""
    found: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(child: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            found.setdefault(name, output.detach().clone())

        return hook

    handles = [module.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    with torch.no_grad():
        module(x)
    for handle in handles:
        handle.remove()
    return found


def poisoned_lines(
    module: nn.Module,
    names: list[str],
    shape: tuple[int, ...],
    axis: int,
    *,
    one_by_one: bool = False,
    along: Mapping[str, tuple[int, ...]] | None = None,
    lines: Sequence[int] | None = None,
) -> dict[str, Bits]:
    """Per layer, which positions along an axis (columns) see which input positions along it (rows).

    ``along`` says along which axes of a layer's output positions are told apart, where that is not the same axis;
    ``lines`` names the lines that are tried, all unless given.

    One whole line of the input is NaN at a time; all lines go through as one batch, or one by one where a module mixes
    its batch.
    """
    lines = range(shape[axis]) if lines is None else lines
    n = len(lines)
    x = torch.rand(n, *shape[1:], dtype=torch.float64) + 0.5
    for image, line in zip(x, lines, strict=True):
        image.select(axis - 1, line).fill_(float("nan"))
    result = {}
    for name, out in _all_outputs(module, names, x, one_by_one).items():
        nan = out.isnan().reshape(n, -1, *out.shape[1:])
        kept = ((axis,) if out.dim() == len(shape) else ()) if along is None else along[name]
        others = [a + 1 for a in range(out.dim()) if a not in kept]
        bits = nan.amax(dim=others) if others else nan
        result[name] = bits.reshape(n, -1).numpy()
    return result


def _all_outputs(module: nn.Module, names: list[str], x: torch.Tensor, one_by_one: bool) -> dict[str, torch.Tensor]:
    if not one_by_one:
        return outputs_of(module, names, x)
    found = [outputs_of(module, names, image[None]) for image in x]
    return {name: torch.cat([outputs[name] for outputs in found]) for name in names}


def poisoned_pixels(module: nn.Module, name: str, shape: tuple[int, ...], at: tuple[int, ...]) -> Bits:
    """Which pixels the unit at a position of a layer sees, over all its channels: one pixel NaN at a time."""
    sizes = shape[2:]
    count = int(np.prod(sizes))
    x = torch.rand(count, *shape[1:], dtype=torch.float64) + 0.5
    for i in range(count):
        x[(i, slice(None), *np.unravel_index(i, sizes))] = float("nan")
    out = outputs_of(module, [name], x)[name].isnan()
    unit = out[(slice(None), slice(None), *at)] if out.dim() == len(shape) else out
    return unit.reshape(count, -1).any(dim=1).numpy().reshape(sizes)


def hull_of(bits: Bits) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last seen position per column; 0 and −1 for nothing."""
    n = bits.shape[0]
    some = bits.any(axis=0)
    first = np.where(some, bits.argmax(axis=0), 0)
    last = np.where(some, n - 1 - bits[::-1].argmax(axis=0), -1)
    return first, last


def prepared(module: nn.Module) -> nn.Module:
    """In evaluation mode and float64, weights positive, so that nothing cancels and no rectification is shut.

    Each unit's weights sum to about 1, so that deep networks stay within the numbers' range.
    """
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.copy_((torch.rand_like(parameter) * 0.5 + 0.75) / fan_in)
        for buffer in module.buffers():
            buffer.fill_(1)
    return module
