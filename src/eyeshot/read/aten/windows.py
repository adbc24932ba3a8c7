"""Convolutions, pools, padding, slices."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import Any

from eyeshot.network.ops import (
    Arithmetic,
    Concatenate,
    Conv,
    ConvTranspose,
    Copy,
    EdgePad,
    OverlapAdd,
    Pad,
    Pool,
    Rearrange,
    Slice,
    window_sizes,
)
from eyeshot.network.relations import Sides, Sizes
from eyeshot.read.aten.picking import MOST_POSITIONS
from eyeshot.read.aten.rules import axis_of, both_sides, each, one, rule, show, slide
from eyeshot.read.trace import Call, Step, Trace, unknown
from eyeshot.read.views import Cut, Same


@rule("conv1d", "conv2d", "conv3d")
def _conv(trace: Trace, call: Call) -> Any:
    x, weight = call.x, call["weight"]
    if not trace.knows(x):
        out = call.run()
        unknown(trace, call.name, call.tensors, [out], "only its kernel depends on the data")
        return out
    settings = (v if isinstance(v, int | str) else tuple(v) for v in map(call.__getitem__, _OF_WINDOWS))
    op = _conv_of(weight.shape[2:], *settings, call["groups"], call["bias"] is not None)
    inputs = [x, weight] if trace.knows(weight) else [x]
    return slide(trace, call, op, [trace.step_of(tensor) for tensor in inputs], call.run())


_OF_WINDOWS = ("stride", "dilation", "padding")


@lru_cache(maxsize=1024)
def _conv_of(
    kernel: Sizes, stride: int | Sizes, dilation: int | Sizes, padding: int | Sizes | str, groups: int, has_bias: bool
) -> Conv:
    """The convolution of such settings: a network has many of few kinds."""
    axes = len(kernel)
    stride, dilation = each(stride, axes), each(dilation, axes)
    if padding == "same":
        spread = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        sides: Sides = tuple((s // 2, s - s // 2) for s in spread)
    else:
        sides = both_sides((0,) * axes if isinstance(padding, str) else each(padding, axes))
    return Conv(kernel=tuple(kernel), stride=stride, dilation=dilation, padding=sides, groups=groups, bias=has_bias)


@rule("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d")
def _pool(trace: Trace, call: Call) -> Any:
    mode, axes = call.name[:3], int(call.name[-2])
    kernel = each(call["kernel_size"], axes)
    x = call.x
    op = Pool(
        mode=mode,
        kernel=kernel,
        stride=each(call["stride"], axes) if call["stride"] else kernel,
        dilation=each(call.arguments.get("dilation", 1), axes),
        padding=both_sides(each(call["padding"], axes)),
        ceil=bool(call["ceil_mode"]),
    )
    return slide(trace, call, op, [trace.step_of(x)], call.run())


@rule("max_pool2d_with_indices", "max_pool3d_with_indices")
def _pool_with_indices(trace: Trace, call: Call) -> Any:
    values, indices = call.run()
    plain = Call(call.name.removesuffix("_with_indices"), call.arguments, call.tensors, lambda: values)
    _pool(trace, plain)
    trace.bind(indices, trace.step_of(values))
    return values, indices


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(trace: Trace, call: Call) -> Any:
    x, weight, out = call.x, call["weight"], call.run()
    if not trace.knows(x) or trace.knows(weight):
        unknown(trace, call.name, call.tensors, [out], "its kernel depends on the data")
        return out
    axes = weight.dim() - 2
    op = ConvTranspose(
        kernel=tuple(weight.shape[2:]),
        stride=each(call["stride"], axes),
        dilation=each(call["dilation"], axes),
        padding=both_sides(each(call["padding"], axes)),
        groups=call["groups"],
        bias=call["bias"] is not None,
    )
    return slide(trace, call, op, [trace.step_of(x)], out)


@rule("convolution", "_convolution")
def _general_convolution(trace: Trace, call: Call) -> Any:
    """What exported and traced programs call: one op for all convolutions."""
    axes = call["weight"].dim() - 2
    name = f"conv{'_transpose' if call['transposed'] else ''}{axes}d"
    plain = Call(name, call.arguments, call.tensors, call.run, call.has_numbers)
    return _conv_transpose(trace, plain) if call["transposed"] else _conv(trace, plain)


@rule(
    *("constant_pad_nd", "pad", "_pad_circular", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
    *("replication_pad1d", "replication_pad2d", "replication_pad3d"),
)
def _pad(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    amounts = list(call.arguments.get("pad", call.arguments.get("padding")))
    # amounts come in pairs from the last axis on
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))[::-1]
    if not any(before or after for before, after in pairs):
        return show(trace, x, Same(), out)
    mode = _pad_mode(call)
    if mode != "constant":
        return one(trace, call, EdgePad(mode=mode, padding=tuple(pairs)), [x], out)
    padded = [(axis, pair) for axis, pair in enumerate(pairs, start=x.dim() - len(pairs)) if pair != (0, 0)]
    op = Pad(axes=tuple(axis for axis, _ in padded), padding=tuple(pair for _, pair in padded))
    return one(trace, call, op, [x], out)


def _pad_mode(call: Call) -> str:
    if call.name == "pad":
        return str(call["mode"])
    for part, mode in (("reflection", "reflect"), ("replication", "replicate"), ("circular", "circular")):
        if part in call.name:
            return mode
    return "constant"


@rule("im2col")
def _im2col(trace: Trace, call: Call) -> Any:
    """torch.nn.Unfold: one shifted copy of the input per tap, the copies side by side in channels."""
    x, out = call.x, call.run()
    sizes, taps = _taps_of(call, x.shape[-2:])
    whole = _with_batch(trace, x, 4)
    lead = whole.shape[:2]
    copies = []
    for op in taps:
        copy = trace.record(op, [whole], (*lead, *sizes))
        copies.append(trace.record(Rearrange(name="unsqueeze"), [copy], (*lead, 1, *sizes)))
    stacked = trace.record(Concatenate(axis=2), copies, (*lead, len(copies), *sizes))
    trace.bind(out, trace.record(Rearrange(name="unfold"), [stacked], out.shape))
    return out


@rule("col2im")
def _col2im(trace: Trace, call: Call) -> Any:
    """torch.nn.Fold: each tap's share put back at its place, and all added."""
    x, out = call.x, call.run()
    sizes, taps = _taps_of(call, out.shape[-2:], spread=True)
    image = (x.shape[0] if x.dim() == 3 else 1, *out.shape[-3:])
    apart = trace.record(Rearrange(name="reshape"), [trace.step_of(x)], (*image[:2], len(taps), *sizes))
    shares = []
    for i, op in enumerate(taps):
        share = trace.record(Slice(axis=2, start=i), [apart], (*image[:2], 1, *sizes))
        share = trace.record(Rearrange(name="select"), [share], (*image[:2], *sizes))
        shares.append(trace.record(op, [share], image))
    total = shares[0]
    for share in shares[1:]:
        total = trace.record(Arithmetic(name="add"), [total, share], image)
    trace.bind(out, total if image == out.shape else trace.record(Rearrange(name="squeeze"), [total], out.shape))
    return out


def _taps_of(call: Call, extent: Iterable[int], *, spread: bool = False) -> tuple[Sizes, list[Copy]]:
    """How often a kernel fits along each axis of an image, and each of its taps; ``spread`` puts back what it took."""
    names = ("kernel_size", "dilation", "padding", "stride")
    kernel, dilation, padding, stride = (each(call[name], 2) for name in names)
    window = Copy(kernel=kernel, stride=stride, dilation=dilation, padding=both_sides(padding))
    sign = 1 if spread else -1
    taps = []
    for place in product(*map(range, kernel)):
        shift = tuple((sign * (t * d - p), 0) for p, t, d in zip(padding, place, dilation, strict=True))
        taps.append(Copy(kernel=(1, 1), stride=stride, dilation=(1, 1), padding=shift, spread=spread))
    return window_sizes(tuple(extent), window), taps


def _with_batch(trace: Trace, x: Any, rank: int) -> Step:
    step = trace.step_of(x)
    return step if x.dim() == rank else trace.record(Rearrange(name="unsqueeze"), [step], (1, *x.shape))


@rule("unfold")
def _unfold(trace: Trace, call: Call) -> Any:
    """Tensor.unfold: one shifted copy of the input per tap, along a new last axis."""
    x, out = call.x, call.run()
    if not trace.knows(x):
        return out
    axis = axis_of(call["dimension"], x.dim())
    shape = tuple(out.shape[:-1])
    copies = []
    for tap in range(call["size"]):
        copy = trace.record(Slice(axis=axis, start=tap, step=call["step"]), [trace.step_of(x)], shape)
        copies.append(trace.record(Rearrange(name="unsqueeze"), [copy], (*shape, 1)))
    trace.bind(out, trace.record(Concatenate(axis=len(shape)), copies, out.shape))
    return out


@rule("unfold_backward")
def _unfold_back(trace: Trace, call: Call) -> Any:
    """The windows of Tensor.unfold added where they were, as the inverse of a spectrogram does."""
    x, out = call["grad_in"], call.run()
    axis, size, step = axis_of(call["dim"], out.dim()), call["size"], call["step"]
    covered = (x.shape[axis] - 1) * step + size
    if step > size or x.shape[axis] * size > MOST_POSITIONS:
        unknown(trace, call.name, [x], [out], "its windows leave gaps, or are too many to follow")
        return out
    order = (*range(axis + 1), x.dim() - 1, *range(axis + 1, x.dim() - 1))
    held = trace.step_of(x)
    windows = trace.record(Rearrange(name="permute", order=order), [held], [x.shape[a] for a in order])
    before, behind = out.shape[:axis], out.shape[axis + 1 :]
    row = trace.record(Rearrange(name="flatten"), [windows], (*before, x.shape[axis] * size, *behind))
    added = trace.record(OverlapAdd(axis=axis, size=size, step=step), [row], (*before, covered, *behind))
    if covered < out.shape[axis]:
        op = Pad(axes=(axis,), padding=((0, out.shape[axis] - covered),))
        added = trace.record(op, [added], out.shape)
    trace.bind(out, added)
    return out


@rule("slice")
def _slice(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    axis = axis_of(call["dim"] or 0, x.dim())
    size = x.shape[axis]
    start = min(max(axis_of(call["start"] or 0, size), 0), size)
    view = Same() if tuple(out.shape) == tuple(x.shape) else Cut(axis, start, call["step"])
    return show(trace, x, view, out)


@rule("narrow")
def _narrow(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    axis = axis_of(call["dim"], x.dim())
    view = Same() if tuple(out.shape) == tuple(x.shape) else Cut(axis, axis_of(int(call["start"]), x.shape[axis]))
    return show(trace, x, view, out)


@rule("select")
def _select(trace: Trace, call: Call) -> Any:
    x = call.x
    axis = axis_of(call["dim"], x.dim())
    index = axis_of(int(call["index"]), x.shape[axis])
    return show(trace, x, Cut(axis, index, squeezed=True), call.run())


@rule("unbind")
def _unbind(trace: Trace, call: Call) -> Any:
    x, parts = call.x, call.run()
    axis = axis_of(call["dim"], x.dim())
    for i, part in enumerate(parts):
        show(trace, x, Cut(axis, i, squeezed=True), part)
    return parts


@rule("chunk", "split", "split_with_sizes", "tensor_split", "unsafe_chunk", "unsafe_split")
def _split(trace: Trace, call: Call) -> Any:
    x, parts = call.x, call.run()
    axis = axis_of(call["dim"], x.dim())
    start = 0
    for part in parts:
        show(trace, x, Same() if len(parts) == 1 else Cut(axis, start), part)
        start += part.shape[axis]
    return parts
