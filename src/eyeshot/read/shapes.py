"""What the commonest ops return, by rules of our own: a tensor of the right shape, without asking PyTorch.

PyTorch's own shape functions are written in Python for many ops and take most of the time of reading a module. A rule
here answers only for contiguous tensors of one kind of number and for arguments that it knows to be right; it answers
None for all others, and PyTorch's own function decides, and complains where that is due.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

Arguments = Mapping[str, Any]
ShapeRule = Callable[[Arguments], "torch.Tensor | None"]

_META = torch.device("meta")
_rules: dict[str, ShapeRule] = {}


def output_of(name: str, arguments: Arguments) -> torch.Tensor | None:
    """The output of an op, by its schema's name and arguments; None where PyTorch must be asked."""
    rule = _rules.get(name.removesuffix("_"))
    out = None if rule is None else rule(arguments)
    if out is None or not name.endswith("_"):
        return out
    x: torch.Tensor = arguments["self"]
    return x if out.shape == x.shape else None


def fresh(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """A contiguous tensor without memory."""
    return torch.empty(shape, dtype=dtype, device=_META)


def _rule(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    def register(function: ShapeRule) -> ShapeRule:
        for name in names:
            assert name not in _rules, f"a second shape rule for {name}"
            _rules[name] = function
        return function

    return register


def _are_plain(*tensors: Any) -> bool:
    """Whether all are contiguous tensors without memory, of one kind of floating-point numbers."""
    dtype = tensors[0].dtype
    return bool(dtype.is_floating_point) and all(
        type(t) in _TENSORS and t.dtype is dtype and t.device.type == "meta" and t.is_contiguous() for t in tensors
    )


_TENSORS = (torch.Tensor, torch.nn.Parameter)


def _each(value: Any, axes: int) -> Sequence[int]:
    """One integer per axis, from one for all or a list; none where the count is another."""
    if isinstance(value, int):
        return (value,) * axes
    return tuple(value) * axes if len(value) == 1 else tuple(value) if len(value) == axes else ()


@_rule("conv1d", "conv2d", "conv3d")
def _conv(given: Arguments) -> torch.Tensor | None:
    x, weight, bias, groups = given["input"], given["weight"], given["bias"], given["groups"]
    if not _are_plain(x, weight) or not (bias is None or (_are_plain(x, bias) and bias.shape == weight.shape[:1])):
        return None
    axes = weight.dim() - 2
    batch, channels, *sizes = x.shape
    if axes != x.dim() - 2 or channels != weight.shape[1] * groups or weight.shape[0] % groups or batch == 0:
        return None
    padding, stride, dilation = given["padding"], _each(given["stride"], axes), _each(given["dilation"], axes)
    if isinstance(padding, str) or not (stride and dilation and (padding := _each(padding, axes))):
        return None
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1 if s > 0 and d > 0 and p >= 0 and k > 0 else 0
        for n, k, s, d, p in zip(sizes, weight.shape[2:], stride, dilation, padding, strict=True)
    ]
    return fresh((batch, weight.shape[0], *out), x.dtype) if min(out) > 0 else None


@_rule("max_pool2d", "avg_pool2d")
def _pool(given: Arguments) -> torch.Tensor | None:
    x = given["self"]
    if x.dim() != 4 or not _are_plain(x) or 0 in x.shape:
        return None
    kernel = _each(given["kernel_size"], 2)
    stride = _each(given["stride"], 2) if given["stride"] else kernel
    padding, dilation = _each(given["padding"], 2), _each(given.get("dilation", 1), 2)
    if not (kernel and stride and padding and dilation) or given.get("divisor_override") == 0:
        return None
    out = []
    for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True):
        if min(k, s, d) < 1 or not 0 <= p <= k // 2:
            return None
        room = n + 2 * p - d * (k - 1) - 1
        m = -(-room // s) + 1 if given["ceil_mode"] else room // s + 1
        # a last window that would start in the padding after the end is left out
        out.append(m - 1 if given["ceil_mode"] and (m - 1) * s >= n + p else m)
    return fresh((*x.shape[:2], *out), x.dtype) if min(out) > 0 else None


@_rule("adaptive_avg_pool2d")
def _adaptive_pool(given: Arguments) -> torch.Tensor | None:
    x, size = given["self"], given["output_size"]
    if x.dim() != 4 or not _are_plain(x) or 0 in x.shape or len(size) != 2 or min(size) < 1:
        return None
    return fresh((*x.shape[:2], *size), x.dtype)


@_rule("linear")
def _linear(given: Arguments) -> torch.Tensor | None:
    x, weight, bias = given["input"], given["weight"], given["bias"]
    if not _are_plain(x, weight) or x.dim() < 2 or weight.dim() != 2 or x.shape[-1] != weight.shape[1]:
        return None
    if bias is not None and not (_are_plain(x, bias) and bias.shape == weight.shape[:1]):
        return None
    return fresh((*x.shape[:-1], weight.shape[0]), x.dtype)


@_rule("matmul")
def _matmul(given: Arguments) -> torch.Tensor | None:
    a, b = given["self"], given["other"]
    if a.dim() < 2 or a.dim() != b.dim() or a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
        return None
    if a.dtype is not b.dtype or not a.dtype.is_floating_point or a.device != _META or b.device != _META:
        return None
    return fresh((*a.shape[:-1], b.shape[-1]), a.dtype)


@_rule("add", "sub", "mul", "div", "maximum", "minimum")
def _arithmetic(given: Arguments) -> torch.Tensor | None:
    x, other = given["self"], given["other"]
    if given.get("alpha", 1) != 1 or given.get("rounding_mode") is not None or type(other) is complex:
        return None
    if isinstance(other, torch.Tensor):
        if not _are_plain(x, other):
            return None
        shape = x.shape if x.shape == other.shape else _broadcast(x.shape, other.shape)
        return None if shape is None else fresh(shape, x.dtype)
    if _are_plain(x):
        return fresh(x.shape, x.dtype)
    # a function of each number keeps the order in which they lie
    is_known = type(x) in _TENSORS and x.dtype.is_floating_point and x.device.type == "meta"
    return torch.empty_like(x) if is_known else None


@_rule("eq", "ne", "lt", "le", "gt", "ge")
def _comparison(given: Arguments) -> torch.Tensor | None:
    x, other = given["self"], given["other"]
    if isinstance(other, torch.Tensor) or type(other) is complex or not _are_plain(x):
        return None
    return fresh(x.shape, torch.bool)


@_rule("masked_fill")
def _masked_fill(given: Arguments) -> torch.Tensor | None:
    x, mask, value = given["self"], given["mask"], given["value"]
    if isinstance(value, torch.Tensor) or type(value) is complex or not _are_plain(x) or mask.shape != x.shape:
        return None
    return fresh(x.shape, x.dtype) if mask.device.type == "meta" and mask.dtype is torch.bool else None


@_rule("index")
def _index(given: Arguments) -> torch.Tensor | None:
    """Rows of a table, by a tensor of their numbers."""
    x, (rows, *others) = given["self"], given["indices"]
    if others or rows is None or rows.dtype is not torch.int64 or not _are_plain(x) or 0 in (x.dim(), rows.dim()):
        return None
    if rows.device.type != "meta" or not rows.is_contiguous() or x.numel() == 0:
        return None
    return fresh((*rows.shape, *x.shape[1:]), x.dtype)


def _broadcast(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...] | None:
    """The shape of two that are broadcast together; None where they do not fit."""
    rank = max(len(a), len(b))
    pairs = list(zip((1,) * (rank - len(a)) + tuple(a), (1,) * (rank - len(b)) + tuple(b), strict=True))
    if any(m != n and 1 not in (m, n) for m, n in pairs):
        return None
    return tuple(n if m == 1 else m for m, n in pairs)


@_rule("cat")
def _cat(given: Arguments) -> torch.Tensor | None:
    tensors, axis = given["tensors"], given["dim"]
    first = tensors[0] if tensors else None
    if first is None or first.dim() < 2 or not isinstance(axis, int) or not -first.dim() <= axis < first.dim():
        return None
    if not _are_plain(*tensors):
        return None
    axis %= first.dim()
    shape = list(first.shape)
    rest = shape[:axis] + shape[axis + 1 :]
    for other in tensors[1:]:
        theirs = list(other.shape)
        if len(theirs) != len(shape) or theirs[:axis] + theirs[axis + 1 :] != rest:
            return None
    shape[axis] = sum(tensor.shape[axis] for tensor in tensors)
    return fresh(shape, first.dtype)


@_rule("mean")
def _mean(given: Arguments) -> torch.Tensor | None:
    x, axes = given["self"], given.get("dim")
    if not axes or given.get("dtype") is not None or not _are_plain(x) or math.prod(x.shape) == 0:
        return None
    rank = x.dim()
    if not all(-rank <= a < rank for a in axes):
        return None
    reduced = {a % rank for a in axes}
    if len(reduced) < len(axes):
        return None
    if given["keepdim"]:
        return fresh([1 if a in reduced else n for a, n in enumerate(x.shape)], x.dtype)
    return fresh([n for a, n in enumerate(x.shape) if a not in reduced], x.dtype)


@_rule("roll")
def _roll(given: Arguments) -> torch.Tensor | None:
    x, shifts, axes = given["self"], given["shifts"], given["dims"]
    if not _are_plain(x) or not axes or len(shifts) != len(axes) or not all(-x.dim() <= a < x.dim() for a in axes):
        return None
    return fresh(x.shape, x.dtype)
