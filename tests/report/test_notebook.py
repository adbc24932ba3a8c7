"""What notebooks show: no script, below 60 KiB whatever the network, and every name as text."""

from __future__ import annotations

import base64
import io
import re
import struct
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from eyeshot.api import compare, effective, inspect
from eyeshot.api.comparison import Comparison
from eyeshot.api.report import Report
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.report.cone import cone
from eyeshot.report.cone_svg import cone_svg

LIMIT = 60 * 1024
NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a & b < c",
    "\u202eright to left",
    "x" * 10_000,
    "&" * 10_000,
    "line\nbreak\x00",
]


class Tags(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def named(name: str) -> Report:
    """A network of three layers whose names are one name and a number."""
    network = inspect("C3-8 C3-8 F10", (1, 15, 15)).network
    new = {node.name: node.name if node is network.input else f"{name}{i}" for i, node in enumerate(network)}
    nodes = [
        Node(
            name=new[node.name],
            op=node.op,
            inputs=tuple(new[n] for n in node.inputs),
            shape=node.shape,
            params=node.params,
            reads=node.reads,
        )
        for node in network
    ]
    return Report(Network(name=name, source="test", nodes=tuple(nodes)))


def test_a_report_shows_its_ledger_a_sentence_and_the_side_view() -> None:
    page = Tags(inspect("alexnet")._repr_html_())

    assert {"table", "svg"} <= set(page.names)
    assert "163×163" in page.texts
    assert "105,415,200" in page.texts
    assert "163 of 227" in page.texts
    assert "from here on every unit sees the whole image" in page.texts
    assert any("The last convolution, conv5, sees 163×163" in text for text in page.texts)


def test_a_comparison_shows_quantities_and_both_side_views() -> None:
    page = Tags(compare("alexnet", "alexnet-alternating")._repr_html_())

    assert page.names.count("svg") == 2
    assert "387×387 (conv5)" in page.texts


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("resnet152", None),
        ("torchvision:densenet201", None),
        ("torchvision:swin_t", None),
        (" ".join(["C3-8"] * 1500), (1, 4000)),
    ],
    ids=["resnet152", "densenet201", "swin_t", "1500 layers"],
)
def test_a_page_is_below_60_kib(model: str, shape: tuple[int, ...] | None) -> None:
    text = inspect(model, shape)._repr_html_()

    assert len(text.encode()) < LIMIT
    assert "<svg" in text


def test_lines_left_out_are_counted_and_the_totals_stay() -> None:
    report = inspect(" ".join(["C3-8"] * 1500), (1, 4000))
    page = Tags(report._repr_html_())

    (said,) = [text for text in page.texts if "lines left out" in text]
    left_out = int(said.split()[1])
    shown = [text for text in page.texts[: page.texts.index("total")] if re.fullmatch(r"conv\d+", text)]
    assert len(shown) + left_out == 1500
    assert f"{report.totals.macs:,}" in page.texts


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_and_nothing_else(name: str) -> None:
    report = named(name)
    for text in (report._repr_html_(), Comparison([report, report])._repr_html_()):
        page = Tags(text)

        assert not {"script", "img", "iframe", "a"} & set(page.names)
        assert not [attribute for attribute in page.attributes if attribute.startswith("on")]
        assert len(text.encode()) < LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_the_side_view_is_well_formed_and_without_references(name: str) -> None:
    text = cone_svg(cone(named(name)))

    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert "href" not in text
    assert "url(" not in text


def test_the_side_view_fills_what_each_unit_sees() -> None:
    text = cone_svg(cone(inspect("C3-8 C3-8 C3-8", (1, 15, 15)), "conv3", [(7, 7), (7, 8)]))

    root = ElementTree.fromstring(text)
    filled = {path.get("fill"): path.get("d") or "" for path in root.iter("{http://www.w3.org/2000/svg}path")}
    assert filled["#0072B2"].count("M") == filled["#E69F00"].count("M") == 1 + 3 + 5 + 7


class Pyramid(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.fine(x)
        return [x, self.coarse(x)]


def test_several_outputs_have_the_table_that_show_prints() -> None:
    report = inspect(Pyramid(), (3, 32, 32))
    shown = Tags(report._repr_html_())

    assert {"output", "centre", "coarse", "4×16×16", "5×5"} <= set(shown.texts)
    assert any(text.startswith("Activations ") and "layers with MACs" in text for text in shown.texts)
    assert "centre" not in Tags(inspect("alexnet")._repr_html_()).texts


def test_reports_and_comparisons_name_the_way_to_the_page() -> None:
    assert "report.explore()" in inspect("alexnet")._repr_html_()
    assert "comparison.save_html(…)" in compare("alexnet", "alexnet-alternating")._repr_html_()


def test_a_saved_page_is_a_path_that_links_to_it(tmp_path: Path) -> None:
    target = tmp_path / 'a "b" <c>.html'

    saved = inspect("C3-8", (1, 9, 9)).save_html(target)

    assert saved == target
    assert saved.read_text(encoding="utf-8").startswith("<!doctype html>")
    page = Tags(saved._repr_html_())  # type: ignore[attr-defined]
    assert page.names == ["a"]
    assert page.texts == [str(target)]


def pixels_of(svg: str) -> tuple[int, int]:
    """Columns and rows of the picture in a drawing, read from its own header."""
    (data,) = re.findall(r"base64,([^\"]+)", svg)
    picture = base64.b64decode(data)
    assert picture.startswith(b"\x89PNG")
    columns, rows = struct.unpack(">II", picture[16:24])
    return columns, rows


@pytest.mark.parametrize(
    ("model", "layer", "cells"),
    [("alexnet", "conv3", (99, 99)), ("alexnet", "conv5", (128, 128)), ("[C1x5-8 | C3-8]", "concat2", (5, 3))],
)
def test_an_effective_field_shows_its_map(model: str, layer: str, cells: tuple[int, int]) -> None:
    text = effective(model, layer)._repr_html_()

    assert pixels_of(text) == cells
    assert "<script" not in text
    assert len(text.encode()) < LIMIT
    assert "orange: what is seen" in text


def test_a_map_is_as_bright_as_its_shares_and_grey_where_nothing_is() -> None:
    """Dilation leaves 2 columns of 5 unseen; what is seen is used alike."""
    from PIL import Image

    svg = effective("C1x3d2-8", input_shape=(1, 5, 5))._repr_html_()
    (data,) = re.findall(r"base64,([^\"]+)", svg)
    picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")

    bright, grey = (254, 232, 56), (209, 209, 209)
    assert [picture.getpixel((x, 0)) for x in range(5)] == [bright, grey, bright, grey, bright]


@pytest.mark.parametrize(("design", "shape", "drawings"), [("C9-4", (1, 40), 1), ("C3-4 C3-4", (1, 9, 9, 9), 3)])
def test_fields_of_other_axes_show_a_profile_for_each(design: str, shape: tuple[int, ...], drawings: int) -> None:
    text = effective(design, input_shape=shape)._repr_html_()

    assert text.count("<svg") == drawings
    for drawing in re.findall("<svg.*?</svg>", text):
        ElementTree.fromstring(drawing)


def test_an_effective_field_of_another_network_is_refused_by_the_page() -> None:
    measured = effective("alexnet", "conv5")

    page = inspect("alexnet").explore(effective=[measured])._repr_html_()
    assert "&quot;layer&quot;:&quot;conv5&quot;" in page
    with pytest.raises(UsageError, match="conv5 of alexnet is of none of vgg16"):
        inspect("vgg16").explore(effective=[measured])


def test_an_effective_field_is_plotted_as_the_command_does() -> None:
    measured = effective("C3-4 C3-4", input_shape=(1, 15, 15))

    assert measured.plot()._repr_png_().startswith(b"\x89PNG")
    assert len(measured.plot("profile").records) == 5
    with pytest.raises(UsageError, match="there are map and profile"):
        measured.plot("cone")
    with pytest.raises(UsageError, match="axis 2: the image has 2"):
        measured.plot("profile", axis=2)


def test_a_network_that_sees_nothing_is_shown_without_a_view() -> None:
    text = inspect("C1p3-8", (1, 1, 1))["conv1"].fields.network

    assert "<table" in Report(text)._repr_html_()
