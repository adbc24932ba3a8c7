"""Figures: the same bytes each time, the numbers of the ledger beside them, and names that are only text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from eyeshot.api import compare, inspect
from eyeshot.api.report import Report
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network
from eyeshot.report.blocks import blocks
from eyeshot.report.figures.depth import depth
from eyeshot.report.figures.evidence import evidence
from eyeshot.report.figures.kinds import KINDS, Designs, figure, figure_labels
from eyeshot.report.figures.style import Drawing
from tests.report.scored import arm

PAIR = ("alexnet", "alexnet-alternating")


def drawn(kind: str, *models: str, file_format: str = "svg") -> tuple[bytes, list[dict[str, Any]]]:
    of = figure(kind, Designs(reports=[inspect(model) for model in models]))
    return of.content(file_format), of.records


def models_for(kind: str) -> tuple[str, ...]:
    return PAIR if KINDS[kind].most is None else PAIR[:1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_the_same_bytes_each_time(kind: str) -> None:
    assert drawn(kind, *models_for(kind)) == drawn(kind, *models_for(kind))


@pytest.mark.parametrize("file_format", ["png", "pdf"])
def test_other_formats_have_the_same_bytes_each_time(file_format: str) -> None:
    first, _ = drawn("cone", "alexnet", file_format=file_format)

    assert first == drawn("cone", "alexnet", file_format=file_format)[0]
    assert first[:4] == {"png": b"\x89PNG", "pdf": b"%PDF"}[file_format]


def test_the_user_s_own_matplotlib_style_changes_nothing() -> None:
    import matplotlib as mpl

    plain, _ = drawn("growth", *PAIR)
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.grid": True}):
        assert drawn("growth", *PAIR)[0] == plain


def test_price_ends_at_what_the_convolutions_cost() -> None:
    _, records = drawn("price", "alexnet")

    assert (records[-1]["layer"], records[-1]["field"], records[-1]["macs"]) == ("pool5", 195, 665_784_864)


def test_cost_adds_up_to_the_totals() -> None:
    _, records = drawn("cost", "resnet18", "alexnet")
    totals = inspect("resnet18").totals

    mine = [record for record in records if record["design"] == "resnet18"]
    assert sum(record["macs"] for record in mine) == totals.macs
    assert sum(record["params"] for record in mine) == totals.params


@pytest.mark.parametrize("most", [1, 2, 5, 20, 1000])
def test_blocks_are_as_few_as_asked_and_hold_every_layer_once(most: int) -> None:
    report = inspect("resnet18")

    found = blocks(report, most)

    assert len(found) <= most
    assert sorted(layer.name for block in found for layer in block.layers) == sorted(layer.name for layer in report)


def test_the_plane_marks_the_designs_that_no_other_beats() -> None:
    _, records = drawn("plane", "alexnet", "alexnet-alternating", "vgg16", "resnet18", "resnet50")

    assert {record["design"] for record in records if record["pareto"]} == {"alexnet-alternating", "resnet18"}


def test_growth_follows_the_data_path_and_never_falls() -> None:
    _, records = drawn("growth", "resnet50")

    fields = [record["field"] for record in records]
    assert fields == sorted(fields)
    assert fields[-1] == 427


def test_arch_shows_branches_and_where_they_meet() -> None:
    report = inspect("[C3-8 | C5-8] C3-8", (1, 15, 15))
    records = figure("arch", Designs(reports=[report])).records

    reads = {record["layer"]: record["reads"] for record in records}
    assert reads == {"input": "", "conv1": "input", "conv2": "input", "concat2": "conv1 conv2", "conv3": "concat2"}
    assert len({record["lane"] for record in records}) == 2


def test_designs_of_one_name_are_told_apart() -> None:
    report = inspect("alexnet")

    assert figure_labels([report, report]) == ["A: alexnet", "B: alexnet"]
    assert figure_labels([report]) == ["alexnet"]


@pytest.mark.parametrize(
    "name",
    ["$x^2$ $", "<script>alert(1)</script>", "a" * 10_000, "\u202eright to left", "層", "one\ntwo\x00", "%s {x} \\"],
)
@pytest.mark.parametrize("kind", ["cone", "growth", "cost", "arch", "plane"])
def test_names_are_only_text(name: str, kind: str) -> None:
    network = inspect("C3-8 C3-8", (1, 15, 15)).network
    report = Report(Network(name=name, source="test", nodes=network.nodes))

    content = figure(kind, Designs(reports=[report] * (2 if kind == "plane" else 1))).content("svg")

    ElementTree.fromstring(content)
    assert b"<script" not in content


def test_scores_have_a_bar_for_other_seeds_and_one_for_other_images_where_they_are_known() -> None:
    drawing = Drawing(rows=[[evidence([arm("a", [79, 81], half_width=1, wider=3), arm("b", [70, 72], half_width=1)])]])

    ends = {(record["design"], record["of"]): (record["low"], record["high"]) for record in drawing.records}
    assert ends["a", "mean"] == (79, 81)
    assert ends["a", "mean, other images"] == (77, 83)
    assert ("b", "mean, other images") not in ends
    assert b"thick: other seeds, thin: other images too" in drawing.content("svg")


@pytest.mark.parametrize("label", ["$x^2$ $", "a" * 10_000, "C3-8 " * 40, "層\n<b>"])
def test_scores_are_drawn_whatever_designs_are_called(label: str) -> None:
    drawing = Drawing(rows=[[evidence([arm(label, [79, 81], half_width=1), arm("b", [70])])]])

    assert drawing.content("svg") == drawing.content("svg")
    assert {record["design"] for record in drawing.records} == {label, "b"}


def test_notebooks_show_what_the_command_writes() -> None:
    picture = inspect("alexnet").plot("cone", layer="conv5", units=[(6, 6)])

    content, records = drawn("cone", "alexnet", file_format="png")
    assert picture._repr_png_() == content
    assert picture.records == records
    assert repr(picture) == "<Figure cone of alexnet>"


def test_a_picture_that_cannot_be_drawn_is_complained_of_at_once() -> None:
    with pytest.raises(UsageError, match="no kind of figure is called 'cones'; kinds are growth"):
        inspect("alexnet").plot("cones")
    with pytest.raises(UsageError, match="there is no 2"):
        inspect("alexnet").plot("cone", axis=2)
    with pytest.raises(UsageError, match="cone takes one design, found 2"):
        compare("alexnet", "vgg16").plot("cone")


def words_of(kind: str, *models: str, **paper: Any) -> list[str]:
    """The texts in a figure's SVG."""
    of = figure(kind, Designs(reports=[inspect(model) for model in models]))
    root = ElementTree.fromstring(of.content("svg", **paper))
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_two_designs_of_other_layers_keep_their_own_names() -> None:
    words = words_of("growth", "resnet18", "alexnet")

    assert {"layer2.0.conv1", "layer4.1.conv2", "pool5"} <= set(words)
    assert words.count("conv1") == 2


def test_layers_of_one_name_stand_at_one_place() -> None:
    shared = depth([["conv1", "pool1", "conv2"], ["conv1", "conv2"]])

    assert (shared.places, shared.below, shared.above) == ([[1, 2, 3], [1, 3]], ["conv1", "pool1", "conv2"], ())


@pytest.mark.parametrize(
    "lists",
    [[["conv1", "a", "b", "c"], ["conv1", "pool1", "conv2"]], [["a", "b", "c"], ["c", "b", "a"]]],
    ids=["one name of three", "another order"],
)
def test_layers_of_other_names_are_counted_each_from_its_own_input(lists: list[list[str]]) -> None:
    apart = depth(lists)

    assert [list(each) for each in apart.places] == [list(range(1, len(each) + 1)) for each in lists]
    assert [apart.below, apart.above] == lists
    assert depth([*lists, ["x"]]).below == ()


@pytest.mark.parametrize(("kind", "models"), [("growth", ["vgg16", "resnet18", "alexnet"]), ("price", PAIR)])
def test_ticks_are_whole_numbers(kind: str, models: list[str]) -> None:
    fractions = [text for text in words_of(kind, *models) if re.fullmatch(r"\d+\.\d+", text)]

    assert fractions == []


def test_letters_in_a_file_are_text() -> None:
    assert "What each design sees" in words_of("growth", *PAIR)
    content, _ = drawn("growth", "alexnet", file_format="pdf")
    assert b"/CIDFontType2" in content
    assert b"/Type3" not in content


@pytest.mark.parametrize(("kind", "width"), [(kind, 7.0 if kind == "sheet" else 3.3) for kind in KINDS])
def test_a_figure_is_as_wide_as_asked_and_its_letters_can_be_read(kind: str, width: float) -> None:
    of = figure(kind, Designs(reports=[inspect(model) for model in models_for(kind)]))

    content = of.content("svg", width=width)

    told = str(ElementTree.fromstring(content).get("width"))
    assert float(told.removesuffix("pt")) == pytest.approx(width * 72, abs=0.01)
    assert min(map(float, re.findall(r"font-size: ([\d.]+)px", content.decode()))) >= 4


def test_a_figure_that_has_no_room_is_refused() -> None:
    with pytest.raises(UsageError, match="2 inches leave no room beside this figure's words; make it wider"):
        inspect("alexnet").plot("sheet").content("svg", width=2.0)


def test_a_title_may_be_left_to_the_caption() -> None:
    titled, plain = words_of("growth", *PAIR), words_of("growth", *PAIR, title=False)

    assert set(titled) - set(plain) == {"What each design sees"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_caption_says_what_is_drawn_and_its_numbers(kind: str) -> None:
    of = figure(kind, Designs(reports=[inspect(model) for model in models_for(kind)]))

    assert of.caption.endswith("Drawn by eyeshot 0.1.0.")
    assert ("163 of 227 of input" if kind == "cone" else "conv5, sees 163×163") in of.caption
    assert of.caption.count("Every unit sees the whole image") <= 2
