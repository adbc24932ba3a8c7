"""Which elements of the input each element of a module's output depends on: as read, and as the module itself says.

Every element of every output is tried against every element of the input, channels included, so that nothing hides in a
hull. Shares no code with the analyses but the marks of footprints, which `test_random_modules` holds to poisoning.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from eyeshot.analyse import footprint, marks
from eyeshot.api.report import Report
from eyeshot.network.graph import Network
from eyeshot.read.torch import read_module
from tests.oracles.poisoning import prepared

Table = npt.NDArray[np.bool_]
"""Output elements (rows) by input elements (columns), both in row-major order."""


def elements_read(network: Network, name: str) -> Table:
    """What each element of a node reads of the input, by the network's relations."""
    shape, size = network[name].shape, network.input.shape
    rows = []
    for index in np.ndindex(*shape):
        term = tuple(marks.at(i, n) for i, n in zip(index, shape, strict=True))
        mark = footprint._rules.backward(network, {name: (term,)}).get(network.input.name, ())
        row = np.zeros(size, dtype=bool)
        for part in mark:
            row[np.ix_(*(marks.bits_of(along, n) for along, n in zip(part, size, strict=True)))] = True
        rows.append(row.ravel())
    return np.array(rows, dtype=bool).reshape(-1, int(np.prod(size)))


def elements_poisoned(module: nn.Module, shape: tuple[int, ...]) -> Table:
    """Which outputs become NaN, or change what they are, when one element of the input is NaN."""
    x = torch.rand(shape, dtype=torch.float64) + 0.5
    columns = []
    for i in range(x.numel()):
        poisoned = x.clone()
        poisoned.view(-1)[i] = float("nan")
        with torch.no_grad():
            columns.append(module(poisoned).isnan().flatten().numpy())
    return np.array(columns).T


def elements_differentiated(module: nn.Module, shape: tuple[int, ...], tries: int = 3) -> Table:
    """Where the gradient of an output is not zero, for some of a few random inputs: for what NaN cannot pass."""
    total: Table | None = None
    for seed in range(tries):
        x = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.5
        jacobian = torch.autograd.functional.jacobian(module, x)
        support = (jacobian != 0).reshape(-1, x.numel()).numpy()
        total = support if total is None else total | support
    assert total is not None
    return total


class Function(nn.Module):
    """A function of the input, and of a module where it uses one."""

    def __init__(self, function: Callable[..., torch.Tensor], inner: nn.Module | None = None) -> None:
        super().__init__()
        self.function, self.inner = function, inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.function(x) if self.inner is None else self.function(self.inner, x)
        return out


def assert_every_element_is_read_as_the_module_says(
    module: nn.Module, shape: tuple[int, ...], *, by_gradient: bool = False, is_bound: bool = False
) -> None:
    """Read the module, and hold each element of its output to the module itself.

    ``is_bound``: what is read must hold what the module depends on, and say that it is a bound.
    """
    module = prepared(module)
    report = Report(read_module(module, shape[1:], name="module", source="test"))

    read = elements_read(report.network, report.network.outputs[0])
    truth = elements_differentiated(module, shape) if by_gradient else elements_poisoned(module, shape)

    assert report.is_exact == (not is_bound), [note.text for note in report.notes]
    if is_bound:
        assert (read >= truth).all()
    else:
        np.testing.assert_array_equal(read, truth)
