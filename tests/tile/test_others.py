"""Settings for other runners: what their rules make of the plan, and whether they can be equal with it."""

from __future__ import annotations

import pytest
from torch import nn

import eyeshot
from eyeshot.errors import UsageError
from eyeshot.tile.others import settings_for
from tests.tile.nets import UNet


def test_bioimageio_cuts_the_halo_on_the_lattice_and_mirrors_the_image_at_its_border() -> None:
    plan = eyeshot.tile_plan(UNet(2), (1, 1024, 1024), tile=256)

    settings = settings_for(plan, "bioimageio")

    assert settings.settings["outputs.axes"] == [{"halo": 28}, {"halo": 28}]
    assert settings.settings["inputs.axes"] == [{"size": {"min": 60, "step": 4}}] * 2
    assert not settings.can_be_equal
    assert "a mirror of the image" in settings.why
    assert "[28, 28] pixels inside the border it is equal" in settings.why
    assert settings_for(eyeshot.tile_plan(nn.Conv2d(1, 2, 4, 4), (1, 256, 256), tile=64), "bioimageio").can_be_equal


def test_careamics_takes_both_sides_together_and_is_equal_on_the_lattice_only() -> None:
    on, off = (eyeshot.tile_plan(nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.MaxPool2d(2)), (1, n, n), tile=128)
               for n in (512, 511))  # fmt: skip

    assert settings_for(on, "careamics").settings == {"tile_size": [128, 128], "tile_overlap": [4, 4]}
    assert settings_for(on, "careamics").can_be_equal
    assert not settings_for(off, "careamics").can_be_equal


@pytest.mark.parametrize("runner", ["monai", "nnunet", "diffusers"])
def test_runners_that_blend_cannot_be_equal(runner: str) -> None:
    plan = eyeshot.tile_plan(UNet(2), (1, 1024, 1024), tile=256)

    settings = settings_for(plan, runner)

    assert not settings.can_be_equal
    assert "blends" in settings.why


def test_no_runner_is_equal_where_tiles_are_not() -> None:
    plan = eyeshot.tile_plan(nn.Sequential(nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2)), (1, 512, 512), tile=128)

    settings = settings_for(plan, "bioimageio")

    assert not settings.can_be_equal
    assert "instance norm" in settings.why


def test_an_unknown_runner_is_told_which_there_are() -> None:
    with pytest.raises(UsageError, match="bioimageio, monai, careamics, nnunet, diffusers"):
        settings_for(eyeshot.tile_plan("C3-8", (1, 64, 64)), "none")


@pytest.mark.parametrize("tile", [100, 152, 256, 508])
def test_shares_lose_no_pixel_of_a_step(tile: int) -> None:
    """MONAI and diffusers cut off: int(roi · (1 − overlap))."""
    plan = eyeshot.tile_plan(UNet(2), (1, 1024, 1024), tile=tile)
    step = tile - 2 * 28

    (overlap, _), factor = (
        settings_for(plan, "monai").settings["overlap"],
        settings_for(plan, "diffusers").settings["tile_overlap_factor"],
    )

    assert int(tile * (1 - overlap)) == step
    assert int(tile * (1 - factor)) == step


def test_without_a_halo_monai_is_equal_where_its_last_tile_lies_on_the_lattice() -> None:
    on, off = (eyeshot.tile_plan(nn.Conv2d(1, 2, 4, 4), (1, n, n), tile=t) for n, t in ((256, 64), (258, 66)))

    assert settings_for(on, "monai").can_be_equal
    assert not settings_for(off, "monai").can_be_equal


def test_a_decoders_tile_is_of_latents() -> None:
    decoder = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Upsample(scale_factor=8), nn.Conv2d(4, 3, 3, padding=1))

    settings = settings_for(eyeshot.tile_plan(decoder, (4, 256, 256), tile=64), "diffusers").settings

    assert (settings["tile_latent_min_size"], settings["tile_sample_min_size"]) == (64, 512)
