"""A module that PyTorch refuses is refused, with the layer and both numbers; one that it runs is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import eyeshot
from eyeshot.errors import ReadError

KINDS: dict[str, Callable[[int], nn.Module]] = {
    "batch norm": nn.BatchNorm2d,
    "group norm": lambda n: nn.GroupNorm(2, n),
    "group norm of three groups": lambda n: nn.GroupNorm(3, 3 * (n // 3) or 3),
    "instance norm": lambda n: nn.InstanceNorm2d(n, affine=True),
    "instance norm with kept statistics": lambda n: nn.InstanceNorm2d(n, affine=True, track_running_stats=True),
    "layer norm": nn.LayerNorm,
    "layer norm of two axes": lambda n: nn.LayerNorm((n, 6)),
    "rms norm": nn.RMSNorm,
    "softmax": lambda n: nn.Softmax(dim=n - 4),
    "log softmax": lambda n: nn.LogSoftmax(dim=n - 2),
    "conv": lambda n: nn.Conv2d(n, 2, 1),
    "grouped conv": lambda n: nn.Conv2d(n, 2 * n, 1, groups=n),
    "transposed conv": lambda n: nn.ConvTranspose2d(n, 2, 2),
    "linear": lambda n: nn.Linear(n, 3),
    "prelu": nn.PReLU,
    "pixel shuffle": nn.PixelShuffle,
    "glu": lambda n: nn.GLU(n - 3),
    "max pool": lambda n: nn.MaxPool2d(3, padding=n - 4),
    "flatten": lambda n: nn.Sequential(nn.Flatten(), nn.Linear(n * 36, 2)),
}


def is_run(module: nn.Module, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> bool:
    try:
        with torch.no_grad():
            module(torch.rand(shape).to(dtype))
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError):
        return False
    return True


@given(st.sampled_from(sorted(KINDS)), st.integers(2, 8), st.sampled_from([3, 4, 6]))
@settings(max_examples=120, deadline=None)
def test_what_pytorch_refuses_is_refused_and_what_it_runs_is_read(kind: str, n: int, channels: int) -> None:
    try:
        layer = KINDS[kind](n)
    except ValueError:
        return  # there is no such module
    module = nn.Sequential(nn.Conv2d(2, channels, 1), layer).eval()

    if is_run(module, (1, 2, 6, 6)):
        eyeshot.inspect(module, (2, 6, 6))
    else:
        with pytest.raises(ReadError, match=r"in 1( |\.)"):
            eyeshot.inspect(module, (2, 6, 6))


@pytest.mark.parametrize(
    ("kind", "n", "numbers"),
    [
        ("batch norm", 8, ("8", "4")),
        ("layer norm", 5, ("5", "6")),
        ("group norm", 6, ("6", "4")),
        ("instance norm", 6, ("6", "4")),
        ("rms norm", 7, ("7", "6")),
        ("softmax", 8, ("4", "3")),
        ("linear", 5, ("5", "6")),
    ],
)
def test_the_refusal_names_the_layer_and_both_numbers(kind: str, n: int, numbers: tuple[str, str]) -> None:
    module = nn.Sequential(nn.Conv2d(2, 4, 1), KINDS[kind](n)).eval()

    with pytest.raises(ReadError) as error:
        eyeshot.inspect(module, (2, 6, 6))

    assert "in 1 (" in str(error.value)
    assert all(number in str(error.value) for number in numbers)


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv1d": lambda: nn.Conv1d(4, 2, 3),
    "conv transpose1d": lambda: nn.ConvTranspose1d(4, 2, 3),
    "linear": lambda: nn.Linear(6, 2),
    "batch norm": lambda: nn.BatchNorm1d(4),
    "layer norm": lambda: nn.LayerNorm(6),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "instance norm": lambda: nn.InstanceNorm1d(4, affine=True),
    "embedding": lambda: nn.Embedding(8, 3),
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "softmax": lambda: nn.Softmax(1),
    "sigmoid": nn.Sigmoid,
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool], ids=str)
@pytest.mark.parametrize("layer", LAYERS)
def test_numbers_of_a_kind_that_a_layer_does_not_take_are_refused(layer: str, dtype: torch.dtype) -> None:
    module = LAYERS[layer]().eval()
    x = torch.ones(1, 4, 6).to(dtype)

    if is_run(module, (1, 4, 6), dtype):
        eyeshot.inspect(module, example=x)
    else:
        with pytest.raises(ReadError):
            eyeshot.inspect(module, example=x)
