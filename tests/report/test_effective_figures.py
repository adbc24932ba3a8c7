"""Figures of effective fields: what their data say, and the same bytes every time."""

from __future__ import annotations

import pytest

import eyeshot
from eyeshot.errors import UsageError
from eyeshot.report.figures.effective import map_panel, profile_panel, ratio_panel
from eyeshot.report.figures.style import Panel, records_of, rendered

DENSITY = eyeshot.effective("C3-4 C3-4 P2 C3-4", input_shape=(1, 32, 32))
INIT = eyeshot.effective("C3-4 C3-4 P2 C3-4", source="init", unit="all", input_shape=(1, 32, 32), seeds=2)


@pytest.mark.parametrize("file_format", ["png", "svg", "pdf"])
@pytest.mark.parametrize(
    "panel",
    [map_panel(DENSITY), map_panel(INIT), profile_panel([DENSITY, INIT, INIT], ["a", "b", "b"]),
     ratio_panel([[DENSITY, INIT], [INIT]], ["one", "two"])],
    ids=["map", "map of an average", "profile", "ratio"],
)  # fmt: skip
def test_a_figure_has_the_same_bytes_every_time(panel: Panel, file_format: str) -> None:
    first, again = (rendered([[panel]], file_format) for _ in range(2))

    assert first == again
    assert len(first) > 2000


def test_the_data_of_a_map_are_its_shares() -> None:
    records = records_of([map_panel(DENSITY)])

    assert len(records) == DENSITY.map.size
    assert (records[0]["y"], records[0]["x"]) == DENSITY.start
    assert sum(record["share"] for record in records) == pytest.approx(1)


def test_the_data_of_profiles_are_around_the_field_s_centre() -> None:
    records = records_of([profile_panel([DENSITY, INIT], ["density", "init"])])

    for label in ("density", "init"):
        own = [record for record in records if record["label"] == label]
        assert sum(record["share"] for record in own) == pytest.approx(1)
        assert abs(sum(record["share"] * record["at"] for record in own)) < 1


def test_the_data_of_ratios_have_intervals_where_there_are_some() -> None:
    density, init = records_of([ratio_panel([[DENSITY], [INIT]], ["density", "init"])])

    assert density["low"] is None
    assert 0 < init["low"] <= init["value"] <= init["high"] <= 1.05


def test_a_map_of_one_axis_is_complained_of() -> None:
    line = eyeshot.effective("C9-4", input_shape=(1, 40))

    with pytest.raises(UsageError, match="a map needs two axes, this has 1"):
        map_panel(line)
    assert len(profile_panel([line], ["line"]).records) == 9
