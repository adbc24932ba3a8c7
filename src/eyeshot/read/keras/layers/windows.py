"""Convolutions, pools, padding, cropping, resizing.

SAME is TensorFlow's: outputs are ⌈n/s⌉, and of an odd padding the larger half stands behind.
"""

from __future__ import annotations

import re
from fractions import Fraction

from eyeshot.errors import ReadError
from eyeshot.network.ops import Aggregate, Conv, ConvTranspose, Pad, Pool, Resize, Sliding, window_sizes
from eyeshot.network.relations import Sides, Sizes
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.layers.pointwise import activated
from eyeshot.read.keras.layers.table import rule
from eyeshot.read.keras.values import Value
from eyeshot.read.steps import Step

LARGEST_KERNEL = 1 << 16


def axes_of(call: Call) -> int:
    """The axes of a window, as the class's name says them."""
    found = re.search(r"([123])D", call.layer.kind)
    assert found is not None
    axes = int(found[1])
    if call.x.rank != axes + 2:
        raise ReadError(f"it takes {axes} axes beside batch and channels")
    return axes


def padding_of(mode: str, sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Sides:
    """Padding per side: none, that of SAME, or all of it before, as causal convolutions have it."""
    lines = list(zip(sizes, kernel, stride, dilation, strict=True))
    if mode == "valid":
        return tuple((0, 0) for _ in lines)
    if mode == "causal":
        return tuple((d * (k - 1), 0) for _, k, _, d in lines)
    if mode != "same":
        raise ReadError(f"its padding is {mode!r}")
    totals = [max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0) for n, k, s, d in lines]
    return tuple((total // 2, total - total // 2) for total in totals)


def slid(call: Call, op: Sliding, x: Value, channels: int, params: int) -> Value:
    """A window over a map whose channels are on axis 1."""
    sizes = x.step.shape[2:]
    if max(op.kernel) > LARGEST_KERNEL:
        raise ReadError(f"a kernel of {'×'.join(map(str, op.kernel))}")
    count = window_sizes(sizes, op)
    if any(m < 1 for m in count):
        raise ReadError(f"a kernel of {'×'.join(map(str, op.kernel))} is larger than its input")
    call.reader.spend(sum(k * m for k, m in zip(op.kernel, op.stride, strict=True)) + sum(count))
    return call.like(x, call.step(op, [x.step], (x.step.shape[0], channels, *count), params))


def convolved(call: Call, x: Value, filters: int, groups: int, *, biased: bool, kernel: Sizes | None = None) -> Value:
    """A convolution by the layer's settings; ``kernel`` where it is another one, at stride 1."""
    axes, channels = x.rank - 2, x.step.shape[1]
    ones = (1,) * axes
    size = call.sizes("kernel_size", axes) if kernel is None else kernel
    stride = call.sizes("strides", axes, 1) if kernel is None else ones
    dilation = call.sizes("dilation_rate", axes, 1) if kernel is None else ones
    mode = str(call.get("padding", "valid")).lower() if kernel is None else "valid"
    if channels % groups or filters % groups:
        raise ReadError(f"{channels} channels and {filters} filters do not fit {groups} groups")
    padding = padding_of(mode, x.step.shape[2:], size, stride, dilation)
    op = Conv(kernel=size, stride=stride, dilation=dilation, padding=padding, groups=groups, bias=biased)
    weights = filters * (channels // groups)
    for k in size:
        weights *= k
    key = (call.site.path, "kernel" if kernel is None else "pointwise")
    return slid(call, op, x, filters, call.reader.params(key, weights + filters * biased))


@rule("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def _conv(call: Call) -> Value:
    axes_of(call)
    x = call.map(call.x)
    out = convolved(call, x, call.whole("filters"), call.whole("groups", 1), biased=bool(call.get("use_bias", True)))
    return activated(call, out)


@rule("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise(call: Call) -> Value:
    axes_of(call)
    x = call.map(call.x)
    channels = x.step.shape[1]
    filters = channels * call.whole("depth_multiplier", 1)
    return activated(call, convolved(call, x, filters, channels, biased=bool(call.get("use_bias", True))))


@rule("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def _separable(call: Call) -> Value:
    """Depthwise, then channels mixed."""
    axes = axes_of(call)
    x = call.map(call.x)
    channels = x.step.shape[1]
    deep = convolved(call, x, channels * call.whole("depth_multiplier", 1), channels, biased=False)
    biased = bool(call.get("use_bias", True))
    return activated(call, convolved(call, deep, call.whole("filters"), 1, biased=biased, kernel=(1,) * axes))


@rule(
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("Convolution1DTranspose", "Convolution2DTranspose", "Convolution3DTranspose"),
)
def _transposed(call: Call) -> Value:
    """What the gradient of a convolution is: SAME makes n·s positions of n, VALID n·s + max(k − s, 0)."""
    axes = axes_of(call)
    x = call.map(call.x)
    kernel, stride = call.sizes("kernel_size", axes), call.sizes("strides", axes, 1)
    dilation = call.sizes("dilation_rate", axes, 1)
    extra = None if call.get("output_padding") is None else call.sizes("output_padding", axes, least=0)
    mode = str(call.get("padding", "valid")).lower()
    sides = []
    for a, (n, k, s, d) in enumerate(zip(x.step.shape[2:], kernel, stride, dilation, strict=True)):
        reach = d * (k - 1) + 1
        whole = s * (n - 1) + reach
        if mode == "same":
            out = n * s if extra is None else s * (n - 1) + reach % 2 + extra[a]
            before = max(reach - s, 0) // 2 if extra is None else reach // 2
        else:
            out = n * s + max(reach - s, 0) if extra is None else whole + extra[a]
            before = 0
        sides.append((before, whole - before - out))
    filters, channels = call.whole("filters"), x.step.shape[1]
    biased = bool(call.get("use_bias", True))
    op = ConvTranspose(kernel=kernel, stride=stride, dilation=dilation, padding=tuple(sides), groups=1, bias=biased)
    count = tuple(
        s * (n - 1) + d * (k - 1) + 1 - before - after
        for n, k, s, d, (before, after) in zip(x.step.shape[2:], kernel, stride, dilation, sides, strict=True)
    )
    weights = filters * channels
    for k in kernel:
        weights *= k
    call.reader.spend(sum(count) + sum(kernel))
    params = call.reader.params((call.site.path, "kernel"), weights + filters * biased)
    return activated(call, call.like(x, call.step(op, [x.step], (1, filters, *count), params)))


@rule(
    *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
    *("MaxPool1D", "MaxPool2D", "MaxPool3D", "AvgPool1D", "AvgPool2D", "AvgPool3D"),
)
def _pool(call: Call) -> Value:
    return pooled(call, axes_of(call), is_maximum=call.layer.kind.startswith("Max"))


def pooled(call: Call, axes: int, *, is_maximum: bool) -> Value:
    """A pool by the settings of a layer or a function."""
    x = call.map(call.x)
    kernel = call.sizes("pool_size", axes, 2)
    stride = kernel if call.get("strides") is None else call.sizes("strides", axes)
    ones = (1,) * axes
    padding = padding_of(str(call.get("padding", "valid")).lower(), x.step.shape[2:], kernel, stride, ones)
    mode = "max" if is_maximum else "avg"
    op = Pool(kernel=kernel, stride=stride, dilation=ones, padding=padding, mode=mode)
    return slid(call, op, x, x.step.shape[1], 0)


@rule(
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"),
    *("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"),
    *("GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D"),
)
def _global_pool(call: Call) -> Value:
    axes = axes_of(call)
    x = call.map(call.x)
    keep = bool(call.get("keepdims", False))
    name = "amax" if "Max" in call.layer.kind else "mean"
    op = Aggregate(name=name, axes=tuple(range(2, 2 + axes)), keep=keep)
    lead = x.step.shape[:2]
    step = call.step(op, [x.step], (*lead, *(1,) * axes) if keep else lead)
    return call.like(x, step) if keep else Value(step, lead, (0, 1))


@rule("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D")
def _pad(call: Call) -> Value:
    axes = axes_of(call)
    x = call.map(call.x)
    is_crop = call.layer.kind.startswith("Cropping")
    told = call.get("cropping" if is_crop else "padding", 1)
    lines = [told] if axes == 1 and not isinstance(told, int) else [told] * axes if isinstance(told, int) else told
    sides = []
    for line in lines:
        before, after = (line, line) if isinstance(line, int) else line
        sides.append((-before, -after) if is_crop else (before, after))
    return padded(call, x, tuple(sides))


def padded(call: Call, x: Value, sides: Sides) -> Value:
    """Zeros around a map, or parts cut off."""
    sizes = tuple(n + before + after for n, (before, after) in zip(x.step.shape[2:], sides, strict=True))
    if min(sizes) < 1 or len(sides) != x.rank - 2:
        raise ReadError(f"nothing is left of it: {'×'.join(map(str, sizes))}")
    op = Pad(axes=tuple(range(2, x.rank)), padding=sides)
    return call.like(x, call.step(op, [x.step], (*x.step.shape[:2], *sizes)))


@rule("UpSampling1D", "UpSampling2D", "UpSampling3D")
def _upsample(call: Call) -> Value:
    axes = axes_of(call)
    x = call.map(call.x)
    factors = call.sizes("size", axes, 2)
    sizes = tuple(n * f for n, f in zip(x.step.shape[2:], factors, strict=True))
    return resized(call, x, sizes, str(call.get("interpolation", "nearest")))


@rule("Resizing")
def _resizing(call: Call) -> Value:
    if call.get("crop_to_aspect_ratio") or call.get("pad_to_aspect_ratio"):
        raise UnreadError("it crops or pads to an aspect ratio")
    if call.x.rank != 4:
        raise UnreadError("an image without batch")
    sizes = (call.whole("height"), call.whole("width"))
    is_smaller = any(m < n for m, n in zip(sizes, call.map(call.x).step.shape[2:], strict=True))
    mode, antialiased = str(call.get("interpolation", "bilinear")), bool(call.get("antialias", False))
    return resized(call, call.map(call.x), sizes, mode, antialiased=antialiased and is_smaller)


def resized(call: Call, x: Value, sizes: Sizes, mode: str, *, antialiased: bool = False) -> Value:
    """Interpolation that counts from half a pixel, as TensorFlow's and JAX's do."""
    if mode not in ("nearest", "bilinear", "bicubic"):
        raise UnreadError(f"it interpolates by {mode}")
    steps = [Fraction(n, m) for n, m in zip(x.step.shape[2:], sizes, strict=True)]
    is_whole = all(step.numerator == 1 for step in steps)
    # the nearest of position i is ⌊(i + ½)·n/m⌋, which is ⌊i/f⌋ where the size grows by a whole factor
    name = ("nearest" if is_whole else "nearest-exact") if mode == "nearest" else mode
    if mode == "bilinear" and len(sizes) != 2:
        name = "linear" if len(sizes) == 1 else "trilinear"
    op = Resize(mode=name, steps=tuple((s.numerator, s.denominator) for s in steps), antialiased=antialiased)
    call.reader.spend(sum(4 * (s.denominator + m) for s, m in zip(steps, sizes, strict=True)))
    step: Step = call.step(op, [x.step], (*x.step.shape[:2], *sizes))
    return call.like(x, step)
