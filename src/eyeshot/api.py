"""The two functions that most programs need."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from eyeshot.design.named import DEFAULT_INPUT, network_named
from eyeshot.network.graph import Network
from eyeshot.report.inspection import Report

if TYPE_CHECKING:
    from eyeshot.report.comparison import Comparison


def inspect(model: Any, input_shape: tuple[int, ...] | None = None) -> Report:
    """What each layer of a model sees and costs.

    Args:
        model: a name or notation (see ``eyeshot models``), a Network, or a torch.nn.Module, which is neither run on
            numbers nor changed.
        input_shape: channels and sizes without the batch; the model's own, or (3, 224, 224), unless given.

    Raises:
        UsageError: if a name is neither a known model nor a design.
        ReadError: if a module cannot be traced.

    Example:
        >>> inspect("alexnet")["conv5"].field.size
        (163, 163)
    """
    return Report(_network(model, input_shape))


def compare(*models: Any, input_shape: tuple[int, ...] | None = None) -> Comparison:
    """What several models see and cost, side by side.

    Example:
        >>> compare("C3-64 C3-64", "C5-64").reports[0]["conv2"].field.size
        (5, 5)
    """
    from eyeshot.errors import UsageError
    from eyeshot.report.comparison import Comparison

    if len(models) < 2:
        raise UsageError(f"compare needs two designs or more, found {len(models)}; eyeshot.inspect takes one")
    return Comparison([inspect(model, input_shape) for model in models])


def _network(model: Any, input_shape: tuple[int, ...] | None) -> Network:
    if input_shape is not None:
        input_shape = _checked(input_shape)
    if isinstance(model, Network):
        return model
    if isinstance(model, str):
        return network_named(model, input_shape)
    from eyeshot.read.torch import read_module

    return read_module(model, input_shape or DEFAULT_INPUT, name=type(model).__name__, source="torch")


def _checked(input_shape: Any) -> tuple[int, ...]:
    """The shape as integers, complained of where it is none."""
    from eyeshot.errors import UsageError

    try:
        shape = tuple(operator.index(n) for n in input_shape)
    except TypeError:
        shape = ()
    if not shape or any(n < 1 for n in shape):
        raise UsageError(f"an input shape is whole numbers from 1 on, such as (3, 224, 224); found {input_shape!r}")
    return shape
