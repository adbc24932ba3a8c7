"""AlexNet, to the unit. Krizhevsky, Sutskever & Hinton 2012; layer table of the Caffe replica; the rest recomputed."""

from __future__ import annotations

import pytest

from eyeshot import inspect
from eyeshot.analyse.inspection import Layer

TABLE = [
    # layer, out, params, MACs, field, stride, padding
    ("conv1", (96, 55, 55), 34_944, 105_415_200, 11, 4, 0),
    ("pool1", (96, 27, 27), 0, 0, 19, 8, 0),
    ("conv2", (256, 27, 27), 307_456, 223_948_800, 51, 8, 16),
    ("pool2", (256, 13, 13), 0, 0, 67, 16, 16),
    ("conv3", (384, 13, 13), 885_120, 149_520_384, 99, 16, 32),
    ("conv4", (384, 13, 13), 663_936, 112_140_288, 131, 16, 48),
    ("conv5", (256, 13, 13), 442_624, 74_760_192, 163, 16, 64),
    ("pool5", (256, 6, 6), 0, 0, 195, 32, 64),
]


@pytest.mark.parametrize(("name", "out", "params", "macs", "size", "stride", "padding"), TABLE)
def test_each_layer_is_as_published(
    name: str, out: tuple[int, ...], params: int, macs: int, size: int, stride: int, padding: int
) -> None:
    layer = inspect("alexnet")[name]

    assert (layer.out, layer.params, layer.macs) == (out, params, macs)
    assert layer.field.size == (size, size)
    assert layer.field.stride == (stride, stride)
    assert layer.field.start == (-padding, -padding)
    assert layer.field.is_regular
    assert layer.field.is_exact


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [("fc6", 37_752_832, 37_748_736), ("fc7", 16_781_312, 16_777_216), ("fc8", 4_097_000, 4_096_000)],
)
def test_the_fully_connected_layers_see_everything_and_hold_the_weights(name: str, params: int, macs: int) -> None:
    layer = inspect("alexnet")[name]

    assert (layer.params, layer.macs) == (params, macs)
    assert layer.field.is_global
    assert layer.field.stride is None
    assert layer.field.start is None


@pytest.mark.parametrize(
    ("design", "params", "macs"),
    [
        ("alexnet", 60_965_224, 724_406_816),
        ("alexnet-owt", 61_100_840, 714_188_480),
        (
            "C11s4p0-96 N5 P3s2 C5-256 N5 P3s2 C3-384 C3-384 C3-256 P3s2 F4096 F4096 F1000",
            62_378_344,
            1_135_256_096,
        ),
    ],
)
def test_totals(design: str, params: int, macs: int) -> None:
    totals = inspect(design, (3, 224, 224) if design == "alexnet-owt" else (3, 227, 227)).totals

    assert (totals.params, totals.macs) == (params, macs)


def test_weights_lie_in_the_fully_connected_layers_and_operations_in_the_convolutions() -> None:
    report = inspect("alexnet")

    weights = sum(layer.params for layer in report if layer.op == "linear") / report.totals.params
    operations = sum(layer.macs for layer in report if layer.op == "conv2d") / report.totals.macs

    assert round(100 * weights, 1) == 96.2
    assert round(100 * operations, 1) == 91.9


def test_the_papers_neuron_count_of_conv1_is_shown_as_a_slip() -> None:
    report = inspect("alexnet")

    assert report["conv1"].activations == 290_400
    assert [note.kind for note in report.notes] == ["slip"]
    assert "253,440" in report.notes[0].text
    assert "290,400" in report.notes[0].text


def convolutions(model: str) -> list[Layer]:
    return [layer for layer in inspect(model) if layer.op == "conv2d"]


def test_pools_all_the_way_shrink_the_maps_and_widen_the_field() -> None:
    alternating = inspect("alexnet-alternating")

    assert [alternating[name].out[1] for name in ("conv3", "conv4", "conv5")] == [13, 6, 2]
    assert alternating["conv5"].field.size == (387, 387)
    assert alternating["pool4"].field.size == (259, 259)
    assert alternating["pool4"].field.size[0] > 227


def test_pools_all_the_way_take_operations_and_no_convolution_weights() -> None:
    original, alternating = convolutions("alexnet"), convolutions("alexnet-alternating")

    savings = [round(100 * (1 - b.macs / a.macs)) for a, b in zip(original, alternating, strict=True)]
    assert savings == [0, 0, 0, 79, 98]
    assert round(sum(layer.macs for layer in original) / 1e6, 1) == 665.8
    assert round(sum(layer.macs for layer in alternating) / 1e6, 1) == 504.5
    assert [layer.params for layer in original] == [layer.params for layer in alternating]
