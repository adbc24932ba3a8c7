"""How wide is the effective receptive field of a network, before and after it was trained?

The gradient of the centre unit of the last convolution that still gives a map, its channels summed, with respect to
the image: its absolute values over some test images, averaged. Their standard deviation about their centre, the mean of
both axes, is the field's σ in pixels. ``eyeshot effective`` measures more, of any layer.

Source: Luo, Li, Urtasun, Zemel 2016, "Understanding the effective receptive field in deep convolutional neural
networks" (arXiv:1701.04128), which has it grow in training.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from eyeshot.analyse.spread import moments_of

if TYPE_CHECKING:
    from eyeshot.train.tested import Tested

_IMAGES = 200


def effective_field(tested: Tested) -> dict[str, float]:
    """σ of the field in pixels with the first weights and with the trained ones; not a number where there is no map."""
    assert tested.make is not None
    return {"before": _sigma(tested.make(), tested), "after": _sigma(tested.module, tested)}


def _sigma(module: nn.Module, tested: Tested) -> float:
    images = tested.test.images
    chosen = torch.linspace(0, len(images) - 1, min(_IMAGES, len(images)), device=images.device).long()
    maps: list[torch.Tensor] = []

    def keep(layer: nn.Module, given: object, out: object) -> None:
        if isinstance(out, torch.Tensor) and out.dim() == 4 and min(out.shape[2:]) > 1:
            maps[:] = [out]

    convolutions = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    hooks = [each.register_forward_hook(keep) for each in convolutions]
    module.eval()
    try:
        with torch.enable_grad():
            pixels = tested.normalise(images[chosen]).requires_grad_(True)
            module(pixels)
            if not maps:
                return math.nan
            height, width = maps[0].shape[2:]
            (gradient,) = torch.autograd.grad(maps[0][:, :, height // 2, width // 2].sum(), pixels)
    finally:
        for hook in hooks:
            hook.remove()
    field = gradient.abs().double().sum((0, 1)).cpu().numpy()
    if not math.isfinite(field.sum()) or not field.any():
        return math.nan
    sigma = [each for _, each in moments_of(field)]
    return sum(sigma) / len(sigma)
