"""Fully convolutional networks for the tests of tiles: each with the image's shape and a tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own usage)
from torch import nn

CONVS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORMS: dict[int, Any] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
POOLS: dict[int, Any] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def twice(dims: int, c_in: int, c: int, kernel: int = 3, padding: int | None = None) -> nn.Sequential:
    """Two convolutions with batch norm."""
    pad = kernel // 2 if padding is None else padding
    first, second = (CONVS[dims](n, c, kernel, padding=pad) for n in (c_in, c))
    return nn.Sequential(first, NORMS[dims](c), nn.ReLU(), second, NORMS[dims](c), nn.ReLU())


class UNet(nn.Module):
    """A U-Net; ``up`` is transposed, nearest, bilinear or bicubic; ``valid`` leaves out padding, and crops skips."""

    def __init__(self, levels: int, up: str = "bilinear", *, dims: int = 2, c: int = 3, kernel: int = 3,
                 valid: bool = False, aligned: bool = False, pools: str = "max") -> None:  # fmt: skip
        super().__init__()
        pad = 0 if valid else None
        self.dims, self.up, self.aligned, self.pools = dims, up, aligned, pools
        self.down = nn.ModuleList(twice(dims, 1 if i == 0 else c, c, kernel, pad) for i in range(levels + 1))
        self.back = nn.ModuleList(twice(dims, 2 * c, c, kernel, pad) for _ in range(levels))
        self.ups = nn.ModuleList(TRANSPOSED[dims](c, c, 2, 2) for _ in range(levels if up == "transposed" else 0))
        self.strides = nn.ModuleList(CONVS[dims](c, c, 2, 2) for _ in range(levels if pools == "stride" else 0))
        self.head = CONVS[dims](c, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for i, block in enumerate(self.down):
            if i:
                x = self.strides[i - 1](x) if self.pools == "stride" else POOLS[self.dims](x, 2)
            x = block(x)
            skips.append(x)
        skips.pop()
        for i, block in enumerate(self.back):
            x = self.grown(x, i)
            skip = skips.pop()
            for axis in range(2, skip.dim()):
                left = skip.shape[axis] - x.shape[axis]
                skip = skip.narrow(axis, left // 2, x.shape[axis])
            x = block(torch.cat([skip, x], 1))
        out: torch.Tensor = self.head(x)
        return out

    def grown(self, x: torch.Tensor, i: int) -> torch.Tensor:
        if self.up == "transposed":
            out: torch.Tensor = self.ups[i](x)
            return out
        mode = {"bilinear": LINEAR[self.dims]}.get(self.up, self.up)
        aligned = None if mode == "nearest" else self.aligned
        return F.interpolate(x, scale_factor=2, mode=mode, align_corners=aligned)


class Causal(nn.Module):
    """A temporal network that looks back only."""

    def __init__(self, layers: int, kernel: int = 3) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(1 if i == 0 else 3, 3, kernel, dilation=2**i) for i in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = torch.relu(conv(F.pad(x, ((conv.kernel_size[0] - 1) * conv.dilation[0], 0))))
        return x


class Residual(nn.Module):
    def __init__(self, c_in: int, c: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(c_in, c, 3, stride, 1), nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1)
        )
        self.short = nn.Conv2d(c_in, c, 1, stride) if stride > 1 or c_in != c else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.short(x))


class Pyramid(nn.Module):
    """A detector's pyramid: three scales, each its own output."""

    def __init__(self, c: int = 3) -> None:
        super().__init__()
        self.stages = nn.ModuleList([Residual(1, c, 2), Residual(c, c, 2), Residual(c, c, 2)])
        self.smooth = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        top, outs = maps.pop(), {}
        outs["p3"] = self.smooth[2](top)
        for i in (1, 0):
            top = maps.pop() + F.interpolate(top, scale_factor=2, mode="nearest")
            outs[f"p{i + 1}"] = self.smooth[i](top)
        return outs


class Aspp(nn.Module):
    """Dilated branches side by side, without the pooled one."""

    def __init__(self, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = Residual(1, 3, 2)
        self.branches = nn.ModuleList(nn.Conv2d(3, 2, 3, padding=r, dilation=r) for r in rates)
        self.head = nn.Conv2d(2 * len(rates), 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.head(torch.cat([branch(x) for branch in self.branches], 1))
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class SuperResolution(nn.Module):
    def __init__(self, r: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, r * r, 3, padding=1))
        self.r = r

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle(self.net(x), self.r)


class Focus(nn.Module):
    """Pixels of two rows and columns as channels (YOLO's stem), and back."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.conv = how, nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.how == "unshuffle":
            x = F.pixel_unshuffle(x, 2)
        else:
            x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        return F.pixel_shuffle(self.conv(x), 2)


class ChannelsLast(nn.Module):
    """Takes and gives images with the channels behind, and normalises over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.mlp = nn.Conv2d(2, 4, 7, padding=3), nn.LayerNorm(4), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.mlp(self.norm(self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)))
        return out


class Shuffle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.b(F.channel_shuffle(self.a(x), 2))
        return out


class SpatialGate(nn.Module):
    """Attention that looks around a pixel only, as CBAM's second half does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        out: torch.Tensor = x * torch.sigmoid(self.gate(summary))
        return out


class Windows(nn.Module):
    """Attention within windows of 4×4 positions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.qkv = nn.Conv2d(1, 4, 2, 2), nn.Linear(4, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        rows = x.reshape(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        q, k, v = self.qkv(rows).chunk(3, -1)
        rows = torch.softmax(q @ k.transpose(1, 2) / 2, -1) @ v
        x = rows.reshape(b, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        return x.permute(0, 3, 1, 2)


def seq(*layers: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*layers)


@dataclass(frozen=True)
class Case:
    """A network, the image's shape without the batch, and a tile."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    tile: int | tuple[int, ...]
    layout: str | None = None


def unet(levels: int, up: str, shape: tuple[int, ...], tile: int, **more: Any) -> Case:
    return Case(lambda: UNet(levels, up, dims=len(shape) - 1, **more), shape, tile)


CASES: dict[str, Case] = {
    "conv3": Case(lambda: twice(2, 1, 3), (1, 33, 41), 16),
    "conv5-even-kernel": Case(seq(nn.Conv2d(1, 2, 4, padding=2), nn.Conv2d(2, 2, 5, padding=1)), (1, 37, 30), 17),
    "unpadded": Case(seq(nn.Conv2d(1, 2, 5), nn.ReLU(), nn.Conv2d(2, 2, 3)), (1, 40, 29), 15),
    "strided": Case(seq(nn.Conv2d(1, 3, 3, 2, 1), nn.ReLU(), nn.Conv2d(3, 2, 3, 2, 1)), (1, 61, 47), 24),
    "strided-stem": Case(seq(nn.Conv2d(1, 3, 7, 2, 3), nn.MaxPool2d(3, 2, 1)), (1, 59, 66), 28),
    "patches": Case(seq(nn.Conv2d(1, 3, 4, 4), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1)), (1, 53, 48), 24),
    "ceil-pool": Case(seq(nn.Conv2d(1, 3, 3, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True)), (1, 45, 38), 16),
    "avg-pool": Case(seq(nn.AvgPool2d(3, 2, 1), nn.Conv2d(1, 2, 3, padding=1)), (1, 45, 38), 16),
    "avg-pool-ceil": Case(seq(nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)), (1, 31, 27), 8),
    "dilated": Case(seq(*(nn.Conv2d(1, 1, 3, padding=d, dilation=d) for d in (1, 2, 4))), (1, 50, 43), 24),
    "reflect": Case(seq(nn.Conv2d(1, 2, 5, padding=2, padding_mode="reflect")), (1, 40, 31), 12),
    "replicate": Case(seq(nn.Conv2d(1, 2, 3, padding=1, padding_mode="replicate"), nn.Conv2d(2, 1, 3)),
                      (1, 35, 31), 12),
    "separable": Case(seq(nn.Conv2d(2, 4, (1, 7), padding=(0, 3)), nn.Conv2d(4, 2, (5, 1), padding=(2, 0))),
                      (2, 40, 33), (16, 20)),
    "anisotropic": Case(seq(nn.Conv2d(1, 2, 3, (2, 1), 1), nn.MaxPool2d((1, 2))), (1, 41, 36), (16, 12)),
    "transposed-overlap": Case(seq(nn.Conv2d(1, 2, 3, 2, 1), nn.ConvTranspose2d(2, 2, 4, 2, 1)), (1, 40, 36), 16),
    "transposed-gaps": Case(seq(nn.Conv2d(1, 2, 3, 3), nn.ConvTranspose2d(2, 1, 2, 3, output_padding=1)),
                            (1, 42, 36), 15),
    "bicubic": Case(seq(nn.Conv2d(1, 2, 2, 2), nn.Upsample(scale_factor=2, mode="bicubic")), (1, 44, 40), 20),
    "up-3": Case(seq(nn.Conv2d(1, 2, 3, 3), nn.Upsample(scale_factor=3, mode="bilinear")), (1, 45, 42), 21),
    "down-1.5": Case(seq(nn.Upsample(scale_factor=2 / 3, mode="bilinear"), nn.Conv2d(1, 1, 3, padding=1)),
                     (1, 48, 42), 18),
    "lrn": Case(seq(nn.Conv2d(1, 6, 3, padding=1), nn.LocalResponseNorm(3)), (1, 30, 31), 12),
    "residual": Case(seq(Residual(1, 3, 1), Residual(3, 4, 2), Residual(4, 4, 2)), (1, 67, 62), 32),
    "pyramid": Case(Pyramid, (1, 96, 80), 64),
    "aspp": Case(lambda: Aspp((1, 3, 6)), (1, 70, 64), 36),
    "super-resolution-2": Case(lambda: SuperResolution(2), (1, 30, 37), 14),
    "super-resolution-3": Case(lambda: SuperResolution(3), (1, 25, 31), 11),
    "focus": Case(lambda: Focus("slices"), (1, 42, 36), 16),
    "unshuffle": Case(lambda: Focus("unshuffle"), (1, 42, 36), 16),
    "channels-last": Case(ChannelsLast, (33, 30, 2), 16, "HWC"),
    "channel-shuffle": Case(Shuffle, (1, 33, 30), 12),
    "spatial-gate": Case(SpatialGate, (1, 33, 30), 16),
    "windows": Case(Windows, (1, 48, 40), 16),
    "1d": Case(lambda: twice(1, 1, 3, 9), (1, 203), 50),
    "1d-causal": Case(lambda: Causal(4), (1, 301), 80),
    "1d-strided": Case(seq(nn.Conv1d(1, 2, 9, 4, 4), nn.Conv1d(2, 2, 3)), (1, 333), 64),
    "3d": Case(lambda: twice(3, 1, 2), (1, 14, 17, 15), 9),
    "unet-1d": unet(2, "transposed", (1, 208), 72),
    "unet-1d-linear": unet(3, "bilinear", (1, 328), 160),
    "unet-2-bilinear": unet(2, "bilinear", (1, 100, 96), 64),
    "unet-2-nearest": unet(2, "nearest", (1, 100, 96), 64),
    "unet-2-transposed": unet(2, "transposed", (1, 100, 96), 64),
    "unet-2-stride": unet(2, "nearest", (1, 100, 96), 64, pools="stride"),
    "unet-1-valid": unet(1, "transposed", (1, 76, 60), 40, valid=True),
    "unet-2-valid": unet(2, "transposed", (1, 124, 92), 76, valid=True),
    "unet-3d": unet(1, "transposed", (1, 28, 32, 26), 22),
}  # fmt: skip
SLOW: dict[str, Case] = {
    "unet-3-bilinear": unet(3, "bilinear", (1, 192, 168), 128),
    "unet-3-nearest": unet(3, "nearest", (1, 192, 168), 128),
    "unet-3-transposed": unet(3, "transposed", (1, 192, 168), 128),
    "unet-4-bilinear": unet(4, "bilinear", (1, 400, 320), 272),
    "unet-4-nearest": unet(4, "nearest", (1, 400, 320), 256),
    "unet-4-transposed": unet(4, "transposed", (1, 400, 320), 256),
    "unet-3-valid": unet(3, "transposed", (1, 236, 236), 188, valid=True),
    "unet-2-kernel-5": unet(2, "bilinear", (1, 160, 132), 100, kernel=5),
    "unet-3d-2": unet(2, "bilinear", (1, 72, 68, 64), 60, c=2),
}
