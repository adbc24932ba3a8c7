"""Sizes behind axes that are split and merged: what NaN says of a unit in the middle of a map."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from eyeshot.api import inspect
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared


class Between(nn.Module):
    """A convolution, something between, a convolution."""

    def __init__(self, between: Callable[[torch.Tensor], torch.Tensor], channels: int, axes: int = 2) -> None:
        super().__init__()
        conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
        self.before, self.after = conv(1, 8, 3, padding=1), conv(channels, 2, 3, padding=1)
        self.between = between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.between(self.before(x)))


def tokens_and_back(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(2).transpose(1, 2).relu().transpose(1, 2).reshape(x.shape)


def channels_last(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1).relu().permute(0, 3, 1, 2)


def window_means(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.view(n, c, h // 4, 4, w // 4, 4).mean((3, 5))


def window_means_added(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    y = x.view(n, c, h // 4, 4, w // 4, 4)
    return (y + y.mean((3, 5), keepdim=True)).view(n, c, h, w)


def attention_in_windows(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    y = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, c)
    y = (y @ y.transpose(1, 2)).softmax(-1) @ y
    return y.view(n, h // 4, w // 4, 4, 4, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)


def shuffled_1d(x: torch.Tensor) -> torch.Tensor:
    n, c, t = x.shape
    return x.view(n, c // 2, 2, t).permute(0, 1, 3, 2).reshape(n, c // 2, 2 * t)


def shuffled_3d(x: torch.Tensor) -> torch.Tensor:
    n, _, d, h, w = x.shape
    return x.view(n, 1, 2, 2, 2, d, h, w).permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(n, 1, 2 * d, 2 * h, 2 * w)


def focus(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)


CASES: dict[str, tuple[nn.Module, int, int]] = {
    "pixel shuffle": (Between(nn.PixelShuffle(2), 2), 2, 4),
    "pixel shuffle 1-D": (Between(shuffled_1d, 4, 1), 1, 4),
    "pixel shuffle 3-D": (Between(shuffled_3d, 1, 3), 3, 4),
    "pixel unshuffle": (Between(nn.PixelUnshuffle(2), 32), 2, 8),
    "focus": (Between(focus, 32), 2, 8),
    "shuffled and back": (Between(lambda x: functional.pixel_unshuffle(functional.pixel_shuffle(x, 2), 2), 8), 2, 5),
    "tokens and back": (Between(tokens_and_back, 8), 2, 5),
    "channels last": (Between(channels_last, 8), 2, 5),
    "repeated": (Between(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3), 8), 2, 4),
    "means of windows": (Between(window_means, 8), 2, 14),
    "means of windows added": (Between(window_means_added, 8), 2, 10),
    "attention in windows": (Between(attention_in_windows, 8), 2, 10),
}
"""Name: a module, its number of axes, and how far its last convolution sees."""


@pytest.mark.parametrize("name", CASES)
def test_the_size_behind_a_reshape_is_what_the_widest_unit_in_the_middle_sees(name: str) -> None:
    module, axes, size = CASES[name]
    side = 64 if axes == 1 else 24 if axes == 2 else 10

    layer = inspect(module, (1, *(side,) * axes))["after"]
    first, last = hull_of(
        poisoned_lines(prepared(module), ["after"], (1, 1, *(side,) * axes), 2, one_by_one=True)["after"]
    )

    middle = (first > 0) & (last < side - 1)
    assert int((last - first + 1)[middle].max()) == size
    assert layer.field.size == (size,) * axes


class Windows(nn.Module):
    """Attention in windows of 7 over a volume padded to a multiple of it, then cut back and added."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, pad = x.shape[2], -x.shape[2] % 7
        y = functional.pad(x, (0, pad) * 3).movedim(1, -1)
        k = (n + pad) // 7
        y = y.reshape(1, k, 7, k, 7, k, 7, -1).permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(k**3, 343, -1)
        y = (y @ y.transpose(1, 2)).softmax(-1) @ y
        y = y.reshape(1, k, k, k, 7, 7, 7, -1).permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(1, 7 * k, 7 * k, 7 * k, -1)
        return x + y[:, :n, :n, :n].movedim(-1, 1)


def test_windows_of_a_padded_volume_cost_what_their_rows_cost() -> None:
    report = inspect(nn.Sequential(*(Windows() for _ in range(3))), (2, 40, 40, 40))
    start = time.perf_counter()

    sizes = [layer.field.size for layer in report]

    assert time.perf_counter() - start < 5
    assert sizes[-1] == (7, 7, 7)
    assert [(int(a[36]), int(b[36])) for a, b in report.layers[-1].hulls] == [(35, 39)] * 3
