"""What makes a network unsound, each fact found out in another way: gradients, unit by unit, branch by branch."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.alignment import meetings, shifts
from eyeshot.analyse.dropped import dropped
from eyeshot.analyse.exposure import exposure
from eyeshot.analyse.gridding import coverages
from eyeshot.analyse.landmarks import weighted
from eyeshot.analyse.unproductive import narrowest, unproductive
from eyeshot.design.syntax import Design
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of


@settings(max_examples=60)
@given(
    n=st.integers(4, 40), k=st.integers(1, 5), s=st.integers(1, 5), d=st.integers(1, 3), p=st.integers(0, 4),
    pooled=st.booleans(),
)  # fmt: skip
def test_what_is_dropped_has_no_gradient(n: int, k: int, s: int, d: int, p: int, pooled: bool) -> None:
    assume(n + 2 * p > d * (k - 1))
    module = nn.Conv1d(1, 1, k, s, p, d, bias=False)
    if pooled:
        assume((n + 2 * p - d * (k - 1) - 1) // s + 1 >= 2)
        module = nn.Sequential(module, nn.AvgPool1d(2))  # type: ignore[assignment]
    x = torch.ones(1, 1, n, requires_grad=True)
    conv = module if isinstance(module, nn.Conv1d) else module[0]
    nn.init.ones_(conv.weight)
    conv(x).sum().backward()
    assert x.grad is not None

    told = {each.layer: each for each in dropped(eyeshot.inspect(module, (1, n)))}

    missing = int((x.grad == 0).sum())
    image = [each for each in told.values() if each.layer not in ("0", "1")]
    assert (image[0].positions if image else (0,)) == (missing,)
    if pooled:
        m = (n + 2 * p - d * (k - 1) - 1) // s + 1
        assert ("0" in told) == bool(m % 2)


@settings(max_examples=15, deadline=None)
@given(designs(1), st.data())
def test_exposure_is_the_mean_over_units_of_what_falls_on_padding(design: Design, data: st.DataObject) -> None:
    network = network_of(design, (2, data.draw(st.integers(9, 30))))
    layer = eyeshot.inspect(network)[data.draw(st.sampled_from([each.name for each in network.layers]))]

    told = exposure(layer)

    assume(told is not None)
    try:
        expected = eyeshot.effective(network, layer.name, unit="all").share_on_padding
    except eyeshot.EyeshotError:
        assume(False)
    assert told == pytest.approx(expected, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(designs(2), st.data())
def test_a_shift_is_where_units_look_less_where_they_stand(design: Design, data: st.DataObject) -> None:
    shape = (2, data.draw(st.integers(9, 20)), data.draw(st.integers(9, 20)))
    report = eyeshot.inspect(network_of(design, shape))

    for shift in shifts(report):
        layer = report[shift.layer]
        for axis, (pixels, n) in enumerate(zip(shift.pixels, shape[1:], strict=True)):
            if pixels is None:
                continue
            units = layer.out[1 + axis]
            ends = [layer.unit(*(i if a == axis else 0 for a in range(2))).hull.unclipped[axis] for i in range(units)]
            if any(last < first for first, last in ends):  # units in the padding alone look nowhere on the image
                continue
            looked_at = sum((first + last) / 2 for first, last in ends) / units
            assert pixels == pytest.approx(looked_at - (n - 1) / 2)


BRANCHES = [("C3-4 C3-4", "ID"), ("C5d2-4", "C1-4"), ("C3-4", "C7-4", "ID"), ("C4-4", "C3-4")]


@pytest.mark.parametrize("chosen", [BRANCHES[:1], BRANCHES[1:3], [BRANCHES[3], BRANCHES[0], BRANCHES[2]]])
@pytest.mark.parametrize("mark", [" + ", " | "])
def test_the_narrowest_path_is_the_least_over_all_ways(chosen: list[tuple[str, ...]], mark: str) -> None:
    between = " C3s2-4 "
    design = "C3-4 " + between.join(f"[{mark.join(ways)}]" for ways in chosen)
    network = eyeshot.inspect(design, (3, 64, 64)).network

    ways = ["C3-4 " + between.join(way) for way in itertools.product(*chosen)]

    least = min(eyeshot.inspect(way, (3, 64, 64)).layers[-1].field.size for way in ways)
    assert narrowest(network)[network.output.name] == least


def test_vgg_at_32_pixels_has_ten_layers_in_vain_from_conv3_3_on() -> None:
    """Richter et al. 2021: what reads a map whose units see 32 pixels and spans several of them cannot add context."""
    report = eyeshot.inspect("vgg16", (3, 32, 32))

    layers = unproductive(report)

    assert len(layers) == 10
    assert layers[0].name == "block3.conv3"
    assert layers[0].field.size == (40, 40)
    assert [layer for layer in layers if layer in weighted(report)][-1].name == "block5.conv3"
    assert unproductive(eyeshot.inspect("vgg16")) == []


class OfTokens(nn.Module):
    """Patches behind class tokens, which are taken off for a convolution and put back (PiT)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.pool = nn.Conv2d(3, 8, 4, 2), nn.Conv2d(8, 8, 3, 2, 1)
        self.first = nn.Parameter(torch.zeros(1, 2, 8))

    def behind(self, patches: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        return torch.cat([first.expand(len(patches), -1, -1), patches.flatten(2).mT], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = self.patches(x)
        tokens = self.behind(patches, self.first)
        patches = self.pool(tokens[:, 2:].mT.unflatten(2, patches.shape[2:]))
        return self.behind(patches, tokens[:, :2]).unflatten(2, (2, 4)).transpose(1, 2)


def test_a_convolution_of_tokens_that_see_a_patch_each_adds_context() -> None:
    report = eyeshot.inspect(OfTokens(), (3, 32, 32))

    assert report["pool"].field.size == (8, 8)
    assert unproductive(report) == []


def test_gates_make_no_layer_unproductive() -> None:
    class Squeezed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.one(x)
            return self.two(x * x.mean((2, 3), keepdim=True).sigmoid())  # type: ignore[no-any-return]

    report = eyeshot.inspect(Squeezed(), (3, 16, 16))

    assert report["two"].field.is_global
    assert unproductive(report) == []


@pytest.mark.parametrize(
    ("design", "along"),
    [("C3d2-8 C3d2-8 C3d2-8", (7, 13)), ("C3-8 C3d2-8 C3d5-8", (17, 17)), ("C3-8 C3d2-8 C3d9-8", (21, 25))],
)
def test_coverage_of_dilated_stacks_is_wang_s(design: str, along: tuple[int, int]) -> None:
    """Wang et al. 2018, section 3.2; also in the map behind a stem that lets no pixel out."""
    image = coverages(eyeshot.inspect(design, (3, 41, 41)).layers[-1])[0]
    report = eyeshot.inspect(f"C7s2-8 {design}", (3, 120, 120))
    behind = {each.map: each for each in coverages(report["conv4"])}

    assert image.along == (along, along)
    assert behind["conv1"].along == (along, along)
    assert behind["input"].share == pytest.approx(1, abs=0.3)


def test_branches_with_an_even_kernel_meet_off_centre() -> None:
    (meeting,) = meetings(eyeshot.inspect("C3s2-8 [C4-8 + ID]", (3, 64, 64)))

    assert (meeting.layer, meeting.pixels, meeting.steps) == ("add2", 1.0, 0.5)
    assert not list(meetings(eyeshot.inspect("resnet50")))
    assert not list(meetings(eyeshot.inspect("wavenet")))
    assert not shifts(eyeshot.inspect("wavenet"))[1:]
