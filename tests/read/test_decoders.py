"""Decoders: fields depend on the position's phase, and each unit is exact."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from eyeshot import inspect


class UNet(nn.Module):
    """Ronneberger et al. 2015, padded, four levels; upsampling by transposed convolutions or bilinear."""

    def __init__(self, bilinear: bool, width: int = 4) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(5)]
        self.down = nn.ModuleList(self.double(a, b) for a, b in zip([3, *widths[:-1]], widths, strict=True))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(b, a, 1))
            if bilinear
            else nn.ConvTranspose2d(b, a, 2, 2)
            for a, b in pairwise(widths)
        )
        self.merge = nn.ModuleList(self.double(2 * a, a) for a in widths[:-1])

    def double(self, a: int, b: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for i, block in enumerate(self.down):
            x = block(nn.functional.max_pool2d(x, 2) if i else x)
            kept.append(x)
        for i in reversed(range(4)):
            x = self.merge[i](torch.cat([kept[i], self.up[i](x)], 1))
        return x


@pytest.mark.parametrize(("bilinear", "sizes"), [(True, {220, 236}), (False, {188, 204})])
def test_a_u_nets_units_see_one_of_two_sizes_by_phase(bilinear: bool, sizes: set[int]) -> None:
    """Measured by gradients on torch 2.13: 220 or 236 pixels with bilinear upsampling, 188 or 204 with transposed."""
    layer = inspect(UNet(bilinear), (3, 512, 512)).layers[-1]
    first, last = layer.hulls[0]
    inner = range(240, 272)

    assert {int(last[i] - first[i] + 1) for i in inner} == sizes
    assert layer.field.size == (max(sizes),) * 2
    assert layer.field.stride == (1, 1)
    assert not layer.field.is_regular
    assert layer.field.is_exact
    for i in inner:
        unit = layer.unit(i, i)
        assert unit.hull.unclipped == unit.hull.clipped == ((first[i], last[i]),) * 2
