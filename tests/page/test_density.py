"""The page's path density is Python's, weight by weight, or says why there is none."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import eyeshot
from eyeshot.analyse.layouts import unit_axes
from eyeshot.analyse.pull import path_counts
from eyeshot.api.report import Report
from eyeshot.view.document import design, places
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of
from tests.page.conftest import Open, Opened

DENSITY = """({design, layer, at}) => {
  const {designFrom, density} = eyeshot.arithmetic;
  const own = designFrom(design), {mass, reason} = density(own, own.index.get(layer), at);
  return {reason, low: mass?.low, size: mass?.size, data: mass && [...mass.data]};
}"""


@pytest.fixture
def blank(opened: Open) -> Opened:
    return opened("C3-4")


def whole(low: Any, values: Any, extent: tuple[int, ...]) -> Any:
    """A map written out over the image, with sum 1."""
    image = np.zeros(extent)
    image[tuple(slice(start, start + n) for start, n in zip(low, values.shape, strict=True))] = values
    return image / image.sum()


def assert_the_densities_agree(blank: Opened, report: Report, name: str, at: list[int]) -> bool:
    """Whether the page has a density to compare."""
    network = report.network
    found = blank.tab.evaluate(DENSITY, {"design": design(report), "layer": name, "at": at})
    axes = unit_axes(network, name)
    indices = {place: i for place, i in zip(places(network, name), at, strict=True) if place is not None}
    assert set(indices) == set(axes)
    counts = path_counts(network, name, indices, is_shared=True)
    if found["data"] is None:
        assert found["reason"]
        return False
    assert counts is not None
    expected = whole([low or 0 for low in counts.offsets], counts.values, network.extent)
    values = np.array(found["data"]).reshape(found["size"])
    np.testing.assert_allclose(whole(found["low"], values, network.extent), expected, rtol=1e-9, atol=1e-15)
    return True


@pytest.mark.parametrize("axes", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_densities_of_random_networks_equal_python(blank: Opened, axes: int) -> None:
    chance, compared = random.Random(3), 0

    @seed(axes + 10)
    @given(designs(axes=axes), st.tuples(*[st.integers(8, 40)] * axes))
    @settings(max_examples=50, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def compare(drawn: Any, extent: tuple[int, ...]) -> None:
        nonlocal compared
        if " N" in str(drawn):
            return  # channels near the first and the last have fewer neighbours, which the page takes as alike
        report = Report(network_of(drawn, (2, *extent)))
        network = report.network
        maps = [layer.name for layer in report if places(network, layer.name) == list(network.axes)]
        name = chance.choice(maps)
        at = [chance.randrange(network[name].shape[axis]) for axis in network.axes]
        if path_counts(network, name, dict(zip(network.axes, at, strict=True))) is not None:
            compared += assert_the_densities_agree(blank, report, name, at)

    compare()
    assert compared >= 15


@pytest.mark.parametrize(
    ("model", "layer", "at"),
    [
        ("alexnet", "conv5", [6, 6]),
        ("torchvision:resnet18", "layer3.1.conv2", [3, 5]),
        ("torchvision:googlenet", "inception4a.concat", [0, 4]),
        ("torchvision:lraspp_mobilenet_v3_large", "classifier.high_classifier", [2, 2]),
    ],
)
def test_densities_of_known_networks_equal_python(blank: Opened, model: str, layer: str, at: list[int]) -> None:
    report = eyeshot.inspect(model) if model == "alexnet" else eyeshot.inspect(model, (3, 96, 96))

    assert assert_the_densities_agree(blank, report, layer, at)


def test_where_channels_are_taken_apart_the_page_says_so(blank: Opened) -> None:
    report = eyeshot.inspect("torchvision:shufflenet_v2_x1_0", (3, 96, 96))
    name = report.layers[-8].name
    given = {"design": design(report), "layer": name, "at": [1, 1]}

    assert "takes channels apart" in blank.tab.evaluate(DENSITY, given)["reason"]
