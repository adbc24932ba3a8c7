"""Convolutions and pools."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from eyeshot.errors import ReadError
from eyeshot.network.ops import (
    AdaptivePool,
    Arithmetic,
    Conv,
    ConvTranspose,
    Copy,
    DeformConv,
    LocalResponseNorm,
    Pick,
    Pool,
    Rearrange,
    Slice,
    Sliding,
    Unknown,
    Unpool,
    window_sizes,
)
from eyeshot.network.relations import Sides, Sizes
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.pointwise import activated
from eyeshot.read.onnx.operators.table import per_axis, rule
from eyeshot.read.onnx.values import Value

LARGEST_KERNEL = 1 << 16
_SAME = ("SAME_UPPER", "SAME_LOWER")


def strides_and_dilations(call: Call, axes: int) -> tuple[Sizes, Sizes]:
    """One where they are absent, as all of ONNX's windows have them."""
    stride = per_axis(call.integers("strides"), axes, 1, "strides")
    dilation = per_axis(call.integers("dilations"), axes, 1, "dilations")
    if min(*stride, *dilation, 1) < 1:
        raise ReadError(f"strides {stride} and dilations {dilation} must be 1 or more")
    return stride, dilation


def padding_of(call: Call, sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Sides:
    """Padding per side: given as begins and ends, or chosen so that outputs are ⌈n/s⌉.

    What SAME pads in all is (⌈n/s⌉ − 1)·s + d·(k − 1) + 1 − n, in every version; an odd one is behind for UPPER.
    """
    axes, mode = len(kernel), call.text("auto_pad", "NOTSET")
    if mode in _SAME:
        sides = []
        for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
            less = total // 2
            sides.append((less, total - less) if mode == "SAME_UPPER" else (total - less, less))
        return tuple(sides)
    if mode == "VALID":
        return ((0, 0),) * axes
    if mode != "NOTSET":
        raise ReadError(f"its attribute auto_pad is {mode!r}")
    pads = per_axis(call.integers("pads"), 2 * axes, 0, "pads")
    return tuple(zip(pads[:axes], pads[axes:], strict=True))


def checked(call: Call, op: Sliding, sizes: Sizes, count: Sizes) -> Sizes:
    """Outputs along each axis, if windows fit; their taps are counted."""
    if any(k < 1 for k in op.kernel) or max(op.kernel, default=1) > LARGEST_KERNEL:
        raise ReadError(f"a kernel of {'×'.join(map(str, op.kernel))}")
    if any(m < 1 for m in count):
        padding = ", ".join(f"{a} + {b}" for a, b in op.padding)
        raise ReadError(
            f"a kernel of {'×'.join(map(str, op.kernel))} is larger than its input of {'×'.join(map(str, sizes))}"
            f" with a padding of {padding}"
        )
    call.reader.spend(sum(k * m for k, m in zip(op.kernel, op.stride, strict=True)) + sum(count))
    return count


def kernel_of(call: Call, weight: Value) -> Sizes:
    """The kernel: the weight's, which an attribute may repeat."""
    kernel = weight.shape[2:]
    told = call.integers("kernel_shape")
    if told and tuple(told) != kernel:
        raise ReadError(f"its kernel_shape {tuple(told)} is not that of its weight, {kernel}")
    return kernel


def convolution(call: Call, x: Value, weight: Value, bias: Value | None) -> Value:
    """A convolution; a kernel that depends on the input is a second input."""
    axes = len(x.shape) - 2
    if axes < 1 or len(weight.shape) != axes + 2:
        raise ReadError(f"a kernel of {len(weight.shape)} axes for an input of {len(x.shape)}")
    kernel, groups = kernel_of(call, weight), call.integer("group", 1)
    if groups < 1 or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ReadError(f"{x.shape[1]} channels in {groups} groups do not fit a weight of {weight.shape}")
    stride, dilation = strides_and_dilations(call, axes)
    sizes = x.shape[2:]
    op = Conv(
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding_of(call, sizes, kernel, stride, dilation),
        groups=groups,
        bias=bias is not None,
    )
    shape = (x.shape[0], weight.shape[0], *checked(call, op, sizes, window_sizes(sizes, op)))
    if x.step is None and weight.step is not None:  # constants seen through a kernel of the data
        return by_kernel(call, weight, shape)
    return call.record(op, [x, weight], shape, [weight, bias])


def by_kernel(call: Call, weight: Value, shape: Sequence[int]) -> Value:
    """What depends on all of a kernel."""
    return call.record(Unknown(name=call.op, reason="only its kernel depends on the data"), [weight], shape)


@rule("Conv")
def _conv(call: Call) -> Value:
    return convolution(call, call.x, call[1], call.get(2))


@rule("FusedConv", domain="com.microsoft")
def _fused_conv(call: Call) -> Value:
    out = convolution(call, call.x, call[1], call.get(2))
    if (beside := call.get(3)) is not None:
        out = call.record(Arithmetic(name="add"), [out, beside], out.shape)
    return activated(call, out, call.text("activation"))


@rule("ConvTranspose")
def _conv_transpose(call: Call) -> Value:
    x, weight, bias = call.x, call[1], call.get(2)
    axes = len(x.shape) - 2
    if axes < 1 or len(weight.shape) != axes + 2 or x.shape[1] != weight.shape[0]:
        raise ReadError(f"a kernel of {weight.shape} does not fit")
    kernel, groups = kernel_of(call, weight), call.integer("group", 1)
    stride, dilation = strides_and_dilations(call, axes)
    extra = per_axis(call.integers("output_padding"), axes, 0, "output_padding")
    lines = zip(x.shape[2:], kernel, stride, dilation, extra, strict=True)
    whole = [s * (n - 1) + e + d * (k - 1) + 1 for n, k, s, d, e in lines]
    sides = _transposed_padding(call, x.shape[2:], whole, kernel, stride)
    # outputs that were added at the end read like those before: padding taken off there
    padding = tuple((before, after - e) for (before, after), e in zip(sides, extra, strict=True))
    op = ConvTranspose(
        kernel=kernel, stride=stride, dilation=dilation, padding=padding, groups=groups, bias=bias is not None
    )
    count = tuple(m - before - after for m, (before, after) in zip(whole, sides, strict=True))
    shape = (x.shape[0], weight.shape[1] * groups, *checked(call, op, x.shape[2:], count))
    if weight.step is not None:
        return by_kernel(call, weight, shape)
    return call.record(op, [x], shape, [weight, bias])


def _transposed_padding(call: Call, sizes: Sizes, whole: Sequence[int], kernel: Sizes, stride: Sizes) -> Sides:
    """What is cut off on each side; from the output's shape where that is given, or is to be n·s.

    An odd part is cut off behind for SAME_UPPER; else behind up to version 10, and before from version 11 on.
    """
    mode, wanted = call.text("auto_pad", "NOTSET"), call.integers("output_shape")
    if wanted:
        wanted = wanted[-len(kernel) :]
    elif mode in _SAME:
        wanted = tuple(n * s for n, s in zip(sizes, stride, strict=True))
    else:
        return padding_of(call, sizes, kernel, stride, (1,) * len(kernel))
    sides = []
    for m, out in zip(whole, per_axis(wanted, len(kernel), 0, "output_shape"), strict=True):
        total = m - out
        is_behind = mode == "SAME_UPPER" if call.opset >= 11 else mode != "SAME_UPPER"
        before = total // 2 if is_behind else total - total // 2
        sides.append((before, total - before))
    return tuple(sides)


_POOLS = {"MaxPool": "max", "AveragePool": "avg", "LpPool": "lp"}


@rule("MaxPool", "AveragePool", "LpPool")
def _pool(call: Call) -> list[Value]:
    out = pooling(call, call.x, _POOLS[call.op])
    return [out, out] if call.op == "MaxPool" else [out]


def pooling(call: Call, x: Value, mode: str) -> Value:
    """A pool; with automatic padding rounding up changes nothing, since ⌈(n − k + 1)/s⌉ = ⌊(n − k)/s⌋ + 1."""
    axes = len(x.shape) - 2
    kernel = per_axis(call.integers("kernel_shape"), axes, 0, "kernel_shape")
    stride, dilation = strides_and_dilations(call, axes)
    sizes, is_automatic = x.shape[2:], call.text("auto_pad", "NOTSET") in (*_SAME, "VALID")
    op = Pool(
        mode=mode,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding_of(call, sizes, kernel, stride, dilation),
        ceil=bool(call.integer("ceil_mode", 0)) and not is_automatic,
    )
    return call.record(op, [x], (*x.shape[:2], *checked(call, op, sizes, window_sizes(sizes, op))))


@rule("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global_pool(call: Call) -> Value:
    return global_pooling(call, call.x, {"A": "avg", "M": "max", "L": "lp"}[call.op[6]])


def global_pooling(call: Call, x: Value, mode: str) -> Value:
    """A pool to one position."""
    ones = (1,) * (len(x.shape) - 2)
    if not ones:
        return x
    return call.record(AdaptivePool(mode=mode, size=ones), [x], (*x.shape[:2], *ones))


@rule("MaxUnpool")
def _max_unpool(call: Call) -> Value:
    x = call.x
    axes = len(x.shape) - 2
    kernel = per_axis(call.integers("kernel_shape"), axes, 0, "kernel_shape")
    stride, dilation = strides_and_dilations(call, axes)
    padding = padding_of(call, x.shape[2:], kernel, stride, dilation)
    sizes = [(n - 1) * s + k - a - b for n, s, k, (a, b) in zip(x.shape[2:], stride, kernel, padding, strict=True)]
    told = call.get(2)
    shape = call.whole(2) if told is not None else [*x.shape[:2], *sizes]
    inputs = [x, call[1]] if call[1].step is not None and call[1].step is not x.step else [x]
    if list(shape[2:]) != sizes:  # places are those of the larger map, so that any position may be written
        return call.record(Pick(name="max_unpool", axes=tuple(range(2, len(shape)))), [x], shape)
    op = Unpool(kernel=kernel, stride=stride, dilation=dilation, padding=padding)
    checked(call, op, x.shape[2:], tuple(sizes))
    return call.record(op, inputs, shape)


@rule("MaxRoiPool", "RoiAlign")
def _of_regions(call: Call) -> Value:
    """Regions of the data: any position may be read."""
    x, regions = call.x, call[1]
    if call.op == "MaxRoiPool":
        size = per_axis(call.integers("pooled_shape"), 2, 1, "pooled_shape")
    else:
        size = (call.integer("output_height", 1), call.integer("output_width", 1))
    op = Unknown(name=call.op, reason="regions of the data are read")
    return call.record(op, [x, regions], (regions.shape[0], x.shape[1], *size))


@rule("DeformConv")
def _deform_conv(call: Call) -> Value:
    x, weight, offset, bias, mask = call.x, call[1], call[2], call.get(3), call.get(4)
    kernel, groups = kernel_of(call, weight), call.integer("group", 1)
    if groups < 1 or x.shape[1] != weight.shape[1] * groups:
        raise ReadError(f"{x.shape[1]} channels in {groups} groups do not fit a weight of {weight.shape}")
    shape = (x.shape[0], weight.shape[0], *offset.shape[2:])
    if x.step is None:
        return call.record(Unknown(name=call.op, reason="only its offsets depend on the data"), [offset, mask], shape)
    return call.record(DeformConv(kernel=kernel, groups=groups), [x, offset, mask], shape, [weight, bias])


@rule("LRN")
def _lrn(call: Call) -> Value:
    size = call.integer("size")
    if not 0 < size <= LARGEST_KERNEL or len(call.x.shape) < 2:
        raise ReadError(f"its size is {size}; it runs over the channels of an input with {len(call.x.shape)} axes")
    call.reader.spend(size)
    op = LocalResponseNorm(
        size=size, alpha=call.fraction("alpha", 1e-4), beta=call.fraction("beta", 0.75), k=call.fraction("bias", 1.0)
    )
    return call.record(op, [call.x], call.x.shape)


@rule("Col2Im")
def _col2im(call: Call) -> Value:
    """Each tap's share put back at its place, and all added."""
    x, image, block = call.x, call.whole(1), call.whole(2)
    axes = len(image)
    stride, dilation = strides_and_dilations(call, axes)
    padding = padding_of(call, tuple(image), tuple(block), stride, dilation)
    window = Copy(kernel=tuple(block), stride=stride, dilation=dilation, padding=padding)
    sizes = checked(call, window, tuple(image), window_sizes(tuple(image), window))
    taps = math.prod(block)
    if taps > 4096 or x.shape[1] % taps or math.prod(sizes) != x.shape[2]:
        raise ReadError(f"blocks of {block} in an image of {image} do not fit")
    shape = (x.shape[0], x.shape[1] // taps, *image)
    apart = call.reshaped(x, (*shape[:2], taps, *sizes))
    total: Value | None = None
    for i, place in enumerate(product(*map(range, block))):
        share = call.record(Slice(axis=2, start=i), [apart], (*shape[:2], 1, *sizes))
        share = call.record(Rearrange(name="select"), [share], (*shape[:2], *sizes))
        shift = tuple((t * d - p, 0) for (p, _), t, d in zip(padding, place, dilation, strict=True))
        op = Copy(kernel=(1,) * axes, stride=stride, dilation=(1,) * axes, padding=shift, spread=True)
        part = call.record(op, [share], shape)
        total = part if total is None else call.record(Arithmetic(name="add"), [total, part], shape)
    assert total is not None
    return total
