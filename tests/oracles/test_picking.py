"""Ops that read positions by numbers: fixed tables exactly, positions that depend on the data as bounds that hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from eyeshot import inspect
from eyeshot.api.report import Report
from eyeshot.read.torch import read_module
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared
from tests.oracles.test_modules import Called

TABLE = torch.tensor([7, 3, 0, 3, 9, 1])
STEP = torch.arange(1, 12, 3)
THETA = torch.tensor([[[0.5, 0.0, 0.2], [0.0, 0.8, 0.0]]])
TURNED = torch.tensor([[[0.6, 0.5, 0.0], [-0.4, 0.7, 0.1]]])


def sampled(theta: torch.Tensor, mode: str = "bilinear", padding_mode: str = "zeros") -> nn.Module:
    grid = functional.affine_grid(theta, [1, 2, 9, 9], align_corners=False)

    def sample(x: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(x, grid.to(x).expand(len(x), -1, -1, -1), mode, padding_mode, align_corners=False)

    return Called(sample)


EXACT = {
    "rows by a table": Called(lambda x: x[:, :, TABLE]),
    "rows by a table of two axes": Called(lambda x: x[:, :, TABLE.view(2, 3)].flatten(2, 3)),
    "rows by a list": Called(lambda x: x[:, :, [7, 3, 0, 3, 9, 1]]),
    "columns by index_select": Called(lambda x: x.index_select(3, TABLE)),
    "every third column": Called(lambda x: x[..., STEP]),
    "channels by a table": Called(
        lambda x: torch.cat([x[:, :2], functional.max_pool2d(x[:, 2:], 3, 1, 1)], 1)[:, torch.tensor([3, 0, 2])],
        channels=3,
    ),
    "a table that forward makes": Called(lambda x: x[:, :, torch.arange(10, 1, -2, device=x.device)]),
    "a grid along the axes": sampled(THETA),
    "a grid along the axes, nearest": sampled(THETA, "nearest", "border"),
    "rolled over all": Called(lambda x: x.roll(30)),
    "rows moved": Called(lambda x: x.movedim(2, 3).movedim(3, 2)),
}
BOUNDED = {
    "gathered": Called(lambda x: x.gather(2, x.argsort(2))),
    "a grid across the axes": sampled(TURNED),
    "a grid that depends on the data": Called(
        lambda x: functional.grid_sample(x, x[:, :2].movedim(1, -1).tanh(), align_corners=False)
    ),
    "fractional pooling": Called(nn.FractionalMaxPool2d(3, output_size=5)),
    "unpooled where windows overlap": Called(
        lambda x: functional.max_unpool2d(*functional.max_pool2d(x, 3, 2, 1, return_indices=True), 3, 2, 1, x.shape)
    ),
    "scattered": Called(lambda x: torch.zeros_like(x).scatter_add(2, x.argsort(2), x)),
}


@pytest.mark.parametrize("name", [*EXACT, *BOUNDED])
def test_hulls_equal_poisoning_or_hold_it(name: str) -> None:
    module = (EXACT | BOUNDED)[name]
    shape = (1, 2, 12, 12)
    report = Report(read_module(module, shape[1:], name=name, source="test"))
    last = report["after"]
    module = prepared(module)

    assert report.is_exact == (name in EXACT), [note.text for note in report.notes]
    for a, axis in enumerate((2, 3)):
        first, end = hull_of(poisoned_lines(module, ["after"], shape, axis, one_by_one=True)["after"])
        if name in EXACT:
            np.testing.assert_array_equal(last.hulls[a][0], first, err_msg=f"axis {axis}, first")
            np.testing.assert_array_equal(last.hulls[a][1], end, err_msg=f"axis {axis}, last")
        else:
            sees = end >= first
            assert np.all(last.hulls[a][0][sees] <= first[sees])
            assert np.all(last.hulls[a][1][sees] >= end[sees])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sort(3).values,
        lambda x: x.topk(5, 3).values,
        lambda x: x.median(3, keepdim=True).values,
        lambda x: x.kthvalue(4, 3, keepdim=True).values,
    ],
    ids=["sort", "topk", "median", "kthvalue"],
)
def test_an_order_statistic_sees_its_row_as_a_maximum_does(
    function: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """NaN is no witness here, since it sorts last: every value of the row is swung from far below to far above."""
    report = Report(read_module(Called(function), (2, 12, 12), name="ordered", source="test"))
    x = torch.rand(1, 2, 12, 12)
    changed = []
    for i in range(12):
        low, high = x.clone(), x.clone()
        low[..., i], high[..., i] = -1e3, 1e3
        changed.append(bool((function(low) != function(high)).all()))

    assert all(changed)
    assert report.is_exact
    assert report.layers[-2].field.size == (3, 14)


def test_a_bound_says_which_op_reads_by_the_data() -> None:
    report = inspect(BOUNDED["gathered"], (2, 12, 12))

    assert any("the op gather reads positions that depend on the data" in note.text for note in report.notes)


def test_a_fractional_pool_is_bounded_by_its_windows() -> None:
    """Graham 2014, section 2: windows of 3 at steps of (12 − 3)/(5 − 1) = 2.25 start at most one apart from i·2.25."""
    first, last = inspect(nn.FractionalMaxPool2d(3, output_size=5), (2, 12, 12)).layers[-1].hulls[0]

    assert first.tolist() == [0, 2, 4, 6, 9]
    assert last.tolist() == [2, 5, 7, 9, 11]


def test_a_table_without_numbers_is_a_bound_that_says_so() -> None:
    class Tabled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", TABLE.clone())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, self.table]

    bound = inspect(Tabled().to_empty(device="meta"), (2, 12, 12))

    assert inspect(Tabled(), (2, 12, 12)).is_exact
    assert "by a table whose numbers are not in memory" in bound.notes[0].text
    assert bound.layers[-1].field.size == (12, 1)
