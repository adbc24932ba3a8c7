"""The page is for everyone: assistive technology, keyboard alone, small screens, zoom, high contrast, no scripts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.page.conftest import Open, Opened

TABS = ["field", "effective", "cost", "compare", "why", "graph", "data"]


def violations(page: Opened) -> list[Any]:
    """What axe finds wrong: rule, and the elements."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None, "axe-playwright-python brings axe-core"
    assert spec.origin is not None
    axe = (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    page.tab.evaluate(f"() => {{ {axe} }}")
    found = page.tab.evaluate("async () => (await axe.run(document)).violations")
    return [(each["id"], [(node["html"][:160], node["failureSummary"][:200]) for node in each["nodes"][:3]])
            for each in found]  # fmt: skip


def assert_axe_finds_nothing(page: Opened) -> None:
    for tab in TABS:
        page.tab.click(f"#tab-{tab}")
        page.settle()
        assert violations(page) == [], tab


def test_axe_finds_nothing_wrong(opened: Open) -> None:
    assert_axe_finds_nothing(opened("alexnet", "alexnet-alternating", bypass_csp=True))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [{}, {"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str)
@pytest.mark.parametrize("width", [1440, 1024, 360])
def test_axe_finds_nothing_wrong_at_any_width_in_any_colours(opened: Open, width: int, scheme: dict[str, str]) -> None:
    size = {"width": width, "height": 900}
    page = opened("alexnet", "alexnet-alternating", viewport=size, bypass_csp=True, **scheme)
    assert_axe_finds_nothing(page)


@pytest.mark.slow
def test_axe_finds_nothing_wrong_where_a_change_does_not_fit_or_a_pixel_is_selected(opened: Open) -> None:
    for fragment in ("#layer=conv3&edit=conv3~k15~p0", "#layer=conv4&edit=conv3~d2", "#point=40,50&layer=pool2"):
        assert violations(opened("alexnet", fragment=fragment, bypass_csp=True)) == [], fragment


def test_a_tour_by_keyboard_alone(opened: Open) -> None:
    page = opened("alexnet", "alexnet-alternating")
    keys = page.tab.keyboard

    def selected() -> str:
        page.settle()
        return str(page.tab.get_attribute("[role=tab][aria-selected=true]", "id"))

    def focus_on(selector: str) -> None:
        for _ in range(80):
            keys.press("Tab")
            if page.tab.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"Tab never comes to {selector}")

    focus_on(".row-name")
    keys.press("ArrowUp")
    keys.press("ArrowUp")
    assert page.answer.startswith("conv3[6,6]"), "focus previews"
    keys.press("Enter")
    assert page.fragment == "#layer=conv3&unit=6,6"

    focus_on("[role=tab]")
    keys.press("ArrowLeft")
    assert selected() == "tab-data"
    keys.press("Home")
    assert selected() == "tab-field"

    focus_on(".picture canvas")
    keys.press("ArrowUp")
    assert page.answer.startswith("conv3[5,6]")
    keys.press("Shift+ArrowRight")
    assert page.answer.startswith("Pixel [113,114] is seen by")
    keys.press("Escape")
    assert page.answer.startswith("conv3[5,6]")

    focus_on("[aria-label='kernel more']")
    keys.press("Enter")
    page.settle()
    assert "conv3 kernel 5" in page.tab.inner_text(".changed")


def test_the_answer_is_announced_and_the_layers_are_a_table(opened: Open) -> None:
    page = opened("alexnet")

    assert page.tab.get_attribute("#answer", "aria-live") == "polite"
    assert page.tab.locator("table.ledger tbody th[scope=row]").count() == 11
    assert page.tab.locator("table.ledger thead th[scope=col]").count() >= 10


def test_nothing_sticks_out_sideways(opened: Open) -> None:
    page = opened("alexnet", "alexnet-alternating")
    for width in (1280, 640, 360):
        page.tab.set_viewport_size({"width": width, "height": 740})
        for tab in TABS:
            page.tab.click(f"#tab-{tab}")
            page.settle()
            assert page.tab.evaluate("document.documentElement.scrollWidth") <= width, (width, tab)


def test_at_twice_the_size_everything_is_still_there(opened: Open) -> None:
    page = opened("alexnet", viewport={"width": 640, "height": 400}, device_scale_factor=2)

    assert page.tab.is_visible("#answer")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 640
    page.tab.locator(".picture canvas").scroll_into_view_if_needed()
    assert page.tab.is_visible(".picture canvas")


def test_numbers_of_the_ledger_are_never_cut(opened: Open) -> None:
    page = opened("alexnet", viewport={"width": 360, "height": 740})
    cut = page.tab.evaluate(
        "[...document.querySelectorAll('.ledger td')].filter((cell) => cell.scrollWidth > cell.clientWidth + 1)"
        ".map((cell) => cell.textContent)"
    )

    assert cut == []


def test_high_contrast_keeps_selection_and_signs(opened: Open) -> None:
    page = opened("alexnet", forced_colors="active")

    assert page.complaints == []
    assert page.tab.is_visible(".badge")


def test_without_scripts_one_reads_verdict_ledger_and_cone(opened: Open) -> None:
    page = opened("alexnet", "alexnet-alternating", java_script_enabled=False)
    text = page.tab.inner_text("body")

    assert "The last convolution, conv5, sees 163×163: 51.6 % of the 227×227 input." in text
    assert "from here on every unit sees the whole image" in text
    assert page.tab.locator("noscript svg rect, .plain svg rect").count() > 8
    assert page.complaints == []
