"""What a module takes beside the images, where it has several inputs: numbers without meaning, drawn for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from eyeshot.network.graph import Network
from eyeshot.read.arguments import arguments_for


class Beside:
    """The arguments of forward: images for the first input, noise for all others, zeros and ones where integers go in.

    Args:
        module: the module.
        network: what it was read as.
        input_shape: what it was read with.
    """

    def __init__(self, module: nn.Module, network: Network, input_shape: Any) -> None:
        self._others = [node.name for node in network.inputs[1:]]
        self._arguments = arguments_for(module, network.name, input_shape, None) if self._others else None

    @property
    def words(self) -> str:
        """What goes in beside the images; nothing for one input."""
        return f"; {' and '.join(self._others)}: noise" if self._others else ""

    def arguments(
        self, x: torch.Tensor, indices: Sequence[int], seed: int
    ) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """What forward is called with for some images, or repetitions of them."""
        if self._arguments is None:
            return (x,), {}
        tensors = [tensor for _, tensor in self._arguments.specs]
        filled = {id(tensors[0]): x}
        for number, like in enumerate(tensors[1:], start=1):
            drawn = torch.from_numpy(np.stack([_drawn(like, [seed, i, number]) for i in indices])).to(like.dtype)
            filled[id(like)] = drawn.repeat(len(x) // len(indices), *(1 for _ in like.shape[1:])).to(x.device)
        arguments = self._arguments.filled(filled)
        return arguments.args, arguments.kwargs


def _drawn(like: torch.Tensor, seeds: list[int]) -> Any:
    generator = np.random.Generator(np.random.PCG64(seeds))
    shape = tuple(like.shape[1:])
    return generator.standard_normal(shape) if like.dtype.is_floating_point else generator.integers(0, 2, shape)
