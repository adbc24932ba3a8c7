"""The page's widths and boxes are Python's: by the same numbers by hand, and of maps drawn at random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eyeshot
from eyeshot.analyse.box import box_holding
from eyeshot.analyse.spread import Frame, measures
from eyeshot.view.export import page as html_page
from tests.page.conftest import Open, Opened

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "spread.json").read_text(encoding="utf-8"))
WIDTHS = """({profile, shares}) => shares.map((share) =>
  eyeshot.arithmetic.width(Float64Array.from(profile), share / 100))"""
BOX = """({size, values, share}) => eyeshot.arithmetic.boxHolding(
  {low: size.map(() => 0), size, data: Float64Array.from(values), power: 0}, share / 100)"""


@pytest.fixture
def blank(opened: Open) -> Opened:
    return opened("C3-4")


def box_of(blank: Opened, values: Any, share: int) -> list[list[int]]:
    given = {"size": list(values.shape), "values": values.ravel().tolist(), "share": share}
    return blank.tab.evaluate(BOX, given)  # type: ignore[no-any-return]


def test_widths_and_boxes_are_those_by_hand(blank: Opened) -> None:
    for case in VECTORS["widths"]:
        shares = [int(share) for share in case["widths"]]
        found = blank.tab.evaluate(WIDTHS, {"profile": case["profile"], "shares": shares})
        assert found == pytest.approx(list(case["widths"].values())), case["why"]
    for case in VECTORS["boxes"]:
        assert box_of(blank, np.reshape(case["values"], case["size"]), case["share"]) == case["box"], case["why"]


def test_of_maps_drawn_at_random_they_are_python_s(blank: Opened) -> None:
    chance = np.random.Generator(np.random.PCG64(0))
    for turn in range(60):
        sizes = tuple(chance.integers(1, 9, size=1 + turn % 3))
        values = chance.integers(0, 4, sizes) * chance.random(sizes) ** (turn % 2)
        if not values.any():
            continue
        for share in (50, 68, 95, 99):
            assert box_of(blank, values, share) == [list(ends) for ends in box_holding(values, share / 100)]
        line = values.sum(axis=tuple(range(1, values.ndim)))
        expected = measures(line, (0,), Frame((0.0,), (len(line),), (len(line),)))
        found = blank.tab.evaluate(WIDTHS, {"profile": line.tolist(), "shares": [50, 68, 95, 99]})
        assert found == pytest.approx([expected[f"width_{share}"][0] for share in (50, 68, 95, 99)])


def test_the_page_tells_the_box_that_is_printed(opened: Open, tmp_path: Path) -> None:
    """By its own arithmetic of the density, and of a map that was measured."""
    report = eyeshot.inspect("alexnet-28")
    measured = eyeshot.effective("alexnet-28", "conv5", source="init", seeds=2, per_seed=1)
    path = tmp_path / "measured.html"
    path.write_text(html_page([report], effective=[measured.to_json()]), encoding="utf-8")
    page = opened("C3-4")
    for use, result in (("-", eyeshot.effective("alexnet-28", "conv5")), ("0", measured)):
        half, most = ("×".join(map(str, result.boxes[share].size)) for share in (50, 95))
        page.goto(path.as_uri() + f"#layer=conv5&tab=effective&use={use}")
        page.tab.reload()

        assert f"half of what it uses lies in {half}." in page.answer
        share = f"{100 * result.share_of(result.boxes[95]):.1f} %"
        assert f"has 95 % of what it uses in {most}: {share} of the" in page.tab.inner_text(".effective-tab .lead")
