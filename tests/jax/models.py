"""Functions of JAX run on the processor, with a NaN in one place or differentiated: what tests of the reader share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

jax = pytest.importorskip("jax")
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_disable_most_optimizations", True)  # a program is run once: compiling it is what takes time

from eyeshot.network.graph import Network  # noqa: E402
from eyeshot.read.inputs import parse_input  # noqa: E402
from eyeshot.read.jax import Reading  # noqa: E402
from eyeshot.read.jax.inputs import laid_out, sources  # noqa: E402
from tests.oracles.elements import elements_read  # noqa: E402

Function = Callable[[Any], Any]
Table = npt.NDArray[np.bool_]


def of_flat(function: Function) -> Function:
    """The function with its output's elements in JAX's order."""
    return lambda x: jax.numpy.reshape(function(x), (-1,))


def poisoned(function: Function, shape: tuple[int, ...]) -> Table:
    """Which outputs become NaN when one element of the input is NaN: outputs by inputs."""
    x = np.random.default_rng(1).uniform(0.5, 1.5, shape).astype("f4")
    batch = np.broadcast_to(x, (x.size, *shape)).copy()
    batch.reshape(x.size, -1)[np.diag_indices(x.size)] = np.nan
    outs = np.asarray(jax.jit(jax.vmap(of_flat(function)))(batch))
    return np.isnan(outs).T


def differentiated(function: Function, shape: tuple[int, ...], tries: int = 3) -> Table:
    """Where derivatives are not 0, for some of a few random inputs: for what NaN passes by weights of 0.

    Rounding leaves a weight of 0 as small as 10⁻⁶ beside the largest.
    """
    total: Any = False
    derivative = jax.jit(jax.jacobian(of_flat(function)))
    for seed in range(tries):
        x = np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype("f4")
        jacobian = np.abs(np.asarray(derivative(x))).reshape(-1, x.size)
        total = total | (jacobian > 1e-6 * jacobian.max())
    table: Table = total
    return table


def changed(function: Function, shape: tuple[int, ...]) -> Table:
    """Which outputs change when one element of the input is made much larger or smaller."""
    x = np.random.default_rng(1).uniform(0.5, 1.5, shape).astype("f4")
    run = jax.jit(jax.vmap(of_flat(function)))
    total: Any = False
    for other in (-10.0, 10.0):
        batch = np.broadcast_to(x, (x.size, *shape)).copy()
        batch.reshape(x.size, -1)[np.diag_indices(x.size)] = other
        total = total | (np.asarray(run(batch)) != np.asarray(run(x[None]))).T
    table: Table = total
    return table


def as_network_has(table: Table, network: Network, text: str) -> Table:
    """A table's columns in the order of the network's input, whose channels come first."""
    (source,) = sources(laid_out(text, channels_last=True))
    places = sorted(range(len(source.order)), key=source.order.__getitem__)
    assert tuple(source.shape[axis] for axis in places) == network.input.shape
    return table.reshape(-1, *source.shape).transpose(0, *(1 + axis for axis in places)).reshape(len(table), -1)


def assert_read_as_it_runs(
    function: Function, text: str, *, shows: Callable[..., Table] = poisoned, is_bound: bool = False
) -> Network:
    """Read a function, and hold each element of its output to what the function itself shows.

    ``is_bound``: what is read must hold what the function depends on, and say that it is a bound.
    """
    network = Reading(of_flat(function))(text)
    shape = (1, *parse_input(text, is_either_way=True).shape)
    truth = as_network_has(shows(function, shape), network, text)
    read = elements_read(network, network.outputs[0])
    assert any(each.is_bound for node in network for each in node.reads) == is_bound
    assert bool((truth <= read).all())
    if not is_bound:
        np.testing.assert_array_equal(read, truth)
    return network
