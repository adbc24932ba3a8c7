"""What notebooks show: no script, below 60 KiB whatever the network, and every name as text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from eyeshot.api import compare, inspect
from eyeshot.api.comparison import Comparison
from eyeshot.api.report import Report
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


def test_a_network_that_sees_nothing_is_shown_without_a_view() -> None:
    text = inspect("C1p3-8", (1, 1, 1))["conv1"].fields.network

    assert "<table" in Report(text)._repr_html_()
