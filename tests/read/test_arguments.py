"""What forward takes and returns: examples of any nesting, and outputs with nothing to see."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import eyeshot
from eyeshot.errors import ReadError


class Picks(nn.Module):
    """Convolves one tensor of its argument."""

    def __init__(self, *path: Any) -> None:
        super().__init__()
        self.conv, self.path = nn.Conv2d(3, 4, 3), path

    def forward(self, batch: Any) -> torch.Tensor:
        for key in self.path:
            batch = batch[key]
        out: torch.Tensor = self.conv(batch)
        return out


class Returns(nn.Module):
    """Computes, and returns something else."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.conv, self.output = nn.Conv2d(3, 4, 3), output

    def forward(self, x: torch.Tensor) -> Any:
        self.conv(x)
        return self.output


@pytest.mark.parametrize(
    ("path", "wrap"),
    [
        ((0,), lambda x: ([x],)),
        (("image",), lambda x: ({"image": x},)),
        (("a", "image", 0), lambda x: {"batch": {"a": {"image": [x]}}}),
    ],
)
def test_examples_hold_tensors_at_any_depth(path: tuple[Any, ...], wrap: Any) -> None:
    report = eyeshot.inspect(Picks(*path), example=wrap(torch.rand(1, 3, 8, 8)))
    assert report.layers[0].field.size == (3, 3)


@pytest.mark.parametrize("output", [None, {"a": 1}, [], "text"])
def test_a_forward_that_returns_no_tensor_is_refused_with_the_reason(output: Any) -> None:
    with pytest.raises(ReadError, match="forward returns no"):
        eyeshot.inspect(Returns(output), (3, 8, 8))
