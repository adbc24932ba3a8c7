"""Convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from eyeshot.network.ops import (
    Arithmetic,
    Banded,
    Conv,
    ConvTranspose,
    Copy,
    Insert,
    Pool,
    Unknown,
    Unpool,
    window_sizes,
)
from eyeshot.network.relations import Sides, Sizes
from eyeshot.read.jax.calls import Call, Known, UnreadError
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Draft, Numbers, Value

MOST_WEIGHTS = 1 << 16
"""Of a kernel whose numbers are looked at."""
_POOLS = {
    "reduce_window_max": "max", "reduce_window_sum": "sum", "reduce_window_min": "min", "reduce_window": "reduce",
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
    stride, dilation, base = (tuple(map(int, call[key])) for key in ("window_strides", "rhs_dilation", "lhs_dilation"))
    out = _places(numbers.out_spec)
    shape = [call.out[axis] for axis in numbers.out_spec]
    groups = int(call["feature_group_count"])
    weights, inputs = [weight], [x.made]
    if isinstance(weight, Value):
        laid = call.ordered(call.whole(weight), _places(numbers.rhs_spec))
        inputs, weights = [x.made, laid.made], []
    if max(base, default=1) > 1 and max(stride, default=1) == 1 and not isinstance(weight, Value):
        reaches = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        transposed = ConvTranspose(
            kernel=kernel,
            stride=base,
            dilation=dilation,
            padding=tuple((reach - a, reach - b) for reach, (a, b) in zip(reaches, padding, strict=True)),
            groups=groups,
            bias=False,
        )  # fmt: skip
        return Value(call.draft(transposed, inputs, shape, weights), call.out, out)
    inputs[0] = _dilated(call, x, base, numbers.lhs_spec[2:]).made
    op = Conv(kernel=kernel, stride=stride, dilation=dilation, padding=padding, groups=groups, bias=False)
    sparse = _with_zeros(weight)
    if sparse is not None:
        made = _tap_by_tap(call, inputs[0], op, sparse.transpose(numbers.rhs_spec), shape)
        return Value(made, call.out, out)
    return Value(call.draft(op, inputs, shape, weights), call.out, out)


def _with_zeros(weight: Known) -> Numbers | None:
    """A kernel's numbers where it is no weight and some of them are 0, as those that take patches are."""
    numbers = weight.numbers if isinstance(weight, Constant) and not weight.weights else None
    if numbers is None or numbers.size > MOST_WEIGHTS or bool((numbers != 0).all()):
        return None
    return numbers


def _tap_by_tap(call: Call, x: Draft, op: Conv, kernel: Numbers, shape: Sequence[int]) -> Draft:
    """What each tap takes, of the channels that have a weight there, and all added."""
    ones, parts = (1,) * len(op.kernel), []
    inner, outer = kernel.shape[1], kernel.shape[0] // op.groups
    for number, tap in enumerate(product(*map(range, op.kernel))):
        weights = kernel.reshape(*kernel.shape[:2], -1)[:, :, number]
        if not weights.any():
            continue
        shift = tuple((a - t * d, b) for (a, b), t, d in zip(op.padding, tap, op.dilation, strict=True))
        copy = Copy(kernel=ones, stride=op.stride, dilation=ones, padding=shift)
        taken = call.draft(copy, [x], (*x.shape[:2], *shape[2:]))
        channels = tuple(
            tuple(int(j) + i // outer * inner for j in np.flatnonzero(line)) for i, line in enumerate(weights)
        )
        parts.append(call.draft(Banded(name="taps", axes=(1,), taps=(channels,)), [taken], shape))
    if not parts:
        raise UnreadError("all of its kernel is 0")
    return parts[0] if len(parts) == 1 else call.draft(Arithmetic(name="add"), parts, shape)


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


@dataclass(frozen=True)
class Windows:
    """A window along each axis, of one position where it does not slide; ``bases`` are gaps put in before."""

    sizes: Sizes
    strides: Sizes
    dilations: Sizes
    padding: Sides
    bases: Sizes

    @classmethod
    def of(cls, call: Call) -> Windows:
        """Those of an equation, as plain numbers."""
        rank = len(call["window_dimensions"])

        def told(key: str) -> Sizes:
            return tuple(map(int, call.eqn.params.get(key) or (1,) * rank))

        return cls(
            told("window_dimensions"),
            told("window_strides"),
            told("window_dilation"),
            tuple((int(a), int(b)) for a, b in call["padding"]),
            told("base_dilation"),
        )

    @property
    def slid(self) -> list[int]:
        """The axes along which they slide."""
        lines = zip(self.sizes, self.strides, self.padding, self.bases, strict=True)
        return [axis for axis, line in enumerate(lines) if line != (1, 1, (0, 0), 1)]

    def along(self, axes: Sequence[int]) -> Windows:
        """Those along some axes, in their order."""
        return Windows(
            tuple(self.sizes[axis] for axis in axes),
            tuple(self.strides[axis] for axis in axes),
            tuple(self.dilations[axis] for axis in axes),
            tuple(self.padding[axis] for axis in axes),
            tuple(self.bases[axis] for axis in axes),
        )


@rule(*_POOLS)
def _pool(call: Call) -> Known:
    if len(call.shapes) > 1:
        raise UnreadError("it takes several arrays together")
    return pooled(call, call.x, _POOLS[call.name], Windows.of(call))


def pooled(call: Call, x: Value, mode: str, windows: Windows) -> Value:
    """A pool over the axes along which windows slide."""
    slid, rank = windows.slid, x.rank
    if not slid:
        return x
    x = _dilated(call, call.whole(x), windows.bases, range(rank))
    # axes of size 1, such as those of one example mapped over a batch, would make a pool of more axes
    spare = [axis for axis, n in enumerate(x.shape) if n == 1 and axis not in slid][1:]
    spare = spare[: max(rank - len(slid) - 2, 0)]
    kept = [axis for axis in range(rank) if axis not in spare]
    x = call.reshaped(x, [x.shape[axis] for axis in kept], "squeeze")
    laid = call.placed(x, [kept.index(axis) for axis in slid])
    more = laid.rank - x.rank  # axes that were put before
    axis_at = {place: axis - more for axis, place in enumerate(laid.order)}
    taken = windows.along([kept[axis_at[place]] for place in range(2, laid.rank)])
    op = Pool(mode=mode, kernel=taken.sizes, stride=taken.strides, dilation=taken.dilations, padding=taken.padding)
    shape = (*laid.made.shape[:2], *window_sizes(laid.made.shape[2:], op))
    out = Value(call.draft(op, [laid.made], shape), tuple(shape[place] for place in laid.order), laid.order)
    sizes = dict(zip(kept, out.shape[more:], strict=True))
    return call.reshaped(out, [sizes.get(axis, 1) for axis in range(rank)])


@rule("select_and_scatter_add")
def _put_back(call: Call) -> Known:
    """What a max pool passes back: a source's numbers where the largest of each window stood."""
    source, operand = call.inputs
    windows, rank = Windows.of(call), len(call.out)
    parts: list[Value] = [source] if isinstance(source, Value) else []
    if isinstance(operand, Value):
        parts.append(pooled(call, operand, "max", windows))
    if not windows.slid or any(part.shape != source.shape for part in parts):
        raise UnreadError("its windows are of another shape")
    laid = [call.placed(part, windows.slid) for part in parts]
    order = laid[0].order
    if laid[0].rank != rank:
        raise UnreadError("all of its axes have windows")
    made = [
        call.ordered(part, order).made for part in laid
    ]  # of a constant source the largest alone tell where it goes
    axes = sorted(range(rank), key=order.__getitem__)
    taken = windows.along(axes[2:])
    op = Unpool(kernel=taken.sizes, stride=taken.strides, dilation=taken.dilations, padding=taken.padding)
    return Value(call.draft(op, made, [call.out[axis] for axis in axes]), call.out, order)
