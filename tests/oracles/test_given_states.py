"""Recurrent layers that start from a state, norms with statistics kept in training, products with weights on the left.

Every element against the module itself; costs against PyTorch's own counter.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import eyeshot
from tests.oracles.elements import Function, assert_every_element_is_read_as_the_module_says


class Coder(nn.Module):
    """A recurrent layer over the last positions, started from where one over the first ended."""

    def __init__(
        self, kind: type[nn.RNNBase], *, layers: int = 1, both: bool = False, batch_first: bool = True
    ) -> None:
        super().__init__()
        settings = {"num_layers": layers, "bidirectional": both, "batch_first": batch_first}
        self.first, self.second = kind(3, 4, **settings), kind(3, 4, **settings)  # type: ignore[arg-type]
        self.axis = 1 if batch_first else 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x if self.axis == 1 else x.transpose(0, 1)
        out: torch.Tensor = self.second(x.narrow(self.axis, 4, 2), self.first(x.narrow(self.axis, 0, 4))[1])[0]
        return out


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize(
    "settings",
    [{}, {"layers": 2}, {"both": True}, {"batch_first": False}],
    ids=["plain", "layers", "both", "time first"],
)
def test_every_position_reads_the_state_that_a_recurrent_layer_is_given(
    kind: type[nn.RNNBase], settings: dict[str, bool]
) -> None:
    report = eyeshot.inspect(Coder(kind, **settings), "6x3:TC")  # type: ignore[arg-type]

    (ends,) = report["second"].hulls
    # the first four positions by the state, then those up to one's own, or all where both directions are taken
    assert (ends[0] == 0).all()
    assert ends[1].tolist()[-1] == 5
    assert ends[1].tolist()[0] == (5 if settings.get("both") else 4)
    assert report.is_exact


class Cells(nn.Module):
    """Cells by hand: each position's state from the one before."""

    def __init__(self, kind: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        self.cell = kind(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = self.cell(x[:, 0])
        states = [state]
        for i in range(1, x.shape[1]):
            state = self.cell(x[:, i], state)
            states.append(state)
        return torch.stack([s if isinstance(s, torch.Tensor) else s[0] for s in states], 1)


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_cells_read_what_came_before(kind: Callable[[int, int], nn.Module]) -> None:
    assert_every_element_is_read_as_the_module_says(Cells(kind), (1, 4, 3))


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNNCell, 1), (nn.GRUCell, 3), (nn.LSTMCell, 4)])
def test_a_cell_is_one_layer_a_step_and_costs_what_pytorch_counts(
    kind: Callable[[int, int], nn.Module], gates: int
) -> None:
    module = Cells(kind)
    report = eyeshot.inspect(module, "4x3:TC")

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.rand(1, 4, 3))

    cells = [layer for layer in report if layer.op.endswith("_cell")]
    assert [cell.name for cell in cells] == ["cell", "cell#2", "cell#3", "cell#4"]
    assert sum(cell.macs for cell in cells) * 2 == counter.get_total_flops() == 2 * 4 * gates * 3 * (3 + 3)
    assert report.totals.params == sum(p.numel() for p in module.parameters())


CELLS: dict[str, tuple[nn.Module, Callable[[nn.Module, torch.Tensor], torch.Tensor]]] = {
    "what an LSTM carries on": (nn.LSTMCell(2, 3), lambda cell, x: cell(x[0, :, :2], (x[0, :, 2:5], x[0, :, 5:]))[1]),
    "a state of the data alone": (nn.GRUCell(2, 4), lambda cell, x: cell(torch.ones(2, 2).to(x), x[0, :, :4])),
    "a memory of the data alone": (
        nn.LSTMCell(2, 4),
        lambda cell, x: cell(*(torch.ones(2, 2).to(x), (torch.ones(2, 4).to(x), x[0, :, 4:])))[0],
    ),
    "without biases": (
        nn.RNNCell(4, 4, bias=False, nonlinearity="relu"),
        lambda cell, x: cell(x[0, :, :4], x[0, :, 4:]),
    ),
    "one sequence without batch axis": (nn.GRUCell(4, 4), lambda cell, x: cell(x[0, 0, :4], x[0, 1, 4:])),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_reads_its_input_and_its_states(name: str) -> None:
    cell, call = CELLS[name]

    assert_every_element_is_read_as_the_module_says(Function(call, cell), (1, 2, 8))


def test_a_batch_of_rows_keeps_its_rows_apart() -> None:
    """Rows of a map as sequences: a unit reads its own row only, and each row costs as much as one."""

    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(2, 4, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            n, c, h, w = x.shape
            y, last = self.rnn(x.permute(0, 2, 3, 1).reshape(n * h, w, c))
            return (
                y.reshape(n, h, w, 4).permute(0, 3, 1, 2)
                + last.transpose(0, 1).reshape(n, h, 4).transpose(1, 2)[..., None]
            )

    report = eyeshot.inspect(Rows(), (2, 5, 6))

    rows, columns = report.layers[-1].hulls
    assert rows[0].tolist() == rows[1].tolist() == list(range(5))
    assert columns[0].tolist() == [0] * 6
    assert columns[1].tolist() == [5] * 6
    weights = 3 * 4 * (2 + 4)
    assert report["rnn"].macs == 5 * 6 * weights


def test_a_group_norm_takes_its_statistics_from_its_groups_channels() -> None:
    """Channels of the left half beside channels of the right: a group of two sees its half, one of four the image."""

    def of_halves(norm: nn.Module, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = norm(torch.cat(x.chunk(2, 3), 1))
        return out[:, 2:]

    for norm, first in ((nn.GroupNorm(2, 4), 3), (nn.GroupNorm(1, 4), 0), (nn.GroupNorm(4, 4, affine=False), 3)):
        module = Function(of_halves, norm)
        layer = eyeshot.inspect(module, (2, 4, 6)).layers[-1]

        assert layer.hulls[1][0].tolist() == [first] * 3
        assert layer.hulls[1][1].tolist() == [5] * 3
        assert (layer.unit(1, 1).footprint.hull[1]) == (first, 5)
        assert_every_element_is_read_as_the_module_says(module, (1, 2, 4, 6))


def test_an_instance_norm_with_kept_statistics_reads_its_own_position() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.InstanceNorm2d(4, track_running_stats=True)).eval()

    report = eyeshot.inspect(net, (3, 9, 9))

    assert report["1"].field.size == (3, 3)
    assert report["1"].field.is_exact


def test_the_magnitude_of_a_spectrum_is_a_real_number() -> None:
    module = Function(lambda conv, x: conv(torch.fft.rfft(x).abs()), nn.Conv1d(2, 3, 3))

    assert_every_element_is_read_as_the_module_says(module, (1, 2, 8))


LEFT: dict[str, Callable[[nn.Module, torch.Tensor], torch.Tensor]] = {
    "einsum of weights": lambda m, x: torch.einsum("oc,bchw->bohw", m.weight, x),
    "weights by tokens": lambda m, x: m.weight @ x.flatten(2),
    "weights by vector": lambda m, x: m.weight @ x[0, :, 0, 0],
    "weights on the right": lambda m, x: x.permute(0, 2, 3, 1) @ m.weight.t(),
    "linear with weights of the data": lambda m, x: nn.functional.linear(m.weight, x.flatten(2)[0].t().contiguous()),
}


@pytest.mark.parametrize("name", LEFT)
def test_products_cost_what_pytorch_counts_on_whichever_side_the_weights_stand(name: str) -> None:
    module = Function(LEFT[name], nn.Linear(3, 5, bias=False))  # type: ignore[arg-type]

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.rand(1, 3, 4, 5))

    counted = counter.get_total_flops() or 2 * 3 * 5  # a matrix by a vector is not counted there
    assert 2 * eyeshot.inspect(module, (3, 4, 5)).totals.macs == counted
    assert_every_element_is_read_as_the_module_says(module, (1, 3, 2, 2))
