"""A halo smaller than the exact one: its error is predicted, measured, and below what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own usage)
from torch import nn

import eyeshot
from eyeshot.errors import UsageError
from eyeshot.tile.family import Family
from eyeshot.tile.probe import probe
from eyeshot.tile.tolerance import by_density, curve, halos
from tests.tile.nets import UNet


def blobs(n: int, size: int) -> torch.Tensor:
    """Smooth images with edges."""
    noise = torch.randn(n, 1, size // 8, size // 8)
    return F.interpolate(noise, size=(size, size), mode="bicubic").sign() * 0.5 + 0.5


@pytest.fixture(scope="module")
def denoiser() -> nn.Module:
    torch.manual_seed(0)
    net = UNet(2, c=6)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        clean = blobs(4, 64)
        loss = F.mse_loss(net(clean + 0.3 * torch.randn_like(clean)), clean.expand(-1, 2, -1, -1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval()


@pytest.mark.parametrize("asked", [1e-1, 1e-2])
def test_what_is_predicted_of_a_trained_network_is_measured_within_a_factor_of_two(
    denoiser: nn.Module, asked: float
) -> None:
    torch.manual_seed(1)
    images = blobs(8, 128) + 0.3 * torch.randn(8, 1, 128, 128)

    plan = eyeshot.tile_plan(denoiser, (1, 1024, 1024), tile=256, tolerance=asked, images=images)

    assert plan.verdict == "tolerance"
    assert plan.halo < plan.exact
    told = plan.tolerance
    assert told is not None
    assert told.measured is not None
    assert told.measured <= asked
    assert 0.5 < told.predicted / told.measured < 2


def test_tiles_within_a_tolerance_are_run(denoiser: nn.Module) -> None:
    torch.manual_seed(1)
    x = blobs(1, 256) + 0.3 * torch.randn(1, 1, 256, 256)
    run = eyeshot.tiled(denoiser, tile=128, tolerance=1e-2, verify=True)

    run(x)

    assert run.plan is not None
    assert run.plan.halo < run.plan.exact
    assert run.difference is not None
    assert 0 < run.difference < 0.1


def test_errors_fall_with_the_halo_to_nothing_at_the_exact_one() -> None:
    looked = probe(Family(UNet(2), (1, 256, 256)), None)
    errors = by_density(looked, halos(looked))

    assert halos(looked) == [0, 4, 8, 12, 16, 20, 24, 26]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0
    assert np.isclose(errors[0], 0.65, atol=0.1)


def test_work_grows_with_the_halo_and_errors_are_measured_to_fall(denoiser: nn.Module) -> None:
    steps = curve(probe(Family(denoiser, (1, 256, 256)), None), (48, 48))

    work, measured = [step.work for step in steps], [step.measured for step in steps]
    assert work[0] == 1
    assert work[-2:] == [None, None]  # 24 pixels on each side leave no core
    assert work[:-2] == sorted(work[:-2])
    assert measured[0] > 10 * measured[4] > 0
    assert measured[-1] <= 1e-6


def test_no_halo_helps_where_tiles_differ() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.InstanceNorm2d(2))

    with pytest.raises(UsageError, match="1 differs on tiles whatever their halo"):
        eyeshot.tile_plan(module, (1, 128, 128), tolerance=1e-2)


def test_a_tolerance_is_a_share() -> None:
    with pytest.raises(UsageError, match="tolerance 3: needed is a share"):
        eyeshot.tile_plan(UNet(1), (1, 128, 128), tolerance=3)
