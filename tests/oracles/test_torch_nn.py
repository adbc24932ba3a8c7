"""Every module of torch.nn is exact, element by element, or in a short list of bounds with the reason for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from eyeshot.read.torch import read_module
from tests.oracles.elements import Function, assert_every_element_is_read_as_the_module_says, elements_read

ROW, MAP, VOLUME = (1, 4, 6), (1, 4, 3, 4), (1, 2, 2, 3, 4)
SHAPES = {1: ROW, 2: MAP, 3: VOLUME}
Case = tuple[nn.Module, tuple[int, ...]]


def per_axes(make: Callable[[Any, int], nn.Module], *families: str) -> dict[str, Case]:
    """A family of layers for rows, maps and volumes; ``make`` is given the class and the channels."""
    return {
        f"{family}{axes}d": (make(getattr(nn, f"{family}{axes}d"), SHAPES[axes][1]), SHAPES[axes])
        for family in families
        for axes in (1, 2, 3)
    }


def called(function: Callable[..., torch.Tensor], inner: nn.Module, shape: tuple[int, ...] = ROW) -> Case:
    return Function(function, inner), shape


def halves(loss: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A loss of half the channels against the other half."""
    first, second = x.chunk(2, 1)
    out: torch.Tensor = loss(first, second)
    return out


def against(target: torch.Tensor) -> Callable[..., torch.Tensor]:
    return lambda loss, x: loss(x, target.to(x.device))


def sequence(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = layer(x)[0]
    return out


def attended(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = layer(x, x, x)[0]
    return out


def twice(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = layer(x, x)
    return out


POINTWISE = (
    *("CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU"),
    *("LogSigmoid", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink"),
    *("Softsign", "Tanh", "Tanhshrink", "Dropout", "AlphaDropout", "FeatureAlphaDropout"),
)
SIGNS = torch.tensor([[1.0, -1, 1, -1, 1, 1]])
CLASSES = torch.tensor([[0, 1, 3, 2, 1, 0]])
TOKENS = (1, 5, 4)

MODULES: dict[str, Case] = {
    **{name: (getattr(nn, name)(), ROW) for name in POINTWISE},
    **per_axes(lambda layer, channels: layer(2), "AdaptiveAvgPool", "AdaptiveMaxPool", "AvgPool", "MaxPool"),
    **per_axes(lambda layer, channels: layer(1), "CircularPad", "ReflectionPad", "ReplicationPad", "ZeroPad"),
    **per_axes(lambda layer, channels: layer(1, 2.0), "ConstantPad"),
    **per_axes(lambda layer, channels: layer(channels), "BatchNorm", "InstanceNorm"),
    **per_axes(lambda layer, channels: layer(channels, 2, 2), "Conv", "ConvTranspose"),
    **per_axes(lambda layer, channels: layer(2, 2), "LPPool"),
    **per_axes(lambda layer, channels: layer(), "Dropout"),
    "Linear": (nn.Linear(6, 3), ROW),
    "Bilinear": called(lambda layer, x: layer(x[..., :2], x[..., 2:]), nn.Bilinear(2, 4, 3)),
    "ChannelShuffle": (nn.ChannelShuffle(2), MAP),
    "CrossMapLRN2d": (nn.CrossMapLRN2d(2), MAP),
    "LocalResponseNorm": (nn.LocalResponseNorm(2), MAP),
    "Flatten": (nn.Flatten(), MAP),
    "Unflatten": (nn.Unflatten(1, (2, 2)), ROW),
    "Fold": (nn.Fold((4, 5), 2, padding=1, stride=2), (1, 4, 9)),
    "Unfold": (nn.Unfold(2, padding=1, stride=2), MAP),
    "GLU": (nn.GLU(1), ROW),
    "Threshold": (nn.Threshold(0.1, 0.0), ROW),
    "GroupNorm": (nn.GroupNorm(2, 4), ROW),
    "LayerNorm": (nn.LayerNorm(6), ROW),
    "RMSNorm": (nn.RMSNorm(6), ROW),
    "SyncBatchNorm": (nn.SyncBatchNorm(4), ROW),
    "LogSoftmax": (nn.LogSoftmax(1), ROW),
    "Softmax": (nn.Softmax(2), ROW),
    "Softmin": (nn.Softmin(1), ROW),
    "Softmax2d": (nn.Softmax2d(), MAP),
    "PixelShuffle": (nn.PixelShuffle(2), MAP),
    "PixelUnshuffle": (nn.PixelUnshuffle(2), (1, 2, 4, 4)),
    "Upsample": (nn.Upsample(scale_factor=2), MAP),
    "UpsamplingBilinear2d": (nn.UpsamplingBilinear2d(scale_factor=2), MAP),
    "UpsamplingNearest2d": (nn.UpsamplingNearest2d(scale_factor=2), MAP),
    "LSTM": called(sequence, nn.LSTM(4, 3, batch_first=True), TOKENS),
    "GRU": called(sequence, nn.GRU(4, 3, batch_first=True), TOKENS),
    "RNN": called(sequence, nn.RNN(4, 3, batch_first=True), TOKENS),
    "LSTMCell": called(lambda cell, x: cell(x[:, 0])[0], nn.LSTMCell(6, 3)),
    "GRUCell": called(lambda cell, x: cell(x[:, 0]), nn.GRUCell(6, 3)),
    "RNNCell": called(lambda cell, x: cell(x[:, 0]), nn.RNNCell(6, 3)),
    "MultiheadAttention": called(attended, nn.MultiheadAttention(4, 2, batch_first=True), TOKENS),
    "TransformerEncoderLayer": (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), TOKENS),
    "TransformerEncoder": (
        nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, norm_first=True), 2, enable_nested_tensor=False
        ),
        TOKENS,
    ),
    "TransformerDecoderLayer": called(twice, nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), TOKENS),
    "TransformerDecoder": called(
        twice, nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), 2), TOKENS
    ),
    "Transformer": called(twice, nn.Transformer(4, 2, 1, 1, 8, batch_first=True), TOKENS),
    "CosineSimilarity": called(lambda layer, x: layer(x, x.flip(1)), nn.CosineSimilarity(1)),
    "PairwiseDistance": called(lambda layer, x: layer(x, x.flip(1)), nn.PairwiseDistance()),
    "AdaptiveLogSoftmaxWithLoss": called(
        lambda layer, x: layer.log_prob(x[0].T), nn.AdaptiveLogSoftmaxWithLoss(4, 10, [3, 6], div_value=2.0)
    ),
}  # fmt: skip
LOSSES: dict[str, Callable[[str], Case]] = {
    **{
        name: lambda reduction, name=name: called(halves, getattr(nn, name)(reduction=reduction))  # type: ignore[misc]
        for name in (
            *("HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "SmoothL1Loss", "SoftMarginLoss", "PoissonNLLLoss"),
            *("MultiLabelSoftMarginLoss", "BCEWithLogitsLoss"),
        )
    },
    "BCELoss": lambda reduction: called(lambda loss, x: halves(loss, x / 2), nn.BCELoss(reduction=reduction)),
    "CrossEntropyLoss": lambda reduction: called(against(CLASSES), nn.CrossEntropyLoss(reduction=reduction)),
    "NLLLoss": lambda reduction: called(against(CLASSES), nn.NLLLoss(reduction=reduction)),
    "NLLLoss2d": lambda reduction: called(
        against(CLASSES.view(1, 2, 3)), nn.NLLLoss(reduction=reduction), (1, 4, 2, 3)
    ),
    "CTCLoss": lambda reduction: called(
        lambda loss, x: loss(x.permute(2, 0, 1).log_softmax(2), torch.tensor([[1, 2]]).to(x.device), (6,), (2,)),
        nn.CTCLoss(reduction=reduction),
    ),
    "GaussianNLLLoss": lambda reduction: called(
        lambda loss, x: loss(x, x.flip(1), x.exp()), nn.GaussianNLLLoss(reduction=reduction)
    ),
    "HingeEmbeddingLoss": lambda reduction: called(against(SIGNS), nn.HingeEmbeddingLoss(reduction=reduction)),
    "CosineEmbeddingLoss": lambda reduction: called(
        lambda loss, x: loss(x[0].T, x[0].T.flip(0), SIGNS[0].to(x.device)),
        nn.CosineEmbeddingLoss(reduction=reduction, margin=-1.0),
    ),
    "MarginRankingLoss": lambda reduction: called(
        lambda loss, x: loss(*x[0].chunk(2), SIGNS.expand(2, 6).to(x)), nn.MarginRankingLoss(reduction=reduction)
    ),
    "MultiMarginLoss": lambda reduction: called(
        lambda loss, x: loss(x[0].T, CLASSES[0].to(x.device)), nn.MultiMarginLoss(reduction=reduction)
    ),
    "MultiLabelMarginLoss": lambda reduction: called(
        lambda loss, x: loss(x[0], torch.tensor([[1, 0, -1, 0, 0, 0]] * 4).to(x.device)),
        nn.MultiLabelMarginLoss(reduction=reduction),
    ),
    "TripletMarginLoss": lambda reduction: called(
        lambda loss, x: loss(x, x.flip(1), x.roll(1, 2)), nn.TripletMarginLoss(reduction=reduction)
    ),
    "TripletMarginWithDistanceLoss": lambda reduction: called(
        lambda loss, x: loss(x, x.flip(1), x.roll(1, 2)), nn.TripletMarginWithDistanceLoss(reduction=reduction)
    ),
    "LinearCrossEntropyLoss": lambda reduction: called(
        lambda loss, x: loss(x[0].T, CLASSES[0].to(x.device)), nn.LinearCrossEntropyLoss(4, 5, reduction=reduction)
    ),
}  # fmt: skip
BY_GRADIENT = {
    "CTCLoss": "its recursion compares, which NaN does not pass",
    "MultiMarginLoss": "it compares, which NaN does not pass",
    "MultiLabelMarginLoss": "it compares, which NaN does not pass",
    "BCELoss": "PyTorch refuses NaN",
    "UpsamplingBilinear2d": "a position that weighs 0 passes NaN on, and is not read",
}
"""Where the module's gradient is the witness, and why."""

UNPOOLED = "where each maximum stood depends on the data"


def unpooled(axes: int) -> Case:
    pool, unpool = getattr(nn, f"MaxPool{axes}d")(2, return_indices=True), getattr(nn, f"MaxUnpool{axes}d")(2)
    shape = {1: (1, 2, 6), 2: (1, 2, 4, 4), 3: (1, 1, 2, 2, 4)}[axes]
    return Function(lambda x: unpool(*pool(x))), shape


BOUNDS: dict[str, tuple[Case, str]] = {
    "MaxUnpool1d": (unpooled(1), UNPOOLED),
    "FractionalMaxPool2d": ((nn.FractionalMaxPool2d(2, output_size=2), MAP), "its windows start at random"),
    "FractionalMaxPool3d": ((nn.FractionalMaxPool3d(1, output_size=(1, 2, 3)), VOLUME), "its windows start at random"),
}
ELSEWHERE = {
    **dict.fromkeys(
        ("Container", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"),
        "holds layers",
    ),
    **dict.fromkeys(("RNNBase", "RNNCellBase", "LinearCrossEntropyOptions"), "what others are made of"),
    **{name: "becomes the layer without its Lazy" for name in nn.modules.__all__ if name.startswith("Lazy")},
    **dict.fromkeys(("MaxUnpool2d", "MaxUnpool3d"), "a zero where another stood passes no NaN: among constants"),
    **dict.fromkeys(("Embedding", "EmbeddingBag"), "takes whole numbers, which cannot be NaN: below"),
}


def test_every_module_of_torch_nn_is_in_a_table() -> None:
    assert {*MODULES, *LOSSES, *BOUNDS, *ELSEWHERE} == set(nn.modules.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_reads_what_it_says_it_reads(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(*MODULES[name], by_gradient=name in BY_GRADIENT)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_reads_what_it_says_it_reads(name: str, reduction: str) -> None:
    assert_every_element_is_read_as_the_module_says(*LOSSES[name](reduction), by_gradient=name in BY_GRADIENT)


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_holds_and_says_that_it_is_one(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(*BOUNDS[name][0], is_bound=True)


EMBEDDINGS = {
    "Embedding": nn.Embedding(9, 3),
    "EmbeddingBag": nn.EmbeddingBag(9, 3),
    "EmbeddingBag of bags of several lengths": Function(
        lambda bag, x: bag(x.flatten(), torch.tensor([0, 1, 4, 4])), nn.EmbeddingBag(9, 3, mode="max")
    ),
}


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_rows_of_weights_are_chosen_by_the_numbers_that_change_them(name: str) -> None:
    module = EMBEDDINGS[name].double()
    numbers = torch.arange(5)[None]
    network = read_module(module, "5:int64", name=name, source="test")

    plain = module(numbers)
    changed = [(module(numbers.index_fill(1, torch.tensor([i]), 8)) != plain).flatten().numpy() for i in range(5)]

    read = elements_read(network, network.outputs[0])
    assert not any(n.is_bound for node in network for n in node.reads)
    assert (read >= np.array(changed).T).all()
    assert (read.any(axis=1) == np.array(changed).any(axis=0)).all()
    assert read.sum() == {"Embedding": 15, "EmbeddingBag": 15}.get(name, 3 * (1 + 3 + 0 + 1))
