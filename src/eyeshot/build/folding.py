"""Linear layers in a row as one: batch norm folded into the convolution before it, stacks composed into one kernel.

Two convolutions in a row, the first with stride s₁ and dilation d₁, are one, away from the borders:

    W[o, c, s₁·t₂·d₂ + t₁·d₁] = Σ_m W₂[o, m, t₂] · W₁[m, c, t₁]        a transposed convolution of W₂ by W₁

An average pool is a convolution of each channel by itself with equal weights.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from eyeshot.errors import UsageError
from eyeshot.network.ops import Conv, Op, Pool

_TRANSPOSED = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)


def fold_batch_norm(layer: Any, norm: Any) -> nn.Module:
    """A copy of a convolution or fully connected layer that does what a batch norm behind it did in evaluation mode.

    W' = W·γ/√(σ² + ε)        b' = (b − μ)·γ/√(σ² + ε) + β
    """
    if norm.running_mean is None:
        raise UsageError(
            f"a {type(norm).__name__} without running statistics depends on the batch and cannot be folded"
        )
    new: Any = copy.deepcopy(layer)
    # statistics may be finer than the weights: computed in double, rounded once
    scale = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    bias = torch.zeros_like(scale) if layer.bias is None else layer.bias.double()
    bias = (bias - norm.running_mean.double()) * scale
    if norm.bias is not None:
        bias = bias + norm.bias.double()
    is_transposed = getattr(layer, "transposed", False)
    groups = getattr(layer, "groups", 1)
    weight = layer.weight.double()
    if is_transposed:  # its weights are (in, out of a group, …)
        per_group = scale.reshape(groups, 1, -1)
        shaped = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1) * per_group[..., None]
        weight = shaped.reshape(weight.shape)
    else:
        weight = weight * scale.reshape(-1, *[1] * (weight.dim() - 1))
    new.weight = nn.Parameter(weight.to(layer.weight.dtype), requires_grad=layer.weight.requires_grad)
    new.bias = nn.Parameter(bias.to(layer.weight.dtype), requires_grad=layer.weight.requires_grad)
    return new  # type: ignore[no-any-return]


Source = tuple[Any, Op]
"""A layer's module and op."""


def composed(sources: Sequence[Source], groups: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """The kernel (out, in, sizes…) and bias of convolutions and average pools in a row, in double precision.

    Groups of several convolutions are written out, with zeros between channels of different groups; ``groups`` are
    those that the kernel is to have, which must be those of each convolution.
    """
    kernel, bias, stride = torch.ones(0), torch.zeros(0), tuple[int, ...]()
    is_alone = sum(isinstance(op, Conv) for _, op in sources) == 1
    for module, op in sources:
        assert isinstance(op, Conv | Pool)
        if isinstance(op, Conv):
            weight = module.weight.detach().double()
            weight = _spread(weight if is_alone else _dense(weight, op.groups), op.dilation)
            added = weight.new_zeros(weight.shape[0]) if module.bias is None else module.bias.detach().double()
            if not stride:
                kernel, bias = weight, added
            elif kernel.shape[0] == 1 and not bias.numel():  # a filter of each channel by itself came before
                flat = weight.reshape(1, -1, *weight.shape[2:]).transpose(0, 1)
                kernel, bias = (
                    chained(kernel, flat, stride).reshape(*weight.shape[:2], *_sizes_of(kernel, flat, stride)),
                    added,
                )
            else:
                bias = weight.flatten(2).sum(2) @ bias + added
                kernel = chained(kernel, weight, stride)
        else:
            count = getattr(module, "divisor_override", None) or math.prod(op.kernel)
            share = torch.full((1, 1, *op.kernel), 1 / count, dtype=torch.float64)
            if not stride:
                kernel = share
            else:
                flat = kernel.reshape(1, -1, *kernel.shape[2:])
                share = share.to(kernel.device)
                kernel = chained(flat, share, stride).reshape(*kernel.shape[:2], *_sizes_of(flat, share, stride))
                bias = bias * share.sum()
        stride = tuple(a * b for a, b in zip(stride or (1,) * len(op.stride), op.stride, strict=True))
    if groups > 1 and not is_alone:  # each channel by itself
        kernel = kernel[range(kernel.shape[0]), range(kernel.shape[0])][:, None]
    return kernel, bias


def _sizes_of(first: torch.Tensor, second: torch.Tensor, stride: Sequence[int]) -> list[int]:
    return [(b - 1) * s + a for a, b, s in zip(first.shape[2:], second.shape[2:], stride, strict=True)]


def chained(first: torch.Tensor, second: torch.Tensor, stride: Sequence[int]) -> torch.Tensor:
    """The kernel of two dense convolutions in a row, the first at a stride."""
    return _TRANSPOSED[first.dim() - 3](second, first, stride=tuple(stride))


def _dense(weight: torch.Tensor, groups: int) -> torch.Tensor:
    if groups == 1:
        return weight
    width, per_group = weight.shape[:2]
    dense = weight.new_zeros(width, per_group * groups, *weight.shape[2:])
    for i in range(groups):
        rows = slice(i * width // groups, (i + 1) * width // groups)
        dense[rows, i * per_group : (i + 1) * per_group] = weight[rows]
    return dense


def _spread(weight: torch.Tensor, dilation: Sequence[int]) -> torch.Tensor:
    """A kernel with the gaps of its dilation written out."""
    if all(d == 1 for d in dilation):
        return weight
    sizes = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
    spread = weight.new_zeros(*weight.shape[:2], *sizes)
    spread[(slice(None), slice(None), *(slice(None, None, d) for d in dilation))] = weight
    return spread
