"""What moves compute: exact ones what the module did, in double precision; others as near as they say."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.build.folding import chained
from eyeshot.errors import UsageError
from eyeshot.read.pretrained import drawn_module

CONVS: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
POOLS: tuple[Any, ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
MAX_POOLS: tuple[Any, ...] = (nn.MaxPool1d, nn.MaxPool2d)
NORMS: tuple[Any, ...] = (nn.BatchNorm1d, nn.BatchNorm2d)


def in_double(module: nn.Module) -> nn.Module:
    """Weights and statistics at random, in double precision and in use."""
    torch.manual_seed(0)
    for child in module.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            assert child.running_mean is not None
            assert child.running_var is not None
            child.running_mean.normal_()
            child.running_var.uniform_(0.5, 2)
            if child.weight is not None:
                nn.init.uniform_(child.weight, 0.5, 1.5)
                nn.init.normal_(child.bias)
    return module.double().eval()


def run(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        y: torch.Tensor = module(x)
    return y


def inside(x: torch.Tensor, ring: int) -> torch.Tensor:
    return x[(slice(None), slice(None), *[slice(ring, n - ring) for n in x.shape[2:]])]


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-300)) if b.numel() else 0.0


@pytest.mark.parametrize("move", ["depthwise-separate:multiplier=15,1", "bottleneck:ratio=1,1"])
def test_a_dilated_kernel_is_taken_apart_exactly_where_there_is_room_for_all_of_it(move: str) -> None:
    module = in_double(nn.Sequential(nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, (3, 5), dilation=(2, 3), padding=2)))
    x = torch.rand(1, 3, 40, 40, dtype=torch.float64)

    result = eyeshot.rewrite(module, move, input_shape=(3, 40, 40))

    assert max(result.steps[0].errors.values()) < 1e-10
    assert relative(run(result.model, x), run(module, x)) < 1e-10


FOLDED = {
    "transposed, in groups": nn.Sequential(nn.ConvTranspose2d(6, 4, 3, 2, groups=2, bias=False), nn.BatchNorm2d(4)),
    "without affine": nn.Sequential(nn.Conv2d(6, 4, 3, groups=2), nn.BatchNorm2d(4, affine=False), nn.ReLU()),
    "fully connected": nn.Sequential(nn.Flatten(), nn.Linear(6 * 64, 5), nn.BatchNorm1d(5)),
    "reflected borders": nn.Sequential(nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(4)),
}


@pytest.mark.parametrize("name", FOLDED)
def test_a_folded_batch_norm_is_computed_by_the_layer_before_it(name: str) -> None:
    module = in_double(FOLDED[name])
    x = torch.randn(2, 6, 8, 8, dtype=torch.float64)

    result = eyeshot.rewrite(module, "fold-batch-norm", input_shape=(6, 8, 8))

    assert result.is_exact
    assert not any("norm" in layer.op for layer in result.after)
    assert relative(run(result.model, x), run(module, x)) < 1e-12


@pytest.mark.parametrize(
    "name",
    [
        "torchvision:resnet18",
        pytest.param("torchvision:mobilenet_v2", marks=pytest.mark.slow),
        pytest.param("torchvision:regnet_y_400mf", marks=pytest.mark.slow),
        pytest.param("torchvision:densenet121", marks=pytest.mark.slow),
        pytest.param("timm:efficientnet_b0", marks=pytest.mark.slow),
        pytest.param("timm:tf_efficientnet_lite0", marks=pytest.mark.slow),
        pytest.param("timm:resnet26d", marks=pytest.mark.slow),
        pytest.param("timm:hrnet_w18_small", marks=pytest.mark.slow),
        pytest.param("timm:repvgg_a0", marks=pytest.mark.slow),
    ],
)
def test_libraries_models_compute_the_same_once_folded(name: str) -> None:
    module = in_double(drawn_module(name))
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)

    result = eyeshot.rewrite(module, "fold-batch-norm", input_shape=(3, 64, 64))

    assert relative(run(result.model, x), run(module, x)) < 1e-10


@pytest.mark.parametrize("n", [2, 3, 4])
def test_padded_3x3_in_a_row_are_one_kernel_but_for_n_minus_1_rings(n: int) -> None:
    module = in_double(nn.Sequential(*(nn.Conv2d(2, 2, 3, padding=1) for _ in range(n))))
    x = torch.randn(1, 2, 16, 16, dtype=torch.float64)

    result = eyeshot.rewrite(module, "stack-to-kernel", input_shape=(2, 16, 16))

    assert result.after["0"].node.op.kernel == (2 * n + 1,) * 2  # type: ignore[attr-defined]
    assert result.steps[0].plan.ring == n - 1
    assert f"but for the {'outermost' if n == 2 else f'outer {n - 1}'} rows and columns" in result.says
    a, b = run(result.model, x), run(module, x)
    assert relative(inside(a, n - 1), inside(b, n - 1)) < 1e-12
    assert relative(inside(a, n - 2), inside(b, n - 2)) > 1e-6


def test_padded_once_they_are_one_kernel_everywhere() -> None:
    module = in_double(nn.Sequential(*(nn.Conv2d(2, 2, 3, padding=1) for _ in range(3))))
    x = torch.randn(1, 2, 9, 9, dtype=torch.float64)

    front = eyeshot.rewrite(module, "padding:front", input_shape=(2, 9, 9))
    one = eyeshot.rewrite(front.model, "stack-to-kernel", input_shape=(2, 9, 9))

    assert one.is_exact
    assert one.steps[0].plan.ring == 0
    assert relative(run(one.model, x), run(front.model, x)) < 1e-12
    assert relative(inside(run(one.model, x), 2), inside(run(module, x), 2)) < 1e-12


def test_3x3_at_stride_2_twice_is_7x7_at_stride_4() -> None:
    module = in_double(nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 5, 3, 2)))
    x = torch.randn(1, 3, 35, 35, dtype=torch.float64)

    result = eyeshot.rewrite(module, "stack-to-kernel", input_shape=(3, 35, 35))

    op = result.after["0"].node.op
    assert (op.kernel, op.stride) == ((7, 7), (4, 4))  # type: ignore[attr-defined]
    assert relative(run(result.model, x), run(module, x)) < 1e-12


@st.composite
def linear_stacks(draw: st.DrawFn) -> tuple[nn.Sequential, int]:
    """Convolutions and average pools in a row along one to three axes."""
    axes = draw(st.integers(1, 3))
    channels, layers = 2, list[nn.Module]()
    for _ in range(draw(st.integers(2, 3))):
        kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
        if draw(st.integers(0, 3)) == 0:
            has_zeros = draw(st.booleans())
            layers.append(
                POOLS[axes - 1](kernel, stride, draw(st.integers(0, kernel // 2)), count_include_pad=has_zeros)
            )
            continue
        width, groups = draw(st.sampled_from([(2, 1), (4, 1), (channels, channels)]))
        padding = tuple(draw(st.integers(0, 2)) for _ in range(axes))
        dilation = draw(st.integers(1, 2))
        has_bias = draw(st.booleans())
        layers.append(CONVS[axes - 1](channels, width, kernel, stride, padding, dilation, groups, has_bias))
        channels = width
    if not any(isinstance(layer, CONVS) for layer in layers):
        layers.append(CONVS[axes - 1](2, 2, 1))
    return nn.Sequential(*layers), axes


@given(linear_stacks())
@settings(max_examples=40, deadline=None)
def test_any_linear_stack_is_one_kernel_inside_its_ring(drawn: tuple[nn.Sequential, int]) -> None:
    module, axes = drawn
    module = in_double(module)
    shape = (2, *[{1: 60, 2: 40, 3: 28}[axes]] * axes)

    result = eyeshot.rewrite(module, "stack-to-kernel", input_shape=shape)

    x = torch.randn(1, *shape, dtype=torch.float64)
    ring = result.steps[0].plan.ring
    a, b = run(result.model, x), run(module, x)
    assert len([child for child in result.model if not isinstance(child, nn.Identity)]) == 1
    assert relative(inside(a, ring), inside(b, ring)) < 1e-10


def test_an_average_pool_is_a_strided_convolution() -> None:
    module = in_double(nn.Sequential(nn.Conv2d(4, 6, 3, padding=1, groups=2), nn.AvgPool2d(2)))
    x = torch.randn(1, 4, 16, 16, dtype=torch.float64)

    result = eyeshot.rewrite(module, "pool-to-stride:kernel", input_shape=(4, 16, 16))

    assert result.is_exact
    assert result.after["0"].node.op.kernel == (4, 4)  # type: ignore[attr-defined]
    assert result.after["0"].field == result.before["1"].field
    assert relative(run(result.model, x), run(module, x)) < 1e-12


def test_where_an_average_pool_s_last_window_hangs_over_the_border_differs_and_it_is_said() -> None:
    module = in_double(nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.AvgPool2d(2, ceil_mode=True)))
    x = torch.randn(1, 4, 17, 17, dtype=torch.float64)

    result = eyeshot.rewrite(module, "pool-to-stride:kernel", input_shape=(4, 17, 17))

    a, b = run(result.model, x), run(module, x)
    assert "but for the outermost rows and columns" in result.says
    assert relative(a, b) > 0.01
    assert relative(inside(a, 1), inside(b, 1)) < 1e-12


@pytest.mark.parametrize("counts", [False, True])
def test_an_average_pool_that_steps_less_pads_as_it_did(counts: bool) -> None:
    pool = nn.AvgPool2d(3, 2, 1, count_include_pad=counts)
    module = in_double(nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), pool))
    x = torch.randn(1, 3, 32, 32, dtype=torch.float64)

    result = eyeshot.rewrite(module, "output-stride:2", input_shape=(3, 32, 32))

    assert relative(run(result.model, x)[:, :, ::2, ::2], run(module, x)) < 1e-12


@st.composite
def modules(draw: st.DrawFn) -> tuple[nn.Sequential, int]:
    """Convolutions of any padding, pools that round up, norms and activations in a row along one or two axes."""
    axes = draw(st.integers(1, 2))
    channels, layers = 2, list[nn.Module]()
    for kind in ["conv", *draw(st.lists(st.sampled_from(["conv", "conv", "avg", "max", "norm", "relu"]), max_size=4))]:
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 2))
        if kind == "conv":
            width, groups = draw(st.sampled_from([(2, 1), (4, 1), (channels, channels)]))
            settings_ = {
                "padding": draw(st.integers(0, 2)),
                "dilation": draw(st.integers(1, 2)),
                "groups": groups,
                "bias": draw(st.booleans()),
                "padding_mode": draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"])),
            }
            layers.append(CONVS[axes - 1](channels, width, kernel, stride, **settings_))
            channels = width
        elif kind in ("avg", "max"):
            pool = (POOLS if kind == "avg" else MAX_POOLS)[axes - 1]
            side = draw(st.integers(0, kernel // 2))
            layers.append(pool(kernel, draw(st.integers(1, 3)), side, ceil_mode=draw(st.booleans())))
        else:
            layers.append(nn.ReLU() if kind == "relu" else NORMS[axes - 1](channels))
    return nn.Sequential(*layers), axes


EXACT = ("stack-to-kernel", "pool-to-stride:kernel", "fold-batch-norm")


@given(modules(), st.sampled_from((*EXACT, *EXACT, "kernel-to-stack", "stem:3x3", "blur-pool", "width:by=2", "dilation",
                                   "bottleneck", "stride-to-pool", "padding:zero", "output-stride:1")))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_what_is_said_to_stay_stays_however_layers_pad(drawn: tuple[nn.Sequential, int], move: str) -> None:
    module, axes = drawn
    module = in_double(module)
    shape = (2, *[33] * axes)
    x = torch.randn(1, *shape, dtype=torch.float64)

    try:  # the move, which also compares what is announced with what is read back
        before = run(module, x)
        result = eyeshot.rewrite(module, move, input_shape=shape)
    except (RuntimeError, UsageError) as error:  # a kernel that is larger than its map; a move that does not apply
        assert isinstance(error, UsageError) or "size" in str(error), error  # noqa: PT017
        return

    after = run(result.model, x)
    assert tuple(after.shape[1:]) == result.after.layers[-1].out
    if result.is_exact and not result.steps[0].plan.ring:
        assert relative(after, before) < 1e-10


def test_a_max_pool_has_no_strided_twin_and_it_is_said() -> None:
    module = in_double(nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)))

    result = eyeshot.rewrite(module, "pool-to-stride:kernel", input_shape=(4, 16, 16))

    assert not result.is_exact
    assert "as if the pool averaged" in result.says


@pytest.mark.parametrize("most", ["8", "16", "4x16"])
def test_dilated_instead_of_stepping_the_old_positions_hold_what_they_held(most: str) -> None:
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 4, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(4, 4, (3, 5), padding=(1, 2)), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 5, 2, 1, 0),
    ]  # fmt: skip
    module = nn.Sequential(*layers).double().eval()
    x = torch.randn(1, 3, 96, 128, dtype=torch.float64)

    result = eyeshot.rewrite(module, f"output-stride:{most}", input_shape=(3, 96, 128))

    limits = tuple(int(n) for n in (most.split("x") * 2)[:2])
    steps = [32 // limit for limit in limits]
    a, b = run(result.model, x)[:, :, :: steps[0], :: steps[1]], run(module, x)
    assert result.after.layers[-1].field.stride == limits
    assert result.after.layers[-1].field.size == result.before.layers[-1].field.size
    assert relative(a[:, :, : b.shape[2], : b.shape[3]], b) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resnet26", "resnet50", "mobilenetv2_100"])
@pytest.mark.parametrize("most", [8, 16])
def test_output_stride_gives_fields_that_timm_s_own_argument_gives(model: str, most: int) -> None:
    ours = eyeshot.rewrite(f"timm:{model}", f"output-stride:{most}", input_shape=(3, 224, 224), weights=False).after
    theirs = eyeshot.inspect(f"timm:{model}?output_stride={most}", (3, 224, 224))

    mine, named = ({layer.name: layer for layer in report if "conv" in layer.name} for report in (ours, theirs))
    assert [layer.out for layer in mine.values()] == [named[name].out for name in mine]
    assert ours.totals.macs == theirs.totals.macs


def test_a_kernel_of_rank_one_is_separated_without_error() -> None:
    conv = nn.Conv2d(3, 5, 3, padding=1).double()
    with torch.no_grad():
        conv.weight.copy_(torch.einsum("oc,cij->ocij", torch.randn(5, 3).double(), torch.randn(3, 3, 3).double()))
    x = torch.randn(1, 3, 9, 9, dtype=torch.float64)

    result = eyeshot.rewrite(nn.Sequential(conv), "depthwise-separate:0", input_shape=(3, 9, 9))

    assert result.steps[0].errors["0"] < 1e-12
    assert relative(run(result.model, x), run(conv, x)) < 1e-10


def test_a_separated_kernel_is_the_nearest_and_its_error_is_told() -> None:
    """Eckart & Young: what is left are the singular values that are not kept."""
    conv = nn.Conv2d(4, 6, 3, padding=1).double()
    flat = conv.weight.detach().flatten(2).transpose(0, 1)

    result = eyeshot.rewrite(nn.Sequential(conv), "depthwise-separate:0", input_shape=(4, 9, 9))

    left = torch.linalg.svdvals(flat)[:, 1:].square().sum().sqrt() / flat.norm()
    assert result.steps[0].errors["0"] == pytest.approx(float(left), rel=1e-9)


def test_a_bottleneck_of_full_width_is_exact_and_a_narrower_one_is_not() -> None:
    module = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1)).double()
    x = torch.randn(1, 4, 9, 9, dtype=torch.float64)

    whole = eyeshot.rewrite(module, "bottleneck:ratio=1,0", input_shape=(4, 9, 9))
    narrow = eyeshot.rewrite(module, "bottleneck:ratio=2,0", input_shape=(4, 9, 9))

    assert relative(run(whole.model, x), run(module, x)) < 1e-10
    assert 0.1 < narrow.steps[0].errors["0"] < 1


def test_a_kernel_that_is_a_stack_is_found_to_be_one() -> None:
    torch.manual_seed(0)
    stack = nn.Sequential(nn.Conv2d(2, 8, 3, bias=False), nn.Conv2d(8, 8, 3)).double()
    one = eyeshot.rewrite(stack, "stack-to-kernel", input_shape=(2, 12, 12)).model

    again = eyeshot.rewrite(one, "kernel-to-stack:linear,0", input_shape=(2, 12, 12))

    assert again.steps[0].errors["0"] < 1e-3
    x = torch.randn(1, 2, 12, 12, dtype=torch.float64)
    assert relative(run(again.model, x), run(stack, x)) < 1e-2


@pytest.mark.parametrize(("n", "reachable", "of"), [(3, 25, 49), (2, 17, 25)])
def test_stacks_of_one_channel_reach_part_of_all_kernels(n: int, reachable: int, of: int) -> None:
    """The rank of the composed kernel's derivative by the stack's weights: the 'regularisation' of stacked 3×3."""
    torch.manual_seed(0)

    def kernel(weights: torch.Tensor) -> torch.Tensor:
        layers = weights.reshape(n, 1, 1, 3, 3)
        whole = layers[0]
        for layer in layers[1:]:
            whole = chained(whole, layer, (1, 1))
        return whole.flatten()

    derivative = torch.autograd.functional.jacobian(kernel, torch.randn(9 * n, dtype=torch.float64))

    assert derivative.shape == (of, 9 * n)
    assert int(torch.linalg.matrix_rank(derivative)) == reachable


def test_the_binomial_filter_is_made_of_averages_of_two() -> None:
    module = nn.Sequential(nn.AvgPool2d(2))
    pixel = torch.zeros(1, 1, 12, 12)
    pixel[0, 0, 6, 6] = 16

    for size, filter_ in ((3, [1, 2, 1]), (5, [1, 4, 6, 4, 1])):
        blurred = eyeshot.rewrite(module, f"blur-pool:size={size}", input_shape=(1, 12, 12)).model
        seen = {(i, j): float(blurred(torch.roll(pixel, (i, j), (2, 3)))[0, 0, 3, 3]) for i, j in
                itertools.product(range(-2, 3), repeat=2)}  # fmt: skip
        row = [seen[0, j] for j in range(-(size // 2), size // 2 + 1)]
        assert row == pytest.approx([16 * max(filter_) * f / sum(filter_) ** 2 for f in filter_])


def test_a_blur_goes_into_the_weights_of_the_convolution_behind_it() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 4, 3, padding=1)).double()
    x = torch.randn(1, 3, 20, 20, dtype=torch.float64)

    blurred = eyeshot.rewrite(module, "blur-pool", input_shape=(3, 20, 20))
    folded = eyeshot.rewrite(module, "blur-pool", "stack-to-kernel", input_shape=(3, 20, 20))

    assert folded.after["1"].node.op.kernel == (7, 7)  # type: ignore[attr-defined]
    assert folded.after["1"].field == blurred.after["1"].field
    ring = folded.steps[1].plan.ring
    assert relative(inside(run(folded.model, x), ring), inside(run(blurred.model, x), ring)) < 1e-12


def test_pools_moved_keep_every_weight() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU())
    x = torch.randn(1, 3, 20, 20)

    earlier = eyeshot.rewrite(module, "pool:earlier", input_shape=(3, 20, 20)).model
    later = eyeshot.rewrite(module, "pool:later", input_shape=(3, 20, 20)).model

    pooled = nn.functional.max_pool2d(x, 2)
    assert torch.equal(run(earlier, x), run(module[3], run(module[0], pooled).relu()).relu())
    unpooled = run(module[3], run(module[0], x).relu()).relu()
    assert torch.equal(run(later, x), nn.functional.max_pool2d(unpooled, 2))
