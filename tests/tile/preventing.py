"""Networks whose tiles differ from the whole image, each with the op that prevents it."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own usage)
from torch import nn

from tests.tile.nets import UNet


class Fn(nn.Module):
    """A convolution, and a function of its map."""

    def __init__(self, function: Callable[[nn.Module, torch.Tensor], torch.Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, self.conv(x))


def excited(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = x * torch.sigmoid(self.fc(x.mean((2, 3), keepdim=True)))
    return out


def attended(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    b, c, h, w = x.shape
    rows = x.flatten(2).transpose(1, 2)
    rows = torch.softmax(rows @ rows.transpose(1, 2), -1) @ rows
    return rows.transpose(1, 2).reshape(b, c, h, w)


def coordinates(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    rows = torch.linspace(-1, 1, x.shape[2]).to(x)[None, None, :, None].expand(1, 1, *x.shape[2:])
    return torch.cat([x, rows], 1)


def sines(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x + torch.sin(torch.arange(x.shape[3]) / 7).to(x)


def sampled(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    grid = torch.tanh(x[:, :2]).permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, align_corners=False)


def pooled_to_7(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(F.adaptive_avg_pool2d(x, 7), size=x.shape[2:], mode="nearest")


def psp(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    whole = F.interpolate(F.adaptive_avg_pool2d(x, 1), size=x.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([x, whole], 1)


def shifted_at_some_sizes(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.pad(x, (1, 0))[..., :-1] if x.shape[3] < 60 else x


Prevented = tuple[Callable[[], nn.Module], str, str]
"""A network, the layer that prevents equality, and a word of why."""

CASES: dict[str, Prevented] = {
    "instance norm": (lambda: Fn(lambda s, x: s.norm(x), norm=nn.InstanceNorm2d(4)), "norm", "mean and variance"),
    "group norm": (lambda: Fn(lambda s, x: s.norm(x), norm=nn.GroupNorm(2, 4)), "norm", "mean and variance"),
    "layer norm of the map": (lambda: Fn(lambda s, x: F.layer_norm(x, x.shape[1:])), "layer_norm", "mean and variance"),
    "batch norm without statistics": (
        lambda: Fn(lambda s, x: s.norm(x), norm=nn.BatchNorm2d(4, track_running_stats=False)),
        "norm",
        "mean and variance",
    ),
    "squeeze-excitation": (lambda: Fn(excited, fc=nn.Conv2d(4, 4, 1)), "mean", "squeeze-excitation"),
    "global pooling": (lambda: Fn(lambda s, x: x - x.mean((2, 3), keepdim=True)), "mean", "pooling"),
    "pyramid pooling": (lambda: Fn(psp), "adaptive_avg_pool2d", "pooling"),
    "pooling to a given size": (lambda: Fn(pooled_to_7), "adaptive_avg_pool2d", "given size"),
    "attention": (lambda: Fn(attended), "matmul", "attention"),
    "aligned corners": (lambda: UNet(1, aligned=True), "resize_bilinear", "align_corners"),
    "a given size": (lambda: Fn(lambda s, x: F.interpolate(x, size=(50, 50))), "resize_nearest", "given size"),
    "coordinates": (lambda: Fn(coordinates), "concat", "position"),
    "sines": (lambda: Fn(sines), "add", "position"),
    "sampling by data": (lambda: Fn(sampled), "grid_sample", "samples"),
    "circular padding": (
        lambda: Fn(lambda s, x: s.more(x), more=nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular")),
        "circular_pad",
        "other side",
    ),
    "roll": (lambda: Fn(lambda s, x: x + x.roll(3, 2)), "roll", "other side"),
    "flip": (lambda: Fn(lambda s, x: x + x.flip(3)), "flip", "other side"),
    "running sum": (lambda: Fn(lambda s, x: x.cumsum(2)), "cumsum", "carries"),
    "fourier": (lambda: Fn(lambda s, x: torch.fft.rfft2(x).real), "fft", "all positions"),
    "softmax over positions": (lambda: Fn(lambda s, x: torch.softmax(x, 3)), "softmax", "attention"),
    "the largest of all": (lambda: Fn(lambda s, x: x / x.amax((2, 3), keepdim=True)), "amax", "it pools"),
    "the deviation of all": (lambda: Fn(lambda s, x: x / x.std()), "std", "it pools"),
    "another path at some sizes": (lambda: Fn(shifted_at_some_sizes), "", "another layer"),
    "noise": (lambda: Fn(lambda s, x: x + torch.rand_like(x)), "add", "constants"),
}
