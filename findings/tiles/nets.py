"""A net of three convolutions, each normalised in one of two ways: by statistics of the image, or by kept ones."""

from __future__ import annotations

from torch import nn

NORMS = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d}


def net(norm: str) -> nn.Module:
    """Its last convolution sees 11×11 pixels, of which a tile needs five beyond its own."""

    def convolution(read: int, gives: int, size: int) -> list[nn.Module]:
        return [nn.Conv2d(read, gives, size, padding=size // 2), NORMS[norm](gives), nn.ReLU()]

    layers = [*convolution(1, 8, 3), *convolution(8, 8, 5), *convolution(8, 8, 5)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
