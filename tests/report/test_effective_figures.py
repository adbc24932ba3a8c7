"""Figures of effective fields: what their data say, and the same bytes every time."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import eyeshot
from eyeshot.errors import UsageError
from eyeshot.report.figures.effective import map_panel, profile_panel, ratio_panel
from eyeshot.report.figures.style import Drawing, Panel

DENSITY = eyeshot.effective("C3-4 C3-4 P2 C3-4", input_shape=(1, 32, 32))
INIT = eyeshot.effective("C3-4 C3-4 P2 C3-4", source="init", unit="all", input_shape=(1, 32, 32), seeds=2)


@pytest.mark.parametrize("file_format", ["png", "svg"])
@pytest.mark.parametrize(
    "panel",
    [map_panel(DENSITY), map_panel(INIT), profile_panel([DENSITY, INIT, INIT], ["a", "b", "b"]),
     ratio_panel([[DENSITY, INIT], [INIT]], ["one", "two"])],
    ids=["map", "map of an average", "profile", "ratio"],
)  # fmt: skip
def test_a_figure_has_the_same_bytes_every_time(panel: Panel, file_format: str) -> None:
    first, again = (Drawing(rows=[[panel]]).content(file_format) for _ in range(2))

    assert first == again
    assert len(first) > 2000


def test_the_data_of_a_map_are_its_shares() -> None:
    records = Drawing(rows=[[map_panel(DENSITY)]]).records

    assert len(records) == DENSITY.map.size
    assert (records[0]["y"], records[0]["x"]) == DENSITY.start
    assert sum(record["share"] for record in records) == pytest.approx(1)


def test_the_data_of_profiles_are_around_the_field_s_centre() -> None:
    records = Drawing(rows=[[profile_panel([DENSITY, INIT], ["density", "init"])]]).records

    for label in ("density", "init"):
        own = [record for record in records if record["label"] == label]
        assert sum(record["share"] for record in own) == pytest.approx(1)
        assert abs(sum(record["share"] * record["at"] for record in own)) < 1


def test_the_data_of_ratios_have_intervals_where_there_are_some() -> None:
    density, init = Drawing(rows=[[ratio_panel([[DENSITY], [INIT]], ["density", "init"])]]).records

    assert density["low"] is None
    assert 0 < init["low"] <= init["value"] <= init["high"] <= 1.05


def test_a_map_of_one_axis_is_complained_of() -> None:
    line = eyeshot.effective("C9-4", input_shape=(1, 40))

    with pytest.raises(UsageError, match="a map needs two axes, this has 1"):
        map_panel(line)
    assert len(profile_panel([line], ["line"]).records) == 9


def words_of(panel: Panel) -> str:
    root = ElementTree.fromstring(Drawing(rows=[[panel]]).content("svg"))
    return " | ".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))


def test_networks_of_other_layers_keep_their_own_names_in_a_ratio() -> None:
    pair = [[eyeshot.effective(model, layer) for layer in layers]
            for model, layers in {"alexnet": ["conv1", "conv2"], "vgg16": ["block1.conv1"]}.items()]  # fmt: skip

    words = words_of(ratio_panel(pair, ["alexnet", "vgg16"])).split(" | ")

    assert {"conv1", "conv2", "block1.conv1"} <= set(words)


@pytest.mark.parametrize(
    ("unit", "seen"), [("centre", "163×163 px"), ((0, 0), "99×99 of 163×163 px"), ((12, 12), "99×99 of 163×163 px")]
)
def test_a_map_says_what_it_outlines(unit: tuple[int, ...] | str, seen: str) -> None:
    assert f"orange: sees {seen}" in words_of(map_panel(eyeshot.effective("alexnet", "conv5", unit=unit)))


def test_what_a_unit_does_not_see_is_as_grey_inside_its_field_as_outside() -> None:
    """Dilations of 1, 2 and 9 leave 4 columns and 4 rows of 25 unseen."""
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    map_panel(eyeshot.effective("C3-8 C3d2-8 C3d9-8", input_shape=(1, 41, 41))).draw(axes)

    heat = axes.images[0].get_array()
    assert np.ma.count_masked(heat) == 25 * 25 - 21 * 21


def test_each_profile_says_what_its_own_unit_sees() -> None:
    pair = ["alexnet", "alexnet-alternating"]

    words = words_of(profile_panel([eyeshot.effective(name, "conv5") for name in pair], pair))

    assert "sees 163 px" in words
    assert "sees 227 of 387 px" in words
