"""One network written in PyTorch, Keras and JAX and exported to ONNX is one network, on the page as well."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
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


N = 5
KEYS = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) < 2
"""A band: each position weighs its neighbours."""
ADDED = np.where(KEYS, 0, -np.inf).astype("f4")
LOW = np.where(KEYS, 0, -2e4).astype("f4")
MASKINGS: dict[str, tuple[Any, bool]] = {
    "filled, then scaled": (lambda ops, s: ops.where(ops.of(KEYS), s, -1e9) * 0.5, True),
    "added, then divided": (lambda ops, s: (s + ops.of(ADDED)) / 2.0, True),
    "scaled until it weighs again": (lambda ops, s: (s + ops.of(LOW)) * 1e-3, False),
    "turned by a factor": (lambda ops, s: ops.where(ops.of(KEYS), s, -1e9) * -0.5, False),
}
"""How scores are masked in the words of any framework, and whether softmax then leaves out what the mask did."""


class Attending(nn.Module):
    """Attention of a row to itself under a mask, in the words of a framework."""

    def __init__(self, masked: Any) -> None:
        super().__init__()
        self.masked = masked

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        words = SimpleNamespace(where=torch.where, of=torch.from_numpy)
        out: torch.Tensor = self.masked(words, x @ x.transpose(1, 2)).softmax(-1) @ x
        return out


def of_torch(masked: Any, tmp_path: Path) -> Any:
    return eyeshot.inspect(Attending(masked), f"{N}x4:TC")


def onnx_file(module: nn.Module, folder: Path, *, is_new: bool) -> Path:
    """The export of a module that takes a row."""
    options: dict[str, Any] = {"external_data": False} if is_new else {"opset_version": 17}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (torch.zeros(1, N, 4),), str(folder / "net.onnx"), dynamo=is_new, **options)
    return folder / "net.onnx"


def of_onnx(masked: Any, tmp_path: Path) -> Any:
    return eyeshot.inspect(str(onnx_file(Attending(masked), tmp_path, is_new=False)), f"{N}x4:TC")


def of_newer_onnx(masked: Any, tmp_path: Path) -> Any:
    return eyeshot.inspect(str(onnx_file(Attending(masked), tmp_path, is_new=True)), f"{N}x4:TC")


def of_jax(masked: Any, tmp_path: Path) -> Any:
    words = SimpleNamespace(where=jnp.where, of=jnp.asarray)

    def attending(x: Any) -> Any:
        return jax.nn.softmax(masked(words, x @ x.swapaxes(1, 2)), -1) @ x

    return eyeshot.inspect(attending, f"{N}x4:TC")


def attended(masked: Any, x: Any) -> Any:
    words = SimpleNamespace(where=keras.ops.where, of=keras.ops.convert_to_tensor)
    scores = keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))
    return keras.ops.matmul(keras.ops.softmax(masked(words, scores), -1), x)


def of_a_keras_file(masked: Any, tmp_path: Path) -> Any:
    x = keras.Input((N, 4))
    keras.Model(x, attended(masked, x)).save(tmp_path / "net.keras")
    return eyeshot.inspect(str(tmp_path / "net.keras"))


class OwnAttending(L.Layer):  # type: ignore[misc]
    def __init__(self, masked: Any) -> None:
        super().__init__()
        self.masked = masked

    def call(self, x: Any) -> Any:
        return attended(self.masked, x)


def of_ones_own_keras_layer(masked: Any, tmp_path: Path) -> Any:
    return eyeshot.inspect(keras.Sequential([keras.Input((N, 4)), OwnAttending(masked)]))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own tensors with NumPy 2
@pytest.mark.parametrize("way", MASKINGS)
@pytest.mark.parametrize(
    "read",
    [
        *(of_torch, of_onnx, of_jax, of_a_keras_file, of_ones_own_keras_layer),
        pytest.param(of_newer_onnx, marks=pytest.mark.slow),  # it takes seconds to start
    ],
)
def test_a_mask_that_is_scaled_before_softmax_leaves_out_the_same_in_any_framework(
    read: Any, way: str, tmp_path: Path
) -> None:
    masked, leaves_out = MASKINGS[way]
    report = read(masked, tmp_path)
    first, last = report.layers[-1].hulls[0]
    reach = 1 if leaves_out else N

    assert report.is_exact
    assert first.tolist() == [max(0, i - reach) for i in range(N)]
    assert last.tolist() == [min(N - 1, i + reach) for i in range(N)]
    assert (report.totals.params, report.totals.macs) == (0, 2 * N * N * 4)


class Causal(nn.Module):
    """Two heads of causal attention, as PyTorch has it, between layers with weights."""

    def __init__(self) -> None:
        super().__init__()
        self.parts, self.out = nn.Linear(4, 12), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.parts(x).view(1, N, 3, 2, 2).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
        out: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(1, N, 4))
        return out


@pytest.mark.parametrize("is_new", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["older", "newer"])
def test_an_export_of_causal_attention_sees_and_costs_what_the_module_does(is_new: bool, tmp_path: Path) -> None:
    file = onnx_file(Causal(), tmp_path, is_new=is_new)
    reports = [eyeshot.inspect(model, f"{N}x4:TC") for model in (Causal(), str(file))]

    for report in reports:
        assert report.layers[-1].hulls[0][1].tolist() == list(range(N))
        assert report.is_exact
    assert reports[0].totals.params == reports[1].totals.params
    assert reports[0].totals.macs == reports[1].totals.macs
