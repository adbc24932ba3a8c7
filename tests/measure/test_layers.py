"""Layers that are no modules of their own: sums, functions, slices; each is what a hook would have given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import eyeshot
from eyeshot.errors import RunError, UsageError

SHAPE = (2, 14, 14)


class Functions(nn.Module):
    """Steps of many kinds; ``keep`` holds what each gave in the last pass."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.keep: dict[str, torch.Tensor] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        keep = self.keep
        keep["relu"] = x = self.relu(self.a(x))
        keep["tanh"] = torch.tanh(x)
        keep["slice"], keep["slice#2"] = halves = self.b(keep["tanh"]).chunk(2, 1)
        keep["concat"] = torch.cat(halves[::-1], 1)
        keep["add"] = x + keep["concat"]
        keep["relu#2"] = x = self.relu(keep["add"])
        keep["lrn"] = functional.local_response_norm(x, 3)
        keep["max_pool2d"] = functional.max_pool2d(keep["lrn"], 2)
        keep["flatten"] = keep["max_pool2d"].flatten(1)
        return keep["flatten"].mul(2)


@pytest.mark.parametrize(
    "layer", ["relu", "tanh", "slice", "slice#2", "concat", "add", "relu#2", "lrn", "max_pool2d", "flatten"]
)
def test_every_step_is_measured_where_it_is_made(layer: str) -> None:
    torch.manual_seed(0)
    module = Functions().eval()
    image = torch.randn(1, *SHAPE)
    x = image.clone().requires_grad_(True)
    module(x)
    out = module.keep[layer]
    unit = eyeshot.effective(module, layer, source="weights", images=image, input_shape=SHAPE).origin.unit
    assert unit is not None
    chosen = out[(0, slice(None), *unit)] if out.dim() == 4 else out
    (expected,) = torch.autograd.grad(chosen.sum(), x)

    found = eyeshot.effective(module, layer, source="weights", images=image, input_shape=SHAPE, channel="sum")

    values = expected[0].abs().sum(0).double().numpy()
    np.testing.assert_allclose(found.on_image(), values / values.sum(), atol=1e-6)


def test_a_step_inside_a_function_names_others() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 4, 7, stride=7)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = self.conv(x).flatten(2).transpose(1, 2)
            return functional.scaled_dot_product_attention(tokens, tokens, tokens)

    report = eyeshot.inspect(Attending(), SHAPE)
    inner = next(layer.name for layer in report if layer.op == "softmax")

    with pytest.raises(UsageError, match="is a step inside a function of PyTorch's"):
        eyeshot.effective(Attending(), inner, source="init", input_shape=SHAPE)


def test_a_forward_pass_that_takes_another_way_is_told_of() -> None:
    class Fickle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return torch.relu(x) + 1 if torch.is_grad_enabled() else torch.tanh(x) + 1

    with pytest.raises(RunError, match="took another path than the one that was read"):
        eyeshot.effective(Fickle(), "tanh", source="init", input_shape=SHAPE)


def test_of_several_inputs_the_first_is_measured_and_the_others_are_noise() -> None:
    class Three(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = nn.Conv2d(2, 4, 3), nn.Conv2d(2, 4, 7, padding=2)
            self.words = nn.Embedding(2, 4)

        def forward(self, a: torch.Tensor, b: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
            return self.near(a) * self.far(b) + self.words(words).mean(1)[..., None, None]

    given = {"b": SHAPE, "a": SHAPE, "words": "5:T:int64"}
    for first, size in (("a", 3), ("b", 7)):
        order = {first: given[first], **given}

        found = eyeshot.effective(Three(), "add", source="init", input_shape=order, seeds=2, batch=3)

        others = " and ".join(name for name in order if name != first)
        assert found.map.shape == found.field_size == (size, size)
        assert found.origin.inputs == f"noise of mean 0 and deviation 1; {others}: noise"


def test_channels_last_inputs() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x.permute(0, 3, 1, 2))

    found = eyeshot.effective(Last(), source="init", input_shape="12x14x3:HWC", seeds=2)

    assert found.map.shape == found.field_size == (5, 5)


class Flattened(nn.Module):
    """Two 3×3 convolutions; ``through_tokens`` flattens the map between them and puts it back."""

    def __init__(self, *, through_tokens: bool) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.through_tokens = through_tokens

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.a(x)
        return self.b(y.flatten(2).view(1, 2, 8, 8) if self.through_tokens else y)


def test_the_share_on_padding_is_not_told_where_padding_cannot_be_followed() -> None:
    """The corner's paths: 25 of 81 stay inside. A flattened map has no columns beyond its rows' ends to count."""

    def share(through_tokens: bool, unit: tuple[int, int]) -> float | None:
        module = Flattened(through_tokens=through_tokens)
        return eyeshot.effective(module, "b", unit=unit, input_shape=(1, 8, 8)).share_on_padding

    assert share(False, (0, 0)) == pytest.approx(1 - 25 / 81)
    assert share(True, (0, 0)) is None
    assert share(True, (4, 4)) == 0
