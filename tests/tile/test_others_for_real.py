"""What a plan says of other runners, held against those runners, where they are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import eyeshot
from eyeshot.tile.others import settings_for
from eyeshot.tile.plan import TilePlan
from tests.tile.nets import UNet

SIDE, TILE = 208, 96


@pytest.fixture(scope="module")
def net() -> torch.nn.Module:
    torch.manual_seed(0)
    return UNet(2, "transposed").double().eval()


def differs(net: torch.nn.Module, tiled: Callable[[TilePlan, torch.Tensor], torch.Tensor]) -> np.ndarray:
    """Where another runner's output is not the whole image's; rows by columns."""
    plan = eyeshot.tile_plan(net, (1, SIDE, SIDE), tile=TILE)
    image = torch.randn(1, 1, SIDE, SIDE, dtype=torch.float64)
    with torch.no_grad():
        gap = (tiled(plan, image) - net(image)).abs().amax((0, 1))
    return (gap > 1e-9).numpy()


def test_careamics_is_equal_on_the_lattice(net: torch.nn.Module) -> None:
    spec = importlib.util.find_spec("careamics")
    if spec is None or spec.origin is None:
        pytest.skip("careamics is not installed")
    patching = _module(Path(spec.origin).parent / "dataset" / "patching" / "tiled_patching.py")

    def tiled(plan: TilePlan, image: torch.Tensor) -> torch.Tensor:
        settings = settings_for(plan, "careamics")
        assert settings.can_be_equal
        strategy = patching.TiledPatching(
            [(1, 1, SIDE, SIDE)], settings.settings["tile_size"], settings.settings["tile_overlap"]
        )
        out = torch.zeros(1, 2, SIDE, SIDE, dtype=torch.float64)
        for tile in strategy.tile_specs:
            (y, x), (h, w) = tile["coords"], tile["patch_size"]
            (top, left), (rows, columns), (to, at) = tile["crop_coords"], tile["crop_size"], tile["stitch_coords"]
            given = net(image[..., y : y + h, x : x + w])
            out[..., to : to + rows, at : at + columns] = given[..., top : top + rows, left : left + columns]
        return out

    assert not differs(net, tiled).any()


def test_bioimageio_is_equal_but_for_the_border(net: torch.nn.Module) -> None:
    blocks = pytest.importorskip("bioimageio.core.block_meta", reason="bioimageio.core is not installed")
    halo = []

    def tiled(plan: TilePlan, image: torch.Tensor) -> torch.Tensor:
        settings = settings_for(plan, "bioimageio")
        assert not settings.can_be_equal
        size, side = settings.settings["inputs.axes"][0]["size"], settings.settings["outputs.axes"][0]["halo"]
        halo.append(side)
        shape = {"y": SIDE, "x": SIDE}
        block = dict.fromkeys(shape, size["min"] + 10 * size["step"])
        out = torch.zeros(1, 2, SIDE, SIDE, dtype=torch.float64)
        for each in blocks.split_shape_into_blocks(shape, block, dict.fromkeys(shape, side))[1]:
            outer, inner, local = each.outer_slice, each.inner_slice, each.local_slice
            piece = image[0, 0, outer["y"].start : outer["y"].stop, outer["x"].start : outer["x"].stop].numpy()
            piece = np.pad(piece, [tuple(each.padding[a]) for a in "yx"], mode="symmetric")
            given = net(torch.from_numpy(piece)[None, None])
            at = tuple(slice(local[a].start, local[a].stop) for a in "yx")
            out[(..., *(slice(inner[a].start, inner[a].stop) for a in "yx"))] = given[(..., *at)]
        return out

    wrong = differs(net, tiled)
    inside = slice(halo[0], -halo[0])
    assert wrong.any()
    assert not wrong[inside, inside].any()


def test_monai_steps_as_said_and_is_not_equal_where_it_blends(net: torch.nn.Module) -> None:
    inferers = pytest.importorskip("monai.inferers.utils", reason="monai is not installed")

    def tiled(plan: TilePlan, image: torch.Tensor) -> torch.Tensor:
        settings = settings_for(plan, "monai")
        assert not settings.can_be_equal
        s = settings.settings
        return inferers.sliding_window_inference(image, s["roi_size"], 1, net, overlap=s["overlap"], mode=s["mode"])

    assert differs(net, tiled).any()


def _module(path: Path) -> Any:
    """A file of a package whose own imports need more than is there."""
    source = path.read_text(encoding="utf-8").replace("from .patch_specs import TileSpecs", "TileSpecs = dict")
    scope: dict[str, Any] = {"__name__": path.stem}
    exec(compile(source, str(path), "exec"), scope)  # the installed package's own code, as importing it would run
    return type("Module", (), scope)
