"""Checkerboards and branches that meet apart: what is said of a layer is what its own numbers show."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.apart import apart
from eyeshot.analyse.checkerboard import turns
from tests.oracles.poisoning import poisoned_lines

LENGTH = 120
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def told(report: Any, kind: str) -> dict[str | None, str]:
    return {note.layer: note.text for note in report.notes if note.kind == kind}


def sums(layer: nn.Module, axes: int) -> tuple[int, list[int]]:
    """How many positions outputs add up, as shares of the most: of a turn in the middle, from output i on.

    A layer of ones makes as much of an image of ones.
    """
    nn.init.ones_(layer.weight)  # type: ignore[arg-type]
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        out = layer(torch.ones(1, 1, *[12] * axes))[0, 0]
    line = out.reshape(len(out), -1).amax(1)
    stride = layer.stride[0]  # type: ignore[index]
    first = len(line) // 2 // stride * stride  # type: ignore[operator]
    return first, [round(float(1000 * n / line.max())) for n in line[first : first + stride]]


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_a_transposed_convolution_makes_a_checkerboard_where_its_outputs_of_ones_differ(
    axes: int, kernel: int, stride: int, dilation: int, padding: int, more: int
) -> None:
    assume(padding <= dilation * (kernel - 1) and more < max(stride, dilation))
    layer = TRANSPOSED[axes - 1](1, 1, kernel, stride, padding, more, dilation=dilation)
    report = eyeshot.inspect(nn.Sequential(layer, nn.Identity()), (1, *[12] * axes))
    first, shares = sums(layer, axes)

    assert bool(told(report, "checkerboard")) == (len(set(shares)) > 1)
    for turn in turns(report.network).get("0", ()):
        counts = [turn.counts[i % len(turn.counts)] for i in range(first, first + stride)]
        assert [round(1000 * n / max(counts)) for n in counts] == shares


@pytest.mark.parametrize(
    ("kernel", "padding", "counts"), [(3, 1, (1, 2)), (4, 1, (2, 2)), (2, 0, (1, 1)), (5, 2, (3, 2)), (1, 0, (1, 0))]
)
def test_taps_are_counted_from_output_0_on(kernel: int, padding: int, counts: tuple[int, ...]) -> None:
    layer = nn.ConvTranspose2d(8, 8, kernel, 2, padding)
    report = eyeshot.inspect(nn.Sequential(layer, nn.Conv2d(8, 3, 7, padding=3)), (8, 16, 16))

    assert [each.counts for each in turns(report.network)["0"]] == [counts, counts]
    assert list(told(report, "checkerboard")) == ["0"] * (len(set(counts)) > 1)


def test_a_checkerboard_along_one_axis_names_the_axis() -> None:
    report = eyeshot.inspect(nn.Sequential(nn.ConvTranspose2d(1, 1, (3, 2), (2, 2))), (1, 8, 8))

    assert told(report, "checkerboard") == {
        "0": "neighbouring outputs add up 2, 1, 2, 1 … positions along rows, since a kernel of 3 is no multiple of a"
        " stride of 2"
    }


class Zeros(nn.Module):
    """A convolution over a map with zeros put in."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, kernel)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spread = x.new_zeros(1, 1, 2 * x.shape[2], x.shape[3])
        spread[:, :, ::2] = x
        return self.conv(spread)


def test_zeros_put_in_by_hand_count_as_gaps() -> None:
    assert list(told(eyeshot.inspect(Zeros(3), (1, 8, 8)), "checkerboard")) == ["conv"]
    assert not told(eyeshot.inspect(Zeros(4), (1, 8, 8)), "checkerboard")


def way(draw: st.DrawFn, paces: list[str]) -> nn.Sequential:
    layers = nn.Sequential()
    for pace in paces:
        if pace == "half":
            kernel = draw(st.integers(1, 4))
            layers.append(nn.Conv1d(1, 1, kernel, 2, draw(st.integers(0, kernel // 2))))
        elif draw(st.booleans()):
            layers.append(nn.Upsample(scale_factor=2, mode=draw(st.sampled_from(["nearest", "linear"]))))
        else:
            kernel = draw(st.integers(2, 4))
            layers.append(nn.ConvTranspose1d(1, 1, kernel, 2, draw(st.integers(0, kernel // 2))))
    if draw(st.booleans()):
        kernel = draw(st.integers(1, 4))
        layers.append(nn.Conv1d(1, 1, kernel, padding=draw(st.integers(0, kernel))))
    layers.append(nn.Identity())
    return layers


class Met(nn.Module):
    def __init__(self, one: nn.Module, other: nn.Module, *, is_sum: bool) -> None:
        super().__init__()
        self.one, self.other, self.is_sum = one, other, is_sum

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.one(x), self.other(x)
        n = min(a.shape[2], b.shape[2])
        return a[..., :n] + b[..., :n] if self.is_sum else torch.cat([a[..., :n], b[..., :n]], 1)


@st.composite
def met(draw: st.DrawFn) -> tuple[Met, Fraction]:
    """Two ways that meet at one pace, and that pace."""
    paces = draw(st.lists(st.sampled_from(["half", "twice"]), max_size=2))
    step = Fraction(2) ** sum(1 if pace == "half" else -1 for pace in paces)
    one, other = way(draw, paces), way(draw, draw(st.permutations(paces)))
    return Met(one, other, is_sum=draw(st.booleans())), step


def centre(module: nn.Module, name: str, step: Fraction) -> tuple[Fraction, bool] | None:
    """Where units are centred, seen from their own place, as a mean over a turn; and whether none looks ahead, by NaN.

    None where some units see nothing.
    """
    bits = poisoned_lines(module, [name], (1, 1, LENGTH), 2)[name]
    middle = bits.shape[1] // 2 // 8 * 8
    seen = [(i * step, np.flatnonzero(bits[:, i])) for i in range(middle, middle + 8)]
    if not all(len(places) for _, places in seen):
        return None
    mean = sum((Fraction(int(p[0] + p[-1]), 2) - own for own, p in seen), Fraction(0)) / len(seen)
    return mean, all(p[-1] <= own for own, p in seen)


@given(met())
@settings(max_examples=60, deadline=None)
def test_branches_meet_apart_by_the_difference_of_their_centres(case: tuple[Met, Fraction]) -> None:
    module, step = case
    module = module.double().eval()
    ends = [f"{way}.{len(getattr(module, way)) - 1}" for way in ("one", "other")]
    centres = [centre(module, name, step) for name in ends]
    assume(None not in centres)
    (a, a_is_causal), (b, b_is_causal) = centres  # type: ignore[misc]
    report = eyeshot.inspect(module, (1, LENGTH))
    pixels = [each.pixels for axes in apart(report.network).values() for each in axes]

    assert pixels == ([abs(a - b)] if a != b and not (a_is_causal and b_is_causal) else [])
    assert len(told(report, "misaligned")) == len(pixels)


class Strided(nn.Module):
    def __init__(self, padding: int) -> None:
        super().__init__()
        self.a, self.pool = nn.Conv2d(3, 8, 2 + padding, 2, padding), nn.AvgPool2d(2)
        self.b = nn.Conv2d(3, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a(x) + self.b(self.pool(x))


def test_a_strided_3x3_and_a_2x2_pool_meet_half_a_pixel_apart() -> None:
    assert told(eyeshot.inspect(Strided(1), (3, 32, 32)), "misaligned") == {
        "add": "a and b meet half a pixel apart: unit 0 is centred at 0 and 0.5"
    }
    assert not told(eyeshot.inspect(Strided(0), (3, 32, 32)), "misaligned")


class Focus(nn.Module):
    """Every second pixel and those between side by side, as channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)


@pytest.mark.parametrize("module", [Focus(), nn.Unfold(3, stride=2)], ids=["focus", "unfold"])
def test_pixels_of_one_map_put_side_by_side_do_not_lie_apart(module: nn.Module) -> None:
    assert not told(eyeshot.inspect(nn.Sequential(nn.Conv2d(1, 2, 3), module), (1, 16, 16)), "misaligned")


@pytest.mark.parametrize("model", ["resnet50", "alexnet", "[C3-8 | C5-8] C3", "vgg-a"])
def test_designs_whose_branches_agree_have_nothing_said_of_them(model: str) -> None:
    report = eyeshot.inspect(model)

    assert not told(report, "misaligned")
    assert not told(report, "checkerboard")


def test_many_layers_are_told_by_a_few_in_the_terminal_and_by_all_in_json() -> None:
    from eyeshot.report.folded import folded_notes

    layers = [nn.ConvTranspose2d(1, 1, 3 + 2 * i, 2) for i in range(5)]
    report = eyeshot.inspect(nn.Sequential(*layers), (1, 2, 3))
    more = [note.text for note in folded_notes(report) if note.layer is None]

    assert len(told(report, "checkerboard")) == 5
    assert more == ["so it is at 2 more layers, which --json has"]
