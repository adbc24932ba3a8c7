"""Recurrent layers over sequences of several lengths, and both ways: every element against the module itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import rnn

import eyeshot
from eyeshot.errors import ReadError
from tests.oracles.elements import Function, assert_every_element_is_read_as_the_module_says

Lengths = Callable[[torch.Tensor], Any]
LENGTHS: dict[str, tuple[Lengths, bool]] = {
    "a list": (lambda x: [5, 3, 1], True),
    "a list in no order": (lambda x: [2, 5, 4], False),
    "a tensor": (lambda x: torch.tensor([4, 4, 2]), True),
    "a tensor in no order": (lambda x: torch.tensor([1, 4, 3]), False),
    "counted in forward": (lambda x: torch.full((3,), x.shape[1] - 1).sub(torch.arange(3)).cpu(), True),
}
"""How a module says how long its sequences are, and whether the longest comes first."""


class Packed(nn.Module):
    """Three sequences, packed for a recurrent layer: what it makes of them, or its last states."""

    def __init__(
        self,
        layer: nn.Module,
        lengths: str = "a list",
        *,
        batch_first: bool = True,
        total: int | None = None,
        ends: bool = False,
    ) -> None:
        super().__init__()
        self.layer, self.batch_first, self.total, self.ends = layer, batch_first, total, ends
        self.lengths, self.is_sorted = LENGTHS[lengths]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x[0] if self.batch_first else x[0].transpose(0, 1)
        lengths = self.lengths(x if self.batch_first else x.transpose(0, 1))
        packed = rnn.pack_padded_sequence(x, lengths, self.batch_first, self.is_sorted)
        out, last = self.layer(packed)
        if self.ends:
            return torch.cat(last if isinstance(last, tuple) else (last,))
        return rnn.pad_packed_sequence(out, self.batch_first, total_length=self.total)[0]


SHAPE = (1, 3, 5, 2)
PACKED: dict[str, Callable[[], nn.Module]] = {
    **{
        f"{kind} of {lengths}": lambda kind=kind, lengths=lengths: Packed(  # type: ignore[misc]
            getattr(nn, kind)(2, 2, batch_first=True), lengths
        )
        for kind, lengths in zip(("LSTM", "GRU", "RNN", "LSTM", "GRU"), LENGTHS, strict=True)
    },
    "time first": lambda: Packed(nn.LSTM(2, 2), "a list in no order", batch_first=False),
    "both ways": lambda: Packed(nn.GRU(2, 2, bidirectional=True), "a list in no order"),
    "two layers both ways": lambda: Packed(nn.LSTM(2, 2, 2, bidirectional=True), "a tensor"),
    "two layers": lambda: Packed(nn.RNN(2, 2, 2), "a tensor"),
    "padded further": lambda: Packed(nn.GRU(2, 2), "a tensor in no order", total=7),
    "last states": lambda: Packed(nn.LSTM(2, 2), "a tensor in no order", ends=True),
    "last states of both ways": lambda: Packed(nn.GRU(2, 2, bidirectional=True), ends=True),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_sequences_read_their_own_positions_alone(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(PACKED[name](), SHAPE)


def test_what_is_packed_may_go_through_other_layers() -> None:
    def through(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        packed = rnn.pack_sequence([x[0, 0, :4], x[0, 1, :4], x[0, 2, :1]])
        data = rnn.PackedSequence(layer(packed.data).relu(), packed.batch_sizes)
        return rnn.pad_packed_sequence(data, batch_first=True)[0]

    assert_every_element_is_read_as_the_module_says(Function(through, nn.Linear(2, 3)), SHAPE)


def test_a_packed_layer_costs_what_its_sequences_take() -> None:
    report = eyeshot.inspect(Packed(nn.GRU(2, 4), "a list"), "3x5x2:CHW")

    assert report["layer"].macs == (5 + 3 + 1) * 3 * 4 * (2 + 4)
    assert report["layer"].params == 3 * 4 * (2 + 4 + 2)


def test_lengths_that_come_with_the_input_are_those_of_the_example() -> None:
    class Coder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(2, 3, batch_first=True)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            packed = rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True)
            return rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]

    report = eyeshot.inspect(Coder(), example=(torch.rand(1, 6, 2), torch.tensor([4])))

    assert report.layers[-1].out == (4, 3)
    assert any("other inputs may take other paths" in note.text for note in report.notes)


def test_lengths_that_no_sequence_has_are_refused_as_pytorch_does() -> None:
    with pytest.raises(ReadError, match="sorted in decreasing order"):
        eyeshot.inspect(Function(lambda x: rnn.pack_padded_sequence(x[0], [1, 3, 2], True).data), "3x5x2:CHW")


BOTH_WAYS: dict[str, Callable[[], nn.Module]] = (
    {
        kind: lambda kind=kind: Function(  # type: ignore[misc]
            lambda layer, x: layer(x)[0], getattr(nn, kind)(2, 3, batch_first=True, bidirectional=True)
        )
        for kind in ("LSTM", "GRU", "RNN")
    }
    | {
        "time first": lambda: Function(
            lambda layer, x: layer(x.transpose(0, 1))[0][..., 2:], nn.GRU(2, 3, bidirectional=True)
        ),
        "states of each way": lambda: Function(
            lambda layer, x: layer(x[:, 2:], x[:, :2].transpose(0, 1).contiguous())[0],
            nn.GRU(2, 2, batch_first=True, bidirectional=True),
        ),
        "two layers": lambda: Function(
            lambda layer, x: layer(x)[0], nn.LSTM(2, 2, 2, batch_first=True, bidirectional=True)
        ),
        "two layers both ways, each with its states": lambda: Function(
            lambda layer, x: layer(x[:, 4:], x[:, :4].transpose(0, 1).contiguous())[0],
            nn.GRU(2, 2, 2, batch_first=True, bidirectional=True),
        ),
        "last states of two layers, each with its own": lambda: Function(
            lambda layer, x: layer(x[:, 2:], x[:, :2].transpose(0, 1).contiguous())[1],
            nn.GRU(2, 2, 2, batch_first=True),
        ),
        "last states of two layers both ways": lambda: Function(
            lambda layer, x: torch.cat(layer(x[:, 2:], (x[:, :4].transpose(0, 1).contiguous(),) * 2)[1]),
            nn.LSTM(2, 2, 2, batch_first=True, bidirectional=True),
        ),
        "last states": lambda: Function(
            lambda layer, x: layer(x[:, 1:], x[:, :1].expand(1, 2, 2).transpose(0, 1).contiguous())[1],
            nn.RNN(2, 2, batch_first=True, bidirectional=True),
        ),
    }
)


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_each_way_of_a_recurrent_layer_sees_its_own_side(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(BOTH_WAYS[name](), (1, 5, 2))
