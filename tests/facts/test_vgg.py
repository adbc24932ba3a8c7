"""VGG, to the unit. Simonyan & Zisserman 2014, tables 1 and 2 and section 2.3; totals recomputed from table 1."""

from __future__ import annotations

import pytest

from eyeshot import inspect
from eyeshot.analyse.density import widths
from eyeshot.design.named import network_named

TABLE = [
    # net, params, convolutions' params, MACs, field of the last convolution, of pool5
    ("vgg-a", 132_863_336, 9_220_480, 7_609_090_048, 134, 150),
    ("vgg-a-lrn", 132_863_336, 9_220_480, 7_609_090_048, 134, 150),
    ("vgg-b", 133_047_848, 9_404_992, 11_308_466_176, 140, 156),
    ("vgg-c", 133_638_952, 9_996_096, 11_770_888_192, 140, 156),
    ("vgg-d", 138_357_544, 14_714_688, 15_470_264_320, 196, 212),
    ("vgg-e", 143_667_240, 20_024_384, 19_632_062_464, 252, 268),
    ("vgg-b-5x5", 134_503_528, 10_860_672, 9_356_017_664, 140, 156),
]


@pytest.mark.parametrize(("net", "params", "conv_params", "macs", "last_field", "pool_field"), TABLE)
def test_each_net_is_as_published(
    net: str, params: int, conv_params: int, macs: int, last_field: int, pool_field: int
) -> None:
    report = inspect(net)
    convolutions = [layer for layer in report if layer.op == "conv2d"]
    pools = [layer for layer in report if layer.op == "max_pool2d"]

    assert (report.totals.params, report.totals.macs) == (params, macs)
    assert sum(layer.params for layer in convolutions) == conv_params
    assert convolutions[-1].field.size == (last_field, last_field)
    assert pools[-1].field.size == (pool_field, pool_field)


@pytest.mark.parametrize(
    ("twin", "name"), [("vgg11", "vgg-a"), ("vgg13", "vgg-b"), ("vgg16", "vgg-d"), ("vgg19", "vgg-e")]
)
def test_the_usual_names_are_the_same_nets(twin: str, name: str) -> None:
    assert network_named(twin).nodes == network_named(name).nodes


@pytest.mark.parametrize(
    ("stack", "single", "field", "stacked_c2", "single_c2", "more"),
    [
        ("C3-64 C3-64", "C5-64", 5, 18, 25, 38.9),
        ("C3-64 C3-64 C3-64", "C7-64", 7, 27, 49, 81.5),
        ("C3-64 C3-64 C3-64 C3-64", "C9-64", 9, 36, 81, 125.0),
    ],
)
def test_stacked_3x3_replace_one_large_kernel(
    stack: str, single: str, field: int, stacked_c2: int, single_c2: int, more: float
) -> None:
    c = 64
    stacked, one = inspect(stack, (c, 32, 32)), inspect(single, (c, 32, 32))
    weights = [sum(layer.params - c for layer in report if layer.op == "conv2d") for report in (stacked, one)]

    assert stacked.layers[-1].field.size == one.layers[-1].field.size == (field, field)
    assert weights == [stacked_c2 * c * c, single_c2 * c * c]
    assert round(100 * (weights[1] / weights[0] - 1), 1) == more


def test_vgg16_at_32_pixels_sees_more_than_the_image_from_conv3_3_on() -> None:
    """Richter et al. 2021, on unproductive layers."""
    fields = [layer.field.size[0] for layer in inspect("vgg16", (3, 32, 32)) if layer.op == "conv2d"]

    assert fields.index(40) == 6
    assert sum(field > 32 for field in fields[6:]) == 7


@pytest.mark.parametrize(
    ("design", "layer", "width"),
    [
        ("C3-8x5", "conv5", 1.826),
        ("C3-8x10", "conv10", 2.582),
        ("C3-8x20", "conv20", 3.651),
        ("C3-8x40", "conv40", 5.164),
        ("C3-64x3", "conv3", 1.414),
        ("C7-64", "conv1", 2.000),
        ("alexnet", "conv5", 26.5),
        ("vgg16", "block5.conv3", 26.5),
    ],
)
def test_path_density_is_as_wide_as_its_closed_form(design: str, layer: str, width: float) -> None:
    """Luo et al. 2016, uniform weights: variance Σ (J·d)²·(k² − 1)/12."""
    found = widths(network_named(design))[layer]

    assert found is not None
    assert found == pytest.approx((width, width), abs=0.05 if width > 20 else 0.0005)
