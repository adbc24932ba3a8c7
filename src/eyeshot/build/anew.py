"""A module once more, with weights of its own."""

from __future__ import annotations

import copy

from eyeshot.errors import MissingExtraError, UsageError

try:
    from torch import nn
except ImportError:
    raise MissingExtraError("drawing weights", "torch", "torch") from None


def drawn_anew(module: nn.Module) -> nn.Module:
    """A copy of a module with all weights drawn anew, by each layer's own way.

    Raises:
        UsageError: a weight belongs to no layer that knows how it is drawn.
    """
    twin = copy.deepcopy(module)
    drawn: set[int] = set()
    for child in twin.modules():
        reset = getattr(child, "reset_parameters", None)
        if callable(reset):
            reset()
            drawn |= {id(parameter) for parameter in child.parameters(recurse=False)}
    for name, parameter in twin.named_parameters():
        if id(parameter) not in drawn:
            raise UsageError(
                f"{name} of {type(module).__name__}: nothing says how this weight is drawn, so the module cannot be"
                " drawn anew; give the name of what makes it (file.py:factory)"
            )
    return twin
