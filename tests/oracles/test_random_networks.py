"""Fields of random networks equal what the built module itself says."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eyeshot import inspect
from eyeshot.analyse.closed_form import closed_forms
from eyeshot.analyse.hulls import all_see_everything, hulls
from eyeshot.analyse.sights import Moving
from eyeshot.api.report import Report
from eyeshot.build.torch import build
from eyeshot.design.lower import lower
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Design, Full
from eyeshot.errors import ShapeError
from eyeshot.network.graph import Network
from eyeshot.read.torch import read_module
from tests.oracles.designs import designs
from tests.oracles.poisoning import hull_of, poisoned_lines, poisoned_pixels, prepared


def network_of(design: Design, shape: tuple[int, ...]) -> Network:
    try:
        return lower(parse(str(design)), shape, name="random", source="test")
    except ShapeError:
        assume(False)
        raise


def assert_hulls_equal_the_oracle(network: Network) -> None:
    report = Report(network)
    module = prepared(build(network))
    names = [layer.name for layer in report]
    for a, axis in enumerate(network.axes):
        seen = poisoned_lines(module, names, network.input.shape, axis)
        for layer in report:
            first, last = hull_of(seen[layer.name])
            if len(layer.node.shape) != len(network.input.shape):
                first, last = np.array([first.min()]), np.array([last.max()])
            np.testing.assert_array_equal(layer.hulls[a][0], first, err_msg=f"{layer.name} axis {axis}, first")
            np.testing.assert_array_equal(layer.hulls[a][1], last, err_msg=f"{layer.name} axis {axis}, last")


@given(designs(axes=2), st.integers(6, 18), st.integers(6, 18))
@settings(max_examples=60)
def test_hulls_of_all_units_equal_poisoning_in_2d(design: Design, height: int, width: int) -> None:
    assert_hulls_equal_the_oracle(network_of(design, (2, height, width)))


@given(designs(axes=1), st.integers(8, 40))
@settings(max_examples=40)
def test_hulls_of_all_units_equal_poisoning_in_1d(design: Design, length: int) -> None:
    assert_hulls_equal_the_oracle(network_of(design, (2, length)))


@pytest.mark.slow
@given(designs(axes=2), st.integers(6, 24), st.integers(6, 24))
@settings(max_examples=1500)
def test_hulls_of_all_units_equal_poisoning_in_many_networks(design: Design, height: int, width: int) -> None:
    assert_hulls_equal_the_oracle(network_of(design, (2, height, width)))


@given(designs(axes=2), st.integers(6, 12), st.integers(6, 12), st.data())
@settings(max_examples=60)
def test_footprints_equal_poisoning_pixel_by_pixel(
    design: Design, height: int, width: int, data: st.DataObject
) -> None:
    network = network_of(design, (1, height, width))
    report = Report(network)
    layer = data.draw(st.sampled_from(report.layers))
    at = tuple(data.draw(st.integers(0, layer.node.shape[axis] - 1)) for axis in network.axes)

    seen = poisoned_pixels(prepared(build(network)), layer.name, network.input.shape, at)
    footprint = layer.unit(*at).footprint

    np.testing.assert_array_equal(footprint.mask(), seen)
    assert footprint.count == sum(int(np.prod([last - first + 1 for first, last in box])) for box in footprint.boxes())


@given(designs(axes=2), st.integers(8, 20), st.integers(8, 20))
@settings(max_examples=60)
def test_a_unit_whose_field_lies_inside_the_image_sees_its_closed_form(design: Design, height: int, width: int) -> None:
    network = network_of(design, (1, height, width))
    for layer in Report(network):
        if layer.field.stride is None or not layer.field.is_regular:
            continue
        for axis, (first, last) in enumerate(layer.hulls):
            start, stride = layer.field.start[axis], layer.field.stride[axis]  # type: ignore[index]
            if start is None or stride is None:
                continue
            for unit, (low, high) in enumerate(zip(first, last, strict=True)):
                unclipped = (start + unit * stride, start + unit * stride + layer.field.size[axis] - 1)
                if high < low:  # along the other axis all such units lie in padding
                    continue
                if unclipped[0] >= 0 and unclipped[1] < network.extent[axis]:
                    assert (low, high) == unclipped
                else:
                    assert low >= unclipped[0]
                    assert high <= unclipped[1]


@given(designs(axes=2), st.integers(4, 20), st.integers(4, 20), st.booleans())
@settings(max_examples=150)
def test_a_layer_is_global_where_each_of_its_units_sees_the_whole_image(
    design: Design, height: int, width: int, has_head: bool
) -> None:
    network = network_of(Design((*design.items, Full(width=3)), "") if has_head else design, (1, height, width))
    for layer in Report(network):
        sees_all = all_see_everything(hulls(network)[layer.name], network.extent)
        assert layer.field.is_global == sees_all, layer.name
        for (first, last), n in zip(layer.hulls, network.extent, strict=True):
            assert not sees_all or bool((first == 0).all() and (last == n - 1).all()), layer.name


@given(designs(axes=2), st.integers(4, 20), st.integers(4, 20))
@settings(max_examples=100)
def test_what_a_form_says_of_the_image_is_what_each_of_its_units_sees_there(
    design: Design, height: int, width: int
) -> None:
    network = network_of(design, (2, height, width))
    for layer in Report(network):
        sights = closed_forms(network)[layer.name].table[0]
        for sight, n, (first, last) in zip(sights, network.extent, layer.hulls, strict=True):
            if isinstance(sight, Moving) and sight.cut is not None:
                units = range(layer.node.shape[sight.axis])
                assert sight.cut == n
                if any(getattr(other, "cut", None) is None for other in sights):
                    continue  # along the other axis some may lie in padding
                assert first.tolist() == [max(sight.first(unit), 0) for unit in units], layer.name
                assert last.tolist() == [min(sight.last(unit), n - 1) for unit in units], layer.name


class Erased(torch.nn.Module):
    """Boxes of a map set to zero one after another, as detectors of points do; then some of its rows."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + 0
        for i in range(6):
            x[..., 3 * i : 3 * i + 3, 2 * i : 2 * i + 4] = 0
        return x[..., 2:20, :]


def test_what_is_cut_out_of_an_erased_map_holds_no_map_of_its_own() -> None:
    """A slice reads nothing together: thousands of them, of maps of 232×232, would take gigabytes."""
    report = inspect(Erased(), (1, 24, 24))
    labels = hulls(report.network)
    cut = report.layers[-1].node
    (whole,) = cut.inputs

    held = [label.ends for term in labels[whole] for label in term]
    assert max(ends.size for ends in held) == 2 * 24 * 24
    for label in (label for term in labels[cut.name] for label in term):
        assert any(np.shares_memory(label.ends, ends) for ends in held)
    boxes = {(r, c) for i in range(6) for r in range(3 * i, 3 * i + 3) for c in range(2 * i, 2 * i + 4)}
    seen = {at: report.layers[-1].unit(*at).footprint.count for at in product(range(18), range(24))}
    assert {(r + 2, c) for (r, c), count in seen.items() if not count} == {at for at in boxes if 2 <= at[0] < 20}


@given(designs(axes=2), st.integers(8, 20))
@settings(max_examples=60)
def test_building_and_reading_back_gives_the_same_network(design: Design, size: int) -> None:
    network = network_of(design, (2, size, size))

    back = read_module(build(network), (2, size, size), name=network.name, source=network.source)

    assert back == network
    assert Report(back).to_json() == Report(network).to_json()


@given(designs(axes=2))
@settings(max_examples=200)
def test_the_notation_reads_back(design: Design) -> None:
    assert str(parse(str(design))) == str(design)
    assert parse(str(parse(str(design)))) == parse(str(design))
