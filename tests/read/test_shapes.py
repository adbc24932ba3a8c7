"""Shape rules of our own answer as PyTorch does, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeshot.read.recorder import _signature
from eyeshot.read.shapes import alike, output_of

aten = torch.ops.aten


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def steps(x: torch.Tensor) -> list[int]:
    """From one number to the next, along the axes that have a next one."""
    return [stride for stride, size in zip(x.stride(), x.shape, strict=True) if size > 1]


def ours(func: Any, *args: Any) -> torch.Tensor | None:
    """What our rule answers, if it does."""
    signature = _signature(func)
    return output_of(signature.name, signature.bind(args, {}))


def agrees(func: Any, *args: Any) -> bool:
    """Whether our rule answers as PyTorch does, which must not complain, or not at all."""
    own = ours(func, *args)
    if own is None:
        return True
    theirs = func(*args)
    is_in_place = func._schema.name.endswith("_")
    return (
        (own.shape, steps(own), own.dtype, own.device) == (theirs.shape, steps(theirs), theirs.dtype, theirs.device)
    ) and (own is args[0] or not is_in_place)


small, side = st.integers(-1, 3), st.integers(0, 7)


def per_axis(numbers: st.SearchStrategy[int], axes: int) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(numbers, min_size=axes, max_size=axes), st.lists(numbers, min_size=1, max_size=1))


@given(st.data())
@settings(max_examples=300)
def test_convolutions_of_any_arguments(data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, 3))
    groups = data.draw(st.integers(1, 3))
    conv = (aten.conv1d.default, aten.conv2d.default, aten.conv3d.default)[axes - 1]
    x = meta(*(data.draw(st.integers(1, 2)), data.draw(st.integers(1, 6))), *(data.draw(side) for _ in range(axes)))
    channels = x.shape[1] // groups if data.draw(st.booleans()) else data.draw(st.integers(1, 3))
    weight = meta(data.draw(st.integers(1, 6)), max(channels, 1), *(data.draw(st.integers(1, 4)) for _ in range(axes)))
    bias = data.draw(st.sampled_from([None, meta(weight.shape[0]), meta(2)]))
    settings = [data.draw(per_axis(small, axes)) for _ in range(3)]

    assert agrees(conv, x, weight, bias, *settings, groups)


@given(st.data())
@settings(max_examples=300)
def test_transposed_convolutions_of_any_arguments(data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, 3))
    groups = data.draw(st.integers(1, 2))
    conv = (aten.conv_transpose1d.default, aten.conv_transpose2d.input, aten.conv_transpose3d.input)[axes - 1]
    channels = groups * data.draw(st.integers(1, 2))
    x = meta(data.draw(st.integers(1, 2)), channels, *(data.draw(st.integers(1, 5)) for _ in range(axes)))
    weight = meta(channels, data.draw(st.integers(1, 2)), *(data.draw(st.integers(1, 4)) for _ in range(axes)))
    bias = data.draw(st.sampled_from([None, meta(weight.shape[1] * groups), meta(5)]))
    stride, padding, extra, dilation = (data.draw(per_axis(small, axes)) for _ in range(4))

    assert agrees(conv, x, weight, bias, stride, padding, extra, groups, dilation)


@given(st.data())
@settings(max_examples=300)
def test_resizing_and_padding_of_any_arguments(data: st.DataObject) -> None:
    x = meta(*(data.draw(side) for _ in range(data.draw(st.integers(3, 5)))))
    axes = data.draw(st.integers(1, 3))
    size = data.draw(st.one_of(st.none(), st.lists(side, min_size=axes, max_size=axes)))
    factors = data.draw(st.one_of(st.none(), st.lists(st.floats(0.3, 3), min_size=axes, max_size=axes)))

    nearest = (aten.upsample_nearest1d, aten.upsample_nearest2d, aten.upsample_nearest3d)[axes - 1]
    linear = (aten.upsample_linear1d, aten.upsample_bilinear2d, aten.upsample_trilinear3d)[axes - 1]
    assert agrees(nearest.vec, x, size, factors)
    assert agrees(linear.vec, x, size, data.draw(st.booleans()), factors)
    assert agrees(aten.upsample_bicubic2d.vec, x, size, False, factors)
    assert agrees(aten.pixel_shuffle.default, x, data.draw(small))
    assert agrees(aten.pixel_unshuffle.default, x, data.draw(small))
    padding = data.draw(st.lists(small, min_size=2 * min(axes, 2), max_size=2 * min(axes, 2)))
    lines, maps = (aten.reflection_pad1d, aten.replication_pad1d), (aten.reflection_pad2d, aten.replication_pad2d)
    for op in lines if axes == 1 else maps:
        assert agrees(op.default, x, padding)


@given(st.data())
@settings(max_examples=300)
def test_pools_of_any_arguments(data: st.DataObject) -> None:
    x = meta(*(data.draw(side) for _ in range(data.draw(st.integers(3, 4)))))
    kernel, stride, padding, dilation = (data.draw(per_axis(small, 2)) for _ in range(4))
    ceil = data.draw(st.booleans())

    assert agrees(aten.max_pool2d.default, x, kernel, stride, padding, dilation, ceil)
    assert agrees(aten.avg_pool2d.default, x, kernel, stride, padding, ceil)
    assert agrees(aten.adaptive_avg_pool2d.default, x, [data.draw(small), data.draw(small)])


@given(st.data())
@settings(max_examples=300)
def test_products_sums_and_means_of_any_shapes(data: st.DataObject) -> None:
    shapes = st.lists(st.integers(0, 3), min_size=0, max_size=4)
    a, b = (
        meta(*data.draw(shapes), dtype=data.draw(st.sampled_from([torch.float32] * 3 + [torch.float64, torch.int64])))
        for _ in range(2)
    )
    number = data.draw(st.sampled_from([2, 1.5, True]))

    for op in (aten.add, aten.sub, aten.mul, aten.div, aten.add_, aten.mul_):
        assert agrees(op.Tensor, a, b)
        assert agrees(op.Tensor, a, number)
        assert agrees(op.Tensor, a.transpose(0, -1) if a.dim() else a, number)
        assert agrees(op.Tensor, a[::2] if a.dim() else a, number)
    assert agrees(aten.maximum.default, a, b)
    assert agrees(aten.matmul.default, a, b)
    assert agrees(aten.linear.default, a, b, data.draw(st.sampled_from([None, meta(2)])))
    for op in (aten.sum.dim_IntList, aten.amax.default):
        assert agrees(op, a, data.draw(st.lists(st.integers(-4, 4), max_size=2)), data.draw(st.booleans()))
    assert agrees(aten.stack.default, [a, a], data.draw(st.integers(-4, 4)))
    assert agrees(aten.stack.default, [a, b])
    assert agrees(aten.rsub.Scalar, a, number)
    assert agrees(aten.pow.Tensor_Scalar, a, number)
    assert agrees(aten.bmm.default, a, b)
    assert agrees(aten.prelu.default, a, b)
    assert agrees(aten.where.self, meta(*b.shape, dtype=torch.bool), a, a)
    assert agrees(aten.zeros_like.default, a)
    assert agrees(aten.linear.default, a.transpose(0, -2) if a.dim() > 1 else a, b, None)
    assert agrees(aten.linear.default, a[::2] if a.dim() else a, b, meta(2))
    assert agrees(aten.cat.default, [a, b, a], data.draw(st.integers(-4, 4)))
    axes = data.draw(st.lists(st.integers(-4, 4), max_size=2))
    assert agrees(aten.mean.dim, a, axes, data.draw(st.booleans()))
    for op in (aten.eq, aten.ne, aten.lt, aten.ge):
        assert agrees(op.Scalar, a, number)
    assert agrees(aten.masked_fill.Scalar, a, meta(*b.shape, dtype=torch.bool), number)
    assert agrees(aten.index.Tensor, a, [b] if data.draw(st.booleans()) else [None, b])
    assert agrees(aten.index.Tensor, a, [meta(*b.shape, dtype=torch.int64)])
    assert agrees(aten.roll.default, a, [1] * len(axes), axes)


@given(st.data())
@settings(max_examples=300)
def test_functions_of_each_number_keep_the_order_in_which_numbers_lie(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    whole = meta(*(n + data.draw(st.integers(0, 1)) for n in sizes))
    cut = whole[tuple(slice(0, n) for n in sizes)]
    x = cut.permute(data.draw(st.permutations(range(len(sizes)))))[:: data.draw(st.integers(1, 2))]

    for theirs in (torch.empty_like(x), torch.relu(x), x * 2):
        assert steps(alike(x)) == steps(theirs)
    assert agrees(aten.add.Tensor, x, meta(*x.shape))
    assert agrees(aten.add.Tensor, meta(*x.shape), x)
    assert agrees(aten.mul.Tensor, x, meta(*x.shape[::-1]).permute(*range(x.dim())[::-1]))


@pytest.mark.parametrize(
    ("func", "args"),
    [
        (aten.conv2d.default, (meta(1, 4, 9, 9), meta(8, 2, 3, 3), meta(8), [2], [1], [1], 2)),
        (aten.max_pool2d.default, (meta(1, 4, 9, 9), [3], [2], [1], [1], True)),
        (aten.avg_pool2d.default, (meta(1, 4, 9, 9), [2])),
        (aten.adaptive_avg_pool2d.default, (meta(1, 4, 9, 9), [1, 1])),
        (aten.linear.default, (meta(1, 7, 5), meta(3, 5), meta(3))),
        (aten.linear.default, (meta(7, 2, 5).transpose(0, 1), meta(3, 5), meta(3))),
        (aten.matmul.default, (meta(2, 3, 4), meta(2, 4, 5))),
        (aten.add.Tensor, (meta(1, 4, 9, 9), meta(4, 1, 1))),
        (aten.add_.Tensor, (meta(1, 4, 9, 9), meta(1, 4, 9, 9))),
        (aten.add.Tensor, (meta(9, 4, 5).transpose(0, 1), meta(4, 9, 5))),
        (aten.mul.Tensor, (meta(1, 4, 9, 9), 2)),
        (aten.cat.default, ([meta(1, 4, 9, 9), meta(1, 2, 9, 9)], 1)),
        (aten.mean.dim, (meta(1, 4, 9, 9), [2, 3], True)),
        (aten.roll.default, (meta(1, 9, 9, 4), [1, -1], [1, 2])),
        (aten.mul.Tensor, (meta(3, 4, 9, 5).permute(2, 0, 3, 1)[0], 0.5)),
        (aten.conv_transpose2d.input, (meta(1, 4, 9, 9), meta(4, 2, 2, 2), meta(2), [2])),
        (aten.upsample_bilinear2d.vec, (meta(1, 4, 9, 9), None, False, [2.0, 2.0])),
        (aten.upsample_nearest2d.vec, (meta(1, 4, 9, 9), [17, 18], None)),
        (aten.pixel_shuffle.default, (meta(1, 4, 9, 9), 2)),
        (aten.reflection_pad2d.default, (meta(1, 4, 9, 9), [1, 1, 1, 1])),
        (aten.sum.dim_IntList, (meta(1, 4, 9, 9), [2, 3])),
        (aten.stack.default, ([meta(1, 4, 9, 9), meta(1, 4, 9, 9)],)),
        (aten.pow.Tensor_Scalar, (meta(1, 4, 9, 9), 2)),
        (aten.prelu.default, (meta(1, 4, 9, 9), meta(4))),
        (aten.rsub.Scalar, (meta(1, 4, 9, 9), 1)),
        (aten.ne.Scalar, (meta(4, 9, 9), 0)),
        (aten.masked_fill.Scalar, (meta(4, 9, 9), meta(4, 9, 9, dtype=torch.bool), -100.0)),
        (aten.index.Tensor, (meta(169, 3), [meta(49, 49, dtype=torch.int64)])),
    ],
)
def test_common_calls_need_not_ask_pytorch(func: Any, args: tuple[Any, ...]) -> None:
    assert ours(func, *args) is not None
    assert agrees(func, *args)


@pytest.mark.parametrize(
    "x",
    [meta(1, 4, 9, 1).expand(1, 4, 9, 9), meta(1, 4, 9, 9).int(), torch.zeros(1, 4, 9, 9)],
    ids=["repeated", "int", "cpu"],
)
def test_what_is_not_plain_is_left_to_pytorch(x: torch.Tensor) -> None:
    assert ours(aten.add.Tensor, x, x) is None
