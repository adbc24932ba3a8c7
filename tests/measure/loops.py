"""Effective fields as the peers compute them: one unit and one image at a time. Shares no code with the package."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


def gradient(module: nn.Module, layer: str, image: torch.Tensor, place: tuple[Any, ...]) -> npt.NDArray[np.float64]:
    """d (sum of a layer's output at a place) / d image, as (channels, sizes …)."""
    held: dict[str, torch.Tensor] = {}
    handle = module.get_submodule(layer).register_forward_hook(
        lambda child, inputs, output: held.__setitem__("out", output)
    )
    x = image[None].clone().requires_grad_(True)
    module.eval()(x)
    handle.remove()
    (found,) = torch.autograd.grad(held["out"][(0, *place)].sum(), x)
    return found[0].double().numpy()


def measured(found: npt.NDArray[np.float64], measure: str) -> npt.NDArray[np.float64]:
    values = {"abs": np.abs(found), "square": found**2, "signed": found, "positive": np.maximum(found, 0)}[measure]
    return np.asarray(values.sum(0))


def aligned_average(
    module: nn.Module,
    layer: str,
    images: torch.Tensor,
    origins: dict[tuple[int, ...], tuple[int, ...]],
    measure: str,
) -> dict[tuple[int, ...], float]:
    """Sum over images and units of the maps, by offset from each unit's origin."""
    sums: dict[tuple[int, ...], float] = {}
    for image, (at, origin) in itertools.product(images, origins.items()):
        for pixel, value in np.ndenumerate(measured(gradient(module, layer, image, (slice(None), *at)), measure)):
            offset = tuple(p - o for p, o in zip(pixel, origin, strict=True))
            sums[offset] = sums.get(offset, 0.0) + float(value)
    return sums
