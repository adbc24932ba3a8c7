"""The part of the image that is measured for one unit gives what the whole image gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.field import Fields
from eyeshot.analyse.units import At
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.design.syntax import Design
from eyeshot.measure.crop import Crop, crop_for
from eyeshot.read.torch import read_module
from tests.measure.loops import gradient, measured
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of


def crop_of(module: nn.Module, layer: str, at: At, shape: tuple[int, ...]) -> Crop | None:
    return crop_for(module, Fields(read_module(module, shape, name="net", source="torch")), layer, at)


@settings(max_examples=60)
@given(designs(2), st.data())
def test_one_unit_of_any_network_has_the_gradient_that_it_has_on_the_whole(design: Design, data: st.DataObject) -> None:
    shape = (2, 40, 37)
    network = network_of(design, shape)
    name = next(layer.name for layer in reversed(network.layers) if layer.op.kind in ("conv2d", "max_pool2d"))
    height, width = network[name].shape[2:]
    at = (data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    torch.manual_seed(0)
    module = build(network)
    crop = crop_for(module, Fields(network), name, at)
    if crop is None:
        return
    image = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    box = tuple(slice(start, start + size) for start, size in zip(crop.start, crop.size, strict=True))

    expected = measured(gradient(module, name, image, (slice(None), *at)), "abs")
    found = measured(
        gradient(UpTo(module, name), name, image[(slice(None), *box)], (slice(None), *crop.unit(at))), "abs"
    )

    assert expected.sum() == pytest.approx(expected[box].sum())
    np.testing.assert_allclose(found, expected[box], atol=1e-5 * max(expected.max(), 1e-30))


class UpTo(nn.Module):
    """A module that goes no further than a layer."""

    def __init__(self, module: nn.Module, layer: str) -> None:
        super().__init__()
        self.module, self.layer = module, layer

    def get_submodule(self, target: str) -> nn.Module:
        return self.module.get_submodule(target)

    def forward(self, x: torch.Tensor) -> None:
        def stop(child: nn.Module, inputs: object, output: object) -> None:
            raise StopIteration

        handle = self.module.get_submodule(self.layer).register_forward_hook(stop)
        try:
            self.module(x)
        except StopIteration:
            pass
        finally:
            handle.remove()


@pytest.mark.parametrize(
    ("design", "layer", "at", "start", "size"),
    [
        ("C3-4 C3-4 C3-4", "conv3", (20, 20), (17, 17), (7, 7)),
        ("C3-4 C3-4 C3-4", "conv3", (0, 39), (0, 36), (4, 4)),
        ("C3-4 M2 C3-4 M2 C3-4", "conv3", (5, 5), (12, 12), (20, 20)),
    ],
)
def test_it_is_the_unit_s_field_on_the_grid_of_all_layers(
    design: str, layer: str, at: At, start: tuple[int, ...], size: tuple[int, ...]
) -> None:
    network = network_named(design, (3, 40, 40))

    crop = crop_for(build(network), Fields(network), layer, at)

    assert crop is not None
    assert (crop.start, crop.size) == (start, size)


class Placed(nn.Module):
    """Adds a table of positions, as much of it as there is image."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.table = nn.Parameter(torch.randn(4, 40, 40) * 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(torch.relu(x + self.table[:, : x.shape[2], : x.shape[3]]))


class Gated(nn.Module):
    """A gate that sees the whole image."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(x * x.mean((2, 3), keepdim=True).sigmoid())


def test_what_depends_on_the_whole_image_is_given_the_whole() -> None:
    pooled = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(8), nn.Conv2d(4, 4, 3))

    assert crop_of(Gated(), "last", (20, 20), (3, 40, 40)) is None
    assert crop_of(pooled, "2", (2, 2), (3, 40, 40)) is None


def test_a_part_that_differs_from_the_whole_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its relations are those of the whole, and only the numbers tell."""
    torch.manual_seed(0)
    module, images = Placed(), torch.randn(3, 3, 40, 40)
    assert crop_of(module, "last", (20, 20), (3, 40, 40)) is not None

    def measure() -> eyeshot.EffectiveField:
        return eyeshot.effective(module, "last", source="weights", images=images, input_shape=(3, 40, 40))

    found = measure()
    monkeypatch.setattr("eyeshot.measure.gradients.crop_for", lambda *given: None)

    np.testing.assert_array_equal(found.map, measure().map)
