"""Fully connected layers, products, sums, reshapes, concatenation."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import torch

from eyeshot.network.ops import (
    Aggregate,
    Arithmetic,
    Bilinear,
    Concatenate,
    Cumulative,
    Linear,
    Mixing,
    Pointwise,
    Rearrange,
    Slice,
)
from eyeshot.read.aten import masking
from eyeshot.read.aten.parts import read_in_parts
from eyeshot.read.aten.products import with_vector
from eyeshot.read.aten.rules import axis_of, each, one, rule, show, varying
from eyeshot.read.trace import Call, Step, Trace, tensors_in
from eyeshot.read.views import Reordered, Reshaped, Same

SAME = (
    "contiguous", "clone", "detach", "alias", "to", "_to_copy", "type_as", "lift_fresh", "resolve_conj", "resolve_neg",
    "lift_fresh_copy", "lift", "cpu", "cuda", "data", "detach_copy", "conj", "_conj",
    "conj_physical", "_conj_physical", "_neg_view",
)  # fmt: skip
RESHAPES = (
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "_reshape_alias", "view_as",
)  # fmt: skip
AGGREGATES = (
    "mean", "sum", "amax", "amin", "prod", "var", "std", "logsumexp", "linalg_vector_norm", "norm", "any", "all",
    "nansum", "count_nonzero",
)  # fmt: skip
SHUFFLES = ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle")


@rule("linear")
def _linear(trace: Trace, call: Call) -> Any:
    x = call.x
    if not trace.knows(x) or trace.knows(call["weight"]) or trace.knows(call["bias"]):
        return read_in_parts(trace, call, _product_with_weights)
    out = one(trace, call, Linear(bias=call["bias"] is not None), [x], call.run())
    if x.dim() > 2:
        trace.copy_before(trace.step_of(out), (_copied(x, (-1, x.shape[-1])),))
    return out


def _copied(tensor: torch.Tensor, shape: tuple[int, ...]) -> int:
    """Elements that PyTorch copies to see a tensor in another shape; none where that is a view."""
    if tensor.is_contiguous() or not tensor.numel():
        return 0
    seen = tensor.reshape(shape)
    return 0 if seen.untyped_storage()._cdata == tensor.untyped_storage()._cdata else seen.numel()


def _copied_by_batch(matrices: torch.Tensor, batch: torch.Size) -> int:
    """Elements that PyTorch copies of a factor to see one batch of matrices."""
    if matrices.is_contiguous() and matrices.shape[:-2] == batch:
        return 0
    return _copied(matrices.expand(*batch, *matrices.shape[-2:]), (-1, *matrices.shape[-2:]))


def _product_with_weights(call: Call) -> Any:
    """A fully connected layer whose weights depend on the input, or whose input does not."""
    weight, bias = call["weight"], call["bias"]
    product = call.x @ (weight.transpose(-1, -2) if weight.dim() > 1 else weight)
    return product if bias is None else product + bias


@rule("bilinear")
def _bilinear(trace: Trace, call: Call) -> Any:
    x, y, out = call["input1"], call["input2"], call.run()
    op = Bilinear(features=(x.shape[-1], y.shape[-1]))
    return one(trace, call, op, [tensor for tensor in (x, y) if trace.knows(tensor)], out)


@rule("matmul", "bmm", "mm")
def _matmul(trace: Trace, call: Call) -> Any:
    a, b = list(call.arguments.values())[:2]
    if a.dim() < 2 or b.dim() < 2:
        return read_in_parts(trace, call, with_vector)
    out = call.run()
    if trace.knows(a) and trace.knows(b):
        steps = [_widened(trace, t, out.dim()) for t in (a, b)]
        product = masking.product(trace, steps[0], steps[1], out.shape)
        trace.bind(out, product)
        if out.dim() > 3:  # taken as a batch of matrices
            trace.copy_before(product, tuple(_copied_by_batch(t, out.shape[:-2]) for t in (a, b)))
        return out
    x = a if trace.knows(a) else b
    op = Linear(bias=False, axis=-1 if x is a else -2)
    params, _ = trace.weights_among([a, b])
    trace.bind(out, trace.record(op, [_widened(trace, x, out.dim())], out.shape, params))
    return out


def _widened(trace: Trace, tensor: torch.Tensor, rank: int) -> Step:
    """The step that made a tensor, with axes of one put in front up to a rank."""
    step = trace.step_of(tensor)
    missing = rank - tensor.dim()
    return step if not missing else trace.record(Rearrange(name="unsqueeze"), [step], ((1,) * missing) + step.shape)


@rule("_fft_r2c", "_fft_c2c", "_fft_c2r")
def _fourier(trace: Trace, call: Call) -> Any:
    axes = tuple(axis_of(a, call.x.dim()) for a in call["dim"])
    return one(trace, call, Mixing(name=call.name.strip("_"), axes=axes), [call.x], call.run())


@rule("view_as_complex")
def _view_as_complex(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if not trace.knows(x):
        return out
    return one(trace, call, Aggregate(name="view_as_complex", axes=(x.dim() - 1,), keep=False), [x], out)


@rule("view_as_real")
def _view_as_real(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    if (pair := _pair(trace, x)) is not None:
        trace.bind(out, pair)
    elif trace.knows(x):
        column = trace.record(Rearrange(name="unsqueeze"), [trace.step_of(x)], (*x.shape, 1))
        trace.bind(out, trace.record(Pointwise(name="view_as_real"), [column], out.shape))
    return out


@rule("real", "imag")
def _part(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    pair = _pair(trace, x)
    if pair is None:
        return show(trace, x, Same(), out)
    part = trace.record(Slice(axis=x.dim(), start=int(call.name == "imag")), [pair], (*x.shape, 1))
    trace.bind(out, trace.record(Rearrange(name=call.name), [part], out.shape))
    return out


def _pair(trace: Trace, x: torch.Tensor) -> Step | None:
    """The pairs of real numbers that a complex tensor was made of, where that is what last happened to it."""
    if not x.is_complex() or not trace.knows(x):
        return None
    step = trace.step_of(x)
    return step.inputs[0] if step.op.kind == "view_as_complex" else None


@rule("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin")
def _cumulative(trace: Trace, call: Call) -> Any:
    out = call.run()
    op = Cumulative(name=call.name.rstrip("_"), axis=axis_of(call["dim"], call.x.dim()))
    first, *others = tensors_in(out)
    one(trace, call, op, [call.x], first)
    for other in others:
        trace.bind(other, trace.step_of(first))
    return out


@rule("max", "min")
def _extreme(trace: Trace, call: Call) -> Any:
    out = call.run()
    if "other" in call.arguments:
        both = (call.x, call["other"])
        inputs = [t for t in both if trace.knows(t)]
        return one(trace, call, Arithmetic(name=call.name, varies=varying(trace, both, out.dim())), inputs, out)
    rank = call.x.dim()
    axes = (axis_of(call["dim"], rank),) if "dim" in call.arguments else tuple(range(rank))
    first, *others = tensors_in(out)
    one(trace, call, Aggregate(name=call.name, axes=axes, keep=bool(call.arguments.get("keepdim"))), [call.x], first)
    for other in others:
        trace.bind(other, trace.step_of(first))
    return out


@rule(*AGGREGATES)
def _aggregate(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()
    dim = call.arguments.get("dim")
    axes = range(x.dim()) if dim is None or dim == [] else [dim] if isinstance(dim, int) else dim
    op = Aggregate(
        name=call.name,
        axes=tuple(sorted(axis_of(a, x.dim()) for a in axes)),
        keep=bool(call.arguments.get("keepdim", False)),
    )
    return one(trace, call, op, [x], out)


@rule("histc")
def _histogram(trace: Trace, call: Call) -> Any:
    """Each count depends on all elements."""
    out = call.run()
    op = Aggregate(name=call.name, axes=tuple(range(call.x.dim())), keep=False)
    whole = trace.record(op, [trace.step_of(call.x)], ())
    trace.bind(out, trace.record(Pointwise(name="expand"), [whole], out.shape))
    return out


@rule("quantile", "nanquantile")
def _quantile(trace: Trace, call: Call) -> Any:
    """All positions along the axis, for each of the quantiles, which stand in front."""
    out = call.run()
    axes = range(call.x.dim()) if call["dim"] is None else [axis_of(call["dim"], call.x.dim())]
    op = Aggregate(name=call.name, axes=tuple(axes), keep=bool(call["keepdim"]))
    shape = out.shape[int(isinstance(call["q"], torch.Tensor) and call["q"].dim() > 0) :]
    step = trace.record(op, [trace.step_of(call.x)], shape)
    trace.bind(out, step if out.shape == shape else trace.record(Pointwise(name="expand"), [step], out.shape))
    return out


@rule(*SAME)
def _same(trace: Trace, call: Call) -> Any:
    out = call.run()  # to(other) and type_as(other) take no numbers from the other
    return show(trace, call.x, Same(), out)


@rule(*RESHAPES)
def _reshape(trace: Trace, call: Call) -> Any:
    x = call.x
    before, out = tuple(x.shape), call.run()  # in place, the shape is another one afterwards
    name = call.name.strip("_") if call.name.rstrip("_") in {"flatten", "squeeze", "unsqueeze"} else "reshape"
    return show(trace, x, Same() if tuple(out.shape) == before else Reshaped(name), out)


@rule("permute")
def _permute(trace: Trace, call: Call) -> Any:
    x = call.x
    return show(trace, x, Reordered(tuple(axis_of(a, x.dim()) for a in call["dims"])), call.run())


@rule("movedim", "moveaxis")
def _movedim(trace: Trace, call: Call) -> Any:
    x = call.x
    source, target = ([axis_of(a, x.dim()) for a in each(call[name], 1)] for name in ("source", "destination"))
    rest = iter([a for a in range(x.dim()) if a not in source])
    order = tuple(source[target.index(j)] if j in target else next(rest) for j in range(x.dim()))
    return show(trace, x, Reordered(order), call.run())


@rule("transpose", "swapaxes", "swapdims")
def _transpose(trace: Trace, call: Call) -> Any:
    x = call.x
    a, b = (axis_of(v, x.dim()) for v in list(call.arguments.values())[1:3])
    order = list(range(x.dim()))
    order[a], order[b] = order[b], order[a]
    return show(trace, x, Reordered(tuple(order)), call.run())


@rule("t", "numpy_T", "mT", "mH")
def _t(trace: Trace, call: Call) -> Any:
    rank = call.x.dim()
    order = list(range(rank))
    order[-2:] = order[-2:][::-1]
    return show(trace, call.x, Reordered(tuple(order if call.name != "numpy_T" else range(rank)[::-1])), call.run())


@rule(*SHUFFLES)
def _shuffle(trace: Trace, call: Call) -> Any:
    """Channels to positions, or back, or among themselves: split, reorder, merge; batch axes stay in front."""
    x, out = call.x, call.run()
    batch = 1 if "channel" in call.name else x.dim() - 3
    c, *sizes = x.shape[batch:]
    if "channel" in call.name:
        split, order = (call["groups"], c // call["groups"], *sizes), (1, 0, *range(2, 2 + len(sizes)))
    elif "unshuffle" in call.name:
        r = call["downscale_factor"]
        split, order = (c, sizes[0] // r, r, sizes[1] // r, r), (0, 2, 4, 1, 3)
    else:
        r = call["upscale_factor"]
        split, order = (c // (r * r), r, r, *sizes), (0, 3, 1, 4, 2)
    split = (*x.shape[:batch], *split)
    order = (*range(batch), *(batch + axis for axis in order))
    apart = trace.record(Rearrange(name="reshape"), [trace.step_of(x)], split)
    moved = trace.record(Rearrange(name="permute", order=order), [apart], [split[axis] for axis in order])
    trace.bind(out, trace.record(Rearrange(name=call.name.removeprefix("native_")), [moved], out.shape))
    return out


@rule("cat", "concat", "concatenate")
def _cat(trace: Trace, call: Call) -> Any:
    tensors, out = [t for t in call["tensors"] if t.numel()], call.run()
    known = [t for t in tensors if trace.knows(t)]
    if len(tensors) == 1:
        trace.bind(out, trace.step_of(known[0]))
        return out
    axis = axis_of(call["dim"], out.dim())
    ends = list(accumulate(t.shape[axis] for t in tensors))
    starts = [end - t.shape[axis] for end, t in zip(ends, tensors, strict=True)]
    offsets = tuple(start for start, t in zip(starts, tensors, strict=True) if trace.knows(t))
    varies = varying(trace, tensors, out.dim(), without=axis)
    op = Concatenate(axis=axis, offsets=None if len(known) == len(tensors) else offsets, varies=varies)
    return one(trace, call, op, known, out)


@rule("stack")
def _stack(trace: Trace, call: Call) -> Any:
    tensors, out = list(call["tensors"]), call.run()
    axis = axis_of(call["dim"], out.dim())
    places = tuple(i for i, tensor in enumerate(tensors) if trace.knows(tensor))
    parts: list[Step] = []
    for tensor in (tensors[i] for i in places):
        shape = (*tensor.shape[:axis], 1, *tensor.shape[axis:])
        parts.append(trace.record(Rearrange(name="unsqueeze"), [trace.step_of(tensor)], shape))
    varies = tuple(a + (a >= axis) for a in varying(trace, tensors, out.dim() - 1))
    op = Concatenate(axis=axis, offsets=None if len(places) == len(tensors) else places, varies=varies)
    trace.bind(out, trace.record(op, parts, out.shape))
    return out
