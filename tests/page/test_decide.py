"""The tab of advice: findings in the words of `advise`, objects over maps, and moves as `rewrite` reads them back."""

from __future__ import annotations

import html
from math import log2
from typing import Any

import pytest

import eyeshot
from eyeshot.api.advice import Advice
from eyeshot.report.wording import field_size, short
from eyeshot.view.export import page as html_page
from tests.page.conftest import Open, Opened
from tests.page.test_everyone import violations

DESIGN, SHAPE = "C7s2-16 P3s2 C3-16 C3s2-32 C3-32 G F10", (3, 32, 32)


def shown(opened: Open, advice: Advice, **options: Any) -> Opened:
    return opened(advice.report, decide=[advice.entry()], bypass_csp=True, **options)


def test_the_tab_tells_what_advise_tells_and_a_move_what_rewrite_reads_back(opened: Open) -> None:
    advice = eyeshot.advise(DESIGN, SHAPE, objects="4-40")
    page = shown(opened, advice, fragment="#tab=decide")

    told = page.tab.locator(".findings > li > p:first-child").all_inner_texts()
    assert told == [f"{each['kind']}: {each['says']}" for each in advice.to_json()["findings"]]
    doublings = log2(max(each.field for each in advice.maps))
    band = page.tab.locator(".reach-objects").first
    x, width = (float(band.get_attribute(name) or 0) for name in ("x", "width"))
    assert x == pytest.approx(100 * log2(4) / doublings)
    assert x + width == pytest.approx(100 * log2(40) / doublings)

    page.tab.click(".findings [data-move='stem:fine']")
    page.settle()
    assert "move=stem%3Afine" in page.fragment
    after = eyeshot.rewrite(DESIGN, "stem:fine", input_shape=SHAPE)
    facts = page.tab.inner_text(".move .totals")
    assert f"{short(after.before.totals.macs)} → {short(after.after.totals.macs)}" in facts
    rows = {row.split("\t")[0]: row.split("\t") for row in page.tab.inner_text(".move tbody").splitlines()}
    a, b = after.before["conv2"], after.after["conv2"]
    assert rows["conv2"][1] == f"{field_size(a.field)} → {field_size(b.field)}"
    assert rows["conv2"][3:5] == [f"{short(x)} → {short(y)}" for x, y in
                                  ((a.macs, b.macs), (a.activations, b.activations))]  # fmt: skip
    assert rows["pool1"][-1] == "gone"
    assert violations(page) == []
    page.tab.click(".findings [data-move='stem:fine']")
    page.settle()
    assert page.tab.inner_text(".move") == ""
    assert not page.complaints


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 800}}, {"forced_colors": "active"}],
    ids=str,
)
def test_the_tab_is_for_everyone(opened: Open, options: dict[str, Any]) -> None:
    for objects, move in (("4-40", "stem:fine"), (None, "blur-pool")):
        advice = eyeshot.advise(DESIGN, SHAPE, objects=objects)
        page = shown(opened, advice, fragment=f"#tab=decide&move={move}", **options)

        assert violations(page) == []
        assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not page.complaints


def test_the_findings_are_told_without_scripts() -> None:
    advice = eyeshot.advise(DESIGN, SHAPE)
    text = html_page([advice.report], decide=[advice.entry()]).partition("<noscript>")[2].partition("</noscript>")[0]

    for finding in advice.to_json()["findings"]:
        assert html.escape(finding["says"]) in text


@pytest.mark.slow
def test_a_sound_network_is_told_nothing_and_has_its_moves_and_an_unknown_one_is_complained_of(opened: Open) -> None:
    page = shown(opened, eyeshot.advise("patchgan"), fragment="#tab=decide&move=stem:none")

    text = page.tab.inner_text(".decide-tab")
    assert "Nothing is wrong" in text
    assert "blur-pool" in text
    assert "no move stem:none was made of patchgan" in page.tab.inner_text("main")
