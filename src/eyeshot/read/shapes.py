"""What the commonest ops return, by rules of our own: a tensor of the right shape, without asking PyTorch.

PyTorch's own shape functions are written in Python for many ops and take most of the time of reading a module. A rule
here answers only for contiguous tensors of one kind of number and for arguments that it knows to be right; it answers
None for all others, and PyTorch's own function decides, and complains where that is due.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch

from eyeshot.network.relations import Sizes
from eyeshot.network.slide import Slide

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


def alike(x: torch.Tensor) -> torch.Tensor:
    """What a function of each number of x returns: a tensor without memory, its numbers in the order of x's.

    As ``torch.empty_like``, which is written in Python for tensors that are not contiguous, and imports much.
    """
    if x.is_contiguous():
        return fresh(x.shape, x.dtype)
    if 0 in x.stride() or 0 in x.shape:
        return torch.empty_like(x, device=_META)
    strides = [0] * x.dim()
    step = 1
    for axis in sorted(range(x.dim()), key=lambda a: (x.stride(a), x.shape[a], -a)):
        strides[axis] = step
        step *= x.shape[axis]
    return torch.empty_strided(x.shape, strides, dtype=x.dtype, device=_META)


def _rule(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    def register(function: ShapeRule) -> ShapeRule:
        for name in names:
            assert name not in _rules, f"a second shape rule for {name}"
            _rules[name] = function
        return function

    return register


def _are_plain(*tensors: Any) -> bool:
    """Whether all are contiguous tensors without memory, of one kind of floating-point numbers."""
    return _are_of_one_kind(*tensors) and all(t.is_contiguous() for t in tensors)


def _are_of_one_kind(*tensors: Any) -> bool:
    """Whether all are tensors without memory, of one kind of floating-point numbers."""
    dtype = tensors[0].dtype
    if not dtype.is_floating_point:
        return False
    for tensor in tensors:  # asked of most tensors of most calls: `all(…)` takes twice as long
        if type(tensor) not in _TENSORS or tensor.dtype is not dtype or not tensor.is_meta:
            return False
    return True


_TENSORS = (torch.Tensor, torch.nn.Parameter)


def _each(value: Any, axes: int) -> Sizes:
    """One integer per axis, from one for all or a list; none where the count is another."""
    if isinstance(value, int):
        return (value,) * axes
    return tuple(value) * axes if len(value) == 1 else tuple(value) if len(value) == axes else ()


@_rule("conv1d", "conv2d", "conv3d")
def _conv(args: Arguments) -> torch.Tensor | None:
    x, weight, bias, groups = args["input"], args["weight"], args["bias"], args["groups"]
    padding = args["padding"]
    tensors = (x, weight) if bias is None else (x, weight, bias)
    if isinstance(padding, str) or not _are_of_one_kind(*tensors):
        return None
    lies_by_channels = not x.is_contiguous()
    if lies_by_channels and not (x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)):
        return None
    if not weight.is_contiguous() or not (bias is None or (bias.is_contiguous() and bias.shape == weight.shape[:1])):
        return None
    settings = (
        value if isinstance(value, int) else tuple(value) for value in (args["stride"], padding, args["dilation"])
    )
    shape = _convolved(x.shape, weight.shape, *settings, groups)
    if shape is None:
        return None
    out = fresh(shape, x.dtype)
    return out.contiguous(memory_format=torch.channels_last) if lies_by_channels else out


@lru_cache(maxsize=1024)
def _convolved(
    before: Sizes, weight: Sizes, stride: int | Sizes, padding: int | Sizes, dilation: int | Sizes, groups: int
) -> Sizes | None:
    """The shape of a convolution's output; None of settings and shapes that are not allowed."""
    axes = len(weight) - 2
    if axes != len(before) - 2 or before[1] != weight[1] * groups or weight[0] % groups or before[0] == 0:
        return None
    settings = [_each(value, axes) for value in (stride, dilation, padding)]
    if not all(settings):
        return None
    sizes = [
        Slide(k, s, d, p, p).count(n) if s > 0 and d > 0 and p >= 0 and k > 0 else 0
        for n, k, s, d, p in zip(before[2:], weight[2:], *settings, strict=True)
    ]
    return (before[0], weight[0], *sizes) if min(sizes) > 0 else None


@_rule("max_pool2d", "avg_pool2d")
def _pool(args: Arguments) -> torch.Tensor | None:
    x = args["self"]
    if x.dim() != 4 or not _are_plain(x) or 0 in x.shape:
        return None
    kernel = _each(args["kernel_size"], 2)
    stride = _each(args["stride"], 2) if args["stride"] else kernel
    padding, dilation = _each(args["padding"], 2), _each(args.get("dilation", 1), 2)
    if not (kernel and stride and padding and dilation) or args.get("divisor_override") == 0:
        return None
    out = []
    for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True):
        if min(k, s, d) < 1 or not 0 <= p <= k // 2:
            return None
        out.append(Slide(k, s, d, p, p).count(n, ceil=args["ceil_mode"]))
    return fresh((*x.shape[:2], *out), x.dtype) if min(out) > 0 else None


@_rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(args: Arguments) -> torch.Tensor | None:
    x, weight, bias, groups = args["input"], args["weight"], args["bias"], args["groups"]
    axes = weight.dim() - 2
    if not _are_plain(x, weight) or axes != x.dim() - 2 or 0 in (*x.shape, *weight.shape) or groups < 1:
        return None
    channels = weight.shape[1] * groups
    if x.shape[1] != weight.shape[0] or x.shape[1] % groups:
        return None
    if not (bias is None or (_are_plain(x, bias) and bias.shape == (channels,))):
        return None
    names = ("stride", "padding", "output_padding", "dilation")
    settings = [_each(args[name], axes) for name in names]
    if not all(settings):
        return None
    out = [
        (n - 1) * s - 2 * p + d * (k - 1) + extra + 1 if s > 0 and d > 0 and p >= 0 and 0 <= extra < max(s, d) else 0
        for n, k, s, p, extra, d in zip(x.shape[2:], weight.shape[2:], *settings, strict=True)
    ]
    return fresh((x.shape[0], channels, *out), x.dtype) if min(out) > 0 else None


_RESIZING = {
    "upsample_nearest1d": 1, "upsample_nearest2d": 2, "upsample_nearest3d": 3, "upsample_linear1d": 1,
    "upsample_bilinear2d": 2, "upsample_trilinear3d": 3, "upsample_bicubic2d": 2,
}  # fmt: skip
"""Number of axes that each op resizes."""


def _resizing(axes: int) -> ShapeRule:
    def rule(args: Arguments) -> torch.Tensor | None:
        x, size, factors = args.get("input"), args["output_size"] or (), args.get("scale_factors") or ()
        if x is None or len((*size, *factors)) != axes or not _are_plain(x) or x.dim() != axes + 2 or 0 in x.shape:
            return None
        if len(factors) == axes:
            size = [int(n * factor) for n, factor in zip(x.shape[2:], factors, strict=True)]
        if len(size) != axes or min(size) < 1:
            return None
        return fresh((*x.shape[:2], *size), x.dtype)

    return rule


for _name, _axes in _RESIZING.items():
    _rule(_name)(_resizing(_axes))


@_rule("pixel_shuffle", "pixel_unshuffle")
def _pixel_shuffle(args: Arguments) -> torch.Tensor | None:
    x, up, down = args["self"], args.get("upscale_factor", 1), args.get("downscale_factor", 1)
    if not _are_plain(x) or x.dim() != 4 or min(up, down) < 1 or 0 in x.shape:
        return None
    batch, channels, height, width = x.shape
    if channels % up**2 or height % down or width % down:
        return None
    return fresh((batch, channels * down**2 // up**2, height * up // down, width * up // down), x.dtype)


@_rule("reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d")
def _edge_pad(args: Arguments) -> torch.Tensor | None:
    x, padding = args["self"], args["padding"]
    axes = len(padding) // 2
    if not _are_plain(x) or 0 in x.shape or x.dim() != axes + 2:
        return None
    before, after = padding[::2][::-1], padding[1::2][::-1]
    sizes = x.shape[2:]
    if any(not 0 <= p < n for n, a, b in zip(sizes, before, after, strict=True) for p in (a, b)):
        return None
    return fresh((*x.shape[:2], *(n + a + b for n, a, b in zip(sizes, before, after, strict=True))), x.dtype)


@_rule("adaptive_avg_pool2d")
def _adaptive_pool(args: Arguments) -> torch.Tensor | None:
    x, size = args["self"], args["output_size"]
    if x.dim() != 4 or not _are_plain(x) or 0 in x.shape or len(size) != 2 or min(size) < 1:
        return None
    return fresh((*x.shape[:2], *size), x.dtype)


@_rule("linear")
def _linear(args: Arguments) -> torch.Tensor | None:
    x, weight, bias = args["input"], args["weight"], args["bias"]
    if not _are_of_one_kind(x, weight) or x.dim() < 2 or weight.dim() != 2 or x.shape[-1] != weight.shape[1]:
        return None
    if bias is not None and not (_are_of_one_kind(x, bias) and bias.shape == weight.shape[:1]):
        return None
    return fresh((*x.shape[:-1], weight.shape[0]), x.dtype)


@_rule("matmul")
def _matmul(args: Arguments) -> torch.Tensor | None:
    a, b = args["self"], args["other"]
    if a.dim() < 2 or a.dim() != b.dim() or a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
        return None
    if a.dtype is not b.dtype or not a.dtype.is_floating_point or a.device != _META or b.device != _META:
        return None
    return fresh((*a.shape[:-1], b.shape[-1]), a.dtype)


@_rule("bmm")
def _batched_matmul(args: Arguments) -> torch.Tensor | None:
    a, b = args["self"], args["mat2"]
    if not _are_of_one_kind(a, b) or a.dim() != 3 or b.dim() != 3:
        return None
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        return None
    return fresh((*a.shape[:2], b.shape[2]), a.dtype)


@_rule("add", "sub", "rsub", "mul", "div", "maximum", "minimum")
def _arithmetic(args: Arguments) -> torch.Tensor | None:
    x, other = args["self"], args["other"]
    if args.get("alpha", 1) != 1 or args.get("rounding_mode") is not None or type(other) is complex:
        return None
    if not isinstance(other, torch.Tensor):
        return alike(x) if _are_of_one_kind(x) else None
    if not _are_of_one_kind(x, other):
        return None
    if x.shape == other.shape and 0 not in (*x.stride(), *other.stride()):
        return alike(x)  # where the two lie otherwise, the first decides
    if not (x.is_contiguous() and other.is_contiguous()):
        return None
    shape = _broadcast(x.shape, other.shape)
    return None if shape is None else fresh(shape, x.dtype)


@_rule("eq", "ne", "lt", "le", "gt", "ge")
def _comparison(args: Arguments) -> torch.Tensor | None:
    x, other = args["self"], args["other"]
    if isinstance(other, torch.Tensor) or type(other) is complex or not _are_plain(x):
        return None
    return fresh(x.shape, torch.bool)


@_rule("masked_fill")
def _masked_fill(args: Arguments) -> torch.Tensor | None:
    x, mask, value = args["self"], args["mask"], args["value"]
    if isinstance(value, torch.Tensor) or type(value) is complex or not _are_plain(x) or mask.shape != x.shape:
        return None
    return fresh(x.shape, x.dtype) if mask.is_meta and mask.dtype is torch.bool else None


@_rule("index")
def _index(args: Arguments) -> torch.Tensor | None:
    """Rows of a table, by a tensor of their numbers."""
    x, (rows, *others) = args["self"], args["indices"]
    if others or rows is None or rows.dtype is not torch.int64 or not _are_plain(x) or 0 in (x.dim(), rows.dim()):
        return None
    if not rows.is_meta or not rows.is_contiguous() or x.numel() == 0:
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
def _cat(args: Arguments) -> torch.Tensor | None:
    tensors, axis = args["tensors"], args["dim"]
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


@_rule("stack")
def _stack(args: Arguments) -> torch.Tensor | None:
    tensors, axis = args["tensors"], args["dim"]
    if not tensors or not _are_plain(*tensors) or any(tensor.shape != tensors[0].shape for tensor in tensors):
        return None
    shape = list(tensors[0].shape)
    if not -len(shape) - 1 <= axis <= len(shape):
        return None
    shape.insert(axis % (len(shape) + 1), len(tensors))
    return fresh(shape, tensors[0].dtype)


@_rule("batch_norm")
def _batch_norm(args: Arguments) -> torch.Tensor | None:
    x = args["input"]
    per_channel = [args[name] for name in ("weight", "bias", "running_mean", "running_var")]
    has_statistics = args["running_mean"] is not None and args["running_var"] is not None
    is_right = x.dim() >= 2 and not args["training"] and has_statistics
    return alike(x) if is_right and _fit(x, x.shape[1:2], per_channel) else None


@_rule("instance_norm")
def _instance_norm(args: Arguments) -> torch.Tensor | None:
    x = args["input"]
    per_channel = [args[name] for name in ("weight", "bias", "running_mean", "running_var")]
    return alike(x) if x.dim() >= 3 and _fit(x, x.shape[1:2], per_channel) else None


@_rule("group_norm")
def _group_norm(args: Arguments) -> torch.Tensor | None:
    x, groups = args["input"], args["num_groups"]
    is_right = x.dim() >= 2 and groups > 0 and x.shape[1] % groups == 0 and 0 not in x.shape
    return alike(x) if is_right and _fit(x, x.shape[1:2], [args["weight"], args["bias"]]) else None


@_rule("layer_norm", "rms_norm")
def _layer_norm(args: Arguments) -> torch.Tensor | None:
    x, shape = args["input"], tuple(args["normalized_shape"])
    is_right = bool(shape) and tuple(x.shape[-len(shape) :]) == shape
    # laid out anew, whatever the input's strides are
    return fresh(x.shape, x.dtype) if is_right and _fit(x, shape, [args["weight"], args.get("bias")]) else None


def _fit(x: torch.Tensor, shape: Sequence[int], tensors: Sequence[Any]) -> bool:
    """Whether all weights and statistics that there are have a shape, and x's kind of number."""
    there = [tensor for tensor in tensors if tensor is not None]
    return _are_of_one_kind(x, *there) and not [1 for tensor in there if tensor.shape != shape]


@_rule("softmax", "_softmax", "_safe_softmax", "log_softmax", "_log_softmax")
def _softmax(args: Arguments) -> torch.Tensor | None:
    x, axis = args["self"], args["dim"]
    is_told = args.get("dtype") is not None or args.get("half_to_float")
    return alike(x) if not is_told and _are_of_one_kind(x) and -x.dim() <= axis < x.dim() else None


@_rule("dropout", "feature_dropout", "alpha_dropout")
def _dropout(args: Arguments) -> torch.Tensor | None:
    x = args["input"] if "input" in args else args["self"]
    return alike(x) if 0 <= args["p"] <= 1 else None


@_rule("pow")
def _power(args: Arguments) -> torch.Tensor | None:
    x, exponent = args["self"], args["exponent"]
    is_real = type(exponent) in (int, float) and isinstance(x, torch.Tensor)
    return alike(x) if is_real and _are_of_one_kind(x) else None


@_rule("prelu")
def _prelu(args: Arguments) -> torch.Tensor | None:
    x, weight = args["self"], args["weight"]
    if not _are_plain(x, weight) or x.dim() < 2 or weight.dim() != 1 or weight.numel() not in (1, x.shape[1]):
        return None
    return fresh(x.shape, x.dtype)


@_rule("where")
def _where(args: Arguments) -> torch.Tensor | None:
    condition, x, other = args["condition"], args.get("self"), args.get("other")
    if not (isinstance(x, torch.Tensor) and isinstance(other, torch.Tensor)) or not _are_plain(x, other):
        return None
    if condition.dtype is not torch.bool or not condition.is_meta or not condition.is_contiguous():
        return None
    return fresh(x.shape, x.dtype) if condition.shape == x.shape == other.shape else None


@_rule("empty_like", "zeros_like", "ones_like", "rand_like", "randn_like")
def _like(args: Arguments) -> torch.Tensor | None:
    x = args["self"]
    is_told = any(args.get(name) is not None for name in ("dtype", "layout", "device", "memory_format"))
    return fresh(x.shape, x.dtype) if not is_told and _are_plain(x) else None


@_rule("mean", "sum", "amax", "amin")
def _mean(args: Arguments) -> torch.Tensor | None:
    x, axes = args["self"], args.get("dim")
    if not axes or args.get("dtype") is not None or not _are_plain(x) or math.prod(x.shape) == 0:
        return None
    rank = x.dim()
    if not all(-rank <= a < rank for a in axes):
        return None
    reduced = {a % rank for a in axes}
    if len(reduced) < len(axes):
        return None
    if args["keepdim"]:
        return fresh([1 if a in reduced else n for a, n in enumerate(x.shape)], x.dtype)
    return fresh([n for a, n in enumerate(x.shape) if a not in reduced], x.dtype)


@_rule("roll")
def _roll(args: Arguments) -> torch.Tensor | None:
    x, shifts, axes = args["self"], args["shifts"], args["dims"]
    if not _are_plain(x) or not axes or len(shifts) != len(axes) or not all(-x.dim() <= a < x.dim() for a in axes):
        return None
    return fresh(x.shape, x.dtype)
