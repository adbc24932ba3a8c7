"""What is written into memory in place is read exactly, through whatever view it was written.

Every module here is held against itself: NaN is put into its input and looked for in its output.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from eyeshot import inspect
from tests.oracles.poisoning import hull_of, poisoned_lines


class Assigned(nn.Module):
    """Writes into memory that did not depend on the input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(x.shape[0], 2, 8, 8).to(x)
        out[:, :1] = functional.avg_pool2d(x, 3, 1, 1)
        return functional.max_pool2d(out, 2)


class AssignedWhereTheProcessorLives(nn.Module):
    """As above, with memory that the forward pass takes from the processor."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(x.shape[0], 1, 8, 8, dtype=x.dtype)
        out[..., 2:5] = functional.avg_pool2d(x, 3, 1, 1)[..., :3]
        out[:, 0, 6] = x[:, 0, 0]
        return functional.max_pool2d(out, 2)


class AssignedTwice(nn.Module):
    """Writes into new memory twice, from the image's left part and from its right."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(x.shape[0], 2, 8, 3).to(x)
        left, right = out[:, :1], out[:, 1:]
        left.copy_(x[..., :3])
        right.copy_(x[..., 5:])
        return functional.relu(out)


class InPlace(nn.Module):
    """Writes into a view, then reads the whole."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.avg_pool2d(x, 3, 1, 1)
        y[:, :, :2].mul_(2.0).add_(x[:, :, 6:])
        return functional.relu(y)


class Interleaved(nn.Module):
    """Puts two maps between each other, as wavelets and up-sampling by hand do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.empty(x.shape[0], 1, 8, 16, dtype=x.dtype)
        out[..., 0::2] = x
        out[..., 1::2] = x.flip(-1)
        return out * 1.0


class InterleavedOver(nn.Module):
    """Overwrites every other column of a map."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.avg_pool2d(x, 3, 1, 1)
        y[..., ::2] = x[..., 4:]
        return y + 0


class Erased(nn.Module):
    """Overwrites rows with a constant."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 1.0
        y[:, :, 3:5] = 0
        y[:, :, 0].fill_(1.0)
        return y + 0


class Renewed(nn.Module):
    """A view made before the write, read after it; a copy made before, read after it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 1.0
        turned = y.transpose(2, 3)
        before = y.clone()
        y[:, :, :4] = x[:, :, 4:]
        return torch.cat([turned.flatten(2).view(y.shape).transpose(2, 3), before], 1)


class ThroughShapes(nn.Module):
    """Writes through a view of another shape and order of axes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 1.0
        blocks = y.view(x.shape[0], 1, 2, 4, 8).permute(0, 1, 3, 2, 4)
        blocks[:, :, 1] = x[:, :, :2]
        return y + 0


class Rolled(nn.Module):
    """Swaps halves in place through a temporary copy."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.max_pool2d(x, 3, 1, 1)
        left = y[..., :4].clone()
        y[..., :4] = y[..., 4:]
        y[..., 4:] = left
        return y + 0


@pytest.mark.parametrize(
    "kind",
    [
        Assigned, AssignedWhereTheProcessorLives, AssignedTwice, InPlace, Interleaved, InterleavedOver, Erased, Renewed,
        ThroughShapes, Rolled,
    ],
)  # fmt: skip
def test_what_was_written_is_what_is_seen(kind: type[nn.Module]) -> None:
    module = nn.Sequential(kind())
    report = inspect(module, (1, 8, 8))
    last = report.layers[-1]

    assert report.is_exact, [note.text for note in report.notes]
    for a, axis in enumerate((2, 3)):
        first, end = hull_of(poisoned_lines(module, ["0"], (1, 1, 8, 8), axis)["0"])
        np.testing.assert_array_equal(last.hulls[a][0], first)
        np.testing.assert_array_equal(last.hulls[a][1], end)


class ThroughADiagonal(nn.Module):
    """Writes through a view of a kind that is not followed."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 1.0
        torch.diagonal(y, dim1=2, dim2=3).mul_(2.0)
        return y + 0


class Partly(nn.Module):
    """Overwrites some of every other position only."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 1.0
        y[..., 2:7:2] = x[..., :3]
        return y + 0


@pytest.mark.parametrize("kind", [ThroughADiagonal, Partly])
def test_a_write_that_is_not_followed_is_a_marked_bound(kind: type[nn.Module]) -> None:
    report = inspect(kind(), (1, 8, 8))

    assert not report.layers[-1].field.is_exact
    assert any("in place through a view of a kind that is not followed" in note.text for note in report.notes)


def test_a_buffer_that_a_forward_pass_counts_in_is_left_as_it_was() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(1, dtype=torch.long))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x * self.calls

    module = Counting()

    inspect(module, (1, 8, 8))

    assert module.calls.item() == 0
