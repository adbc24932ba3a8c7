"""Ops in their less usual forms: maps without batch axis, masks and tables, pieces without elements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import eyeshot
from eyeshot.api.report import Report
from eyeshot.read.torch import read_module
from tests.oracles.elements import Function, assert_every_element_is_read_as_the_module_says
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared
from tests.oracles.test_modules import Called

SHAPE = (1, 2, 12, 12)


def assert_sees_what_the_module_reads(module: nn.Module, shape: tuple[int, ...] = SHAPE, name: str = "after") -> Report:
    """Hulls of a layer's units equal what NaN says that is put into each line of the input."""
    report = Report(read_module(module, shape[1:], name="module", source="test"))
    assert report.is_exact, [note.text for note in report.notes]
    module = prepared(module)
    for a in range(len(shape) - 2):
        seen = hull_of(poisoned_lines(module, [name], shape, a + 2, one_by_one=True)[name])
        np.testing.assert_array_equal(report[name].hulls[a][0], seen[0], err_msg=f"axis {a}, first")
        np.testing.assert_array_equal(report[name].hulls[a][1], seen[1], err_msg=f"axis {a}, last")
    return report


class Joined(nn.Module):
    """Maps of several sizes flattened and put side by side, read by one layer, as spatial pyramid pooling does."""

    def __init__(self, channels: int, joint: int) -> None:
        super().__init__()
        self.before = nn.Conv2d(2, channels, 3, padding=1)
        self.after = nn.Linear(joint, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.before(x)
        return self.after(torch.cat([functional.adaptive_avg_pool2d(x, k).flatten(1) for k in (1, 2, 3)], 1))


class Constants(nn.Module):
    """A map weighted by what a function makes of weights."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function, self.weights = function, nn.Parameter(torch.rand(12, 12, 2) + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.function(self.weights)


MASK = torch.zeros(12, 12, dtype=torch.bool)
MASK[1:4, 2:9:2] = True
FORMS = {
    "max pool of maps without batch axis": Called(lambda x: functional.max_pool2d(x[0], 3, 2, 1)[None]),
    "average pool of one channel": Called(lambda x: functional.avg_pool2d(x[:, 1], 3, 1, 1)[:, None], channels=1),
    "pool of maps in three dimensions": Called(lambda x: functional.avg_pool3d(x, 2), channels=2),
    "pool with indices, without batch axis": Called(
        lambda x: functional.max_pool2d(x[0], 3, 2, 1, return_indices=True)[0][None]
    ),
    "convolution without batch axis": Called(
        nn.Sequential(nn.Flatten(0, 1), nn.Conv2d(4, 4, 3, 2), nn.Unflatten(0, (1, 4)))
    ),
    "transposed convolution without batch axis": Called(
        nn.Sequential(nn.Flatten(0, 1), nn.ConvTranspose2d(4, 4, 3, 2, groups=2), nn.Unflatten(0, (1, 4)))
    ),
    "pixel shuffle without batch axis": Called(lambda x: functional.pixel_shuffle(x[0], 2)[None], channels=1),
    "pixel shuffle of a batch of two axes": Called(lambda x: functional.pixel_shuffle(x[None], 2)[0], channels=1),
    "pixel unshuffle without batch axis": Called(lambda x: functional.pixel_unshuffle(x[0], 3)[None], channels=36),
    "an empty slice summed": Called(lambda x: x + x[:, :, :0].sum()),
    "an empty slice beside": Called(lambda x: torch.cat([x[:, :, :0], x, x[:, :, 12:]], 2)),
    "an empty slice through layers": Called(lambda x: torch.cat([functional.relu(x[:, :0]) * 2, x], 1)),
    "an empty slice of tokens behind attention": Called(
        lambda x: (lambda t: (t @ t.mT).softmax(-1)[:, :0].sum() + x)(x.flatten(2).mT)
    ),
    "a stack with a constant": Called(
        lambda x: torch.stack([torch.zeros_like(x)[:, :1], x[:, 1:2]], 2).flatten(1, 2), channels=2
    ),
    "a constant mask of one axis": Called(lambda x: x[:, :, torch.arange(12) % 3 > 0]),
    "a constant mask of two axes": Called(lambda x: x[:, :, MASK].view(1, 4, 3, 4)),
    "a constant mask of channels and rows": Called(lambda x: x[:, MASK[:4]].view(1, 1, -1, 12), channels=1),
    "weights of complex numbers": Called(Constants(lambda w: torch.view_as_complex(w).abs())),
    "windows of weights": Called(Constants(lambda w: w[:, 0].flatten().unfold(0, 12, 1)[:12, :12])),
    "strided weights": Called(Constants(lambda w: w.as_strided((12, 12), (1, 1)))),
    "windows of noise": Called(lambda x: x * torch.rand(14).unfold(0, 12, 1)[:1]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_hulls_of_ops_in_all_their_forms_equal_poisoning(name: str) -> None:
    assert_sees_what_the_module_reads(FORMS[name])


@pytest.mark.parametrize("channels", [1, 4])
def test_maps_of_several_sizes_flattened_and_joined_are_read_as_they_lie(channels: int) -> None:
    module = Joined(channels, channels * 14)

    report = Report(read_module(module, SHAPE[1:], name="joined", source="test"))

    assert report.is_exact
    assert report["after"].field.size == (14, 14)
    if channels == 1:  # one field per position: the whole, quarters, ninths
        firsts, lasts = report["concat"].hulls[0]
        assert firsts.tolist() == [0, 0, 0, 5, 5, *(0,) * 3, *(3,) * 3, *(7,) * 3]
        assert lasts.tolist() == [11, 6, 6, 11, 11, *(4,) * 3, *(8,) * 3, *(11,) * 3]


PICKED = {
    "a mask of every axis": lambda x: x[x > 0].sum() + x,
    "a mask of the positions": lambda x: x.permute(0, 2, 3, 1)[x.amax(1) > 0].mean(0) + x.permute(0, 2, 3, 1),
    "a mask read back as a map": lambda x: x.flatten()[(x > -9).flatten()].view(x.shape),
    "what a mask picks, doubled": lambda x: torch.index_put(x, (x > 0,), x[x > 0] * 2),
    "tables of data": lambda x: x[0, 0, 0][x.argmax(2)],
    "positions that are not zero": lambda x: x[torch.where(x != 0)].view(x.shape),
}


@pytest.mark.parametrize("name", PICKED)
def test_what_data_picks_is_a_bound_that_holds_all_that_it_may_be(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(
        Function(PICKED[name]), (1, 2, 3, 4), by_gradient=True, is_bound=True
    )


def test_tables_of_axes_apart_put_their_positions_in_front() -> None:
    module = Function(lambda x: x[torch.zeros(2, 3, dtype=torch.long), :, torch.arange(3)])

    assert_every_element_is_read_as_the_module_says(module, (1, 2, 3, 4))


def test_a_stack_of_vectors_of_which_no_axis_is_followed_has_no_field(tmp_path: Path) -> None:
    report = eyeshot.inspect(Function(lambda x: torch.stack([x, x * 2])), (6,))

    assert report.is_exact
    assert not report.layers[-1].hulls
    report.save_html(tmp_path / "page.html")


def test_a_factor_that_is_repeated_along_the_batch_may_be_reshaped_behind() -> None:
    def of_products(x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2)  # 1×2×12
        columns = x.transpose(0, 1).flatten(2).transpose(1, 2)  # 2×12×1
        return torch.matmul(rows, columns).reshape(2, 2)

    module = Function(of_products)
    assert_every_element_is_read_as_the_module_says(module, (1, 2, 3, 4))
