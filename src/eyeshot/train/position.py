"""How well can a linear classifier tell where on its map a unit lies, from what the unit gives and nothing else?

The images are moved around, each by its own amount drawn over all of its height and width, and what leaves at one end
comes in at the other: every row and every column then shows the same on average, so that what is told of the place
comes from the network's borders. Where these wrap around too (``padding_mode="circular"``) nothing is left to tell by,
and what is told is one row in as many as there are. The classifier is that of ``eyeshot.train.probes``, on the channels
of one unit.

Source: Islam, Jia, Bruce 2020, "How much position information do convolutional neural networks encode?"
(arXiv:2001.08248), whose read-out is trained on whole maps of features of many layers.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from eyeshot.train.probes import features, told

if TYPE_CHECKING:
    from eyeshot.train.tested import Tested

_IMAGES = 200
"""Test images of which half are for fitting and half for asking."""
_UNITS = 65_536
"""Of a layer, above which those of the first images are taken: two million numbers at 32 channels."""


def position(tested: Tested) -> dict[str, float]:
    """Units of each convolution whose row is told, and whose column, the mean of both in percent."""
    images = tested.test.images
    chosen = torch.linspace(0, len(images) - 1, min(_IMAGES, len(images)), device=images.device).long()
    maps = features(tested, moved_around(images[chosen]), _map)
    return {layer: _told(each) for layer, each in maps.items()}


def moved_around(images: torch.Tensor) -> torch.Tensor:
    """Each image rolled by an amount of its own along both axes, the same amounts for all arms and seeds."""
    height, width = images.shape[2:]
    draw = np.random.Generator(np.random.PCG64(0))
    down, right = (draw.integers(0, side, size=len(images)).tolist() for side in (height, width))
    return torch.stack([image.roll((y, x), (1, 2)) for image, y, x in zip(images, down, right, strict=True)])


def _map(layer: nn.Module, out: torch.Tensor) -> torch.Tensor | None:
    return out if out.dim() == 4 and min(out.shape[2:]) > 1 and not isinstance(layer, nn.Linear) else None


def _told(maps: torch.Tensor) -> float:
    """Of maps (images, channels, rows, columns)."""
    _, channels, height, width = maps.shape
    half = max(1, min(len(maps) // 2, _UNITS // (height * width)))
    units = maps.permute(0, 2, 3, 1)  # channels last
    known, asked = (part.reshape(-1, channels) for part in (units[:half], units[-half:]))
    rows = torch.arange(height)[:, None].expand(height, width).reshape(-1).repeat(half)
    columns = torch.arange(width).expand(height, width).reshape(-1).repeat(half)
    return fmean(told(known, places, asked, places) for places in (rows, columns))
