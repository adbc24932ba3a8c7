"""Stochastic gradient descent as PyTorch has it, without PyTorch's compiler.

PyTorch keeps its compiler out of an optimiser's methods, and imports it for that: 1.7 s of each process that trains,
more than many a small network needs. The methods inside those that keep it out are the same to the last bit.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch


def _bare(method: Any) -> Any:
    return inspect.unwrap(method)


class Descent(torch.optim.SGD):
    """``torch.optim.SGD`` for modules that are not compiled."""

    add_param_group = _bare(torch.optim.Optimizer.add_param_group)
    zero_grad = _bare(torch.optim.Optimizer.zero_grad)
    state_dict = _bare(torch.optim.Optimizer.state_dict)
    load_state_dict = _bare(torch.optim.Optimizer.load_state_dict)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step along the gradients."""
        return _bare(torch.optim.SGD.step)(self, closure)
