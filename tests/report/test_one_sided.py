"""Units that see all up to their own place, however long the input is, are told so and not by the input's length."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import eyeshot
from eyeshot.report.reasons import headline, reasons, to_json, without_sum
from eyeshot.report.verdict import on_one
from eyeshot.report.wording import field_size
from tests.oracles.elements import Function


class Tagger(nn.Module):
    """A convolution, a recurrent layer, and what each position says, or the last state does."""

    def __init__(self, *, ends: bool = False) -> None:
        super().__init__()
        self.conv, self.rnn, self.head = nn.Conv1d(3, 3, 3, padding=1), nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)
        self.ends = ends

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out, (last, _) = self.rnn(self.conv(x.transpose(1, 2)).transpose(1, 2))
        return self.head(last[0] if self.ends else out)  # type: ignore[no-any-return]


@pytest.mark.parametrize("length", [10, 50])
def test_a_layer_of_one_direction_sees_all_before_whatever_the_length(length: int) -> None:
    report = eyeshot.inspect(Tagger(), f"{length}x3:TC")
    head = report["head"]

    assert field_size(head.field) == "all before"
    assert headline(head) == f"sees all before it of {length}"
    assert "from rnn on: each unit sees all before it, so no sum" in without_sum(reasons(head)[0])
    assert head.to_dict()["field"]["one_sided"] == ["before"]
    assert to_json(head)["axes"][0]["one_sided"] == "before"
    assert ">all before<" in report._repr_html_()
    assert head.unit(4).hull.clipped == ((0, 5),)
    assert eyeshot.effective(Tagger(), "head", unit=(4,), input_shape=f"{length}x3:TC").field_size == (6,)


def test_its_last_state_sees_the_input_once() -> None:
    report = eyeshot.inspect(Tagger(ends=True), "50x3:TC")

    assert report["head"].field.size == (50,)
    assert report["head"].field.is_global
    assert report["head"].field.one_sided is None
    assert headline(report["head"]) == "reads all positions of rnn and so sees 50 pixels"


def test_what_runs_backwards_sees_all_after() -> None:
    report = eyeshot.inspect(Function(lambda x: x.flip(2).cumsum(2).flip(2)), (2, 9))

    assert field_size(report.layers[-1].field) == "all after"
    assert report.layers[-1].unit(3).hull.clipped == ((3, 8),)


def test_of_a_map_one_axis_alone_is_told_so() -> None:
    net = Function(lambda conv, x: conv(x.cumsum(2)), nn.Conv2d(2, 3, 3, padding=1))
    report = eyeshot.inspect(net, (2, 9, 12))

    assert field_size(report.layers[-1].field) == "all before×3"
    assert "sees 9×3 pixels at most, all before×3." in on_one(report)


def test_queries_that_see_the_last_pixels_and_queries_that_do_not_see_no_half_of_the_image() -> None:
    """A query's keys come from windows that leave out the last two pixels: it sees 0 … 13, or 0 … 15."""

    class Pairs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.keys = nn.Conv1d(3, 3, 4, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mT @ self.keys(x)

    pairs = eyeshot.inspect(Pairs(), (3, 16)).layers[-1]

    assert pairs.unit(0).hull.clipped != pairs.unit(15).hull.clipped
    assert pairs.field.one_sided is None
