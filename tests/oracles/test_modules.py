"""Fields of modules beyond plain classifiers equal what the modules themselves say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from eyeshot.api.report import Report
from eyeshot.read.torch import read_module
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared


class Called(nn.Module):
    """A convolution, then a function, then a convolution, each a layer of its own."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], channels: int = 4, axes: int = 2) -> None:
        super().__init__()
        conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
        self.before = conv(2, 4, 3, padding=1)
        self.function = function
        self.after = conv(channels, 2, 3, stride=1, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.function(self.before(x)))


class Attention(nn.Module):
    """Tokens of a map that look at all others."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        out, _ = self.inner(tokens, tokens, tokens)
        return out.transpose(1, 2).reshape(x.shape)


class Windows(nn.Module):
    """Attention in shifted windows of 3×3, as in Swin."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.qkv = nn.Linear(4, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, h, w = x.shape
        x = torch.roll(x.permute(0, 2, 3, 1), (-self.shift, -self.shift), (1, 2))
        x = x.view(b, h // 3, 3, w // 3, 3, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 9, c)
        q, k, v = self.qkv(x).chunk(3, -1)
        x = (q @ k.transpose(-2, -1)).softmax(-1) @ v
        x = x.view(b, h // 3, w // 3, 3, 3, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        return torch.roll(x, (self.shift, self.shift), (1, 2)).permute(0, 3, 1, 2)


class Stripe(nn.Module):
    """One convolution 1×5 and one 5×1, added: a cross."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, (1, 5), padding=(0, 2)), nn.Conv2d(4, 4, (5, 1), padding=(2, 0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a(x) + self.b(x)


class Gate(nn.Module):
    """Squeeze and excitation (Hu et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(4, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.inner(x.mean((2, 3), keepdim=True)))


def resized(mode: str, **settings: object) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda x: functional.interpolate(x, mode=mode, **settings)  # type: ignore[arg-type]


def padded(mode: str) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda x: functional.pad(x, (2, 1, 0, 3), mode=mode)


def folded(x: torch.Tensor) -> torch.Tensor:
    columns = functional.unfold(x, 3, padding=1, stride=2)
    return functional.fold(columns, x.shape[2:], 3, padding=1, stride=2)


CASES: dict[str, nn.Module] = {
    "resize nearest ×2": Called(resized("nearest", scale_factor=2)),
    "resize nearest to 7×20": Called(resized("nearest", size=(7, 20))),
    "resize nearest-exact": Called(resized("nearest-exact", size=(7, 20))),
    "resize bilinear ×2": Called(resized("bilinear", scale_factor=2, align_corners=False)),
    "resize bicubic ×2": Called(resized("bicubic", scale_factor=2, align_corners=False)),
    "transposed 3/2": Called(nn.ConvTranspose2d(4, 4, 3, 2, padding=1, output_padding=1)),
    "transposed 2/2": Called(nn.ConvTranspose2d(4, 4, 2, 2)),
    "transposed 2/3, which leaves gaps": Called(nn.ConvTranspose2d(4, 4, 2, 3, groups=2)),
    "transposed 4/2, dilated": Called(nn.ConvTranspose2d(4, 6, 4, 2, dilation=2, groups=2), channels=6),
    "pad constant": Called(padded("constant")),
    "pad reflect": Called(padded("reflect")),
    "pad replicate": Called(padded("replicate")),
    "pad circular": Called(padded("circular")),
    "roll": Called(lambda x: torch.roll(x, (2, -3), (2, 3))),
    "flip": Called(lambda x: torch.flip(x, (3,))),
    "tile": Called(lambda x: x.repeat(1, 1, 2, 1)),
    "crop with steps": Called(lambda x: x[:, :, 1:11:2, 3:]),
    "adaptive 5×5": Called(nn.AdaptiveAvgPool2d((5, 5))),
    "adaptive 6×4": Called(nn.AdaptiveMaxPool2d((6, 4))),
    "pixel shuffle": Called(nn.PixelShuffle(2), channels=1),
    "pixel unshuffle": Called(nn.PixelUnshuffle(2), channels=16),
    "channel shuffle": Called(nn.ChannelShuffle(2)),
    "space to channels, as YOLO's focus": Called(
        lambda x: torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1), channels=16
    ),
    "unfold and fold": Called(folded),
    "sliding view": Called(lambda x: x.unfold(2, 3, 2).amax(-1)),
    "running sum": Called(lambda x: x.cumsum(2)),
    "Fourier along rows": Called(lambda x: torch.fft.irfft(torch.fft.rfft(x, dim=3), n=12, dim=3)),
    "transposed axes": Called(lambda x: x.transpose(2, 3)),
    "squeeze and excitation": Called(Gate()),
    "cross": Called(Stripe()),
    "attention": Called(Attention()),
    "windows": Called(Windows(0)),
    "shifted windows": Called(Windows(1)),
    "layer norm over channels": Called(lambda x: functional.layer_norm(x.movedim(1, -1), (4,)).movedim(-1, 1)),
    "instance norm": Called(nn.InstanceNorm2d(4)),
    "stack and split": Called(lambda x: torch.stack(x.split(2, 1), 2).flatten(1, 2)),
    "half the channels go deeper": Called(
        lambda x: torch.cat([x[:, :2], functional.max_pool2d(x[:, 2:], 5, 1, 2)], 1)[:, 1:3], channels=2
    ),
    "a constant token beside": Called(lambda x: torch.cat([torch.zeros(1, 4, 2, 12).to(x), x], 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_hulls_of_all_units_equal_poisoning(name: str) -> None:
    module = CASES[name]
    shape = (1, 2, 12, 12)
    report = Report(read_module(module, shape[1:], name=name, source="test"))
    last = report["after"]
    module = prepared(module)

    for a, axis in enumerate((2, 3)):
        seen = hull_of(poisoned_lines(module, ["after"], shape, axis, one_by_one=True)["after"])
        np.testing.assert_array_equal(last.hulls[a][0], seen[0], err_msg=f"axis {axis}, first")
        np.testing.assert_array_equal(last.hulls[a][1], seen[1], err_msg=f"axis {axis}, last")
    assert report.is_exact
