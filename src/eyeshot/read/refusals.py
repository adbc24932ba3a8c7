"""What PyTorch refuses on tensors with numbers, and lets pass on tensors without.

A pass on tensors without numbers must end where the real one would. PyTorch's own shape functions complain of wrong
sizes; of some wrong types, and of a few sizes, only the functions that compute do. Those are asked for here, wherever
the rules of ``shapes`` did not already know that all is right. Messages name both, as PyTorch's do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

Arguments = Mapping[str, Any]

_PRODUCTS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"), ("input", "weight")),
    **dict.fromkeys(("conv_transpose3d", "convolution", "_convolution", "linear"), ("input", "weight")),
    **dict.fromkeys(("matmul", "dot", "mv"), ("self", "other", "tensor", "vec")),
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm"), ("self", "mat1", "mat2", "batch1", "batch2")),
}
"""Ops whose operands must be of one type, and what they are called."""
_OF_FLOATS = frozenset(
    {"softmax", "_softmax", "log_softmax", "_log_softmax", "gelu", "silu", "hardswish", "mish", "elu", "hardsigmoid"}
    | {"softplus", "log_sigmoid", "leaky_relu", "batch_norm", "upsample_bilinear2d", "upsample_linear1d"}
)
"""Ops that exist for floating-point numbers only."""
_NORMS = frozenset({"batch_norm", "instance_norm", "group_norm", "layer_norm"})
_WITH_AXIS = frozenset({"softmax", "_softmax", "log_softmax", "_log_softmax", "_safe_softmax"})


def refuse(name: str, arguments: Arguments) -> None:
    """Complain of a call that PyTorch would refuse on tensors with numbers.

    Raises:
        RuntimeError: operands of several types, or of one that the op has no function for; a bias of another length.
        IndexError: an axis that the tensor does not have.
    """
    name = name.removesuffix("_")
    if name in _PRODUCTS and not _is_cast():
        _one_type(name, [arguments[key] for key in _PRODUCTS[name] if key in arguments])
        _bias(name, arguments)
    if name.startswith("conv_transpose"):
        _channels(name, arguments)
    if name in _NORMS:
        _types_of_norm(name, arguments)
    if name in _WITH_AXIS:
        _axis(name, arguments["self"].dim(), arguments["dim"])
    if "adaptive" in name:
        _some_positions(name, next(iter(arguments.values())))
    if name in _OF_FLOATS:
        _floats(name, arguments)
    if name == "relu" and arguments["self"].dtype is torch.bool:
        raise RuntimeError("Boolean inputs not supported for relu")


def _is_cast() -> bool:
    """Whether PyTorch casts operands by itself, so that their types say nothing here."""
    return torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda")


def _one_type(name: str, operands: list[Any]) -> None:
    types = [tensor.dtype for tensor in operands if isinstance(tensor, torch.Tensor)]
    if len(set(types)) > 1 and not any(dtype in _QUANTISED for dtype in types):
        raise RuntimeError(f"{name}: its operands should be of one type, but are {' and '.join(map(_type, types))}")


_QUANTISED = (torch.qint8, torch.quint8, torch.qint32)


def _bias(name: str, arguments: Arguments) -> None:
    bias, weight = arguments.get("bias"), arguments.get("weight")
    if not isinstance(bias, torch.Tensor) or not isinstance(weight, torch.Tensor):
        return
    outputs = weight.shape[1] * arguments["groups"] if "transpose" in name else weight.shape[0]
    if name != "linear" and not arguments.get("transposed") and tuple(bias.shape) != (outputs,):
        raise RuntimeError(f"{name}: a bias for {outputs} outputs is needed, but it has shape {list(bias.shape)}")
    x = arguments["input"]
    if bias.dtype is not x.dtype and bias.dtype not in _QUANTISED:
        raise RuntimeError(f"{name}: input ({_type(x.dtype)}) and bias ({_type(bias.dtype)}) should be of one type")


def _channels(name: str, arguments: Arguments) -> None:
    x, weight = arguments["input"], arguments["weight"]
    have = x.shape[-(weight.dim() - 1)] if x.dim() >= weight.dim() - 1 else 0
    if have != weight.shape[0]:
        raise RuntimeError(f"{name}: a weight of {list(weight.shape)} takes {weight.shape[0]} channels, but got {have}")


def _types_of_norm(name: str, arguments: Arguments) -> None:
    """Half precision is normalised by weights and statistics in full; otherwise all are of one type."""
    x = arguments["input"]
    for key in ("weight", "bias", "running_mean", "running_var"):
        other = arguments.get(key)
        is_mixed = x.dtype in (torch.float16, torch.bfloat16) and other is not None and other.dtype is torch.float32
        if other is not None and other.dtype is not x.dtype and not is_mixed:
            raise RuntimeError(f"{name}: input ({_type(x.dtype)}) and {key} ({_type(other.dtype)}) are of two types")


def _axis(name: str, rank: int, axis: int) -> None:
    if not -max(rank, 1) <= axis < max(rank, 1):
        ends = f"[{-max(rank, 1)}, {max(rank, 1) - 1}]"
        raise IndexError(f"{name}: dimension out of range (expected to be in range of {ends}, but got {axis})")


def _some_positions(name: str, x: torch.Tensor) -> None:
    if 0 in x.shape[1:]:
        raise RuntimeError(
            f"{name}: expected input to have non-zero size for non-batch dimensions, but got {[*x.shape]}"
        )


def _floats(name: str, arguments: Arguments) -> None:
    x = arguments["input"] if "input" in arguments else arguments["self"]
    if not x.dtype.is_floating_point and not x.dtype.is_complex and arguments.get("dtype") is None:
        raise RuntimeError(f"{name} is not implemented for {_type(x.dtype)}")


def _type(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
