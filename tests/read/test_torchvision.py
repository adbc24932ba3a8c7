"""torchvision's families: costs as published by torchvision, fields as the models themselves say."""

from __future__ import annotations

import os

import numpy as np
import pytest

from eyeshot import inspect
from eyeshot.api.report import Report
from eyeshot.read.loading import load_module
from eyeshot.read.torch import read_module
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared

FAMILIES = [
    # name, params and field of the last convolution along the data path, measured by gradients (torchvision 0.28)
    ("alexnet", 61_100_840, 163),
    ("vgg16", 138_357_544, 196),
    ("resnet50", 25_557_032, 427),
    ("densenet121", 7_978_856, 2071),
    ("googlenet", 6_624_904, 379),
    ("mobilenet_v2", 3_504_872, 491),
    ("efficientnet_b0", 5_288_548, 851),
    ("squeezenet1_1", 1_235_496, None),
    ("mnasnet1_0", 4_383_312, None),
    ("shufflenet_v2_x1_0", 2_278_604, None),
    ("mobilenet_v3_small", 2_542_856, None),
    ("inception_v3", 23_834_568, None),
]


@pytest.mark.parametrize(("name", "params", "size"), FAMILIES)
def test_a_family_is_read_exactly(name: str, params: int, size: int | None) -> None:
    report = inspect(f"torchvision:{name}", (3, 299, 299) if name == "inception_v3" else (3, 224, 224))
    fields = [layer.data.field for layer in report if layer.op == "conv2d"]

    assert report.totals.params == params
    assert report.is_exact
    if size is not None:
        assert fields[-1].size == (size, size)


def test_inception_v3_sees_1311_pixels_at_most() -> None:
    report = inspect("torchvision:inception_v3", (3, 299, 299))

    assert max(layer.field.size[0] for layer in report if layer.op == "conv2d") == 1311


def test_weights_of_auxiliary_heads_are_told_of_and_not_counted() -> None:
    """torchvision's GoogLeNet has 13,004,888 params with its two heads."""
    (note,) = inspect("torchvision:googlenet").notes

    assert note.kind == "remark"
    assert "6,379,984 more params, in aux1, aux2" in note.text


def test_units_that_see_nothing_have_no_size() -> None:
    """A ViT's class token stands beside tokens of pixels until the first attention."""
    report = inspect("torchvision:vit_b_16")

    assert max(layer.field.size[0] for layer in report) == 224
    assert report.layers[-1].field.is_global


def test_squeeze_and_excitation_makes_fields_global_and_the_data_path_stays_local() -> None:
    report = inspect("torchvision:efficientnet_b0")
    first_gated = next(layer for layer in report if layer.op == "mul")

    assert first_gated.field.is_global
    assert not first_gated.data.field.is_global
    assert first_gated.data.field.size == (7, 7)


def test_operations_of_resnet50_count_convolutions_and_fully_connected_layers_only() -> None:
    assert inspect("torchvision:resnet50").totals.macs == 4_089_184_256


def assert_convolutions_and_pools_see_what_the_model_says(name: str, *sizes: int) -> None:
    module = load_module(f"torchvision:{name}").to_empty(device="cpu")
    shape = (3, *sizes) if len(sizes) > 1 else (3, sizes[0], sizes[0])
    report = Report(read_module(module, shape, name=name, source="torchvision"))
    sliding = {f"{op}{len(shape) - 1}d" for op in ("conv", "max_pool", "avg_pool")}
    layers = [layer for layer in report if layer.op in sliding and is_module(module, layer.name)]
    prepared(module)
    for a, axis in enumerate(range(2, 1 + len(shape))):
        seen = poisoned_lines(module, [layer.name for layer in layers], (1, *shape), axis)
        for layer in layers:
            for found, true in zip(layer.hulls[a], hull_of(seen[layer.name]), strict=True):
                np.testing.assert_array_equal(found, true, err_msg=f"{name} {layer.name} axis {axis}")


def is_module(module: object, name: str) -> bool:
    return name in dict(module.named_modules())  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small"])
def test_hulls_equal_poisoning(name: str) -> None:
    assert_convolutions_and_pools_see_what_the_model_says(name, 48)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("alexnet", 96), ("vgg11", 64), ("resnet18", 80), ("resnet50", 80), ("densenet121", 64), ("googlenet", 80),
        ("inception_v3", 96), ("mobilenet_v2", 80), ("mnasnet0_5", 80), ("efficientnet_b0", 80),
        ("shufflenet_v2_x1_0", 80), ("regnet_y_400mf", 64),
    ],
)  # fmt: skip
def test_hulls_equal_poisoning_in_every_family(name: str, size: int) -> None:
    assert_convolutions_and_pools_see_what_the_model_says(name, size)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("EYESHOT_ALL_FAMILIES"), reason="on demand: EYESHOT_ALL_FAMILIES=1")
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("resnext50_32x4d", (64,)), ("wide_resnet50_2", (64,)), ("convnext_tiny", (64,)), ("efficientnet_v2_s", (64,)),
        ("regnet_x_400mf", (64,)), ("mobilenet_v3_large", (64,)), ("squeezenet1_0", (64,)), ("vgg11_bn", (64,)),
        ("deeplabv3_resnet50", (64,)), ("deeplabv3_mobilenet_v3_large", (64,)), ("fcn_resnet50", (64,)),
        ("lraspp_mobilenet_v3_large", (64,)), ("swin_t", (64,)), ("swin_v2_t", (64,)), ("r3d_18", (6, 24, 24)),
        ("mc3_18", (6, 24, 24)), ("r2plus1d_18", (6, 24, 24)),
    ],
)  # fmt: skip
def test_hulls_equal_poisoning_in_the_other_families(name: str, sizes: tuple[int, ...]) -> None:
    assert_convolutions_and_pools_see_what_the_model_says(name, *sizes)


@pytest.mark.slow
def test_optical_flow_reads_both_images_and_samples_where_it_decides() -> None:
    report = inspect("torchvision:raft_small", {"image1": (3, 128, 128), "image2": (3, 128, 128)})

    assert report["feature_encoder.conv"].field.is_exact
    assert not report.layers[-1].field.is_exact
    assert report.totals.params == 990_162
    assert len(report.network.inputs) == 2
