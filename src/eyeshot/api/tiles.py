"""Tiles: whether an image can be run piece by piece, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eyeshot.tile.plan import TilePlan
    from eyeshot.tile.run import Progress, Tiled


def tile_plan(
    model: Any,
    input_shape: Any = None,
    *,
    memory: str | int | None = None,
    tile: int | Sequence[int] | None = None,
    layer: str | None = None,
    dtype: str | None = None,
    tolerance: float | None = None,
    images: Any = None,
) -> TilePlan:
    """How to run a model on an image piece by piece, and whether that gives the whole image's numbers.

    Nothing is computed but positions, unless a tolerance is asked for: its error is measured by forward passes.

    Args:
        model: as for ``inspect``.
        input_shape: the whole image, as for ``inspect``.
        memory: bytes, or a text such as "4G", for weights and what is alive at once; the tile of the least work that
            fits is chosen.
        tile: a tile's size, one for all axes or one per axis. Where neither is given, a tile that costs at most half
            more work than the whole.
        layer: the layer whose output is wanted; all outputs of the model unless given.
        tolerance: where tiles need not be equal: the smallest halo whose error next to seams stays below this share of
            the output's spread, predicted, and measured where the module has weights.
        images: an array of images, batch axis first, to measure on; noise unless given.
        dtype: "float32", "float64", "float16" or "bfloat16"; that of the module's weights unless given.

    Raises:
        UsageError: the tile is too small or off the lattice, or an argument is none.
        ReadError: the model cannot be read.

    Example:
        >>> plan = tile_plan("C3-8 P2 C3-8", (1, 512, 512), tile=128)
        >>> plan.verdict, plan.halo, plan.lattice, plan.core
        ('equal', ((3, 3), (3, 3)), (2, 2), (120, 120))
    """
    from eyeshot.errors import UsageError
    from eyeshot.tile.family import Family
    from eyeshot.tile.plan import bytes_of, planned
    from eyeshot.tile.precision import bytes_per_number
    from eyeshot.tile.probe import probe
    from eyeshot.tile.tolerance import planned_within

    if memory is not None and tile is not None:
        raise UsageError("give either memory or tile, not both: a memory chooses the tile")
    limit = None if memory is None else bytes_of(memory)
    size = bytes_per_number(model, dtype)
    looked = probe(Family(model, input_shape), layer)
    if tolerance is None:
        return planned(looked, limit=limit, tile=tile, size=size)
    return planned_within(looked, tolerance, images, limit=limit, tile=tile, size=size)


def tiled(
    module: Any,
    plan: TilePlan | None = None,
    *,
    tile: int | Sequence[int] | None = None,
    memory: str | int | None = None,
    layer: str | None = None,
    layout: str | None = None,
    batch: int | None = None,
    tolerance: float | None = None,
    approximate: bool = False,
    verify: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Tiled:
    """A module that runs in tiles: called as the module is, it gives the module's output on the whole image.

    The image may be a tensor, a NumPy array, or anything that has a shape and can be sliced, such as a memory map or a
    zarr array; ``out=`` takes an array or a path to write to, where a run that was stopped goes on.

    Args:
        module: a torch.nn.Module, on any device; it runs in evaluation mode.
        plan: from ``tile_plan``; made for each image's size unless given.
        tile, memory, layer: as for ``tile_plan``.
        layout: the image's axes behind the batch, such as "HWC"; channels first unless given.
        batch: tiles at once; as many as fit into the memory unless given.
        tolerance: as for ``tile_plan``; measured on noise.
        approximate: run a network whose tiles differ from the whole image, and measure by how much.
        verify: compare with the whole image, or a part that fits; ``.difference`` is the largest difference.
        on_progress: told of the tiles that are done.

    Raises:
        UsageError: when called: tiles would differ, the tile is too small or off the lattice, or an array does not fit.

    Example:
        >>> import torch
        >>> module = torch.nn.Conv2d(1, 1, 5, padding=2)
        >>> x = torch.rand(1, 1, 100, 90)
        >>> bool((tiled(module, tile=32)(x) - module(x)).abs().max() < 1e-6)
        True
    """
    from eyeshot.errors import UsageError
    from eyeshot.tile.plan import bytes_of
    from eyeshot.tile.run import Options, Tiled

    if sum(option is not None for option in (plan, tile, memory)) > 1:
        raise UsageError("give one of plan, tile and memory: each of them tells the tile")
    options = Options(
        plan=plan,
        tile=tile,
        memory=None if memory is None else bytes_of(memory),
        layer=layer if plan is None or layer is not None else None,
        layout=layout,
        batch=batch,
        tolerance=tolerance,
        approximate=approximate,
        verify=verify,
        on_progress=on_progress,
    )
    return Tiled(module, options)
