"""Does a network give each image of a batch what it gives it alone? Tiles of several images, or of one, run together.

The network on two images is walked beside the network on one, as the whole image is beside a tile: the batch is the
axis that is cut.
"""

from __future__ import annotations

from eyeshot.errors import ReadError, UsageError
from eyeshot.tile.agreement import agreement, other_numbers
from eyeshot.tile.probe import Probe


def mixing(looked: Probe) -> str | None:
    """The layer that mixes the images of a batch, or computes with their number; None where none does."""
    sizes = looked.small[0] if looked.small is not None else looked.whole.extent
    try:
        one, two = (looked.family.of_images(sizes, images) for images in (1, 2))
    except (ReadError, UsageError):  # one image at a time
        return looked.whole.input.name
    names = [name for name in looked.names if name in one and name in two]
    for start in (0, 1):
        prevents = agreement(two, one, [start], names).prevents
        if prevents:
            return prevents[0].layer
    other = other_numbers(two, one, names)
    return other[0] if other else None
