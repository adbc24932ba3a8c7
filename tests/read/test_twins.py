"""One network written in PyTorch, Keras and JAX and exported to ONNX is one network, on the page as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import eyeshot
from eyeshot.view.document import design
from tests.jax.resnets import RESNETS, TorchResNet
from tests.keras.models import keras
from tests.onnx.test_exports import exported

L = keras.layers
SIZE = 41
"""A side whose maps are all odd, so that SAME pads both sides alike, as PyTorch does."""


def of_keras() -> Any:
    """The ResNet of ``tests.jax.resnets``."""

    def convolved(x: Any, width: int, size: int, stride: int, is_rectified: bool = False) -> Any:
        x = L.BatchNormalization()(L.Conv2D(width, size, stride, padding="same", use_bias=False)(x))
        return L.ReLU()(x) if is_rectified else x

    def block(x: Any, width: int, stride: int) -> Any:
        y = convolved(convolved(x, width, 3, stride, is_rectified=True), width, 3, 1)
        shortcut = L.Conv2D(width, 1, stride, use_bias=False)(x) if stride > 1 else x
        return L.ReLU()(L.Add()([y, shortcut]))

    x = keras.Input((SIZE, SIZE, 3))
    y = L.MaxPooling2D(3, 2, padding="same")(L.ReLU()(L.Conv2D(8, 7, 2, padding="same")(x)))
    y = L.GlobalAveragePooling2D()(block(block(y, 8, 1), 16, 2))
    return keras.Model(x, L.Dense(10)(y))


def shown(report: Any) -> dict[str, Any]:
    """What the page holds of a network, without names."""
    page = design(report)
    bare = {key: page[key] for key in page if key not in ("name", "source", "typed", "modules", "verdict")}
    for part in ("nodes", "lines", "notes"):
        bare[part] = [
            {key: value for key, value in each.items() if key not in ("name", "layer")} for each in page[part]
        ]
    return bare


@pytest.fixture(scope="module")
def twin() -> dict[str, Any]:
    return shown(eyeshot.inspect(TorchResNet(), (3, SIZE, SIZE)))


@pytest.mark.parametrize("kind", RESNETS)
def test_the_page_of_a_network_of_jax_is_pytorchs(kind: str, twin: dict[str, Any]) -> None:
    make, size = RESNETS[kind]
    assert shown(eyeshot.inspect(make(), size.replace("40", str(SIZE)))) == twin


def test_the_page_of_a_network_of_keras_is_pytorchs(twin: dict[str, Any]) -> None:
    assert shown(eyeshot.inspect(of_keras())) == twin


def folded() -> TorchResNet:
    """The network in use, its batch norms folded into the convolutions before them, as both exporters do."""
    network = TorchResNet().eval()
    for block in (network.layer1, network.layer2):
        for n in "12":
            fused = fuse_conv_bn_eval(getattr(block, f"conv{n}"), getattr(block, f"bn{n}"))
            setattr(block, f"conv{n}", fused)
            setattr(block, f"bn{n}", nn.Identity())
    return network


@pytest.mark.parametrize("is_new", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["older", "newer"])
def test_the_page_of_an_export_is_pytorchs(is_new: bool, tmp_path: Path) -> None:
    file = exported(TorchResNet(), tmp_path / "net.onnx", is_new=is_new, size=SIZE)
    assert shown(eyeshot.inspect(str(file))) == shown(eyeshot.inspect(folded(), (3, SIZE, SIZE)))
