"""Does a map that is computed in tiles show where they meet?

The last convolution's map is cut into four tiles. Each is computed from as much of the image as its units see along
the data path, and no more, which is what a margin for tiles is made for; what else decides a unit, such as statistics
of the whole image, is that of the tile then. Where two tiles meet, the step from one unit to the next is held against
the same step in the map of the whole image: the root mean square of what it has more or less, in percent of the map's
standard deviation. Nothing but rounding is left where the data path is all that a unit depends on.

Source: Buglakova, Archit, D'Imprima, Mahamid, Pape, Kreshuk 2025, "Tiling artifacts and trade-offs of feature
normalization in the segmentation of large biological images" (arXiv:2503.19545).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import last_convolution

if TYPE_CHECKING:
    from eyeshot.train.tested import Tested

_IMAGES = 200


def seams(tested: Tested) -> float:
    """Steps between tiles that the whole map has not, in percent of its deviation; not a number without such a map."""
    from eyeshot.read.torch import read_module

    images = tested.test.images
    chosen = torch.linspace(0, len(images) - 1, min(_IMAGES, len(images)), device=images.device).long()
    network = read_module(tested.module, tuple(images.shape[1:]), name="tested", source="a training")
    last = last_convolution(Inspection(network))
    layer = None if last is None else dict(tested.module.named_modules()).get(last.name)
    if last is None or layer is None or len(last.out) != 3 or min(last.out[1:]) < 2:
        return math.nan
    steps = last.data.field.stride
    if steps is None or any(step is None or step != int(step) for step in steps):
        return math.nan
    whole = _map(tested, layer, images[chosen])
    apart = _in_tiles(tested, layer, last, images[chosen]) - whole
    deviation = float(whole.std())
    if not deviation:
        return math.nan
    borders = [apart.narrow(axis, side // 2 - 1, 2).diff(dim=axis) for axis, side in enumerate(whole.shape) if axis > 1]
    return 100 * math.sqrt(fmean(float(each.square().mean()) for each in borders)) / deviation


def _in_tiles(tested: Tested, layer: nn.Module, last: Layer, images: torch.Tensor) -> torch.Tensor:
    """The layer's map, put together of four parts that are computed from what their units see."""
    rows = []
    for down in _halves(last, 0):
        row = []
        for across in _halves(last, 1):
            tile = _map(tested, layer, images[:, :, down.reads, across.reads])
            row.append(tile[:, :, down.keeps, across.keeps])
        rows.append(torch.cat(row, dim=3))
    return torch.cat(rows, dim=2)


class _Half(NamedTuple):
    """Half of a map along one axis."""

    reads: slice
    """Pixels that its units see along the data path."""
    keeps: slice
    """Its units on the map that these pixels give."""


def _halves(last: Layer, axis: int) -> Iterator[_Half]:
    firsts, lasts = last.data.hulls[axis]
    assert last.data.field.stride is not None
    step, side = int(last.data.field.stride[axis] or 1), last.out[1 + axis]
    for begin, end in pairwise((0, side // 2, side)):
        start = int(firsts[begin:end].min()) // step * step  # so that strides fall on the same pixels
        skipped = start // step
        yield _Half(slice(start, int(lasts[begin:end].max()) + 1), slice(begin - skipped, end - skipped))


class _Seen(Exception):  # noqa: N818  # it ends a forward pass of which the rest is not needed, and may not fit a tile
    pass


def _map(tested: Tested, layer: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What a layer gives for some images, float64."""
    found: list[torch.Tensor] = []

    def keep(module: nn.Module, given: object, out: torch.Tensor) -> None:
        found.append(out)
        raise _Seen

    hook = layer.register_forward_hook(keep)
    try:
        tested.logits_of(images)
    except _Seen:
        pass
    finally:
        hook.remove()
    return found[0].double()
