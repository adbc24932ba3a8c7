"""Windows and reshapes say what the shared vectors say, which the page's copies are held against too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eyeshot.network.reshape import matching_axes
from eyeshot.network.slide import Slide
from eyeshot.tile.grid import Lane

VECTORS = Path(__file__).parents[1] / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return cases


@pytest.mark.parametrize("case", vectors("slides"), ids=lambda case: str(case["slide"]))
def test_a_window_takes_and_reads_what_the_vectors_say(case: dict[str, Any]) -> None:
    slide, n = Slide(**case["slide"]), case["positions"]

    assert slide.count(n, ceil=case["ceil"]) == case["count"]
    assert [list(read) for read in slide.reads(n, case["count"])] == case["reads"]
    assert slide.stays(n, case["count"]) == (case["reads"] == [[i] for i in range(n)])
    assert not slide.shows_something(n, case["count"]) or all(case["reads"])


@pytest.mark.parametrize("case", vectors("reshapes"), ids=lambda case: f"{case['before']} to {case['after']}")
def test_a_reshape_falls_into_the_runs_that_the_vectors_say(case: dict[str, Any]) -> None:
    runs = matching_axes(tuple(case["before"]), tuple(case["after"]))

    assert [[list(axes) for axes in run] for run in runs] == case["runs"]


@pytest.mark.parametrize("case", vectors("tiles"), ids=lambda case: f"{case['tile']} of {case['lane']['n']}")
def test_tiles_read_and_deliver_what_the_vectors_say(case: dict[str, Any]) -> None:
    lane = Lane(**case["lane"])
    rows = lane.tiles(case["tile"])

    assert [[tile.start, tile.size, tile.first, tile.end] for tile in rows] == case["tiles"]
    ends = [0, *(tile.end for tile in rows)]
    assert [tile.first for tile in rows] == ends[:-1], "cores follow one another"
    assert ends[-1] == lane.n
    for tile in rows:
        assert tile.start == 0 or tile.first - tile.start >= lane.before
        assert tile.start + tile.size == lane.n or tile.start + tile.size - tile.end >= lane.after
