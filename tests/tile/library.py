"""Networks of torchvision and timm, cut before what pools the whole map: backbones, pyramids, heads.

Images are long along one axis and cut there, odd sizes wherever the network takes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from eyeshot.read.loading import import_torchvision
from tests.tile.nets import Case


def features(name: str, stages: tuple[int, ...] = (0, 1, 2)) -> Callable[[], nn.Module]:
    """The first stages of one of timm's backbones, each an output."""

    def make() -> nn.Module:
        import_torchvision()
        import timm

        module: nn.Module = timm.create_model(name, features_only=True, out_indices=stages)
        return module

    return make


def timm(name: str, height: int, width: int, tile: int, stages: tuple[int, ...] = (0, 1, 2)) -> Case:
    """Cut along the longer axis."""
    tiles = (height, tile) if width > height else (tile, width)
    return Case(features(name, stages), (3, height, width), tiles)


def vision(name: str) -> Any:
    """What torchvision calls by a dotted name."""
    import importlib

    import_torchvision()
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"torchvision.{module}"), attribute)


def stages_of_resnet(**layers: str) -> nn.Module:
    body: nn.Module = vision("models._utils.IntermediateLayerGetter")(vision("models.resnet18")(), layers)
    return body


class Segmenter(nn.Module):
    """torchvision's FCN, or its DeepLab without the pooled branch, on a short ResNet."""

    def __init__(self, head: str) -> None:
        super().__init__()
        self.body = stages_of_resnet(layer1="out")
        if head == "fcn":
            self.head: nn.Module = vision("models.segmentation.fcn.FCNHead")(64, 2)
        else:
            self.head = vision("models.segmentation.deeplabv3.ASPP")(64, [2, 4], 8)
            self.head.convs = self.head.convs[:-1]
            self.head.project[0] = nn.Conv2d(24, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.body(x)["out"])
        return nn.functional.interpolate(out, scale_factor=4, mode="bilinear", align_corners=False)


class Detector(nn.Module):
    """A pyramid on a ResNet, and the convolutions of a detector's head on each of its scales, or none."""

    def __init__(self, *, with_head: bool) -> None:
        super().__init__()
        self.body = stages_of_resnet(layer1="fine", layer2="coarse")
        self.pyramid = vision("ops.FeaturePyramidNetwork")([64, 128], 8)
        self.head = vision("models.detection.rpn.RPNHead")(8, 3) if with_head else None

    def forward(self, x: torch.Tensor) -> Any:
        maps = self.pyramid(self.body(x))
        return maps if self.head is None else self.head(list(maps.values()))


def short_vgg() -> nn.Module:
    layers: nn.Module = vision("models.vgg11")(init_weights=False).features[:11]
    return layers


def encoder_of_flow() -> nn.Module:
    raft = "models.optical_flow.raft."
    block = vision(f"{raft}ResidualBlock")
    module: nn.Module = vision(f"{raft}FeatureEncoder")(block=block, layers=(8, 8, 8, 8, 8), norm_layer=nn.BatchNorm2d)
    return module


QUICK: dict[str, Case] = {
    "detector": Case(lambda: Detector(with_head=True), (3, 33, 191), (33, 152)),
    "pyramid-of-resnet": Case(lambda: Detector(with_head=False), (3, 45, 187), (45, 136)),
    "fcn": Case(lambda: Segmenter("fcn"), (3, 32, 148), (32, 88)),
    "deeplab": Case(lambda: Segmenter("aspp"), (3, 32, 156), (32, 96)),
    "flow": Case(encoder_of_flow, (3, 33, 163), (33, 120)),
}
THOROUGH: dict[str, Case] = {
    "mobilenet-v2": Case(lambda: vision("models.mobilenet_v2")().features[:7], (3, 33, 121), (33, 88)),
    "test_resnet": timm("test_resnet", 33, 99, 72),
    "test_efficientnet": timm("test_efficientnet", 69, 33, 40),
    "vgg11": Case(short_vgg, (3, 33, 103), (33, 64)),
    "alexnet": Case(lambda: vision("models.alexnet")().features[:8], (3, 63, 179), (63, 144)),
    "squeezenet": Case(lambda: vision("models.squeezenet1_1")().features[:8], (3, 33, 91), (33, 64)),
    "densenet121": Case(lambda: vision("models.densenet121")().features[:6], (3, 33, 131), (33, 96)),
    "shufflenet-v2": Case(
        lambda: nn.Sequential(*list(vision("models.shufflenet_v2_x0_5")().children())[:3]), (3, 33, 139), (33, 104)
    ),
    "resnet10t": timm("resnet10t", 101, 33, 72),
    "resnet26t": timm("resnet26t", 101, 33, 72),
    "resnetblur18": timm("resnetblur18", 151, 33, 120),
    "resnetv2_18": timm("resnetv2_18", 33, 147, 120),
    "regnetx_002": timm("regnetx_002", 33, 55, 24),
    "gernet_s": timm("gernet_s", 151, 33, 120),
    "repvgg_a0": timm("repvgg_a0", 33, 119, 88),
    "starnet_s050": timm("starnet_s050", 391, 33, 344, (0, 1)),
    "cs3darknet_focus_s": timm("cs3darknet_focus_s", 33, 118, 88),
    "test_mambaout": timm("test_mambaout", 487, 33, 432),
    "test_convnext": timm("test_convnext", 593, 33, 544),
    "mnasnet_small": timm("mnasnet_small", 87, 33, 56),
    "lcnet_050": timm("lcnet_050", 33, 87, 56),
    "dpn48b": timm("dpn48b", 133, 33, 104),
    "fasternet_t0": timm("fasternet_t0", 413, 33, 352),
}
LIBRARY = QUICK | THOROUGH
