"""Strided convolutions, and the same nets with adaptive polyphase sampling in place of their strides."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class AdaptivePolyphase(nn.Module):
    """Every second row and column, from the first or the second on: of the four ways that of the largest L2 norm.

    Which one is decided by what is on the map, and so moves with it. An odd side is made even by zeros first.

    Source: Chaman, Dokmanić 2021, "Truly shift-invariant convolutional neural networks" (arXiv:2011.14214), section 4.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of maps (images, channels, rows, columns) those of half the side."""
        x = functional.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
        ways = torch.stack([x[..., row::2, column::2] for row in (0, 1) for column in (0, 1)], 1)
        largest = ways.square().sum((2, 3, 4), keepdim=True).argmax(1, keepdim=True)
        return torch.take_along_dim(ways, largest, 1).squeeze(1)


def net(sampling: str) -> nn.Module:
    """Three convolutions of 8, 16 and 32 channels that halve the map, by ``strides`` or ``polyphase``."""

    def convolution(read: int, gives: int) -> list[nn.Module]:
        if sampling == "strides":
            return [nn.Conv2d(read, gives, 3, 2, padding=1), nn.ReLU()]
        return [nn.Conv2d(read, gives, 3, padding=1), nn.ReLU(), AdaptivePolyphase()]

    layers = [*convolution(1, 8), *convolution(8, 16), *convolution(16, 32)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10))
