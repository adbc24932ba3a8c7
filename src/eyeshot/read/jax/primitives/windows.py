"""Convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.network.ops import Conv, ConvTranspose, Insert, Pool, Unknown, Unpool
from eyeshot.read.jax.calls import Call, Known, UnreadError
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Value

_POOLS = {
    "reduce_window_max": "max", "reduce_window_sum": "sum", "reduce_window_min": "min", "reduce_window": "reduce",
    "reduce_window_mul": "prod",
}  # fmt: skip


@rule("conv_general_dilated")
def _convolution(call: Call) -> Known:
    """A kernel of k taps at stride s and dilation d, over an input with gaps where it is dilated itself."""
    x, weight = call.inputs
    if call["batch_group_count"] != 1:
        raise UnreadError("it has groups of batches, as gradients of convolutions do")
    if not isinstance(x, Value):
        return _by_kernel(call)
    numbers = call["dimension_numbers"]
    kernel = tuple(weight.shape[axis] for axis in numbers.rhs_spec[2:])
    order = _places(numbers.lhs_spec)
    x = call.ordered(call.whole(x), order)
    padding = tuple((int(a), int(b)) for a, b in call["padding"])
    stride, dilation, base = (
        tuple(map(int, call[key])) for key in ("window_strides", "rhs_dilation", "lhs_dilation")
    )
    out = _places(numbers.out_spec)
    shape = [call.out[axis] for axis in numbers.out_spec]
    groups = int(call["feature_group_count"])
    weights, inputs = [weight], [x.made]
    if isinstance(weight, Value):
        laid = call.ordered(call.whole(weight), _places(numbers.rhs_spec))
        inputs, weights = [x.made, laid.made], []
    if max(base, default=1) > 1 and max(stride, default=1) == 1 and not isinstance(weight, Value):
        transposed = ConvTranspose(
            kernel=kernel,
            stride=base,
            dilation=dilation,
            padding=tuple((d * (k - 1) - a, d * (k - 1) - b) for k, d, (a, b) in zip(kernel, dilation, padding, strict=True)),
            groups=groups,
            bias=False,
        )  # fmt: skip
        return Value(call.draft(transposed, inputs, shape, weights), call.out, out)
    inputs[0] = _dilated(call, x, base, numbers.lhs_spec[2:]).made
    op = Conv(kernel=kernel, stride=stride, dilation=dilation, padding=padding, groups=groups, bias=False)
    return Value(call.draft(op, inputs, shape, weights), call.out, out)


def _places(spec: Sequence[int]) -> tuple[int, ...]:
    """The place of each axis, where a specification lists the axes by their places."""
    order = [0] * len(spec)
    for place, axis in enumerate(spec):
        order[axis] = place
    return tuple(order)


def _dilated(call: Call, x: Value, base: Sequence[int], axes: Sequence[int]) -> Value:
    """Gaps put between the positions of some axes."""
    for axis, step in zip(axes, base, strict=True):
        if step > 1 and x.shape[axis] > 1:
            op = Insert(axis=x.order[axis], start=0, step=int(step))
            x = call.along(op, x, axis, (x.shape[axis] - 1) * int(step) + 1)
    return x


def _by_kernel(call: Call) -> Value:
    """Constants seen through a kernel that depends on the input."""
    kernel = call.logical(call.data[0])
    op = Unknown(name="conv", reason="only its kernel depends on the data")
    made = call.draft(op, [kernel.made], call.out)
    return Value(made, call.out, tuple(range(len(call.out))))


@rule(*_POOLS)
def _pool(call: Call) -> Known:
    if len(call.shapes) > 1:
        raise UnreadError("it takes several arrays together")
    sizes = tuple(map(int, call["window_dimensions"]))
    strides = tuple(map(int, call["window_strides"]))
    dilations, bases = (tuple(map(int, call[key])) for key in ("window_dilation", "base_dilation"))
    padding = [(int(a), int(b)) for a, b in call["padding"]]
    slid = [
        axis for axis, told in enumerate(zip(sizes, strides, padding, bases, strict=True))
        if told != (1, 1, (0, 0), 1)
    ]  # fmt: skip
    return pooled(call, call.x, _POOLS[call.name], slid, sizes, strides, dilations, padding, bases)


def pooled(
    call: Call,
    x: Value,
    mode: str,
    slid: Sequence[int],
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: Sequence[tuple[int, int]],
    bases: Sequence[int],
) -> Value:
    """A pool over some axes; the others have windows of one."""
    if not slid:
        return x
    shape_before = x.shape
    x = _dilated(call, call.whole(x), bases, range(x.rank))
    # axes of size 1, such as those of one example mapped over a batch, would make a pool of more axes
    spare = [axis for axis, n in enumerate(x.shape) if n == 1 and axis not in slid][1:]
    spare = spare[: max(x.rank - len(slid) - 2, 0)]
    kept = [axis for axis in range(x.rank) if axis not in spare]
    x = call.reshaped(x, [x.shape[axis] for axis in kept], "squeeze")
    sizes, strides, dilations, padding = (
        [told[axis] for axis in kept] for told in (sizes, strides, dilations, padding)
    )
    laid = call.placed(x, [kept.index(axis) for axis in slid])
    more = laid.rank - x.rank  # axes that were put before
    axis_at = {place: axis - more for axis, place in enumerate(laid.order)}
    axes = [axis_at[place] for place in range(2, laid.rank)]

    def told(values: Sequence[int]) -> tuple[int, ...]:
        return tuple(int(values[axis]) for axis in axes)

    op = Pool(
        mode=mode,
        kernel=told(sizes),
        stride=told(strides),
        dilation=told(dilations),
        padding=tuple(padding[axis] for axis in axes),
    )
    shape = list(laid.made.shape)
    for place, axis in enumerate(axes, start=2):
        n, k, s, d = shape[place], sizes[axis], strides[axis], dilations[axis]
        shape[place] = (n + sum(padding[axis]) - d * (k - 1) - 1) // s + 1
    out = Value(
        call.draft(op, [laid.made], shape), tuple(shape[place] for place in laid.order), laid.order
    )
    sizes_out = dict(zip(kept, out.shape[more:], strict=True))
    return call.reshaped(out, [sizes_out.get(axis, 1) for axis in range(len(shape_before))])


@rule("select_and_scatter_add")
def _put_back(call: Call) -> Known:
    """What a max pool passes back: a source's numbers where the largest of each window stood."""
    source, operand = call.inputs
    sizes, strides = (tuple(map(int, call[key])) for key in ("window_dimensions", "window_strides"))
    padding = [(int(a), int(b)) for a, b in call["padding"]]
    slid = [axis for axis, told in enumerate(zip(sizes, strides, padding, strict=True)) if told != (1, 1, (0, 0))]
    ones = (1,) * len(sizes)
    parts: list[Value] = [source] if isinstance(source, Value) else []
    if isinstance(operand, Value):
        parts.append(pooled(call, operand, "max", slid, sizes, strides, ones, padding, ones))
    if not slid or any(part.shape != source.shape for part in parts):
        raise UnreadError("its windows are of another shape")
    laid = [call.placed(part, slid) for part in parts]
    laid = [call.ordered(part, laid[0].order) for part in laid]
    if laid[0].rank != len(sizes):
        raise UnreadError("all of its axes have windows")
    axis_at = {place: axis for axis, place in enumerate(laid[0].order)}
    axes = [axis_at[place] for place in range(2, laid[0].rank)]
    op = Unpool(
        kernel=tuple(sizes[axis] for axis in axes),
        stride=tuple(strides[axis] for axis in axes),
        dilation=(1,) * len(axes),
        padding=tuple(padding[axis] for axis in axes),
    )
    shape = [call.out[axis_at[place]] for place in range(len(sizes))]
    if not isinstance(source, Value):  # the largest alone tell where a constant goes
        made = call.draft(op, [laid[0].made], shape)
    else:
        made = call.draft(op, [part.made for part in laid], shape)
    return Value(made, call.out, laid[0].order)


@rule("conv_general_dilated_local")
def _local(call: Call) -> Known:
    raise UnreadError("kernels of its own for each position are not read")
