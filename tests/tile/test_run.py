"""The runner: any array goes in, a run that stopped goes on, and what cannot work is said before it is tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import eyeshot
from eyeshot.errors import RunError, UsageError
from tests.tile.nets import Pyramid, UNet
from tests.tile.preventing import Fn


@pytest.fixture
def unet() -> nn.Module:
    torch.manual_seed(0)
    return UNet(2).eval()


@pytest.fixture
def image() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).random((1, 1, 160, 132), dtype=np.float32)


def whole(module: nn.Module, image: Any) -> Any:
    with torch.no_grad():
        return module(torch.from_numpy(np.asarray(image))).numpy()


def test_memory_maps_are_read_and_written_by_tiles(unet: nn.Module, image: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", image)
    there = np.load(tmp_path / "in.npy", mmap_mode="r")

    eyeshot.tiled(unet, tile=96)(there, out=tmp_path / "out.npy")

    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), whole(unet, image), atol=1e-6)
    assert not (tmp_path / "out.npy.tiles").exists()


def test_a_run_that_stopped_goes_on_where_it_was(unet: nn.Module, image: Any, tmp_path: Path) -> None:
    def stop(progress: Any) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        eyeshot.tiled(unet, tile=96, on_progress=stop)(image, out=tmp_path / "out.npy")
    calls = []
    handle = unet.register_forward_hook(lambda *call: calls.append(1))
    run = eyeshot.tiled(unet, tile=96)
    run(image, out=tmp_path / "out.npy")
    handle.remove()

    assert run.plan is not None
    assert len(calls) == run.plan.tiles - 3
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), whole(unet, image), atol=1e-6)


def test_a_run_of_other_weights_is_not_gone_on_with(unet: nn.Module, image: Any, tmp_path: Path) -> None:
    def stop(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        eyeshot.tiled(unet, tile=96, on_progress=stop)(image, out=tmp_path / "out.npy")

    with pytest.raises(UsageError, match="another run"):
        eyeshot.tiled(UNet(2), tile=96)(image, out=tmp_path / "out.npy")


def test_a_disk_that_fills_up_keeps_the_finished_tiles(unet: nn.Module, image: Any) -> None:
    class Full(np.ndarray):  # type: ignore[type-arg]
        written = 0

        def __setitem__(self, place: Any, value: Any) -> None:
            if self.written == 2:
                raise OSError(28, "No space left on device")
            self.written += 1
            super().__setitem__(place, value)

    out = np.zeros((1, 2, 160, 132), np.float32).view(Full)

    with pytest.raises(RunError, match=r"tile 3 of .*No space left on device.*tiles before it are kept"):
        eyeshot.tiled(unet, tile=96)(image, out=out)


def test_an_output_of_another_shape_is_refused(unet: nn.Module, image: Any) -> None:
    with pytest.raises(UsageError, match=r"shape \(1, 1, 160, 132\), and its output \(1, 2, 160, 132\)"):
        eyeshot.tiled(unet, tile=96)(image, out=np.zeros((1, 1, 160, 132), np.float32))


@pytest.mark.parametrize(
    ("tile", "text"),
    [
        (40, "too small: needed are 60, for 26 and 26 pixels of halo around a core of 4"),
        (98, "off the lattice.*96 and 100"),
    ],
)
def test_tiles_that_cannot_be_are_refused(unet: nn.Module, image: Any, tile: int, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        eyeshot.tiled(unet, tile=tile)(image)


def test_numbers_that_are_none_stay_where_the_whole_image_has_them(unet: nn.Module, image: Any) -> None:
    image[0, 0, 70, 70] = np.nan

    run = eyeshot.tiled(unet, tile=96, verify=True)
    out = run(image)

    np.testing.assert_array_equal(np.isnan(out), np.isnan(whole(unet, image)))
    assert run.difference is not None
    assert run.difference < 1e-6


def test_outputs_come_nested_as_the_module_nests_them() -> None:
    torch.manual_seed(0)
    module, x = Pyramid().eval(), torch.rand(2, 1, 96, 80)

    out = eyeshot.tiled(module, tile=64)(x)

    with torch.no_grad():
        for name, values in module(x).items():
            torch.testing.assert_close(out[name], values)


def test_a_layer_inside_is_delivered(unet: nn.Module) -> None:
    x = torch.rand(1, 1, 160, 132)
    out = eyeshot.tiled(unet, tile=96, layer="down.1.5")(x)

    assert out.shape == (1, 3, 80, 66)


class Masked(nn.Module):
    """Takes a mask of the image's size and a number besides the image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 5, padding=2)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        out: torch.Tensor = self.conv(x * mask) * scale
        return out


def test_further_maps_are_cut_as_the_image_is() -> None:
    torch.manual_seed(0)
    module = Masked()
    x, mask = torch.rand(1, 1, 50, 40), (torch.rand(1, 1, 50, 40) > 0.5).float()

    out = eyeshot.tiled(module, tile=20)(x, mask, scale=3.0)

    with torch.no_grad():
        torch.testing.assert_close(out, module(x, mask, scale=3.0))


def test_a_module_in_training_is_run_in_evaluation_and_left_as_it_was(unet: nn.Module, image: Any) -> None:
    unet.train()

    out = eyeshot.tiled(unet, tile=96)(image)

    assert unet.training
    assert unet.down[0][1].training  # type: ignore[index]
    np.testing.assert_allclose(out, whole(unet.eval(), image), atol=1e-6)


def test_a_memory_chooses_the_tile_and_the_smallest_one_is_told_where_none_fits(unet: nn.Module) -> None:
    roomy = eyeshot.tile_plan(unet, (1, 2048, 2048), memory="20M")
    tight = eyeshot.tile_plan(unet, (1, 2048, 2048), memory="10k")

    assert roomy.fits
    assert roomy.memory.tile + roomy.memory.weights <= 20 * 2**20
    assert not tight.fits
    assert tight.tile == (60, 60)
    assert tight.memory.tile > 10 * 2**10


def test_zarr_arrays_are_read_and_written_by_tiles_and_gone_on_with(
    unet: nn.Module, image: Any, tmp_path: Path
) -> None:
    zarr = pytest.importorskip("zarr")
    source = zarr.open_array(str(tmp_path / "in.zarr"), mode="w", shape=image.shape, dtype=image.dtype)
    source[:] = image

    def stop(progress: Any) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        eyeshot.tiled(unet, tile=96, on_progress=stop)(source, out=tmp_path / "out.zarr")
    eyeshot.tiled(unet, tile=96)(source, out=tmp_path / "out.zarr")

    np.testing.assert_allclose(zarr.open_array(str(tmp_path / "out.zarr"))[:], whole(unet, image), atol=1e-6)


def test_a_zarr_group_or_an_array_of_another_type_is_not_written_over(
    unet: nn.Module, image: Any, tmp_path: Path
) -> None:
    zarr = pytest.importorskip("zarr")
    zarr.open_group(str(tmp_path / "group.zarr"), mode="w")
    zarr.open_array(str(tmp_path / "whole.zarr"), mode="w", shape=(1, 1, 160, 132), dtype="int16")

    for name in ("group", "whole"):
        with pytest.raises(UsageError, match="give another path"):
            eyeshot.tiled(unet, tile=96)(image, out=tmp_path / f"{name}.zarr")


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: x - x.mean(0, keepdim=True),
        lambda x: x / x.shape[0],
        lambda x: x + x.roll(1, 0),
        lambda x: x.view(-1, x.shape[0], *x.shape[1:]).cumsum(1).flatten(0, 1),
    ],
)
def test_images_that_a_network_mixes_are_refused_together_and_run_alone(mixed: Any) -> None:
    module = Fn(lambda s, x: mixed(x)).eval()
    x = torch.rand(2, 1, 80, 64)

    with pytest.raises(UsageError, match="give the 2 images one by one"):
        eyeshot.tiled(module, tile=32)(x)
    alone = eyeshot.tiled(module, tile=32, batch=4)(x[:1])

    assert float((alone - module(x[:1]).detach()).abs().max()) <= 1e-5


def test_no_number_in_the_image_comes_out_where_it_does_of_the_whole(unet: nn.Module, image: Any) -> None:
    image[0, 0, 70, 60] = np.nan
    run = eyeshot.tiled(unet, tile=96, verify=True)

    pieces = run(image)

    assert run.difference is not None
    assert run.difference < 1e-5
    np.testing.assert_array_equal(np.isnan(pieces), np.isnan(whole(unet, image)))


def test_a_difference_of_no_number_from_one_is_told_as_infinite() -> None:
    from eyeshot.tile.verify import _largest

    some, none = torch.tensor([1.0, torch.nan, torch.inf]), torch.tensor([1.5, torch.nan, torch.inf])

    assert _largest(some, none) == 0.5
    assert _largest(torch.tensor([1.0]), torch.tensor([torch.nan])) == torch.inf
