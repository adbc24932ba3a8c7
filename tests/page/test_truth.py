"""What the page computes in the browser is what Python computes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.inspection import Unit, View
from eyeshot.analyse.layouts import unit_axes
from eyeshot.api.report import Report
from eyeshot.view.document import design, places
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of
from tests.page.conftest import Open, Opened

SEEN = """({design, units, gates}) => {
  const {designFrom, seenBy, onMap, bands, area, boxAround} = eyeshot.arithmetic;
  const own = designFrom(design);
  return units.map(([layer, at]) => {
    const marks = seenBy(own, own.index.get(layer), at, gates);
    const seen = onMap(own, own.input, marks[own.input]);
    return {count: area(seen), box: boxAround(seen), bands: bands(seen)};
  });
}"""
READERS = """({design, layer, pixels, units}) => {
  const {designFrom, seenBy, seersOf, onMap} = eyeshot.arithmetic;
  const own = designFrom(design), at = own.index.get(layer);
  const holds = (products, at) => products.some((product) => product.every((set, axis) => {
    for (let i = 0; i < set.length; i += 2) if (at[axis] >= set[i] && at[axis] <= set[i + 1]) return true;
    return false;
  }));
  return pixels.map((pixel) => {
    const readers = onMap(own, at, seersOf(own, pixel, true)[at]);
    const field = (unit) => onMap(own, own.input, seenBy(own, at, unit, true)[own.input]);
    return units.map((unit) => [holds(readers, unit), holds(field(unit), pixel)]);
  });
}"""


def mask_of(bands: list[list[list[int]]], extent: tuple[int, ...]) -> Any:
    """A union of disjoint products as a boolean image."""
    times = np.zeros(extent, dtype=int)
    for product in bands:
        lines = []
        for ends, n in zip(product, extent, strict=True):
            line = np.zeros(n, dtype=int)
            for first, last in zip(ends[::2], ends[1::2], strict=True):
                line[first : last + 1] = 1
            lines.append(line)
        times += np.multiply.outer(lines[0], lines[1]) if len(lines) == 2 else lines[0]
    assert times.max(initial=0) <= 1
    return times.astype(bool)


def some_units(report: Report, count: int, chance: random.Random) -> list[tuple[str, list[int]]]:
    """Units of maps, and of layers that have one unit only; an index per axis of the image."""
    network = report.network
    known = {node.name: places(network, node.name) for node in network.layers if 0 not in node.shape}
    names = [
        name
        for name, found in known.items()
        if [place for place in found if place is not None] == list(unit_axes(network, name))
    ]
    chosen = [chance.choice(names) for _ in range(count)]
    return [
        (name, [0 if place is None else chance.randrange(network[name].shape[place]) for place in known[name]])
        for name in chosen
    ]


def unit_of(view: View, at: list[int]) -> Unit:
    """The unit of a layer by its indices along the image's axes, in the order in which the layer has them."""
    found = places(view.fields.network, view.name)
    indices = {place: i for place, i in zip(found, at, strict=True) if place is not None}
    return view.unit(*((indices[axis] for axis in sorted(indices)) if indices else at))


def assert_the_page_agrees(tab: Any, report: Report, units: list[tuple[str, list[int]]]) -> None:
    for gates in (True, False):
        given = {"design": design(report), "units": units, "gates": gates}
        for (name, at), found in zip(units, tab.evaluate(SEEN, given), strict=True):
            layer = report[name] if gates else report[name].data
            footprint = unit_of(layer, at).footprint
            np.testing.assert_array_equal(
                mask_of(found["bands"], report.network.extent), footprint.mask(), err_msg=f"{name} {at} gates {gates}"
            )
            assert found["count"] == footprint.count
            if found["box"] is None:
                assert footprint.count == 0
                continue
            hull = unit_of(layer, at).hull.clipped
            for (first, last), (low, high) in zip(found["box"], hull, strict=True):
                assert low <= first <= last <= high
            if gates and footprint.count:
                around = [(int(line.min()), int(line.max())) for line in np.nonzero(footprint.mask())]
                assert [tuple(ends) for ends in found["box"]] == around


@pytest.fixture
def blank(opened: Open) -> Opened:
    return opened("C3-4")


def compare_random_networks(blank: Opened, axes: int, networks: int, largest: int, start: int) -> tuple[int, int]:
    """How many different networks and units were held against each other."""
    chance, seen, units = random.Random(start), set(), 0
    sizes = st.tuples(*[st.integers(6, largest)] * axes)

    @seed(start)
    @given(designs(axes=axes), sizes)
    @settings(max_examples=networks, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def compare(drawn: Any, extent: tuple[int, ...]) -> None:
        nonlocal units
        report = Report(network_of(drawn, (2, *extent)))
        chosen = some_units(report, 12, chance)
        assert_the_page_agrees(blank.tab, report, chosen)
        seen.add(str(drawn))
        units += len(chosen)

    compare()
    return len(seen), units


@pytest.mark.parametrize("axes", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_units_of_random_networks_see_in_the_page_what_they_see_in_python(blank: Opened, axes: int) -> None:
    networks, units = compare_random_networks(blank, axes, 70, 40, start=axes)

    assert networks >= 30
    assert units >= 500


@pytest.mark.slow
@pytest.mark.parametrize("start", range(4))
def test_units_of_many_random_networks_see_in_the_page_what_they_see_in_python(blank: Opened, start: int) -> None:
    networks, units = compare_random_networks(blank, 2, 250, 64, start=100 + start)

    assert networks >= 100
    assert units >= 2000


MODELS = [
    ("resnet18", 64),
    ("convnext_atto", 96),
    ("efficientnet_b0", 96),
    ("hrnet_w18_small", 96),
    ("densenet121", 96),
]


@pytest.mark.parametrize(("name", "side"), MODELS)
def test_units_of_timm_models_see_in_the_page_what_they_see_in_python(blank: Opened, name: str, side: int) -> None:
    report = eyeshot.inspect(f"timm:{name}", (3, side, side))

    assert_the_page_agrees(blank.tab, report, some_units(report, 20, random.Random(name)))


@pytest.mark.parametrize(
    ("model", "side"),
    [("torchvision:shufflenet_v2_x1_0", 96), ("torchvision:swin_t", 112), ("torchvision:inception_v3", 160)],
)
def test_channels_that_are_shuffled_and_windows_that_are_cut_are_followed_exactly(
    blank: Opened, model: str, side: int
) -> None:
    report = eyeshot.inspect(model, (3, side, side))

    assert_the_page_agrees(blank.tab, report, some_units(report, 12, random.Random(model)))


class Grouped(nn.Module):
    """Maps of the left half beside maps of the right, a norm of groups, and the channels of one group."""

    def __init__(self) -> None:
        super().__init__()
        self.mixed, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.GroupNorm(2, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.mixed(self.norm(torch.cat(x.chunk(2, 3), 1)).narrow(1, 2, 2).repeat(1, 2, 1, 1))
        return out


def test_statistics_of_a_group_are_followed_to_its_channels(blank: Opened) -> None:
    report = eyeshot.inspect(Grouped(), (2, 12, 16))
    layer = report.layers[-1]
    pixels, units = [[5, 3], [5, 12]], [[y, x] for y in (0, 6) for x in (0, 7)]

    readers = blank.tab.evaluate(
        READERS, {"design": design(report), "layer": layer.name, "pixels": pixels, "units": units}
    )

    assert_the_page_agrees(blank.tab, report, [(layer.name, at) for at in units])
    assert readers == [[[False, False]] * 4, [[True, True]] * 4]


@pytest.mark.parametrize(
    "notation", ["C3d2-4 P3s2 [C1x3-4 | C3x1-4] C3s2-4", "C5s3-4 C3d3-4 P2", "C3s2-4 C4d2-4 C2s3-4"]
)
def test_who_sees_a_pixel_is_who_has_it_in_its_field(blank: Opened, notation: str) -> None:
    report = eyeshot.inspect(notation, (1, 23, 31))
    chance = random.Random(notation)
    layer = report.layers[-1]
    rows, columns = layer.out[1:]
    pixels = [[chance.randrange(23), chance.randrange(31)] for _ in range(12)]
    units = [[y, x] for y in range(rows) for x in range(columns)]

    found = blank.tab.evaluate(
        READERS, {"design": design(report), "layer": layer.name, "pixels": pixels, "units": units}
    )

    assert all(pushed == pulled for line in found for pushed, pulled in line)
    assert any(pushed for line in found for pushed, _ in line)
