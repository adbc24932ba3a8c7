"""Paths counted by autograd: every op of a network as the plain sum of what it reads.

Then an output is the sum over all paths of their ends, and its gradient counts the paths to each pixel. Shares no code
with the analyses.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    AdaptivePool,
    Arithmetic,
    Concatenate,
    Conv,
    Linear,
    LocalResponseNorm,
    Pool,
    Rearrange,
)


def paths(network: Network, name: str, index: dict[int, int]) -> npt.NDArray[np.float64]:
    """Number of paths from a unit of a layer, over all its channels, to each pixel of the input, over all channels."""
    x = torch.ones(network.input.shape, dtype=torch.float64, requires_grad=True)
    held = {network.input.name: x}
    for node in network.layers:
        held[node.name] = _summed(node, [held[source] for source in node.inputs])
        if node.name == name:
            break
    unit = held[name]
    for axis, i in sorted(index.items(), reverse=True):
        unit = unit.select(axis, i)
    (counts,) = torch.autograd.grad(unit.sum(), x)
    return np.asarray(counts.sum((0, 1)))


def _summed(node: Node, inputs: list[torch.Tensor]) -> torch.Tensor:
    op, x = node.op, inputs[0]
    if isinstance(op, Conv):
        return _windows(x, op, node.shape[1], op.groups, node)
    if isinstance(op, Pool):
        return _windows(x, op, x.shape[1], x.shape[1], node)
    if isinstance(op, LocalResponseNorm):
        before = op.size // 2
        padded = functional.pad(x.movedim(1, -1), (before, op.size - 1 - before)).movedim(-1, 1)
        return torch.stack([padded[:, i : i + x.shape[1]] for i in range(op.size)]).sum(0)
    if isinstance(op, AdaptivePool):
        return x.sum(tuple(range(2, x.dim())), keepdim=True)
    if isinstance(op, Linear):
        return x.sum(-1, keepdim=True).expand(*x.shape[:-1], node.shape[-1])
    if isinstance(op, Arithmetic):
        return torch.stack(inputs).sum(0)
    if isinstance(op, Concatenate):
        return torch.cat(inputs, op.axis)
    if isinstance(op, Rearrange):
        return x.reshape(node.shape)
    return x


def _windows(x: torch.Tensor, op: Conv | Pool, channels: int, groups: int, node: Node) -> torch.Tensor:
    sides = [amount for before, after in reversed(op.padding) for amount in (before, after + 64)]
    kernel = torch.ones((channels, x.shape[1] // groups, *op.kernel), dtype=x.dtype)
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[len(op.kernel) - 1]
    out = convolve(functional.pad(x, sides), kernel, None, op.stride, 0, op.dilation, groups)
    return out[(slice(None), slice(None), *(slice(0, n) for n in node.shape[2:]))]
