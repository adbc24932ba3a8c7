"""Designs as modules: shapes, first weights, gradients, and what cannot be built."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.errors import UsageError
from eyeshot.read.torch import read_module

SMALL = ("alexnet-28", "alexnet-28-alternating", "allcnn-a", "allcnn-c-all", "C3b-8 [C3b-8 C3b-8~ + ID] R G F10")


@pytest.mark.parametrize("name", SMALL)
def test_a_built_design_gives_one_score_a_class_and_every_weight_a_gradient(name: str) -> None:
    network = network_named(name, (3, 28, 28), classes=10)
    module = build(network)

    out = module(torch.randn(4, 3, 28, 28))
    nn.functional.cross_entropy(out.flatten(1), torch.arange(4)).backward()

    assert out.flatten(1).shape == (4, 10)
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters())


def test_layers_are_submodules_under_their_names() -> None:
    module = build(network_named("resnet18", (3, 32, 32)))

    assert isinstance(module.get_submodule("layer1.0.conv1"), nn.Conv2d)
    assert isinstance(module.get_submodule("fc"), nn.Linear)


def test_first_weights_keep_the_size_of_signals() -> None:
    """He et al. 2015: variance 2/fan-in before a rectification; Glorot & Bengio 2010 elsewhere."""
    torch.manual_seed(0)
    module = build(network_named("C3-256 C3-256 C3-256~", (64, 8, 8)))

    before_relu = module.get_submodule("conv2").weight.detach()  # type: ignore[union-attr, operator]
    linear = module.get_submodule("conv3").weight.detach()  # type: ignore[union-attr, operator]

    assert float(before_relu.var()) == pytest.approx(2 / (256 * 9), rel=0.02)
    assert float(linear.var()) == pytest.approx(2 / (2 * 256 * 9), rel=0.02)
    assert not module.get_submodule("conv2").bias.any()  # type: ignore[union-attr, operator]


def test_the_same_seed_gives_the_same_weights() -> None:
    def weights() -> torch.Tensor:
        torch.manual_seed(3)
        return torch.cat([p.flatten() for p in build(network_named("alexnet-28")).parameters()])

    assert torch.equal(weights(), weights())


def test_same_padding_pads_as_tensorflow_does() -> None:
    module = build(network_named("C3s2same-1", (1, 4, 4)))
    conv = module.get_submodule("conv1")
    with torch.no_grad():
        conv.weight.fill_(1)  # type: ignore[union-attr, operator]

    out = conv(torch.ones(1, 1, 4, 4))

    assert out[0, 0].tolist() == [[9, 6], [6, 4]]


def test_what_cannot_be_built_is_named() -> None:
    network = read_module(nn.Sequential(nn.Conv2d(1, 1, 3), nn.Softmax(1)), (1, 8, 8), name="mine", source="test")

    with pytest.raises(UsageError, match="1 of mine: softmax cannot be built yet"):
        build(network)


def test_a_name_that_a_module_cannot_have_is_refused() -> None:
    with pytest.raises(UsageError, match="a layer cannot be called 'forward': PyTorch's modules use 'forward'"):
        build(network_named("forward:C3-8"))
