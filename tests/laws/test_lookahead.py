"""How far back and ahead units of sequences look: as NaN says that is put into one position at a time."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.analyse.lookahead import Look
from tests.oracles.poisoning import poisoned_lines

LENGTH = 160


class Padded(nn.Module):
    """A convolution that reads ``right`` positions after its own, and the rest before."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, right: int, dilation: int = 1) -> None:
        super().__init__()
        self.sides = (dilation * (kernel - 1) - right, right)
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride, dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(nn.functional.pad(x, self.sides)))


class Recurrent(nn.Module):
    def __init__(self, *, both: bool = False) -> None:
        super().__init__()
        self.layer = nn.GRU(1, 1, batch_first=True, bidirectional=both)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.transpose(1, 2))[0].sum(-1, keepdim=True).transpose(1, 2)


class Twice(nn.Module):
    """Two ways that are added."""

    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.one(x) + self.other(x)


def padded(draw: st.DrawFn, stride: int) -> nn.Module:
    kernel, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    return Padded(1, 1, kernel, stride, draw(st.integers(-2, dilation * (kernel - 1))), dilation)


@st.composite
def sequences(draw: st.DrawFn) -> tuple[nn.Sequential, Fraction]:
    """A network on sequences, and the input positions from one of its units to the next."""
    layers, step = nn.Sequential(), Fraction(1)
    for _ in range(draw(st.integers(1, 4))):
        match draw(st.sampled_from(["conv", "strided", "pool", "twice", "transposed", "nearest", "shuffle"])):
            case "conv":
                layers.append(padded(draw, 1))
            case "strided" if step < 4:
                layers.append(padded(draw, 2))
                step *= 2
            case "pool" if step < 4:
                layers.append(nn.MaxPool1d(2))
                step *= 2
            case "twice":
                layers.append(Twice(padded(draw, 1), padded(draw, 1)))
            case "transposed" if step > Fraction(1, 4):
                kernel = draw(st.integers(2, 5))
                layers.append(nn.ConvTranspose1d(1, 1, kernel, 2, draw(st.integers(0, kernel // 2))))
                step /= 2
            case "nearest" if step > Fraction(1, 4):
                layers.append(nn.Upsample(scale_factor=2))
                step /= 2
            case _:
                layers.append(nn.Identity())
    return layers, step


def looked(module: nn.Sequential, step: Fraction) -> Look:
    """The farthest that any unit of the last layer sees back and ahead, by NaN."""
    name = str(len(module) - 1)
    bits = poisoned_lines(module.double().eval(), [name], (1, 1, LENGTH), 2)[name]
    seen = [(i * step, np.flatnonzero(column)) for i, column in enumerate(bits.T) if column.any()]
    return Look(
        back=max(own - int(places[0]) for own, places in seen),
        ahead=max(int(places[-1]) - own for own, places in seen),
    )


@given(sequences())
@settings(max_examples=60, deadline=None)
def test_units_look_as_far_as_nan_reaches_them(sequence: tuple[nn.Sequential, Fraction]) -> None:
    module, step = sequence
    report = eyeshot.inspect(module, (1, LENGTH))
    if not len(report):
        return

    assert report.layers[-1].look == looked(module, step)


@given(sequences(), st.data())
@settings(max_examples=30, deadline=None)
def test_a_unit_looks_from_its_own_position(sequence: tuple[nn.Sequential, Fraction], data: st.DataObject) -> None:
    module, step = sequence
    report = eyeshot.inspect(module, (1, LENGTH))
    if not len(report):
        return
    last = report.layers[-1]
    unit = last.unit(data.draw(st.integers(0, last.out[1] - 1)))
    first, end = unit.hull.unclipped[0]
    if end < first:
        assert unit.look is None
        return

    assert unit.look == (unit.at[0] * step, Look(back=unit.at[0] * step - first, ahead=end - unit.at[0] * step))


RECURRENT = {
    "forwards": (lambda: nn.Sequential(Padded(1, 1, 3, 2, 1), Recurrent()), Look(back=None, ahead=Fraction(1))),
    "both ways": (lambda: nn.Sequential(Recurrent(both=True)), Look(back=None, ahead=None)),
    "gated": (lambda: nn.Sequential(nn.GroupNorm(1, 1)), Look(back=None, ahead=None)),
    "and ahead": (lambda: nn.Sequential(Recurrent(), Padded(1, 1, 5, 2, 4)), Look(back=None, ahead=Fraction(4))),
    "causal": (lambda: nn.Sequential(Padded(1, 1, 4, 1, 0), Recurrent()), Look(back=None, ahead=Fraction(0))),
}


@pytest.mark.parametrize(("build", "expected"), RECURRENT.values(), ids=RECURRENT)
def test_running_states_see_all_before_and_statistics_all(build: Callable[[], nn.Module], expected: Look) -> None:
    *_, last = (layer for layer in eyeshot.inspect(build(), (1, 40)) if len(layer.out) == 2 and 1 in layer.out)

    assert last.look == expected


def test_a_streaming_network_looks_17_frames_ahead_and_122_back() -> None:
    layers = [(10, 2, 5), (9, 1, 1), (9, 1, 1), (10, 2, 2), (11, 1, 1), (11, 1, 0)]
    module = nn.Sequential(*(Padded(1 if i else 80, 1, k, s, right) for i, (k, s, right) in enumerate(layers)))
    last = eyeshot.inspect(module, (80, 400)).layers[-1]

    assert last.look == Look(back=Fraction(122), ahead=Fraction(17))
    assert not last.look.is_causal
    assert last.to_dict(100)["field"]["look"] == {
        "back": 122,
        "ahead": 17,
        "back_seconds": 1.22,
        "ahead_seconds": 0.17,
        "causal": False,
    }


def test_a_stack_that_pads_on_the_left_alone_is_causal() -> None:
    module = nn.Sequential(*(Padded(1, 1, 3, 1, 0, 2**i) for i in range(5)))
    look = eyeshot.inspect(module, (1, 200)).layers[-1].look

    assert look == Look(back=Fraction(62), ahead=Fraction(0))
    assert look.is_causal


def test_images_and_pooled_sequences_do_not_look_along_time() -> None:
    assert eyeshot.inspect("alexnet")["conv1"].look is None
    assert eyeshot.inspect("C3-8 G F10", (1, 40))["fc2"].look is None
