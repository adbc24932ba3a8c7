"""What is announced is what is read back, in every layer: on random designs, on modules of libraries, on U-Nets.

``rewrite`` itself compares, and raises where anything differs; a move that does not apply says so.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.api.rewriting import Rewrite
from eyeshot.build.torch import build
from eyeshot.design.moves.table import MOVES
from eyeshot.design.syntax import Design
from eyeshot.errors import ShapeError, UsageError
from eyeshot.read.loading import load_module
from eyeshot.read.pretrained import drawn_module
from tests.moves.test_function import in_double, relative, run
from tests.oracles.designs import designs

MADE = (
    "stem:fine", "stem:half", "stem:coarse", "stem:3x3", "pool-to-stride", "pool-to-stride:kernel",
    "pool-to-stride:dilated", "stride-to-pool", "stride-to-pool:avg,kernel=3", "blur-pool", "blur-pool:size=4",
    "output-stride:2", "output-stride:8", "kernel-to-stack", "kernel-to-stack:linear,params,front",
    "kernel-to-stack:macs", "stack-to-kernel", "stack-to-kernel:relu", "fold-batch-norm", "padding:reflect",
    "padding:none", "padding:front", "depthwise-separate", "depthwise-separate:relu,multiplier=2", "bottleneck",
    "bottleneck:relu,ratio=2", "pool:earlier", "pool:later", "width:by=0.5", "width:by=0.7,multiple=4",
    "dilation", "dilation:rates=1-2", "padding:alternate", "padding:covering",
)  # fmt: skip
"""Every move but cut, which needs to be told what."""


def rewritten(model: Any, move: str, shape: tuple[int, ...]) -> Rewrite | None:
    """What comes of a move; None where it does not apply, which it must say in its own words."""
    try:
        return eyeshot.rewrite(model, move, input_shape=shape)
    except UsageError as error:
        said = str(error)
    assert said.startswith(f"{move}: ")
    return None


def test_every_move_is_tried() -> None:
    assert {move.partition(":")[0] for move in MADE} | {"cut"} == set(MOVES)


@given(designs(2), st.sampled_from(MADE))
@settings(max_examples=80, deadline=None)
def test_on_random_designs(design: Design, move: str) -> None:
    try:
        before = eyeshot.inspect(str(design), (3, 40, 40))
    except ShapeError:
        return

    result = rewritten(design, move, (3, 40, 40))

    if result is None:
        return
    again = eyeshot.inspect(str(result.design), (3, 40, 40))
    assert result.before.totals == before.totals
    assert again.totals == result.after.totals


@given(st.integers(1, 3).flatmap(designs), st.sampled_from(MADE))
@settings(max_examples=40, deadline=None)
def test_on_modules_of_random_designs_which_run(design: Design, move: str) -> None:
    shape = (3, *[{1: 64, 2: 32, 3: 20}[_axes(design)]] * _axes(design))
    try:
        module = build(eyeshot.inspect(str(design), shape).network).eval()
    except ShapeError:
        return

    result = rewritten(module, move, shape)

    if result is None:
        return
    with torch.no_grad():
        out = result.model(torch.zeros(1, *shape))
    assert tuple(out.shape[1:]) == result.after.layers[-1].out


def _axes(design: Design) -> int:
    for item in design.items[1:]:
        if len(kernel := getattr(item, "kernel", ())) > 0:
            return len(kernel)
    return 2


class UNet(nn.Module):
    """A decoder with skips: learned or interpolated enlarging."""

    def __init__(self, *, interpolated: bool) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = _block(3, 8), _block(8, 16), _block(16, 32)
        self.pool = nn.MaxPool2d(2)
        self.pool2 = nn.MaxPool2d(2)
        self.up = None if interpolated else nn.ConvTranspose2d(32, 32, 2, 2)
        self.up2 = _block(48, 16)
        self.up1 = _block(24, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.down1(x)
        b = self.down2(self.pool(a))
        y = self.bottom(self.pool2(b))
        y = nn.functional.interpolate(y, size=b.shape[2:]) if self.up is None else self.up(y)
        y = self.up2(torch.cat([y, b], 1))
        y = nn.functional.interpolate(y, size=a.shape[2:], mode="bilinear")
        out: torch.Tensor = self.head(self.up1(torch.cat([y, a], 1)))
        return out


def _block(reads: int, gives: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(reads, gives, 5, padding=2, bias=False), nn.BatchNorm2d(gives), nn.ReLU(),
        nn.Conv2d(gives, gives, 3, padding=1, bias=False), nn.BatchNorm2d(gives), nn.ReLU(),
    )  # fmt: skip


@pytest.mark.parametrize("interpolated", [False, True])
@pytest.mark.parametrize("move", MADE)
def test_on_u_nets(interpolated: bool, move: str) -> None:
    module = UNet(interpolated=interpolated).eval()

    result = rewritten(module, move, (3, 32, 32))

    assert result is not None or not move.startswith("width")
    with torch.no_grad():
        assert result is None or result.model(torch.zeros(1, 3, 32, 32)).shape[:2] == (1, 2)


MODELS = {
    **dict.fromkeys(
        (
            "alexnet", "alexnet-owt", "alexnet-28", "vgg-a", "vgg-d", "vgg-b-5x5", "allcnn-a", "allcnn-c-all",
            "resnet18", "resnet50",
        ),
        None,
    ),
    **dict.fromkeys(
        (
            "alexnet", "vgg11_bn", "resnet18", "resnet50", "resnext50_32x4d", "densenet121", "squeezenet1_1",
            "googlenet", "inception_v3", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5", "mnasnet0_5",
            "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "fcn_resnet50", "deeplabv3_mobilenet_v3_large",
            "lraspp_mobilenet_v3_large",
        ),
        "torchvision",
    ),
    **dict.fromkeys(
        (
            "resnet26d", "resnetv2_50", "dla34", "dpn48b", "hrnet_w18_small", "ghostnet_050", "res2net50_14w_8s",
            "cspresnet50", "repvgg_a0", "edgenext_xx_small", "convmixer_768_32", "mobilenetv4_conv_small_050",
            "inception_next_atto", "tf_efficientnet_lite0", "nf_resnet26", "skresnet18", "resnest14d", "xception41",
        ),
        "timm",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:The default weight initialization:FutureWarning"
)  # torchvision's own, of two models
@pytest.mark.parametrize("name", [name if source is None else f"{source}:{name}" for name, source in MODELS.items()])
def test_on_models_of_the_zoo_torchvision_and_timm(name: str) -> None:
    shape = (3, 227, 227) if ":" not in name and name.startswith("alexnet") else (3, 96, 96)
    shape = (1, 28, 28) if name == "alexnet-28" else shape
    subject: Any = load_module(name) if ":" in name else name

    results = {move: rewritten(subject, move, shape) for move in MADE}

    made = {move: result for move, result in results.items() if result is not None}
    assert len(made) >= 4
    exact = [move for move, result in made.items() if result.is_exact and not any(s.plan.ring for s in result.steps)]
    if not exact:
        return
    module = in_double(drawn_module(name) if ":" in name else build(eyeshot.inspect(name, shape).network))
    x = torch.randn(1, *shape, dtype=torch.float64)
    expected = tensors(run(module, x))
    for move in exact:
        model = eyeshot.rewrite(module, move, input_shape=shape).model
        for a, b in zip(tensors(run(model, x)), expected, strict=True):
            assert relative(a, b) < 1e-10, move


def tensors(value: Any) -> list[torch.Tensor]:
    """The tensors of what a model returns, which may be a dictionary of its heads."""
    return list(value.values()) if isinstance(value, dict) else [value]
