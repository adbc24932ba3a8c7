"""Units are found wherever a network keeps them: channels first or last, tokens, windows; one axis or three.

Held against the modules themselves by NaN poisoning.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from eyeshot import inspect
from eyeshot.analyse.layouts import unit_axes
from eyeshot.errors import ReadError, UsageError
from tests.oracles.poisoning import Bits, hull_of, outputs_of

Function = Callable[[torch.Tensor], torch.Tensor]


class Called(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def poisoned_along(module: nn.Module, shape: tuple[int, ...], axis: int) -> torch.Tensor:
    """Whether each output position is NaN when a line of the input is; lines first."""
    lines = []
    for i in range(shape[axis]):
        x = torch.rand(shape, dtype=torch.float64) + 0.5
        x.select(axis, i).fill_(float("nan"))
        lines.append(outputs_of(module, ["0"], x)["0"].isnan())
    return torch.stack(lines)


def seen_along(nan: torch.Tensor, kept: tuple[int, ...]) -> Bits:
    """The lines that units see, one column a unit, united over all axes of the output but some."""
    others = [axis + 1 for axis in range(nan.dim() - 1) if axis not in kept]
    bits = nan.amax(dim=others) if others else nan
    return bits.reshape(len(nan), -1).numpy()


def windows(x: torch.Tensor) -> torch.Tensor:
    b, h, w, c = x.shape
    return x.view(b, h // 4, 4, w // 4, 4, c).transpose(2, 3).reshape(-1, 16, c)


def conv(x: torch.Tensor, size: int = 3) -> torch.Tensor:
    channels = x.shape[1]
    return functional.conv2d(x, torch.ones(channels, 1, size, size).to(x), padding=size // 2, groups=channels)


LAYOUTS: dict[str, tuple[str, Function, tuple[int, ...]]] = {
    "channels last": ("8x12x2:HWC", lambda x: conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), (1, 2)),
    "channels last, cut and joined along rows": (
        "8x12x2:HWC",
        lambda x: torch.cat([x[:, 3:], functional.pad(x[:, 1::2], (0, 0, 1, 0))[:, :, :12]], 1),
        (1, 2),
    ),
    "channels between": ("8x2x12:HCW", lambda x: conv(x.transpose(1, 2)), (2, 3)),
    "tokens": ("2x8x12", lambda x: conv(x).flatten(2).transpose(1, 2), (1,)),
    "tokens behind a class token": (
        "2x8x12",
        lambda x: torch.cat([torch.zeros(1, 1, 2).to(x), conv(x).flatten(2).transpose(1, 2)], 1),
        (1,),
    ),
    "tokens behind a class token, put back into a map": (
        "2x8x12",
        lambda x: conv(
            torch.cat([torch.zeros(1, 1, 2).to(x), conv(x).flatten(2).transpose(1, 2)], 1)[:, 1:]
            .transpose(1, 2)
            .reshape(1, 2, 8, 12)
        ),
        (2, 3),
    ),
    "windows of tokens": ("8x12x2:HWC", lambda x: windows(conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)), (0, 1)),
    "a sequence without channels": ("30:T", lambda x: x.unfold(1, 5, 2).sum(-1), (1,)),
    "every other step of a sequence": ("30:T", lambda x: functional.avg_pool1d(x[:, None], 3, 1)[:, 0, ::2], (1,)),
    "a convolution across what others call channels": (
        "6x9:TC",
        lambda x: functional.conv1d(x, torch.ones(3, 6, 3).to(x)),
        (),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_unit_sees_what_poisoning_says(name: str) -> None:
    text, function, kept = LAYOUTS[name]
    module = nn.Sequential(Called(function))
    report = inspect(module, text)
    network, last = report.network, report.layers[-1]

    assert report.is_exact
    assert unit_axes(network, last.name) == kept
    for i, axis in enumerate(network.axes):
        first, end = last.hulls[i]
        own = (kept[i],) if len(kept) == len(network.axes) and name != "windows of tokens" else kept
        seen = hull_of(seen_along(poisoned_along(module, network.input.shape, axis), own))
        np.testing.assert_array_equal(first.ravel(), seen[0], err_msg=f"axis {axis}, first")
        np.testing.assert_array_equal(end.ravel(), seen[1], err_msg=f"axis {axis}, last")


def test_one_token_has_its_own_pixels() -> None:
    module = Called(lambda x: conv(x).flatten(2).transpose(1, 2))
    unit = inspect(module, (2, 8, 12)).layers[-1].unit(12 * 3 + 5)

    assert unit.hull.clipped == ((2, 4), (4, 6))
    assert unit.footprint.count == 9


def test_a_causal_net_looks_back_and_not_ahead() -> None:
    """WaveNet's stack (van den Oord et al. 2016, arXiv:1609.03499, figure 3): kernel 2, dilations 1, 2, 4, 8."""

    def causal(x: torch.Tensor) -> torch.Tensor:
        for dilation in (1, 2, 4, 8):
            x = functional.conv1d(functional.pad(x, (dilation, 0)), torch.ones(1, 1, 2).to(x), dilation=dilation)
        return x

    last = inspect(Called(causal), (1, 100)).layers[-1]

    assert last.field.size == (16,)
    assert last.field.start == (-15,)
    assert last.unit(50).hull.clipped == ((35, 50),)


@pytest.mark.parametrize(
    ("kind", "is_causal"), [("LSTM", True), ("GRU", True), ("RNN", True), ("LSTM both ways", False)]
)
def test_a_recurrent_layer_sees_all_before_or_all(kind: str, is_causal: bool) -> None:
    name, _, both_ways = kind.partition(" ")
    layer = getattr(nn, name)(4, 6, batch_first=True, bidirectional=bool(both_ways))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)[0]

    report = inspect(Net(), "12x4:TC")
    first, last = report["layer"].hulls[0]

    assert np.all(first == 0)
    np.testing.assert_array_equal(last, np.arange(12) if is_causal else np.full(12, 11))
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name] * (2 if both_ways else 1)
    assert report.totals.macs == 12 * gates * 6 * (4 + 6)
    assert report.totals.params == sum(p.numel() for p in layer.parameters())


def test_token_numbers_go_in() -> None:
    net = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 3))

    report = inspect(net, "20:T:int64")

    assert report.layers[-1].field.size == (1,)
    assert report["0"].params == 400


class Pair(nn.Module):
    """Two images, one seen through a wider convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 5, padding=2)

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return self.near(left) + self.far(right)


def test_fields_are_of_the_first_of_several_inputs() -> None:
    sizes = {"left": (3, 16, 16), "right": (3, 16, 16)}
    of_left = inspect(Pair(), sizes)
    of_right = inspect(Pair(), dict(reversed(sizes.items())))

    assert of_left["add"].field.size == (3, 3)
    assert of_right["add"].field.size == (5, 5)
    assert of_left.totals == of_right.totals
    assert [node.name for node in of_left.network.inputs] == ["left", "right"]
    assert "fields are of the input left" in of_left.notes[0].text


def test_inputs_that_forward_does_not_have_are_refused() -> None:
    with pytest.raises(
        ReadError, match=r"forward needs 2 inputs \(left, right\); no shape was given for right.*--input left="
    ):
        inspect(Pair(), (3, 16, 16))
    with pytest.raises(ReadError, match="forward has no input 'up'; it has left, right"):
        inspect(Pair(), {"left": (3, 16, 16), "up": (3, 16, 16)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("224x224x3:HW", "'HW' is neither a type, such as int64, nor a layout"),
        ("224x224x3:int65x", "neither a type"),
        ("3x22a", "is no input; write channels and sizes"),
        ("3x0x4", "is no input"),
        ("", "is no input"),
    ],
)
def test_an_input_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        inspect(Pair(), text)


def test_a_design_takes_channels_first() -> None:
    with pytest.raises(UsageError, match="alexnet takes one input, channels first"):
        inspect("alexnet", "224x224x3:HWC")


def test_a_unit_of_a_turned_map_has_its_own_pixels_and_not_those_of_its_row() -> None:
    last = inspect(Called(lambda x: conv(x).transpose(2, 3)), (2, 8, 12)).layers[-1]

    assert last.out == (2, 12, 8)
    assert last.unit(5, 3).hull.clipped == ((2, 4), (4, 6))
    assert last.unit(5, 3).footprint.count == 9
    assert [len(first) for first, _ in last.hulls] == [12, 8]


def test_windows_along_the_batch_are_united_in_hulls_and_told_apart_by_unit() -> None:
    def cut(x: torch.Tensor) -> torch.Tensor:
        windows = x.view(1, 2, 2, 4, 3, 4).permute(0, 2, 4, 1, 3, 5).reshape(6, 2, 4, 4)
        return conv(windows)

    last = inspect(Called(cut), (2, 8, 12)).layers[-1]

    assert [len(first) for first, _ in last.hulls] == [4, 4]
    assert last.hulls[0][0].tolist() == [0, 0, 1, 2]
    assert last.unit(4, 1, 2).hull.clipped == ((4, 6), (5, 7))
    assert last.unit(4, 1, 2).footprint.count == 9
