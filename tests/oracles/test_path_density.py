"""Path density equals brute-force counting, and its closed form where there is one."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse import pull
from eyeshot.analyse.density import widths
from eyeshot.analyse.field import Fields
from eyeshot.analyse.pull import path_counts
from eyeshot.analyse.spread import Frame, measures
from eyeshot.analyse.units import Units
from eyeshot.api.report import Report
from eyeshot.design.syntax import Design
from eyeshot.measure.density import density
from eyeshot.network.graph import Network
from tests.oracles.designs import designs
from tests.oracles.summing import paths
from tests.oracles.test_random_networks import network_of


def drawn_unit(network: Network, name: str, data: st.DataObject) -> dict[int, int]:
    units = Units(Fields(network), name)
    return units.index(tuple(data.draw(st.integers(0, n - 1)) for n in units.sizes))


def assert_counts_equal_brute_force(network: Network, name: str, index: dict[int, int]) -> None:
    counts = path_counts(network, name, index)
    expected = paths(network, name, index)

    if counts is None:
        assert not expected.any()
        return
    found = np.zeros(network.extent)
    place = tuple(slice(o or 0, (o or 0) + n) for o, n in zip(counts.offsets, counts.values.shape, strict=True))
    found[place] = np.ldexp(counts.values, counts.exponent)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@settings(max_examples=60)
@given(designs(2), st.data())
def test_counts_of_random_networks_equal_brute_force(design: Design, data: st.DataObject) -> None:
    network = network_of(design, (2, data.draw(st.integers(9, 20)), data.draw(st.integers(9, 20))))
    name = data.draw(st.sampled_from([layer.name for layer in network.layers]))

    assert_counts_equal_brute_force(network, name, drawn_unit(network, name, data))


@settings(max_examples=40)
@given(designs(1), st.data())
def test_counts_of_random_one_dimensional_networks_equal_brute_force(design: Design, data: st.DataObject) -> None:
    network = network_of(design, (2, data.draw(st.integers(9, 40))))
    name = data.draw(st.sampled_from([layer.name for layer in network.layers]))

    assert_counts_equal_brute_force(network, name, drawn_unit(network, name, data))


@settings(max_examples=60)
@given(designs(2), st.data())
def test_widths_on_an_endless_image_equal_their_closed_form(design: Design, data: st.DataObject) -> None:
    network = network_of(design, (2, 16, 16))
    is_shared = data.draw(st.booleans())
    for name, expected in widths(network, is_shared=is_shared).items():
        if expected is None or name == network.input.name:
            continue
        counts = path_counts(network, name, drawn_unit(network, name, data), endless=True, is_shared=is_shared)

        assert counts is not None
        assert counts.is_whole
        start = tuple(o or 0 for o in counts.offsets)
        found = measures(counts.values, start, Frame((0.0, 0.0), (1, 1), network.extent))["sigma"]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(designs(2), st.data())
def test_no_path_leaves_the_footprint_and_all_of_it_has_paths(design: Design, data: st.DataObject) -> None:
    network = network_of(design, (2, 14, 14))
    report = Report(network)
    name = data.draw(st.sampled_from([layer.name for layer in report.layers if len(layer.node.shape) == 4]))
    at = tuple(data.draw(st.integers(0, n - 1)) for n in report[name].node.shape[2:])
    footprint = report[name].unit(*at).footprint.mask()
    if not footprint.any():
        return

    units = Units(Fields(network), name)
    found = density(network, name, tuple(i for axis, i in zip((2, 3), at, strict=True) if axis in units.axes))

    np.testing.assert_array_equal(found.on_image() > 0, footprint)


@settings(max_examples=12)
@given(designs(2), st.data())
def test_the_aligned_average_equals_a_loop_over_units(design: Design, data: st.DataObject) -> None:
    network = network_of(design, (2, 12, 12))
    name = data.draw(st.sampled_from([layer.name for layer in network.layers]))
    units = Units(Fields(network), name)
    references = {at: units.reference(at) for at in units}
    sums: dict[tuple[int, ...], float] = {}
    for at, reference in references.items():
        if reference is not None:
            for pixel, count in np.ndenumerate(paths(network, name, units.index(at))):
                offset = tuple(p - r for p, r in zip(pixel, reference, strict=True))
                sums[offset] = sums.get(offset, 0.0) + count
    if not any(sums.values()):
        return

    found = density(network, name, "all", is_shared=False)

    total = sum(sums.values())
    for place, value in np.ndenumerate(found.map):
        offset = tuple(p + s for p, s in zip(place, found.start, strict=True))
        assert value == pytest.approx(sums.get(offset, 0.0) / total, abs=1e-12)
    assert found.map.sum() == pytest.approx(1)


class Dealt(nn.Module):
    """A convolution whose channels are dealt to a query and a context, which meet again (FocalNet)."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.channels, self.dealt = channels, nn.Conv2d(3, 2 * channels, 3, padding=1)
        self.context = nn.Conv2d(channels, channels, 9, padding=4 * dilation, dilation=dilation)
        self.last = nn.Conv2d(channels, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, context = self.dealt(x).split([self.channels, self.channels], 1)
        return self.last(query * self.context(context))  # type: ignore[no-any-return]


def test_channels_that_count_alike_are_held_once_where_they_are_dealt_to_several_readers() -> None:
    report = eyeshot.inspect(Dealt(64, 40), (3, 400, 400))
    one = 8 * 323 * 323  # bytes of a map of counts; written out there were 128

    tracemalloc.start()
    counts = path_counts(report.network, "last", {2: 200, 3: 200})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert counts is not None
    assert peak < 16 * one


def test_sums_of_few_terms_count_what_sums_that_are_written_out_do(monkeypatch: pytest.MonkeyPatch) -> None:
    network = eyeshot.inspect(Dealt(16, 2), (3, 40, 40)).network
    written_out = path_counts(network, "last", {2: 20, 3: 9})

    monkeypatch.setattr(pull, "_MANY", 0)
    of_terms = path_counts(network, "last", {2: 20, 3: 9})

    assert written_out is not None
    assert of_terms is not None
    assert (of_terms.offsets, of_terms.exponent) == (written_out.offsets, written_out.exponent)
    np.testing.assert_allclose(of_terms.values, written_out.values, rtol=1e-12)
