"""The laws of modules, over random ones and over those that keep things while they run."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eyeshot.api import inspect
from eyeshot.api.report import Report
from eyeshot.read.torch import read_module
from tests.laws.of_modules import (
    counted,
    macs_equal_pytorchs,
    nothing_but_words_is_raised,
    reading_leaves_the_module_as_it_was,
    state_of,
    what_pytorch_refuses_is_refused,
)
from tests.oracles.programs import Program, programs


def reading(module: nn.Module, shape: tuple[int, ...]) -> Any:
    return partial(read_module, module, shape, name="random", source="test")


def numbers(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> Any:
    return (torch.rand((1, *shape), generator=torch.Generator().manual_seed(0), dtype=dtype),), {}


@given(programs())
@settings(max_examples=40)
def test_random_modules_are_as_before(program: Program) -> None:
    shape = program.shape[1:]

    assert list(reading_leaves_the_module_as_it_was(program, reading(program, shape), numbers(shape))) == []


class Keeping(nn.Module):
    """A module that keeps something of each forward pass, as detectors and transformers do."""

    def __init__(self, keep: Any) -> None:
        super().__init__()
        self.conv, self.keep = nn.Conv2d(3, 4, 3, padding=1), keep
        self.calls, self.anchors, self.listed, self.named = 0, None, [], {"old": 1}
        self.register_buffer("table", torch.arange(4.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        self.keep(self, y)
        return y + self.table[0]


def _anchors(module: Any, y: torch.Tensor) -> None:
    if module.anchors is None:
        module.anchors = torch.arange(y.shape[-1], device=y.device) + module.conv.weight.sum() * 0


KEPT: dict[str, Any] = {
    "an attribute": _anchors,
    "a new attribute": lambda module, y: setattr(module, "latest", y),
    "a list": lambda module, y: module.listed.append(y),
    "a dictionary": lambda module, y: module.named.update(last=y),
    "a count": lambda module, y: setattr(module, "calls", module.calls + 1),
    "a buffer in place": lambda module, y: module.table.add_(1),
    "a buffer anew": lambda module, y: setattr(module, "table", y.mean((0, 2, 3))),
    "a hook": lambda module, y: module.register_forward_hook(lambda *_: None),
    "a helper": lambda module, y: module.named.setdefault("helper", []) and None,
    "its mode": lambda module, y: module.train(),
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_forward_keeps_does_not_stay_behind(kind: str) -> None:
    module = Keeping(KEPT[kind])
    module.eval()

    before = state_of(module)
    read_module(module, (3, 8, 8), name="keeping", source="test")

    after = state_of(module)
    assert [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)] == []


def test_gradients_hooks_and_mode_stay() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    module[2].eval()
    module(torch.rand(2, 3, 8, 8)).sum().backward()
    module[0].register_forward_pre_hook(lambda *_: None)

    assert (
        list(reading_leaves_the_module_as_it_was(module, reading(module, (3, 8, 8)), numbers((3, 8, 8), torch.float32)))
        == []
    )


def test_a_change_is_seen() -> None:
    """The law itself notices what it is there to notice."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3))
    changes: list[Any] = [
        lambda: module[0].weight.data.add_(1e-3),
        lambda: module.train(not module.training),
        lambda: setattr(module[0], "bias", nn.Parameter(torch.zeros(4))),
        lambda: module[0].register_forward_hook(lambda *_: None),
        lambda: setattr(module, "kept", weakref.ref(module)),
    ]

    for change in changes:
        assert list(reading_leaves_the_module_as_it_was(module, change, numbers((3, 8, 8), torch.float32)))


@given(programs(), st.tuples(st.integers(1, 4), st.integers(2, 8), st.integers(2, 8)))
@settings(max_examples=60)
def test_what_pytorch_refuses_of_another_shape_is_refused(program: Program, shape: tuple[int, ...]) -> None:
    assert list(what_pytorch_refuses_is_refused(program, reading(program, shape), numbers(shape))) == []


WRONG: dict[str, nn.Module] = {
    "batch norm": nn.BatchNorm2d(8),
    "layer norm": nn.LayerNorm(5),
    "group norm": nn.GroupNorm(2, 6),
    "instance norm": nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
    "rms norm": nn.RMSNorm(3),
    "softmax over a missing axis": nn.Softmax(5),
    "a narrower convolution": nn.Conv2d(3, 4, 3),
    "a narrower layer": nn.Linear(7, 2),
    "half weights": nn.Conv2d(4, 4, 3).half(),
    "prelu": nn.PReLU(3),
    "a shuffle of too few channels": nn.PixelShuffle(3),
    "a kernel larger than the map": nn.Conv2d(4, 4, 11),
    "padding by reflection past the map": nn.ReflectionPad2d(9),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_as_by_pytorch(name: str) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), WRONG[name]).eval()
    inputs = numbers((3, 8, 8), torch.float32)

    with pytest.raises((RuntimeError, ValueError, IndexError)):
        module(*inputs[0])
    assert list(what_pytorch_refuses_is_refused(module, reading(module, (3, 8, 8)), inputs)) == []


@given(programs())
@settings(max_examples=60)
def test_macs_equal_what_pytorch_counts(program: Program) -> None:
    report = Report(read_module(program, program.shape[1:], name="random", source="test"))

    assert list(macs_equal_pytorchs(report, counted(program, numbers(program.shape[1:])))) == []


def test_macs_of_distances_are_those_of_the_product_that_they_are_computed_by() -> None:
    class Codebook(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.codes = nn.Parameter(torch.randn(16, 3))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cdist(image.flatten(2).transpose(1, 2), self.codes)

    report = inspect(Codebook(), (3, 8, 8))

    assert report.totals.macs == 64 * 16 * 3
    assert list(macs_equal_pytorchs(report, counted(Codebook(), numbers((3, 8, 8))))) == []


def test_macs_of_constants_are_not_the_inputs() -> None:
    class OfConstants(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.mlp, self.conv = nn.Parameter(torch.rand(5, 2)), nn.Linear(2, 3), nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x) + self.mlp(self.table).mean()

    by_pytorch = counted(OfConstants(), numbers((3, 4, 4), torch.float32))

    assert (by_pytorch.macs, by_pytorch.of_constants) == (3 * 3 * 16, 5 * 2 * 3)


@given(programs(opaque=True), st.tuples(st.integers(1, 4), st.integers(1, 8), st.integers(1, 8)))
@settings(max_examples=40)
def test_reading_ends_in_a_network_or_in_words(program: Program, shape: tuple[int, ...]) -> None:
    assert list(nothing_but_words_is_raised(reading(program, shape))) == []
