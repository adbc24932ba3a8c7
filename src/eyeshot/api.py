"""The two functions that most programs need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyeshot.design.named import network_named
from eyeshot.network.graph import Network
from eyeshot.report.inspection import Report

if TYPE_CHECKING:
    from eyeshot.report.comparison import Comparison


def inspect(model: Any, input_shape: Any = None, *, example: Any = None, lines: bool = False) -> Report:
    """What each layer of a model sees and costs.

    Args:
        model: a name or notation (see ``eyeshot models``), a Network, a torch.nn.Module, which is neither run on
            numbers nor changed, or a torch.export program.
        input_shape: channels and sizes without the batch; the model's own, or (3, 224, 224), unless given. A text says
            more, such as "224x224x3:HWC" or "128:T:int64"; a dictionary gives several inputs by the names of forward's
            arguments. Fields are of the first.
        example: for modules: what forward is called with, instead of a shape: a tensor, a tuple or a dictionary, batch
            axis included. Where control flow depends on values, its numbers decide.
        lines: for modules: keep the line of code that called each layer.

    Raises:
        UsageError: if a name is neither a known model nor a design, or the input is none.
        ReadError: if a module cannot be traced; its ``partial`` is the Network up to there.

    Example:
        >>> inspect("alexnet")["conv5"].field.size
        (163, 163)
    """
    return Report(_network(model, input_shape, example, lines))


def compare(*models: Any, input_shape: Any = None) -> Comparison:
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


def _network(model: Any, input_shape: Any, example: Any, lines: bool) -> Network:
    if isinstance(model, Network):
        return model
    if isinstance(model, str):
        return network_named(model, input_shape, example=example, with_lines=lines)
    from eyeshot.read.torch import read_module

    name = type(model).__name__
    return read_module(model, input_shape, name=name, source="torch", example=example, with_lines=lines)
