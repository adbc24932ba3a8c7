"""Which input sizes fit: what is said of them is what PyTorch does at them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.input_sizes import AxisSizes, Progression, Unread
from eyeshot.analyse.size_arithmetic import SizeArithmetic
from eyeshot.errors import ReadError, UsageError


def pair(inputs: int, outputs: int, padding: int) -> nn.Module:
    second = nn.Conv2d(outputs, outputs, 3, padding=padding)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=padding), nn.ReLU(), second)


class UNet(nn.Module):
    """Down by pools, up by transposed convolutions, joined by concatenation; without padding skips are cropped."""

    def __init__(self, padding: int, depth: int = 4, width: int = 2) -> None:
        super().__init__()
        self.is_cropped = not padding
        self.down = nn.ModuleList(pair(width if i else 1, width, padding) for i in range(depth))
        self.middle = pair(width, width, padding)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(width, width, 2, 2) for _ in range(depth))
        self.up = nn.ModuleList(pair(2 * width, width, padding) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for block in self.down:
            skips.append(block(x))
            x = nn.functional.max_pool2d(skips[-1], 2)
        x = self.middle(x)
        for grow, block in zip(self.grow, self.up, strict=True):
            x, skip = grow(x), skips.pop()
            if self.is_cropped:
                rows, columns = ((a - b) // 2 for a, b in zip(skip.shape[2:], x.shape[2:], strict=True))
                skip = skip[:, :, rows : rows + x.shape[2], columns : columns + x.shape[3]]
            x = block(torch.cat([skip, x], 1))
        return x


def encoder(*layers: tuple[int, int]) -> nn.Module:
    return nn.Sequential(*(nn.Conv1d(1 if i == 0 else 2, 2, k, s) for i, (k, s) in enumerate(layers)))


def is_taken(module: nn.Module, *shape: int) -> bool:
    try:
        with torch.no_grad():
            module(torch.zeros(1, *shape))
    except (RuntimeError, ValueError):
        return False
    return True


def test_a_padded_u_net_of_four_pools_takes_multiples_of_16() -> None:
    answer = eyeshot.sizes(UNet(1), (1, 250, 250))

    assert not answer.fits
    assert answer.axes == (AxisSizes((Progression(16, 16),), (Progression(16, 16),)),) * 2
    assert {trial.sizes for trial in answer.trials} == {(16, 16), (240, 240), (256, 256)}


def test_a_valid_u_net_takes_every_size_from_188_on_and_reads_188_plus_16_k_whole() -> None:
    answer = eyeshot.sizes(UNet(0), (1, 572, 572))

    assert answer.fits
    assert answer.axes == (AxisSizes((Progression(188, 1),), (Progression(188, 16),)),) * 2
    for trial in answer.trials:
        ((_, height, width),) = trial.outputs.values()
        is_whole = all(n in Progression(188, 16) for n in trial.sizes)
        assert bool(trial.unread) != is_whole
        assert not is_whole or (height, width) == tuple(n - 184 for n in trial.sizes)


def test_an_encoder_of_speech_needs_465_samples() -> None:
    answer = eyeshot.sizes(encoder((10, 5), (8, 4), (4, 2), (4, 2), (4, 2)), (1, 400))

    assert answer.axes == (AxisSizes((Progression(465, 1),), (Progression(465, 160),)),)


def test_what_is_left_unread_is_told_with_its_layer_in_positions_and_in_pixels() -> None:
    answer = eyeshot.sizes(nn.Sequential(nn.Conv2d(1, 1, 3, 2), nn.MaxPool2d(2)), (1, 13, 15))
    (trial,) = (trial for trial in answer.trials if trial.sizes == (13, 15))

    # 13 rows: windows 0–2 … 10–12, six of them; 15 columns: seven, of which a pool by two leaves the last
    assert trial.unread == (Unread("1", axis=1, positions=1, of=7, pixels=2),)


FULLY_CONNECTED = {
    "behind a pool": (
        [nn.Conv2d(1, 2, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 3)],
        32,
        Progression(32, 1, 33),
    ),
    "over positions": ([nn.Conv2d(1, 2, 4, 4), nn.Flatten(2), nn.Linear(49, 3)], 28, Progression(28, 1, 31)),
    "of means": ([nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)], 9, Progression(3, 1)),
}


@pytest.mark.parametrize(("layers", "n", "fits"), FULLY_CONNECTED.values(), ids=FULLY_CONNECTED)
def test_fully_connected_layers_take_the_sizes_that_give_their_features(
    layers: list[nn.Module], n: int, fits: Progression
) -> None:
    answer = eyeshot.sizes(nn.Sequential(*layers), (1, n, n))

    assert [axis.fits for axis in answer.axes] == [(fits,)] * 2


@st.composite
def joined(draw: st.DrawFn) -> nn.Module:
    """Two ways from an input to a sum: the input itself, and down and up again."""

    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up, self.stem = nn.Sequential(), nn.Sequential(), nn.Sequential()
            for _ in range(draw(st.integers(1, 2))):
                kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
                padding = draw(st.integers(0, kernel // 2))
                self.down.append(nn.Conv1d(1, 1, kernel, stride, padding))
                self.up.insert(0, nn.ConvTranspose1d(1, 1, kernel, stride, padding, draw(st.integers(0, stride - 1))))
            if draw(st.booleans()):
                self.stem.append(nn.AvgPool1d(2, ceil_mode=draw(st.booleans())))

        def forward(self, x: torch.Tensor) -> Any:
            x = self.stem(x)
            return x + self.up(self.down(x)) if len(x.shape) == 3 else x

    return Joined()


@given(joined(), st.integers(20, 40))
@settings(max_examples=25, deadline=None)
def test_what_is_said_to_fit_is_what_pytorch_takes(module: nn.Module, n: int) -> None:
    taken = [size for size in range(1, 80) if is_taken(module, 1, size)]
    try:
        (axis,) = eyeshot.sizes(module, (1, n)).axes
    except ReadError:
        assert not taken or min(abs(size - n) for size in taken) > 1
        return

    assert [size for size in range(20, 80) if any(size in each for each in axis.fits)] == [n for n in taken if n >= 20]
    assert all(each.first in taken and each.first - each.step not in taken for each in axis.fits)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=3), st.integers(30, 60))
@settings(max_examples=25, deadline=None)
def test_sizes_read_whole_are_those_whose_last_pixel_counts(layers: list[tuple[int, int]], n: int) -> None:
    module = encoder(*((max(k, s), s) for k, s in layers))
    (axis,) = eyeshot.sizes(module, (1, n)).axes
    assert axis.whole is not None

    for size in range(axis.fits[0].first, axis.fits[0].first + 40):
        x = torch.zeros(1, 1, size, dtype=torch.float64)
        x[..., -1] = torch.nan
        is_read = bool(module.double()(x).isnan().any())
        assert is_read == any(size in each for each in axis.whole)


@given(joined(), st.integers(20, 40))
@settings(max_examples=25, deadline=None)
def test_arithmetic_tells_the_sizes_that_reading_tells(module: nn.Module, n: int) -> None:
    if not is_taken(module, 1, n):
        return
    arithmetic = SizeArithmetic(eyeshot.inspect(module, (1, n)).network, 0)

    for size in range(1, 60):
        assert arithmetic.takes(size) == is_taken(module, 1, size)
        if arithmetic.takes(size):
            read = {layer.name: layer.out[-1] for layer in eyeshot.inspect(module, (1, size))}
            assert {name: count for name, count in arithmetic.counts(size).items() if name in read} == read


def test_what_the_model_s_own_code_computes_is_tried() -> None:
    assert all(axis.is_tried for axis in eyeshot.sizes(UNet(0), (1, 572, 572)).axes)
    assert not any(axis.is_tried for axis in eyeshot.sizes(UNet(1), (1, 250, 250)).axes)
    assert eyeshot.sizes(UNet(1), (1, 250, 250)).tried < 30


def test_a_check_in_the_model_s_own_code_is_found_where_arithmetic_knows_nothing_of_it() -> None:
    class Checked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert x.shape[2] % 32 == x.shape[3] % 32 == 0, "multiples of 32"
            return self.conv(x)

    answer = eyeshot.sizes(Checked(), (1, 200, 300))

    assert [axis.fits for axis in answer.axes] == [(Progression(32, 32),)] * 2
    assert {trial.sizes for trial in answer.trials} == {(32, 32), (192, 288), (224, 320)}
    with pytest.raises(ReadError, match=r"multiples of 32; it takes --input 1x224x320"):
        eyeshot.inspect(Checked(), (1, 200, 300))


def test_maps_that_do_not_meet_are_named_with_their_sizes_and_an_input_that_fits() -> None:
    told = r"cat of down\.3\.2 \(2×31×31\) and grow\.0 \(2×30×30\)\); it takes --input 1x256x256 \(eyeshot sizes"

    with pytest.raises(ReadError, match=told):
        eyeshot.inspect(UNet(1), (1, 250, 250))


def test_an_input_that_is_too_small_is_told_with_one_that_fits() -> None:
    with pytest.raises(ReadError, match=r"Kernel size can't be greater.*it takes --input 1x188x188 "):
        eyeshot.inspect(UNet(0), (1, 64, 64))


def test_sizes_of_several_kinds_are_all_told_and_what_fits_of_a_size_stays() -> None:
    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 1, 3, 2, 1), nn.Conv2d(1, 1, 3, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            a = self.a(x)
            return a + nn.functional.interpolate(self.b(a), scale_factor=2)

    module = Pyramid()
    answer = eyeshot.sizes(module, (1, 62, 64))

    assert [axis.fits for axis in answer.axes] == [(Progression(3, 4), Progression(4, 4))] * 2
    assert {trial.sizes for trial in answer.trials} == {(3, 3), (60, 64), (63, 64)}
    assert all(is_taken(module, 1, *trial.sizes) for trial in answer.trials)


def test_what_fails_at_every_size_is_said_as_it_is() -> None:
    module = nn.Sequential(nn.Conv2d(2, 2, 3))

    with pytest.raises(ReadError, match=r"Invalid channel dimensions$"):
        eyeshot.inspect(module, (1, 32, 32))
    with pytest.raises(ReadError, match=r"Invalid channel dimensions$"):
        eyeshot.sizes(module, (1, 32, 32))


def test_all_inputs_of_one_size_grow_together() -> None:
    class Pair(nn.Module):
        def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return nn.functional.max_pool2d(left - right, 2)

    answer = eyeshot.sizes(Pair(), {"left": (1, 9, 8), "right": (1, 9, 8)})

    assert answer.axes == (AxisSizes((Progression(2, 1),), (Progression(2, 2),)),) * 2


def test_a_network_that_was_read_has_one_size() -> None:
    network = eyeshot.inspect("alexnet").network

    with pytest.raises(UsageError, match="alexnet is a network at one size"):
        eyeshot.sizes(network)


def test_what_a_model_prints_is_not_printed_at_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    class Talking(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            print("here")
            return nn.functional.max_pool2d(x, 2)

    eyeshot.sizes(Talking(), (1, 8, 8))

    assert capsys.readouterr().out == "here\n"


def test_a_file_takes_sizes_with_its_batch_or_without(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="pip install 'eyeshot[onnx]'")
    path = str(tmp_path / "net.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(UNet(1, 2), (torch.zeros(1, 1, 32, 32),), path, dynamo=False)

    for shape in ((1, 1, 33, 32), (1, 33, 32)):
        answer = eyeshot.sizes(path, shape)
        assert answer.asked == (33, 32)
        assert answer.axes == (AxisSizes((Progression(4, 4),), (Progression(4, 4),)),) * 2
