"""What the steppers recompute in the page is what Python says of the changed design."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

import eyeshot
from eyeshot.api.report import Report
from eyeshot.design.syntax import Conv, Design, Pool
from eyeshot.errors import ShapeError
from eyeshot.view.document import design, places
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of
from tests.page.conftest import Open, Opened

CHANGED = """({design, edits, units}) => {
  const {designFrom, edited, seenBy, onMap, area} = eyeshot.arithmetic;
  const own = edited(designFrom(design), edits);
  return {problem: own.problem ?? "", totals: own.entry.totals, layers: own.nodes.map((node, i) => ({
    name: node.name, shape: node.shape, params: node.params, macs: node.macs,
    size: node.field.size, stride: node.field.stride ?? null, start: node.field.start ?? null,
    irregular: Boolean(node.field.irregular), global: Boolean(node.field.global),
  })), counts: units.map(([name, at]) =>
    area(onMap(own, own.input, seenBy(own, own.index.get(name), at, true)[own.input])))};
}"""


@pytest.fixture
def blank(opened: Open) -> Opened:
    return opened("C3-4")


def assert_the_page_follows(blank: Opened, before: Report, edits: str, after: Report, chance: random.Random) -> None:
    network = after.network
    spatial = [layer for layer in after if places(network, layer.name) == [2, 3] and 0 not in layer.node.shape]
    units = [(layer.name, [chance.randrange(layer.node.shape[a]) for a in network.axes]) for layer in spatial]
    found = blank.tab.evaluate(CHANGED, {"design": design(before), "edits": edits, "units": units})

    assert found["problem"] == ""
    assert found["totals"]["params"] == after.totals.params
    assert found["totals"]["macs"] == after.totals.macs
    for entry in found["layers"][1:]:
        layer = after[entry["name"]]
        assert entry["shape"] == list(layer.node.shape), entry["name"]
        assert (entry["params"], entry["macs"]) == (layer.params, layer.macs)
        if entry["irregular"] or not layer.field.is_regular:
            continue
        assert entry["size"] == list(layer.field.size), entry["name"]
        assert entry["global"] == layer.field.is_global, entry["name"]
        if layer.field.stride is not None:
            assert entry["stride"] == list(layer.field.stride)
            assert entry["start"] == list(layer.field.start or ())
    for (name, at), count in zip(units, found["counts"], strict=True):
        assert count == after[name].unit(*at).footprint.count, (name, at)


def test_a_wider_kernel_widens_what_follows_and_costs_its_area(blank: Opened) -> None:
    given = {"design": design(eyeshot.inspect("alexnet")), "edits": "conv3~k7~p3", "units": []}
    found = blank.tab.evaluate(CHANGED, given)
    by_name = {entry["name"]: entry for entry in found["layers"]}

    assert by_name["conv3"]["size"] == [163, 163]
    assert by_name["conv5"]["size"] == [227, 227]
    assert by_name["conv3"]["params"] == 256 * 384 * 49 + 384
    assert by_name["conv3"]["macs"] == 13 * 13 * 384 * 256 * 49


@pytest.mark.slow
def test_random_designs_with_a_changed_layer_equal_python(blank: Opened) -> None:
    chance, compared = random.Random(2), 0

    @seed(7)
    @given(designs(axes=2), st.tuples(st.integers(12, 40), st.integers(12, 40)), st.randoms(use_true_random=False))
    @settings(max_examples=120, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def compare(drawn: Design, extent: tuple[int, int], choice: Any) -> None:
        nonlocal compared
        places = [i for i, item in enumerate(drawn.items) if isinstance(item, Conv | Pool)]
        place = choice.choice(places)
        item = drawn.items[place]
        assert isinstance(item, Conv | Pool)
        sizes = {"kernel": choice.randint(1, 5), "stride": choice.randint(1, 3), "padding": choice.randint(0, 3)}
        if isinstance(item, Conv):
            sizes["dilation"] = choice.randint(1, 3)
        else:
            sizes["padding"] = min(sizes["padding"], sizes["kernel"] // 2)
        changed = dataclasses.replace(
            item,
            **{key: ((value, value),) * 2 if key == "padding" else (value,) * 2 for key, value in sizes.items()},
        )
        items = (*drawn.items[:place], changed, *drawn.items[place + 1 :])
        shape = (2, *extent)
        before, after = (Report(network_of(each, shape)) for each in (drawn, Design(items, "")))
        own = [
            layer.name
            for layer, other in zip(before, after, strict=True)
            if layer.node.op != other.node.op and layer.name == other.name
        ]
        assume(len(own) == 1)
        edits = own[0] + "".join(f"~{key[0]}{value}" for key, value in sizes.items())
        assert_the_page_follows(blank, before, edits, after, chance)
        compared += 1

    compare()
    assert compared >= 40


@pytest.mark.parametrize(
    ("notation", "edits", "words"),
    [
        ("C3-4 P2 C3-4", "conv1~k64~p0", "conv1 (conv 64×64) would have no positions: its window is larger"),
        ("C3-4 [C3-4~ + ID]", "conv2~s2", "joins 4×16×16 and 4×32×32, which do not fit"),
        ("C3-4 [C3-4 | C5-4]", "conv2~p0", "side by side, which do not fit"),
    ],
)
def test_a_change_that_no_longer_fits_says_where_and_why(blank: Opened, notation: str, edits: str, words: str) -> None:
    report = eyeshot.inspect(notation, (1, 32, 32))

    found = blank.tab.evaluate(CHANGED, {"design": design(report), "edits": edits, "units": []})

    assert words in found["problem"]


@pytest.mark.parametrize(
    "model", ["torchvision:resnet18", "torchvision:googlenet", "torchvision:lraspp_mobilenet_v3_large"]
)
def test_a_change_undone_by_hand_gives_the_network_as_it_was_read(blank: Opened, model: str) -> None:
    report = eyeshot.inspect(model, (3, 128, 128))
    layer = next(layer for layer in report if layer.op == "conv2d")
    kernel = layer.node.op.kernel[0]  # type: ignore[attr-defined]

    assert_the_page_follows(blank, report, f"{layer.name}~k{kernel}", report, random.Random(1))


def test_steppers_change_the_layer_and_undo_gives_it_back(opened: Open) -> None:
    page = opened("alexnet", fragment="#layer=conv3")
    page.tab.click("[aria-label='kernel more']")
    assert page.answer.startswith("conv3[6,6] can see 131×131")
    assert "conv3 kernel 5, padding 2" in page.tab.inner_text(".changed")
    assert "edit=conv3~k5~p2" in page.fragment

    page.tab.click("text=undo all changes")
    assert page.answer.startswith("conv3[6,6] can see 99×99")
    assert "edit" not in page.fragment


def test_a_change_travels_in_the_link(opened: Open) -> None:
    page = opened("alexnet", fragment="#layer=conv5&edit=pool2~s1~p1*conv3~d2~p2")

    assert "pool2 stride 1, padding 1; conv3 dilation 2, padding 2" in page.tab.inner_text(".changed")
    assert page.complaints == []


def test_shape_errors_are_python_errors_too() -> None:
    with pytest.raises(ShapeError):
        eyeshot.inspect("C64p0-4 P2 C3-4", (1, 32, 32))
