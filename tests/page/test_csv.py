"""The page's CSV is the command's, byte for byte, also where names are made to harm who opens it."""

from __future__ import annotations

import pytest
import torch

from eyeshot.api import inspect
from eyeshot.api.report import Report
from eyeshot.cli.options import as_csv_text
from eyeshot.report.ledger import records
from tests.page.conftest import Open
from tests.page.test_untrusted import renamed

_FORMULAS = ['=HYPERLINK("http://x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "−1", "\x1b]0;title\x07\u202e\x9b"]


@pytest.mark.parametrize(
    "report",
    [
        inspect("alexnet"),
        inspect("C3-8 [A2 | P2] C3s2-4 F10", (1, 400, 400)),
        inspect("C3s2-4 C3-4", (1, 9, 11, 7)),
        inspect(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Upsample(scale_factor=4)), (1, 9, 9)),
        renamed(_FORMULAS),
    ],
    ids=["alexnet", "branches", "volumes", "halves", "formulas"],
)
def test_the_page_s_csv_is_the_command_s(report: Report, opened: Open) -> None:
    page = opened(report)
    page.tab.click("#tab-data")
    page.settle()

    with page.tab.expect_download() as download:
        page.tab.click("a[download='layers.csv']")

    text = download.value.path().read_text("utf-8")
    assert text == as_csv_text(records(report))
