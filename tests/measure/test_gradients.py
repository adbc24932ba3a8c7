"""Gradients of init and weights: what they equal, what they never leave, and the laws that are known of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.field import Fields
from eyeshot.analyse.units import Units
from eyeshot.api.report import Report
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.design.syntax import Design
from eyeshot.errors import UsageError
from eyeshot.measure.images import images_of, usual
from eyeshot.report.effective import EffectiveField
from tests.measure.loops import aligned_average, gradient
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of


def images(shape: tuple[int, ...], count: int = 2) -> torch.Tensor:
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(1))


def with_ones(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(1 if parameter.dim() > 1 else 0)
    return module


@pytest.mark.parametrize(
    "design",
    [
        "C3-4~ C3-4~ C3-4~",
        "C5s2-4~ C3d2-4~",
        "[C3-4~ C3-4~ + C1-4~] C3-4~",
        "[C3-4~ | C5-4~ | ID] C3g2-8~",
        "C3g*~ A2 C3-4~ A3s2",
    ],
)
@pytest.mark.parametrize("unit", ["centre", (0, 0), "all"])
def test_linear_networks_of_ones_use_exactly_their_path_density(design: str, unit: str | tuple[int, ...]) -> None:
    network = network_named(design, (2, 21, 21))
    module = with_ones(build(network))
    expected = eyeshot.effective(design, source="paths", unit=unit, input_shape=(2, 21, 21))

    found = eyeshot.effective(
        module, expected.layer, source="weights", images=images((2, 21, 21)), unit=unit, channel="sum",
        input_shape=(2, 21, 21),
    )  # fmt: skip

    assert found.start == expected.start
    np.testing.assert_allclose(found.map, expected.map, atol=1e-7)
    assert found.sigma == pytest.approx(expected.sigma, rel=1e-5)


@settings(max_examples=15)
@given(designs(2), st.sampled_from(["abs", "square", "signed", "positive"]), st.sampled_from([1, 3, 8]))
def test_all_units_at_once_equal_a_loop_over_units_and_images(design: Design, measure: str, batch: int) -> None:
    network = network_of(design, (2, 11, 12))
    name = next(layer.name for layer in reversed(network.layers) if layer.op.kind in ("conv2d", "max_pool2d"))
    torch.manual_seed(0)
    module = build(network)
    units = Units(Fields(network), name)
    origins = {}
    for at in units:
        reference = units.reference(at)
        if reference is not None:
            whole = tuple(at[units.axes.index(axis)] if axis in units.axes else 0 for axis in (2, 3))
            origins[whole] = reference
    given_images = images((2, 11, 12), 3)
    loop = module if measure != "positive" else Rectified(module, name)
    expected = aligned_average(loop, name if measure != "positive" else "rectified", given_images, origins, measure)
    total = sum(abs(value) for value in expected.values())
    if total == 0:
        return

    found = eyeshot.effective(
        module, name, source="weights", images=given_images, unit="all", measure=measure, channel="sum",
        input_shape=(2, 11, 12), batch=batch,
    )  # fmt: skip

    assert np.abs(found.map).sum() == pytest.approx(1)
    for place, value in np.ndenumerate(found.map):
        offset = tuple(p + s for p, s in zip(place, found.start, strict=True))
        assert value == pytest.approx(expected.get(offset, 0.0) / total, abs=1e-5)


class Rectified(nn.Module):
    """A module with one layer's output rectified, under a name of its own."""

    def __init__(self, module: nn.Module, layer: str) -> None:
        super().__init__()
        self.module, self.rectified = module, nn.ReLU()
        module.get_submodule(layer).register_forward_hook(lambda child, inputs, output: self.rectified(output) + 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x)


@settings(max_examples=40)
@given(designs(2), st.data())
def test_no_gradient_leaves_the_footprint(design: Design, data: st.DataObject) -> None:
    network = network_of(design, (2, 13, 13))
    report = Report(network)
    name = data.draw(st.sampled_from([layer.name for layer in report.layers if len(layer.node.shape) == 4]))
    at = tuple(data.draw(st.integers(0, n - 1)) for n in report[name].node.shape[2:])
    torch.manual_seed(data.draw(st.integers(0, 9)))
    module = build(network)

    found = gradient(module, name, images((2, 13, 13))[0], (slice(None), *at))

    outside = ~report[name].unit(*at).footprint.mask()
    assert np.abs(found[:, outside]).max(initial=0) <= 1e-4 * np.abs(found).max(initial=0)


def of_init(design: str, **settings: object) -> EffectiveField:
    return eyeshot.effective(design, source="init", measure="square", **settings)  # type: ignore[arg-type]


def interval(found: EffectiveField) -> tuple[float, float]:
    assert found.intervals is not None
    return found.intervals.ends["sigma"][0]


def test_the_width_grows_with_the_root_of_the_depth() -> None:
    """Luo et al. 2016, section 2: the slope of log σ over log depth has 0.5 in its own interval, which is narrow."""
    depths = (3, 6, 12, 24)
    found = [of_init(f"(C3-8)x{n}", input_shape=(1, 2 * n + 9, 2 * n + 9), seeds=12) for n in depths]

    x = np.log(depths) - np.mean(np.log(depths))
    slope = float(x @ np.log([f.sigma[0] for f in found]) / (x @ x))
    halves = np.array([(interval(f)[1] - interval(f)[0]) / 2 / f.sigma[0] for f in found])
    half = float(np.sqrt(((x / (x @ x)) ** 2 * halves**2).sum()))

    assert half < 0.1
    assert slope == pytest.approx(0.5, abs=half)


@pytest.mark.parametrize(
    ("narrower", "wider"),
    [
        ("C3-8 " + "[C3-8 C3-8~ + ID] " * 3, "(C3-8)x7"),
        ("(C3-8)x3", "C3-8 C3d2-8 C3d4-8"),
        ("(C3-8)x4", "C3s2-8 (C3-8)x3"),
        ("(C3-8)x3", "C7-8"),
    ],
    ids=["skip connections", "dilation", "subsampling", "a stack against one kernel"],
)
def test_what_is_published_to_be_narrower_is(narrower: str, wider: str) -> None:
    """Luo et al. 2016, sections 2.3 and 3: skips narrow, dilation and subsampling widen."""
    a, b = (of_init(design, input_shape=(1, 41, 41), seeds=12) for design in (narrower, wider))

    assert interval(a)[1] < interval(b)[0]
    assert a.sigma[0] < b.sigma[0]


@settings(max_examples=5)
@given(st.integers(2, 4), st.integers(4, 8), st.booleans())
def test_orderings_hold_for_nets_drawn_at_random(depth: int, width: int, has_pool: bool) -> None:
    pool = " A2" if has_pool else ""
    plain = f"C3-{width}{pool} (C3-{width})x{depth}"
    dilated = f"C3-{width}{pool} (C3d2-{width})x{depth}"
    sampled = f"C3s2-{width}{pool} (C3-{width})x{depth}"
    shape = (1, 64, 64)
    found = [of_init(design, input_shape=shape, seeds=6).sigma[0] for design in (plain, dilated, sampled)]

    assert found[0] < found[1]
    assert found[0] < found[2]


def test_squared_gradients_of_random_weights_have_the_path_density() -> None:
    """Weights of mean 0 and one variance: paths do not interfere on average (Luo et al. 2016, section 2)."""
    found = of_init("C3-16~ C3-16~ C3-16~", input_shape=(3, 15, 15), seeds=60)
    low, high = interval(found)

    assert low <= math.sqrt(2) <= high
    assert high - low < 0.1


@pytest.mark.parametrize(
    "design",
    ["C3-8 " + "[C3-8 C3-8~ + ID] " * 6, "C3-16 " + "[C3-16~ + ID] " * 6, "C3-8 [C3-8~ | C7-8~] C3-8"],
    ids=["residual blocks of two", "residual blocks of one", "kernels side by side"],
)
def test_where_branches_meet_too_and_counted_paths_do_not(design: str) -> None:
    layer = "add13" if "C3-8~ + ID" in design else "add7" if "+" in design else None
    low, high = interval(of_init(design, layer=layer, input_shape=(1, 41, 41), seeds=24))
    density, paths = (
        eyeshot.effective(design, layer, source=source, input_shape=(1, 41, 41)).sigma[0]
        for source in ("density", "paths")
    )

    assert low <= density <= high
    assert paths > high


def test_a_unit_rectified_to_zero_is_told_from_one_that_sees_nothing() -> None:
    module = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    with torch.no_grad():
        module[0].weight.zero_()
        module[0].bias.fill_(-1.0)

    with pytest.raises(
        UsageError, match=r"its gradient is 0 at every one of the 2 images\. It sees them, but is rectified"
    ):
        eyeshot.effective(module, "1", source="weights", images=images((1, 8, 8)), input_shape=(1, 8, 8))


def test_a_limit_takes_a_random_choice_of_an_array_the_same_each_time() -> None:
    values = np.arange(40, dtype=np.float32).reshape(40, 1, 1, 1) * np.ones((1, 1, 4, 4), dtype=np.float32)

    chosen, again = (images_of(values, (1, 4, 4), lambda: usual((1, 4, 4)), 10) for _ in range(2))

    kept = chosen.take(range(10), 0)[:, 0, 0, 0].tolist()
    assert kept == again.take(range(10), 0)[:, 0, 0, 0].tolist()
    assert len(set(kept)) == 10
    assert sorted(kept) != list(range(10))
    assert "10 of the 40 images given, a random choice" in chosen.words


def test_a_class_of_a_classifier_and_a_layer_behind_global_pooling() -> None:
    design = "C3-8 P2 C3-8 G F10"
    for layer, channel in (("fc3", 3), ("gap", "mixed")):
        found = eyeshot.effective(design, layer, source="init", input_shape=(3, 16, 16), channel=channel, seeds=2)

        assert found.origin.unit == (() if layer == "fc3" else (0, 0))
        assert found.map.shape == (16, 16)
        assert found.share_of_field <= 1


@pytest.mark.parametrize("design", ["C9s2-16 P2 C9d2-32", "C5-4 C5-4"])
def test_one_dimensional_networks(design: str) -> None:
    found = eyeshot.effective(design, source="init", input_shape=(1, 200), seeds=3)

    assert found.map.ndim == 1
    assert found.field_size[0] >= len(found.map)


def test_three_dimensional_networks() -> None:
    found = eyeshot.effective("C3-8 P2 C1x3x3-16", source="init", input_shape=(1, 8, 12, 12), seeds=3)

    assert found.map.shape == found.field_size == (4, 8, 8)


def test_a_layer_norm_s_channels_are_not_summed_to_a_constant() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.LayerNorm(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.conv(x).permute(0, 2, 3, 1))

    found = eyeshot.effective(Normed(), "norm", source="init", input_shape=(3, 9, 9), seeds=20, measure="square")

    assert found.map.shape == (3, 3)
    assert found.sigma[0] == pytest.approx(math.sqrt(8 / 12), rel=0.1)


@pytest.mark.parametrize(
    ("model", "layer", "field"),
    [
        ("timm:vit_tiny_patch16_224", "patch_embed.proj", 16),
        ("timm:vit_tiny_patch16_224", "blocks.0.norm1", 16),
        ("timm:vit_tiny_patch16_224", "blocks.1.norm1", 224),
        ("timm:swin_tiny_patch4_window7_224", "layers.0.blocks.0.norm1", 4),
    ],
)
def test_tokens_of_transformers(model: str, layer: str, field: int) -> None:
    found = eyeshot.effective(model, layer, source="init", seeds=1, per_seed=1)

    assert max(found.map.shape) <= field
    assert found.frame.field == (field, field)
    assert found.measures["shift"] == pytest.approx((0, 0), abs=field / 8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_what_the_cpu_gives() -> None:
    settings = {"source": "init", "unit": "all", "input_shape": (3, 28, 28), "seeds": 3}
    cpu, gpu = (eyeshot.effective("alexnet-28", "conv5", device=d, **settings) for d in ("cpu", "cuda"))  # type: ignore[arg-type]

    assert gpu.sigma == pytest.approx(cpu.sigma, rel=1e-3)
    half = eyeshot.effective("alexnet-28", "conv5", device="cuda", dtype="bf16", **settings)  # type: ignore[arg-type]
    assert half.sigma == pytest.approx(cpu.sigma, rel=0.05)


def test_bf16_gives_nearly_what_float32_gives() -> None:
    single, half = (
        eyeshot.effective("alexnet-28", "conv5", source="init", input_shape=(1, 28, 28), seeds=3, dtype=dtype)
        for dtype in ("float32", "bf16")
    )

    assert half.sigma == pytest.approx(single.sigma, rel=0.05)
    assert half.sigma != single.sigma
