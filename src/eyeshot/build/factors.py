"""A kernel as a chain of smaller convolutions: the best in the sense of least squares, with its relative error.

a smaller kernel       the middle of the larger
depthwise, 1×1         one singular vector for each channel read: the best there is (Eckart & Young 1936)
1×1, k×k, 1×1          Tucker's decomposition over channels, by alternating singular vectors (De Lathauwer 2000)
k×k … k×k              L-BFGS on the composed kernel from several starts: a local best
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from eyeshot.build.folding import chained

STARTS, ROUNDS = 3, 300
"""Of the search for stacks: random starts, and steps of the best of them."""
MOST_WORK = 2e11
"""Multiplications that the search for one layer's stack may take, half a minute on two cores."""


def factored(kernel: torch.Tensor, chain: Sequence[Any]) -> tuple[list[torch.Tensor], float]:
    """Weights of a chain of convolutions whose composition comes near a dense kernel (out, in, sizes…).

    Returns:
        The weights, and ‖W − W'‖ / ‖W‖.
    """
    first = chain[0]
    # of a dilated kernel only every d-th position is a tap, and the chain is dilated as it is
    dilation = max((child.dilation for child in chain if max(child.kernel_size) > 1), default=first.dilation)
    kernel = kernel[(slice(None), slice(None), *(slice(None, None, d) for d in dilation))]
    if len(chain) == 1:
        weights, product = _middle(kernel, first.kernel_size)
    elif len(chain) == 2 and first.groups == kernel.shape[1] > 1:
        weights, product = _depthwise(kernel, first.out_channels // first.in_channels)
    elif len(chain) == 3 and max(first.kernel_size) == 1 == max(chain[-1].kernel_size):
        weights, product = _tucker(kernel, first.out_channels, chain[1].out_channels)
    else:
        weights, product = _stack(kernel, chain)
    norm = float(kernel.norm())
    return weights, float((kernel - product).norm()) / norm if norm else 0.0


def _middle(kernel: torch.Tensor, sizes: Sequence[int]) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The part of a kernel in its middle."""
    starts = [(n - k + 1) // 2 for n, k in zip(kernel.shape[2:], sizes, strict=True)]
    place = (slice(None), slice(None), *(slice(a, a + k) for a, k in zip(starts, sizes, strict=True)))
    product = torch.zeros_like(kernel)
    product[place] = kernel[place]
    return [kernel[place]], product


def _depthwise(kernel: torch.Tensor, multiplier: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    """W[:, c] ≈ p_c ⊗ d_c, for each channel c that is read."""
    width, channels = kernel.shape[:2]
    flat = kernel.flatten(2).transpose(0, 1)  # channels, out, taps
    u, s, v = torch.linalg.svd(flat, full_matrices=False)
    rank = min(multiplier, s.shape[1])
    root = s[:, :rank].sqrt()
    depth = kernel.new_zeros(channels, multiplier, flat.shape[2])
    point = kernel.new_zeros(channels, multiplier, width)
    depth[:, :rank] = v[:, :rank] * root[..., None]
    point[:, :rank] = u[:, :, :rank].transpose(1, 2) * root[..., None]
    product = torch.einsum("cmo,cmt->oct", point, depth).reshape(kernel.shape)
    ones = (1,) * (kernel.dim() - 2)
    deep = depth.reshape(channels * multiplier, 1, *kernel.shape[2:])
    return [deep, point.reshape(channels * multiplier, width).T.reshape(width, -1, *ones)], product


def _tucker(kernel: torch.Tensor, reads: int, gives: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    """W ≈ U·core·Vᵀ over channels; U and V alternate until they stay."""
    width, channels = kernel.shape[:2]
    flat = kernel.flatten(2)
    u = _leading(flat.flatten(1), gives)
    v = _leading(flat.transpose(0, 1).flatten(1), reads)
    for _ in range(8):
        u = _leading(torch.einsum("oct,cr->ort", flat, v).flatten(1), gives)
        v = _leading(torch.einsum("oct,og->cgt", flat, u).flatten(1), reads)
    core = torch.einsum("oct,og,cr->grt", flat, u, v)
    product = torch.einsum("grt,og,cr->oct", core, u, v).reshape(kernel.shape)
    ones = (1,) * (kernel.dim() - 2)
    return [
        v.T.reshape(reads, channels, *ones),
        core.reshape(gives, reads, *kernel.shape[2:]),
        u.reshape(width, gives, *ones),
    ], product


def _leading(matrix: torch.Tensor, count: int) -> torch.Tensor:
    """As many left singular vectors, the first first; zeros where there are no more."""
    # of the Gram matrix, which is small where the kernel has many taps
    u = torch.linalg.eigh(matrix @ matrix.T)[1].flip(1)[:, :count]
    if u.shape[1] < count:
        u = torch.cat([u, u.new_zeros(u.shape[0], count - u.shape[1])], 1)
    leading: torch.Tensor = u
    return leading


def _stack(kernel: torch.Tensor, chain: Sequence[Any]) -> tuple[list[torch.Tensor], torch.Tensor]:
    shapes = [tuple(child.weight.shape) for child in chain]
    assert all(getattr(child, "groups", 1) == 1 for child in chain)
    step_work = 6 * math.prod(shapes[0]) * math.prod(shapes[-1]) // shapes[-1][1] * len(shapes)
    rounds = max(10, min(ROUNDS, int(MOST_WORK / max(step_work, 1) / 2)))
    generator = torch.Generator().manual_seed(0)
    goal = kernel / kernel.norm() if kernel.norm() else kernel
    best: list[torch.Tensor] = []
    least = math.inf
    for _ in range(STARTS):
        start = _drawn(shapes, goal, generator)
        error = _descend(start, goal, max(5, rounds // 6))
        if error < least:
            best, least = start, error
    _descend(best, goal, rounds)
    best[-1] = best[-1] * kernel.norm()
    return best, _product(best)


def _drawn(shapes: Sequence[tuple[int, ...]], goal: torch.Tensor, generator: torch.Generator) -> list[torch.Tensor]:
    weights = []
    for shape in shapes:
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64).to(goal.device)
        weights.append(drawn / math.sqrt(math.prod(shape[1:])))
    size = _product(weights).norm()
    return [weight / size ** (1 / len(shapes)) for weight in weights]


def _descend(weights: list[torch.Tensor], goal: torch.Tensor, rounds: int) -> float:
    """Bring a chain nearer to its goal, in place; the squared error that is left."""
    with torch.enable_grad():
        free = [weight.clone().requires_grad_() for weight in weights]
        search = torch.optim.LBFGS(
            free, max_iter=rounds, history_size=20, tolerance_grad=1e-12, tolerance_change=1e-14,
            line_search_fn="strong_wolfe",
        )  # fmt: skip

        def loss() -> torch.Tensor:
            search.zero_grad()
            error = (_product(free) - goal).square().sum()
            error.backward()
            return error

        search.step(loss)
    weights[:] = [weight.detach() for weight in free]
    return float((_product(weights) - goal).square().sum())


def _product(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    kernel = weights[0]
    for weight in weights[1:]:
        kernel = chained(kernel, weight, (1,) * (kernel.dim() - 2))
    return kernel
