"""What each output sees, on the page as `show` prints it."""

from __future__ import annotations

import torch

import eyeshot
from eyeshot.api.report import Report
from tests.page.conftest import Open


class Pyramid(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.fine(x)
        return [x, self.coarse(x)]


def pyramid() -> Report:
    return eyeshot.inspect(Pyramid(), (3, 32, 32))


def test_each_output_has_its_line_which_opens_it(opened: Open) -> None:
    page = opened(pyramid(), "alexnet")

    assert page.tab.inner_text(".outputs tbody").split() == [
        *("fine", "4×32×32", "3×3", "1", "−1", "0"),
        *("coarse", "4×16×16", "5×5", "2", "−2", "0"),
    ]
    page.tab.click(".outputs button >> text=fine")
    assert page.answer.startswith("fine[")
    page.tab.click("header.top button >> text=alexnet")
    page.settle()
    assert not page.tab.is_visible(".outputs")


def test_outputs_of_a_changed_design_are_not_told(opened: Open) -> None:
    page = opened(pyramid(), fragment="#layer=coarse&edit=fine~k5~p2")

    assert not page.tab.is_visible(".outputs")


def test_outputs_are_there_without_scripts(opened: Open) -> None:
    page = opened(pyramid(), java_script_enabled=False)

    assert "output\tmap\tsees\tstride\tstart\tcentre" in page.tab.inner_text("main, body")
