"""What is alive at once, and what training keeps, equal what real passes hold and save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from eyeshot.analyse.memory import alive_at_once, kept_for_backward
from eyeshot.api import inspect
from eyeshot.read.loading import import_torchvision
from tests.oracles.memory import alive_in_use, kept_in_training


class Calls(nn.Module):
    """Weights in a list, and a function of them and the input."""

    def __init__(self, function: Callable[..., Any], *weights: nn.Module) -> None:
        super().__init__()
        self.function, self.weights = function, nn.ModuleList(weights)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x, *self.weights)


def conv(width: int = 8) -> nn.Conv2d:
    return nn.Conv2d(8, width, 3, padding=1)


def attention(x: torch.Tensor, qkv: nn.Module, out: nn.Module, fused: bool) -> torch.Tensor:
    tokens = x.flatten(2).transpose(1, 2)
    b, n, c = tokens.shape
    q, k, v = qkv(tokens).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
    if fused:
        mixed = functional.scaled_dot_product_attention(q, k, v)
    else:
        mixed = ((q * 0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
    return out(mixed.transpose(1, 2).reshape(b, n, c))  # type: ignore[no-any-return]


def windows(x: torch.Tensor, mix: nn.Module) -> torch.Tensor:
    b, c, h, w = x.shape
    parts = x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
    return mix(parts).reshape(b, h // 2, w // 2, 2, 2, c).permute(0, 5, 1, 3, 2, 4).reshape(b, c, h, w)  # type: ignore[no-any-return]


def products_of_halves(x: torch.Tensor, first: nn.Module) -> torch.Tensor:
    a, b = first(x).chunk(2, 1)
    return a * b


def added_in_place(x: torch.Tensor, first: nn.Module, second: nn.Module) -> torch.Tensor:
    y = first(x)
    z = second(y)
    z += y
    return z.relu_()


def dense(x: torch.Tensor, first: nn.Module, second: nn.Module) -> torch.Tensor:
    y = first(x)
    return second(torch.cat([x, y], 1)).sigmoid()  # type: ignore[no-any-return]


def gate(x: torch.Tensor, first: nn.Module, squeeze: nn.Module) -> torch.Tensor:
    y = functional.silu(first(x))
    return y * squeeze(y.mean((2, 3), keepdim=True)).sigmoid()  # type: ignore[no-any-return]


MODULES: dict[str, Callable[[], nn.Module]] = {
    "chain": lambda: nn.Sequential(
        conv(), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 4)
    ),
    "in place": lambda: nn.Sequential(conv(), nn.BatchNorm2d(8), nn.ReLU(True), conv(), nn.Hardswish(True)),
    "leaky and kin": lambda: nn.Sequential(conv(), nn.LeakyReLU(0.1), conv(), nn.ReLU6(inplace=True), conv(), nn.ELU()),
    "halves": lambda: Calls(products_of_halves, conv()),
    "residual in place": lambda: Calls(added_in_place, conv(), conv()),
    "side by side": lambda: Calls(dense, conv(), nn.Conv2d(16, 4, 1)),
    "gate": lambda: Calls(gate, conv(), nn.Conv2d(8, 8, 1)),
    "dropout": lambda: nn.Sequential(conv(), nn.Dropout(0.5), conv(), nn.Dropout(0.5, inplace=True), nn.Tanh()),
    "norms": lambda: nn.Sequential(
        conv(), nn.GroupNorm(2, 8), conv(), nn.InstanceNorm2d(8), nn.GELU(), nn.AvgPool2d(2)
    ),
    "decoder": lambda: nn.Sequential(
        nn.ConvTranspose2d(8, 4, 2, 2), nn.Upsample(scale_factor=2), nn.AdaptiveAvgPool2d(3)
    ),
    "shuffle": lambda: nn.Sequential(
        conv(), nn.PixelShuffle(2), nn.Conv2d(2, 4, 3), nn.ChannelShuffle(2), nn.Conv2d(4, 2, 1)
    ),
    "fused attention": lambda: Calls(
        lambda x, *weights: attention(x, *weights, True), nn.Linear(8, 24, bias=False), nn.Linear(8, 8)
    ),
    "attention by products": lambda: Calls(
        lambda x, *weights: attention(x, *weights, False), nn.Linear(8, 24, bias=False), nn.Linear(8, 8)
    ),
    "windows": lambda: Calls(windows, nn.Linear(8, 8)),
    "tokens of a map": lambda: Calls(
        lambda x, norm, mix: mix(norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2), nn.LayerNorm(8), nn.Linear(8, 8)
    ),
    "square": lambda: Calls(lambda x, first: (first(x) * first(x)).mean(1), conv()),
}


@pytest.mark.parametrize("name", MODULES)
def test_both_equal_a_real_pass(name: str) -> None:
    module, x = MODULES[name](), torch.rand(2, 8, 8, 8)
    network = inspect(module, example=x).network
    kept = kept_for_backward(network)

    assert alive_at_once(network) == alive_in_use(module, x)
    assert kept.is_exact
    assert kept.total == kept_in_training(module, x)


FAMILIES = ["alexnet", "resnet18", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "regnet_y_400mf"]
LARGE = ["vit_b_16", "densenet121", "convnext_tiny", "resnext50_32x4d", "mnasnet0_5", "vgg11_bn"]


@pytest.mark.parametrize("name", [*FAMILIES, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_both_equal_a_real_pass_of_known_families(name: str) -> None:
    module = import_torchvision().get_model(name)
    for part in module.modules():
        if hasattr(part, "p") and type(part).__name__ == "StochasticDepth":
            part.p = 0.0  # drops whole images in training, and is not there in use
    side = 224 if name.startswith("vit") else 96
    x = torch.rand(2, 3, side, side)
    network = inspect(module, example=x).network
    kept = kept_for_backward(network)

    assert alive_at_once(network) == alive_in_use(module, x)
    assert kept.is_exact
    assert kept.total == kept_in_training(module, x)


def test_halves_of_a_map_are_views_of_it() -> None:
    network = inspect(Calls(lambda x: torch.mul(*x.chunk(2, 1))), (16, 8, 8)).network

    assert alive_at_once(network) == 1_024 + 512


def test_what_is_kept_is_told_layer_by_layer() -> None:
    report = inspect(nn.Sequential(conv(), nn.BatchNorm2d(8), nn.ReLU(), conv()), (8, 4, 4))

    kept = [layer.cost.saved_activations for layer in report]

    # the input; the convolution's output, 8 means and 8 deviations; the rectifier's output, which the last needs too
    assert kept == [128, 128 + 16, 128, 0]
    assert report.totals.saved_activations == sum(kept)


def test_response_norm_keeps_what_its_steps_keep() -> None:
    module, x = nn.Sequential(conv(), nn.LocalResponseNorm(3), conv()), torch.rand(2, 8, 4, 4)

    assert kept_for_backward(inspect(module, example=x).network).total == kept_in_training(module, x)


def test_an_op_without_a_rule_makes_what_is_kept_a_bound_from_below() -> None:
    report = inspect(Calls(lambda x, first: first(x).cumprod(1), conv()), (8, 4, 4))

    assert not report.totals.is_saved_exact
    assert report.to_json()["totals"]["saved_exact"] is False


def test_views_and_dropout_write_nothing() -> None:
    report = inspect(nn.Sequential(conv(), nn.Dropout(0.1), nn.Flatten(), nn.Linear(128, 3)), (8, 4, 4))

    assert [layer.activations for layer in report] == [128, 0, 0, 3]


def test_layers_with_macs_alone_are_counted_as_published_tables_do() -> None:
    assert round(inspect("resnet50").totals.mac_activations / 1e6, 1) == 11.1
