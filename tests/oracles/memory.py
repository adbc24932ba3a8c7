"""What real passes hold and keep: every op, every block of memory, every tensor saved for the backward pass."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Watched(TorchDispatchMode):
    """First and last op at which each block is there that depends on the input; all tensors are held meanwhile."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sizes: dict[int, int] = {}
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.read: set[int] = set()
        self.held: list[torch.Tensor] = []
        self.time = 0
        self._see([x])

    def _see(self, tensors: Iterable[Any]) -> None:
        for tensor in tensors:
            block = block_of(tensor)
            self.held.append(tensor)
            self.sizes.setdefault(block, elements_of(tensor))
            self.first.setdefault(block, self.time)
            self.last[block] = self.time

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.time += 1
        inputs = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor) and block_of(t) in self.first]
        if inputs:
            self.read.update(map(block_of, inputs))
            self._see([*inputs, *(t for t in tree_leaves(out) if isinstance(t, torch.Tensor))])
        return out

    def peak(self, results: Any) -> int:
        """The most elements alive at once; what nobody reads, such as a pool's indices, need not be there."""
        used = self.read | {block_of(t) for t in tree_leaves(results)}
        changes = [0] * (self.time + 2)
        for block in used & self.sizes.keys():
            changes[self.first[block]] += self.sizes[block]
            changes[self.last[block] + 1] -= self.sizes[block]
        return max(accumulate(changes))


def block_of(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def elements_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().nbytes() // tensor.element_size()


def alive_in_use(module: nn.Module, x: torch.Tensor) -> int:
    """The most elements alive at once in a real pass, each block until its last reader."""
    module.eval()
    watched = Watched(x)
    with torch.no_grad(), watched:
        results = module(x)
    return watched.peak(results)


def kept_in_training(module: nn.Module, x: torch.Tensor) -> int:
    """Elements that a real pass in training saves for the backward pass, weights and buffers left out."""
    module.train()
    weights = {block_of(t) for t in (*module.parameters(), *module.buffers())}
    saved: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.numel() and block_of(tensor) not in weights:
            saved[block_of(tensor)] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        module(x)
    return sum(map(elements_of, saved.values()))
