"""The first layers by patches: MCUNetV2's published case, and what cannot be split."""

from __future__ import annotations

import pytest
from torch import nn

import eyeshot
from eyeshot.errors import UsageError
from eyeshot.tile.split import best, split


def test_mobilenet_v2_in_patches_of_75_pixels_as_published() -> None:
    """Lin et al. 2021, section 3: 4×4 patches of side 75, 42 % more work in the stage, 172 kB instead of 1,372 kB."""
    network = eyeshot.inspect("torchvision:mobilenet_v2", (3, 224, 224)).network

    made = split(network, "features.4.conv.2", 4)

    assert made.side == (75, 75)
    assert made.overlap == (19, 19)
    assert round(100 * made.extra, 1) == 41.9
    assert round(made.whole / 1024) == 1372
    assert round(made.peak / 1024) == 172


def test_one_patch_is_the_whole() -> None:
    network = eyeshot.inspect("C3s2-8 C3-16 C3s2-16", (3, 64, 64)).network

    made = split(network, "conv2", 1)

    assert made.side == (64, 64)
    assert made.extra == 0


def test_the_best_split_for_a_memory_has_the_least_work_that_fits() -> None:
    network = eyeshot.inspect("C3-8 C3s2-16 C3s2-32 C3-32", (3, 64, 64)).network
    whole = split(network, "conv3", 1)

    chosen = best(network, whole.whole // 2)

    assert chosen.peak <= whole.whole // 2
    assert chosen.extra_in_all < 1


def test_what_reads_the_whole_map_is_not_split() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1))
    network = eyeshot.inspect(net, (3, 32, 32)).network

    with pytest.raises(UsageError, match="reads the map as a whole"):
        split(network, "2", 1)


def test_a_map_has_as_many_patches_as_positions_at_most() -> None:
    network = eyeshot.inspect("C3s2-8 P2", (3, 16, 16)).network

    with pytest.raises(UsageError, match="patches"):
        split(network, "pool1", 9)


def test_a_modules_name_stands_for_the_layer_that_gives_its_output() -> None:
    block = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    network = eyeshot.inspect(nn.Sequential(block, nn.MaxPool2d(2), nn.Conv2d(4, 4, 3)), (3, 32, 32)).network

    assert split(network, "0", 2) == split(network, "0.1", 2)
