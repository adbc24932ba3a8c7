"""Positions that constants tell, however the constants are made: tables, grids and masks keep their numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import eyeshot
from tests.oracles.elements import Function, assert_every_element_is_read_as_the_module_says, elements_read
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared


def at(x: torch.Tensor, *numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, device=x.device)


TOLD: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a table written in forward": lambda x: x[:, at(x, 1, 0)],
    "two tables": lambda x: x[:, :, at(x, 0, 2, 1), at(x, 3, 0, 0)],
    "tables of several axes": lambda x: x[:, :, at(x, 0, 2).view(2, 1), at(x, 3, 1, 0).view(1, 3)],
    "a mask of numbers": lambda x: x[:, :, torch.tensor([True, False, True], device=x.device)],
    "gather, each row its own": lambda x: x.gather(2, torch.arange(24, device=x.device).view(1, 2, 3, 4) % 3),
    "gather, all rows alike": lambda x: x.gather(3, at(x, 3, 0, 1, 1).expand(1, 2, 3, 4)),
    "take along an axis": lambda x: torch.take_along_dim(x, at(x, 2, 0).view(1, 1, 2, 1), 2),
    "a question of a constant": lambda x: x * 2 if torch.ones(3, device=x.device).all() else x.flip(3),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_a_constant_tells_is_followed_number_by_number(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(Function(TOLD[name]), (1, 2, 3, 4))


class Sampled(nn.Module):
    """A map sampled by a grid that was made once: a quarter of the width further on."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        shift = torch.tensor([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]])
        self.register_buffer("grid", functional.affine_grid(shift, [1, 1, 4, 6], align_corners=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(self.conv(x), self.grid, align_corners=False)


@pytest.mark.parametrize("columns", [0.0, 0.8, 4.0, -2.5])
def test_a_grid_kept_in_a_buffer_is_followed_and_outside_it_sees_nothing(columns: float) -> None:
    net = Sampled().double()
    net.grid[..., 0] += columns * 2 / 6

    report = eyeshot.inspect(net, (1, 4, 6))

    assert report.is_exact
    bits = poisoned_lines(prepared_but_for_buffers(net), [""], (1, 1, 4, 6), 3)[""]
    for ends, expected in zip(report.layers[-1].hulls[1], hull_of(bits), strict=True):
        np.testing.assert_array_equal(ends, expected)


def prepared_but_for_buffers(net: Sampled) -> nn.Module:
    grid = net.grid.clone()
    prepared(net)
    net.grid.copy_(grid)
    return Batched(net)


class Batched(nn.Module):
    """The module image by image, as its grid is for one."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.net(image[None]) for image in x])


def test_a_mask_of_the_data_is_a_bound() -> None:
    report = eyeshot.inspect(Function(lambda x: x[x > 0.5]), (1, 3, 3))

    assert not report.is_exact
    assert report.layers[-1].hulls is not None


@pytest.mark.parametrize(("size", "kernel", "stride"), [(4, 2, 2), (5, 2, 2)])
def test_an_unpooled_position_depends_on_the_window_that_it_lies_in(size: int, kernel: int, stride: int) -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        values, places = functional.max_pool2d(x, kernel, stride, return_indices=True)
        return functional.max_unpool2d(values, places, kernel, stride, output_size=x.shape[2:])

    report = eyeshot.inspect(Function(function), (1, size, size))

    changes = np.zeros((size * size, size * size), dtype=bool)
    for seed in range(200):
        x = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(seed))
        for pixel in range(size * size):
            other = x.clone()
            other.view(-1)[pixel] = 2.0
            changes[:, pixel] |= (function(other) != function(x)).flatten().numpy()
    assert report.is_exact
    np.testing.assert_array_equal(elements_read(report.network, report.layers[-1].name), changes)
