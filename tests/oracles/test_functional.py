"""Every function of torch.nn.functional is exact, element by element, or in a short list of bounds with reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.oracles.elements import Function, assert_every_element_is_read_as_the_module_says

ROW, MAP, VOLUME = (1, 4, 6), (1, 4, 3, 4), (1, 2, 2, 3, 4)
SHAPES = {1: ROW, 2: MAP, 3: VOLUME}
Case = tuple[Callable[[torch.Tensor], Any], tuple[int, ...]]


def ones(x: torch.Tensor, *shape: int) -> torch.Tensor:
    return torch.ones(*shape, dtype=x.dtype, device=x.device)


def per_axes(name: str, *args: Any, **settings: Any) -> dict[str, Case]:
    """A family of functions for rows, maps and volumes."""
    return {
        f"{name}{axes}d": (lambda x, axes=axes: getattr(functional, f"{name}{axes}d")(x, *args, **settings), shape)
        for axes, shape in SHAPES.items()
    }  # type: ignore[misc]


def with_weights(name: str, **settings: Any) -> dict[str, Case]:
    """A family of convolutions with a kernel of 2."""
    return {
        f"{name}{axes}d": (
            lambda x, axes=axes: getattr(functional, f"{name}{axes}d")(
                x, ones(x, x.shape[1], x.shape[1], *([2] * axes)), **settings
            ),
            shape,
        )
        for axes, shape in SHAPES.items()
    }  # type: ignore[misc]


def loss(name: str, **settings: Any) -> Case:
    return lambda x: getattr(functional, name)(*x.chunk(2, 1), reduction="none", **settings), ROW


POINTWISE = (
    *("alpha_dropout", "celu", "dropout", "elu", "feature_alpha_dropout", "gelu", "hardshrink", "hardsigmoid"),
    *("hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish", "relu", "relu6", "rrelu", "selu", "sigmoid"),
    *("silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink"),
)
IN_PLACE = ("celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "rrelu_", "selu_")
SIGNS = torch.tensor([1.0, -1, 1, -1])
CLASSES = torch.tensor([[0, 1, 3, 2, 1, 0]])

FUNCTIONS: dict[str, Case] = {
    **{name: (lambda x, name=name: getattr(functional, name)(x), ROW) for name in POINTWISE},  # type: ignore[misc]
    **{name: (lambda x, name=name: getattr(functional, name)(x * 1), ROW) for name in IN_PLACE},  # type: ignore[misc]
    "threshold": (lambda x: functional.threshold(x, 0.1, 0.0), ROW),
    "threshold_": (lambda x: functional.threshold_(x * 1, 0.1, 0.0), ROW),
    "prelu": (lambda x: functional.prelu(x, ones(x, 4)), ROW),
    **per_axes("adaptive_avg_pool", 2),
    **per_axes("adaptive_max_pool", 2),
    **per_axes("avg_pool", 2),
    **per_axes("max_pool", 2),
    **per_axes("lp_pool", 2, 2),
    **per_axes("dropout"),
    **{
        f"{name}{axes}d_with_indices": (
            lambda x, name=name, axes=axes: getattr(functional, f"{name}{axes}d_with_indices")(x, 2)[0],
            SHAPES[axes],
        )
        for name in ("adaptive_max_pool", "max_pool")
        for axes in (1, 2, 3)
    },  # type: ignore[misc]
    **with_weights("conv"),
    **with_weights("conv_transpose", stride=2),
    "conv_tbc": (lambda x: functional.conv_tbc(x.permute(2, 0, 1), ones(x, 3, 4, 2), ones(x, 2), 1), ROW),
    "affine_grid": (lambda x: functional.affine_grid(x.view(1, 2, 3), [1, 1, 2, 3], align_corners=False), (1, 6)),
    "grid_sample": (
        lambda x: functional.grid_sample(
            x,
            functional.affine_grid(torch.tensor([[[1.0, 0, 0.2], [0, 1, 0.1]]]).to(x), [1, 4, 3, 4], False),
            align_corners=False,
        ),
        MAP,
    ),
    "batch_norm": (lambda x: functional.batch_norm(x, ones(x, 4), ones(x, 4)), ROW),
    "group_norm": (lambda x: functional.group_norm(x, 2), ROW),
    "group_norm of maps": (lambda x: functional.group_norm(x, 2, ones(x, 4)), MAP),
    "group_norm of one channel a group": (lambda x: functional.group_norm(x, 4), MAP),
    "instance_norm": (functional.instance_norm, ROW),
    "layer_norm": (lambda x: functional.layer_norm(x, (6,)), ROW),
    "rms_norm": (lambda x: functional.rms_norm(x, (6,)), ROW),
    "local_response_norm": (lambda x: functional.local_response_norm(x, 2), MAP),
    "normalize": (functional.normalize, ROW),
    "bilinear": (lambda x: functional.bilinear(x[..., :2], x[..., 2:], ones(x, 3, 2, 4)), ROW),
    "linear": (lambda x: functional.linear(x, ones(x, 3, 6), ones(x, 3)), ROW),
    "channel_shuffle": (lambda x: functional.channel_shuffle(x, 2), MAP),
    "native_channel_shuffle": (lambda x: functional.native_channel_shuffle(x, 2), MAP),
    "pixel_shuffle": (lambda x: functional.pixel_shuffle(x, 2), MAP),
    "pixel_unshuffle": (lambda x: functional.pixel_unshuffle(x, 2), (1, 2, 4, 4)),
    "fold": (lambda x: functional.fold(x, (4, 5), 2, dilation=2), (1, 4, 6)),
    "fold of one image": (lambda x: functional.fold(x[0], (4, 5), 2, dilation=2), (1, 4, 6)),
    "unfold": (lambda x: functional.unfold(x, (2, 3), dilation=(2, 1), padding=1, stride=(1, 2)), MAP),
    "unfold of one image": (lambda x: functional.unfold(x[0], (2, 3), padding=(0, 1), stride=2), MAP),
    "glu": (lambda x: functional.glu(x, 1), ROW),
    "glu along positions": (functional.glu, ROW),
    "softmax": (lambda x: functional.softmax(x, 1), ROW),
    "log_softmax": (lambda x: functional.log_softmax(x, -1), ROW),
    "softmin": (lambda x: functional.softmin(x, 1), ROW),
    "gumbel_softmax": (lambda x: functional.gumbel_softmax(x, dim=1), ROW),
    "interpolate": (lambda x: functional.interpolate(x, scale_factor=2, mode="bicubic"), MAP),
    "upsample": (lambda x: functional.upsample(x, scale_factor=2), MAP),
    "upsample_nearest": (lambda x: functional.upsample_nearest(x, (5, 7)), MAP),
    "upsample_bilinear": (lambda x: functional.upsample_bilinear(x, (5, 7)), MAP),
    "pad": (lambda x: functional.pad(x, (1, 2, 0, 1), "reflect"), MAP),
    "scaled_dot_product_attention": (
        lambda x: functional.scaled_dot_product_attention(*x[..., None].unbind(1)[:3]),
        ROW,
    ),
    "cosine_similarity": (lambda x: functional.cosine_similarity(x, x.flip(1)), ROW),
    "pairwise_distance": (lambda x: functional.pairwise_distance(x, x.flip(1)), ROW),
    "pdist": (lambda x: functional.pdist(x[0]), ROW),
    "binary_cross_entropy": (
        lambda x: functional.binary_cross_entropy(*(x / 2).chunk(2, 1), weight=ones(x, 6), reduction="none"),
        ROW,
    ),
    "binary_cross_entropy_with_logits": (
        lambda x: functional.binary_cross_entropy_with_logits(*x.chunk(2, 1), pos_weight=ones(x, 6)),
        ROW,
    ),
    **{
        name: loss(name)
        for name in ("huber_loss", "kl_div", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss",
                     "soft_margin_loss", "multilabel_soft_margin_loss")
    },
    "mse_loss against a constant": (lambda x: functional.mse_loss(x, ones(x, 1, 4, 6), reduction="none"), ROW),
    "gaussian_nll_loss": (lambda x: functional.gaussian_nll_loss(x, x.flip(1), x.exp(), reduction="none"), ROW),
    "cross_entropy": (lambda x: functional.cross_entropy(x, CLASSES.to(x.device), reduction="none"), ROW),
    "cross_entropy, smoothed and weighted": (
        lambda x: functional.cross_entropy(
            x, CLASSES.to(x.device), weight=ones(x, 4), label_smoothing=0.1, reduction="none"
        ),
        ROW,
    ),
    "cross_entropy of probabilities": (
        lambda x: functional.cross_entropy(x, x.flip(2).softmax(1), reduction="none"),
        ROW,
    ),
    "nll_loss": (lambda x: functional.nll_loss(x, CLASSES.to(x.device), reduction="none"), ROW),
    "nll_loss of some": (
        lambda x: functional.nll_loss(x, (CLASSES - 1).to(x.device), ignore_index=-1, reduction="none"),
        ROW,
    ),
    "linear_cross_entropy": (
        lambda x: functional.linear_cross_entropy(x[0].T, ones(x, 5, 4), CLASSES[0].to(x.device), reduction="none"),
        ROW,
    ),
    "cosine_embedding_loss": (
        lambda x: functional.cosine_embedding_loss(
            x[0], x[0].flip(0), SIGNS.to(x.device), margin=-1.0, reduction="none"
        ),
        ROW,
    ),
    "hinge_embedding_loss": (
        lambda x: functional.hinge_embedding_loss(x, SIGNS[:, None].to(x), reduction="none"),
        ROW,
    ),
    "margin_ranking_loss": (
        lambda x: functional.margin_ranking_loss(x[0, 0], x[0, 1], ones(x, 6), reduction="none"),
        ROW,
    ),
    "triplet_margin_loss": (lambda x: functional.triplet_margin_loss(x, x.flip(1), x.roll(1, 2)), ROW),
    "triplet_margin_with_distance_loss": (
        lambda x: functional.triplet_margin_with_distance_loss(x, x.flip(1), x.roll(1, 2)),
        ROW,
    ),
    "multi_margin_loss": (
        lambda x: functional.multi_margin_loss(x[0].T, CLASSES[0].to(x.device), reduction="none"),
        ROW,
    ),
    "multilabel_margin_loss": (
        lambda x: functional.multilabel_margin_loss(
            x[0], torch.tensor([[1, 0, -1, 0, 0, 0]] * 4).to(x.device), reduction="none"
        ),
        ROW,
    ),
    "ctc_loss": (
        lambda x: functional.ctc_loss(
            x.permute(2, 0, 1).log_softmax(2), torch.tensor([[1, 2]]).to(x.device), (6,), (2,), reduction="none"
        ),
        ROW,
    ),
    "embedding_bag": (
        lambda x: functional.embedding_bag(
            torch.arange(6, device=x.device).view(2, 3), ones(x, 6, 2), per_sample_weights=x[0, :2, :3], mode="sum"
        ),
        ROW,
    ),
    "embedding": (lambda x: functional.embedding(torch.tensor([[2, 0], [1, 1]]).to(x.device), x[0]), ROW),
}  # fmt: skip
BY_GRADIENT = {
    "upsample_bilinear": "a position that weighs 0 passes NaN on, and is not read",
    "grid_sample": "a position that weighs 0 passes NaN on, and is not read",
    "binary_cross_entropy": "PyTorch refuses NaN",
    "ctc_loss": "its recursion compares, which NaN does not pass",
    "multi_margin_loss": "it compares, which NaN does not pass",
    "multilabel_margin_loss": "it compares, which NaN does not pass",
}
"""Where the function's gradient is the witness, and why."""

BOUNDS: dict[str, tuple[Case, str]] = {
    **{
        f"fractional_max_pool{axes}d{form}": (
            (
                lambda x, axes=axes, size=size: getattr(functional, f"fractional_max_pool{axes}d")(
                    x, 1, output_size=size
                ),
                shape,
            ),
            "its windows start at random",
        )
        for axes, size, shape in ((2, (2, 3), MAP), (3, (1, 2, 3), VOLUME))
        for form in ("", "_with_indices")
    },
    **{
        f"max_unpool{axes}d": (
            (
                lambda x, axes=axes: getattr(functional, f"max_unpool{axes}d")(
                    *getattr(functional, f"max_pool{axes}d")(x, 2, return_indices=True), 2
                ),
                (1, 2, *([2] * (axes - 1)), 4),
            ),
            "where each maximum stood depends on the data",
        )
        for axes in (1,)
    },
    "nll_loss against the data": (
        (lambda x: functional.nll_loss(x, x.argmax(1), reduction="none"), ROW),
        "which class is read depends on the data",
    ),
    "ctc_loss of less than all": (
        (
            lambda x: functional.ctc_loss(
                x.permute(2, 0, 1).log_softmax(2), torch.tensor([[1, 2]]).to(x.device), (4,), (2,), reduction="none"
            ),
            ROW,
        ),
        "positions behind a sequence's end are not followed one by one",
    ),
}  # type: ignore[misc]
ELSEWHERE = {
    **dict.fromkeys(("grouped_mm", "scaled_grouped_mm", "scaled_mm"), "products of numbers that this PyTorch lacks"),
    "multi_head_attention_forward": "what nn.MultiheadAttention is",
    **dict.fromkeys(("max_unpool2d", "max_unpool3d"), "a zero where another stood passes no NaN: among constants"),
    "one_hot": "takes whole numbers, which cannot be NaN",
    **dict.fromkeys(
        ("assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function",
         "has_torch_function_unary", "has_torch_function_variadic"),
        "computes nothing",
    ),
}  # fmt: skip


def test_every_function_of_torch_nn_is_in_a_table() -> None:
    public = {
        name
        for name, value in vars(functional).items()
        if callable(value)
        and getattr(value, "__module__", "") != "typing"
        and not isinstance(value, type)
        and not name.startswith("_")
    } - {"Callable"}
    listed = {name.split(" ")[0].rstrip(",") for name in (*FUNCTIONS, *BOUNDS, *ELSEWHERE)}

    assert listed >= public, sorted(public - listed)
    assert listed <= public, sorted(listed - public)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_what_it_says_it_reads(name: str) -> None:
    function, shape = FUNCTIONS[name]

    assert_every_element_is_read_as_the_module_says(Function(function), shape, by_gradient=name in BY_GRADIENT)


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_holds_and_says_that_it_is_one(name: str) -> None:
    (function, shape), _ = BOUNDS[name]

    assert_every_element_is_read_as_the_module_says(Function(function), shape, is_bound=True)
