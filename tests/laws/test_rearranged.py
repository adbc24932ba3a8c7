"""Maps that become patches, windows, tokens and maps again: what is said of a layer is what its units see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.inspection import View
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared

C = 4
Step = Callable[[torch.Tensor], torch.Tensor]


class Conv(nn.Module):
    """A convolution of C channels along rows and columns, padded to keep sizes."""

    def __init__(self, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(C, C, kernel, padding=dilation * (kernel // 2), dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class Shuffle(nn.Module):
    """Channels to positions: each row becomes two, each column two."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(x, 2).repeat(1, 4, 1, 1)


class Unshuffle(nn.Module):
    """Positions to channels: patches of 2×2 become channels, then are mixed."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(4 * C, C, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(nn.functional.pixel_unshuffle(x, 2))


class Patches(nn.Module):
    """Patches embedded by reshape and a linear layer, put back as a smaller map."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.embed = size, nn.Linear(C * size * size, C)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        s = self.size
        y = x.view(n, c, h // s, s, w // s, s).permute(0, 2, 4, 1, 3, 5).reshape(n, h // s * (w // s), c * s * s)
        return self.embed(y).transpose(1, 2).reshape(n, C, h // s, w // s)


class Means(nn.Module):
    """Means of windows, written as view and mean; ``added`` to the map they were taken of."""

    def __init__(self, size: int, *, added: bool) -> None:
        super().__init__()
        self.size, self.added = size, added

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        s = self.size
        y = x.view(n, c, h // s, s, w // s, s)
        if not self.added:
            return y.mean((3, 5))
        return (y + y.mean((3, 5), keepdim=True)).view(n, c, h, w)


class Tokens(nn.Module):
    """Rows and columns as one axis of tokens, each changed by itself, and back."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(C, C)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.flatten(2).transpose(1, 2)
        y = y + self.linear(y)
        return y.transpose(1, 2).reshape(x.shape)


class Windows(nn.Module):
    """Every position reads all of its window, as attention does; the map is added to it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.linear = size, nn.Linear(C, C)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        s = self.size
        y = x.permute(0, 2, 3, 1).view(n, h // s, s, w // s, s, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, s * s, c)
        y = y + self.linear(y).mean(1, keepdim=True)
        y = y.view(n, h // s, w // s, s, s, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        return x + y.permute(0, 3, 1, 2)


class Focus(nn.Module):
    """Every second row and column as channels of their own, then mixed."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(4 * C, C, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1))


KINDS: dict[str, Callable[[], nn.Module]] = {
    "conv3": lambda: Conv(3),
    "conv3d2": lambda: Conv(3, 2),
    "shuffle": Shuffle,
    "unshuffle": Unshuffle,
    "patches2": lambda: Patches(2),
    "patches4": lambda: Patches(4),
    "means2": lambda: Means(2, added=False),
    "means4 added": lambda: Means(4, added=True),
    "tokens": Tokens,
    "windows2": lambda: Windows(2),
    "windows4": lambda: Windows(4),
    "focus": Focus,
}
SCALES = {"unshuffle": 0.5, "patches2": 0.5, "means2": 0.5, "focus": 0.5, "patches4": 0.25, "shuffle": 2}


@st.composite
def programs(draw: st.DrawFn) -> list[str]:
    """Up to five steps that leave a map of 16 at least 4 positions, so that all windows of 4 fit."""
    size, names = 16, []
    for _ in range(draw(st.integers(2, 5))):
        name = draw(st.sampled_from([name for name in KINDS if 4 <= size * SCALES.get(name, 1) <= 32]))
        size = int(size * SCALES.get(name, 1))
        names.append(name)
    return names


def module_of(names: Sequence[str]) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(*[KINDS[name]() for name in names])


def widest(view: View) -> tuple[int, ...]:
    return tuple(int((last - first + 1).max()) for first, last in view.fields.of_units(view.name))


@given(programs())
@settings(max_examples=40, deadline=None)
def test_the_size_is_the_widest_unit_s_on_an_image_large_enough(names: list[str]) -> None:
    small, large = (eyeshot.inspect(module_of(names), (C, n, n)) for n in (16, 256))

    for layer in small:
        field = layer.field
        assert all(size >= n for size, n in zip(field.size, widest(layer), strict=True)), layer.name
        if large[layer.name].field.stride is not None:  # a map: each of its axes stands for one of the image
            assert field.size == widest(large[layer.name]), layer.name


@given(programs())
@settings(max_examples=15, deadline=None)
def test_every_unit_sees_what_a_nan_tells(names: list[str]) -> None:
    module = prepared(module_of(names))
    report = eyeshot.inspect(module, (C, 16, 16))
    steps = [str(i) for i in range(len(names))]
    last = {step: [layer for layer in report if layer.name.split(".")[0] == step][-1] for step in steps}

    for axis in (2, 3):
        for step, bits in poisoned_lines(module, steps, (1, C, 16, 16), axis).items():
            for ends, expected in zip(last[step].hulls[axis - 2], hull_of(bits), strict=True):
                np.testing.assert_array_equal(ends, expected, err_msg=f"{names} at {step}, axis {axis}")
            width = int((hull_of(bits)[1] - hull_of(bits)[0] + 1).max())
            assert last[step].field.size[axis - 2] >= width


class RowsBesideChannels(nn.Module):
    """Every second row, its channels and columns side by side in one axis: a partition of a map that was turned."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = nn.Linear(2, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = nn.functional.avg_pool2d(self.columns(x), (1, 1), (2, 1)).permute(0, 2, 1, 3)
        return rows.reshape(1, 2, 1, 2, 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(1, 2, 8)


def test_what_lies_in_an_axis_with_channels_is_of_one_unit() -> None:
    layer = eyeshot.inspect(RowsBesideChannels(), (2, 3, 2)).layers[-1]

    assert layer.field.size[0] == 3
    assert layer.hulls[0][1].max() - layer.hulls[0][0].min() + 1 == 3


class BesideAMean(nn.Module):
    """What sees all of the image, with a column of padding that sees nothing of it."""

    def __init__(self) -> None:
        super().__init__()
        self.wider = nn.ConvTranspose2d(1, 2, 1, output_padding=(0, 1), dilation=(1, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.wider(x + nn.functional.adaptive_avg_pool2d(x, 1))
        return out


def test_a_layer_with_units_that_see_nothing_is_not_global() -> None:
    layer = eyeshot.inspect(BesideAMean(), (1, 2, 2))["wider"]

    assert layer.field.size == (2, 2)
    assert not layer.field.is_global
