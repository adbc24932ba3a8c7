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


def composed(sources: Sequence[Source]) -> tuple[torch.Tensor, torch.Tensor]:
    """The kernel (out, in, sizes…) and bias of convolutions and average pools in a row, in double precision.

    A kernel of groups is written out, with zeros between channels of different groups.
    """
    kernel: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    stride: tuple[int, ...] = ()
    for module, op in sources:
        assert isinstance(op, Conv | Pool)
        if isinstance(op, Conv):
            weight = _dense(module.weight.detach().double(), op.groups)
            weight = _spread(weight, op.dilation)
            own = torch.zeros(weight.shape[0], dtype=weight.dtype, device=weight.device)
            own = own if module.bias is None else module.bias.detach().double()
        else:
            assert kernel is not None
            channels = kernel.shape[0]
            weight = torch.zeros(channels, channels, *op.kernel, dtype=kernel.dtype, device=kernel.device)
            weight[range(channels), range(channels)] = 1 / math.prod(op.kernel)
            own = torch.zeros(channels, dtype=kernel.dtype, device=kernel.device)
        if kernel is None or bias is None:
            kernel, bias, stride = weight, own, op.stride
            continue
        bias = weight.flatten(2).sum(2) @ bias + own
        kernel = chained(kernel, weight, stride)
        stride = tuple(a * b for a, b in zip(stride, op.stride, strict=True))
    assert kernel is not None
    assert bias is not None
    return kernel, bias


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
