"""The tab of published claims: those that bear on a design, in Python's words, open to everyone."""

from __future__ import annotations

import html
from typing import Any

import pytest

import eyeshot
from eyeshot.report.published import amount, ends
from eyeshot.view.export import page as html_page
from tests.page.conftest import Open
from tests.page.test_everyone import violations

DESIGN, SHAPE = "C3-16 P3s2 C3-16 C3-32 P3s2 C3-32 G F10", (3, 32, 32)


def test_the_tab_tells_what_bears_on_the_design_and_opens_its_layers(opened: Open) -> None:
    report = eyeshot.inspect(DESIGN, SHAPE)
    page = opened(report, fragment="#tab=claims", bypass_csp=True)

    assert page.tab.locator(".claim h2").all_inner_texts() == [each.title for each in report.published]
    rows = [row.split("\t") for row in page.tab.locator(".claim tbody tr").all_inner_texts()]
    outcomes = [outcome for each in report.published for outcome in each.outcomes]
    assert [row[:2] for row in rows] == [[each.says, each.verdict] for each in outcomes]
    for (_, _, measured, *_), each in zip(rows, outcomes, strict=True):
        assert measured.startswith(amount(each))
        assert each.interval is None or ends(each, each.interval) in measured
    pools = page.tab.locator(".claim", has_text="Pools after some").locator(".row-name")
    assert pools.all_inner_texts() == ["pool1", "pool3"]
    pools.nth(1).click()
    page.settle()
    assert "layer=pool3" in page.fragment
    assert violations(page) == []
    assert not page.complaints


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 800}}, {"forced_colors": "active"}],
    ids=str,
)
def test_the_tab_is_for_everyone(opened: Open, options: dict[str, Any]) -> None:
    page = opened(eyeshot.inspect(DESIGN, SHAPE), fragment="#tab=claims", bypass_csp=True, **options)

    assert violations(page) == []
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_where_nothing_bears_on_a_design_there_is_no_tab(opened: Open) -> None:
    page = opened(eyeshot.inspect("C9s2-8 C9s2-16", (1, 512)), fragment="#tab=claims")

    assert page.tab.locator("#tab-claims").count() == 0
    assert "no view is called claims" in page.tab.inner_text("main")


def test_claims_are_told_without_scripts() -> None:
    report = eyeshot.inspect(DESIGN, SHAPE)
    text = html_page([report]).partition("<noscript>")[2].partition("</noscript>")[0]

    for each in report.published:
        assert html.escape(each.claim) in text
        assert all(html.escape(amount(outcome)) in text for outcome in each.outcomes)
