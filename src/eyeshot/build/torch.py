"""From a network to a torch.nn.Module that trains, its modules named as the network's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    AdaptivePool,
    Arithmetic,
    Concatenate,
    Conv,
    Dropout,
    Input,
    Linear,
    LocalResponseNorm,
    Norm,
    Pointwise,
    Pool,
    Rearrange,
)
from eyeshot.network.relations import Sides

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError:
    raise MissingExtraError("building a network", "torch", "torch") from None

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def build(network: Network) -> nn.Module:
    """A trainable module of the network's layers.

    Weights before a rectification are initialised after He et al. 2015 (normal, fan in), others after Glorot & Bengio
    2010 (normal); biases are 0. The global random generator decides.

    Raises:
        UsageError: if the network has an op that cannot be built, or a name that a module cannot have.
    """
    module = Built(network)
    rectified = {node.inputs[0] for node in network if isinstance(node.op, Pointwise)}
    normalised = {node.inputs[0]: node.name for node in network if isinstance(node.op, Norm)}
    for node in network.layers:
        if isinstance(node.op, Conv | Linear):
            is_rectified = node.name in rectified or normalised.get(node.name) in rectified
            initialise(module.get_submodule(node.name), is_rectified)
    return module


class Built(nn.Module):
    """Runs a network's layers in order; each is a submodule under the layer's name."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._steps: list[tuple[nn.Module, str, tuple[str, ...], tuple[str, ...]]] = []
        last_reader = {name: node.name for node in network.layers for name in node.inputs}
        for node in network.layers:
            module = module_of(network, node)
            _attach(self, node.name, module)
            done = tuple(dict.fromkeys(name for name in node.inputs if last_reader[name] == node.name))
            self._steps.append((module, node.name, node.inputs, done))
        self._input, self._output = network.input.name, network.output.name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The network's last output."""
        held = {self._input: x}
        for module, name, inputs, done in self._steps:
            held[name] = module(*(held[source] for source in inputs))
            for source in done:
                del held[source]
        return held[self._output]


class Add(nn.Module):
    """The sum of two inputs."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Add."""
        return a + b


class Concat(nn.Module):
    """Its inputs side by side along ``axis``."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *parts: torch.Tensor) -> torch.Tensor:
        """Concatenate."""
        return torch.cat(parts, self.axis)


def _padded(kind: type[nn.Module], sides: Sides, value: float, *args: Any, **kwargs: Any) -> nn.Module:
    """A module of a kind that pads its input unevenly first."""

    class Padded(kind):  # type: ignore[valid-type, misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            amounts = [amount for side in reversed(sides) for amount in side]
            return super().forward(functional.pad(x, amounts, value=value))  # type: ignore[no-any-return]

    Padded.__name__ = f"Padded{kind.__name__}"
    return Padded(*args, **kwargs)


Kind = Callable[..., nn.Module]
_CONVS: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_MAX_POOLS: tuple[Any, ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_AVG_POOLS: tuple[Any, ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_ADAPTIVE: tuple[Kind, ...] = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
_BATCH_NORMS: tuple[Kind, ...] = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def module_of(network: Network, node: Node) -> nn.Module:
    """A module of one layer, its weights as PyTorch draws them.

    Raises:
        UsageError: no module does what the layer does.
    """
    op = node.op
    before = network[node.inputs[0]].shape
    if isinstance(op, Conv):
        return conv_of(op, before[1], node.shape[1])
    if isinstance(op, Pool):
        return _pool(op)
    if isinstance(op, Linear) and op.axis == -1:
        return nn.Linear(before[-1], node.shape[-1], bias=op.bias)
    if isinstance(op, Norm) and op.mode == "batch":
        return _BATCH_NORMS[len(node.shape) - 2](before[1])
    if isinstance(op, LocalResponseNorm):
        # PyTorch divides alpha by size; the paper does not
        size = op.size_over(before[1])
        return nn.LocalResponseNorm(size, op.alpha * size, op.beta, op.k)
    if isinstance(op, Pointwise) and op.name in _ACTIVATIONS:
        return _ACTIVATIONS[op.name]()
    if isinstance(op, Dropout):
        return nn.Dropout(op.p)
    if isinstance(op, AdaptivePool) and op.mode == "avg":
        return _ADAPTIVE[len(op.size) - 1](op.size if len(op.size) > 1 else op.size[0])
    if isinstance(op, Rearrange) and op.name == "flatten":
        return nn.Flatten()
    if isinstance(op, Arithmetic) and op.name == "add":
        return Add()
    if isinstance(op, Concatenate):
        return Concat(op.axis)
    assert not isinstance(op, Input)
    raise UsageError(f"{node.name} of {network.name}: {op.kind} cannot be built yet")


def conv_of(op: Conv, channels_in: int, channels_out: int) -> nn.Module:
    """A convolution's module, padded unevenly where it is."""
    kind = _CONVS[len(op.kernel) - 1]
    settings: dict[str, Any] = {
        "stride": op.stride, "dilation": op.dilation, "groups": op.groups, "bias": op.bias,
    }  # fmt: skip
    if is_even(op.padding):
        module: nn.Module = kind(
            channels_in, channels_out, op.kernel, padding=tuple(a for a, _ in op.padding), **settings
        )
        return module
    return _padded(kind, op.padding, 0.0, channels_in, channels_out, op.kernel, **settings)


def _pool(op: Pool) -> nn.Module:
    is_max = op.mode == "max"
    kind = (_MAX_POOLS if is_max else _AVG_POOLS)[len(op.kernel) - 1]
    fits = all(2 * a <= k for (a, _), k in zip(op.padding, op.kernel, strict=True))
    settings: dict[str, Any] = {"ceil_mode": op.ceil} | ({"dilation": op.dilation} if is_max else {})
    if not is_max and any(d > 1 for d in op.dilation):
        raise UsageError("PyTorch's average pools have no dilation")
    if is_even(op.padding) and fits:
        padding = tuple(a for a, _ in op.padding)
        module: nn.Module = kind(op.kernel, op.stride, padding, **settings)
        return module
    fill = float("-inf") if is_max else 0.0
    return _padded(kind, op.padding, fill, op.kernel, op.stride, **settings)


def is_even(sides: Sides) -> bool:
    """Whether as much is padded before as after, along every axis."""
    return all(before == after for before, after in sides)


def _attach(root: nn.Module, name: str, module: nn.Module) -> None:
    *path, last = name.split(".")
    parent = root
    for part in path:
        if not isinstance(getattr(parent, part, None), nn.Module):
            _add(parent, part, nn.Module(), name)
        parent = parent.get_submodule(part)
    _add(parent, last, module, name)


def _add(parent: nn.Module, part: str, module: nn.Module, name: str) -> None:
    try:
        parent.add_module(part, module)
    except KeyError:
        raise UsageError(f"a layer cannot be called {name!r}: PyTorch's modules use {part!r} themselves") from None


@torch.no_grad()
def initialise(module: Any, is_rectified: bool) -> None:
    """Weights after He et al. before a rectification, after Glorot & Bengio elsewhere; biases 0."""
    if is_rectified:
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    else:
        nn.init.xavier_normal_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
