"""The tab of tiles: the same tiles and work as Python plans, shown, moved over and read by everyone."""

from __future__ import annotations

from typing import Any

import pytest

import eyeshot
from eyeshot.tile.family import Family
from eyeshot.tile.plan import planned
from eyeshot.tile.probe import probe
from eyeshot.view.tiles import tiles_of
from tests.laws.test_vectors import vectors
from tests.page.conftest import Open, Opened
from tests.page.test_everyone import violations

DESIGN, SHAPE = "C5-8 P2 C3-8 P2 C3d2-8", (1, 300, 420)
TILES = """(cases) => cases.map(({lane, tile}) =>
  eyeshot.arithmetic.tilesAlong(lane, tile).map(({start, size, first, end}) => [start, size, first, end]))"""
WORK = """([tiles, sizes]) => eyeshot.arithmetic.workOf(
  tiles, tiles.lanes, tiles.lanes.map((lane, axis) => eyeshot.arithmetic.tilesAlong(lane, sizes[axis])))"""


@pytest.fixture
def tab(opened: Open) -> Opened:
    entry = tiles_of(probe(Family(DESIGN, SHAPE), None))
    return opened(eyeshot.inspect(DESIGN, SHAPE), tiles=[entry], fragment="#tab=tiles", bypass_csp=True)


def words(page: Opened, selector: str) -> str:
    page.settle()
    return str(page.tab.inner_text(selector))


def test_the_page_cuts_the_vectors_as_python_does(tab: Opened) -> None:
    assert tab.tab.evaluate(TILES, vectors("tiles")) == [case["tiles"] for case in vectors("tiles")]


@pytest.mark.parametrize("tile", [(64, 64), (148, 100), (300, 420), (300, 96)])
def test_the_work_of_tiles_is_the_plans(tab: Opened, tile: tuple[int, int]) -> None:
    looked = probe(Family(DESIGN, SHAPE), None)

    assert tab.tab.evaluate(WORK, [tiles_of(looked), tile]) == pytest.approx(planned(looked, tile=tile).work)


def test_the_pointer_and_the_arrows_show_what_a_tile_reads(tab: Opened) -> None:
    tab.tab.focus(".tiles-tab input >> nth=0")
    tab.tab.keyboard.press("Home")  # the smallest tile
    image = tab.tab.locator(".tiles-picture svg").bounding_box()
    assert image is not None
    tab.tab.mouse.move(image["x"] + 2, image["y"] + 2)
    assert words(tab, ".tiles-reads").startswith("Tile 1, 1 reads 0–")

    tab.tab.focus(".tiles-picture")
    tab.tab.keyboard.press("ArrowRight")
    tab.tab.keyboard.press("ArrowDown")
    assert words(tab, ".tiles-reads").startswith("Tile 2, 2 reads ")
    assert "px, exact" in words(tab, ".tiles-tab")


def test_a_smaller_halo_says_its_error_and_saves_work(tab: Opened) -> None:
    def work() -> float:
        return float(words(tab, ".tiles-tab .totals").split("work")[1].split("×")[0])

    tab.tab.focus(".tiles-tab input >> nth=0")
    tab.tab.keyboard.press("Home")
    exact = work()
    tab.tab.focus(".tiles-tab input >> nth=1")
    tab.tab.keyboard.press("Home")

    assert "0 px, error" in words(tab, ".tiles-tab")
    assert work() < exact


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"color_scheme": "dark"}, marks=pytest.mark.slow),
        pytest.param({"viewport": {"width": 360, "height": 800}}, marks=pytest.mark.slow),
    ],
)
def test_the_tab_is_for_everyone(opened: Open, options: dict[str, Any]) -> None:
    shape = (1, 64, 80)
    entry = tiles_of(probe(Family("C3-4 C3-4", shape), None))
    prevented = {**entry, "prevents": [{"layer": "norm", "op": "instance_norm", "why": "differs", "cure": "keep it"}]}
    for tiles in (entry, prevented):
        page = opened(
            eyeshot.inspect("C3-4 C3-4", shape), tiles=[tiles], fragment="#tab=tiles", bypass_csp=True, **options
        )

        assert violations(page) == []
        assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not page.complaints


def test_without_tiles_there_is_no_such_tab(opened: Open) -> None:
    page = opened("C3-4", fragment="#tab=tiles")

    assert page.tab.locator("#tab-tiles").count() == 0
    assert "no view is called tiles" in page.tab.inner_text("main")
