"""Random networks written in JAX: every element, and every hull, as JAX itself shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import eyeshot
from tests.jax.models import Function, as_network_has, assert_read_as_it_runs, jax, poisoned

jnp, lax = jax.numpy, jax.lax
Step = Callable[[Any], Any]
SHAPE, TEXT = (1, 5, 4, 2), "5x4x2:HWC"


def weights(*shape: int) -> Any:
    return np.random.default_rng(3).uniform(0.1, 1.0, shape).astype("f4")


@st.composite
def convolutions(draw: st.DrawFn) -> Step:
    sizes = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    gaps = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (2, 3)]))
    padding = draw(st.tuples(st.tuples(st.integers(1, 3), st.integers(0, 3)), st.tuples(st.integers(2, 3), st.just(2))))
    groups, order = draw(st.sampled_from([1, 2])), draw(st.sampled_from(["NHWC", "NCHW", "CWHN"]))

    def step(x: Any) -> Any:
        moved = jnp.transpose(x, ["NHWC".index(letter) for letter in order])
        out = lax.conv_general_dilated(
            moved, weights(*sizes, 2 // groups, 2), stride, padding, gaps, dilation,
            (order, "HWIO", order), feature_group_count=groups,
        )  # fmt: skip
        return jnp.transpose(out, [order.index(letter) for letter in "NHWC"])

    return step


@st.composite
def pools(draw: st.DrawFn) -> Step:
    size, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    axis, padding = draw(st.sampled_from([1, 2])), draw(st.sampled_from(["SAME", "VALID"]))
    start, function = draw(st.sampled_from([(-np.inf, lax.max), (0.0, lax.add)]))
    window = tuple(size if a == axis else 1 for a in range(4))
    strides = tuple(stride if a == axis else 1 for a in range(4))
    return lambda x: lax.reduce_window(
        x, start, function, window, strides, padding if x.shape[axis] >= size else "SAME"
    )


@st.composite
def moves(draw: st.DrawFn, *, turns: bool) -> Step:
    axis, amount = draw(st.sampled_from([1, 2])), draw(st.integers(0, 2))
    kinds = ["flip", "roll", "pad", "crop", "wrap", "twice"]
    kind = draw(st.sampled_from([*kinds, "turn", "deal"] if turns else kinds))
    pairs = [(amount, 1) if a == axis else (0, 0) for a in range(4)]
    steps: dict[str, Step] = {
        "flip": lambda x: jnp.flip(x, axis),
        "roll": lambda x: jnp.roll(x, amount, axis),
        "pad": lambda x: jnp.pad(x, pairs),
        "crop": lambda x: lax.slice_in_dim(x, min(amount, x.shape[axis] - 1), None, axis=axis),
        "wrap": lambda x: jnp.pad(x, pairs, mode="edge"),
        "twice": lambda x: jnp.repeat(x, 2, axis),
        "turn": lambda x: jnp.transpose(x, (0, 2, 1, 3)),
        "deal": lambda x: x.reshape(1, x.shape[1] * x.shape[2], 1, 2),
    }
    return steps[kind]


@st.composite
def mixtures(draw: st.DrawFn) -> Step:
    axis = draw(st.sampled_from([1, 2, 3]))
    steps: list[Step] = [
        lambda x: jnp.cumsum(x, axis),
        lambda x: jax.nn.softmax(x, axis),
        lambda x: x * jax.nn.sigmoid(x.mean((1, 2), keepdims=True) @ weights(2, 2)),
        lambda x: x @ weights(2, 2) + weights(2),
        lambda x: (x - x.mean(axis, keepdims=True)) / (1 + x.var(axis, keepdims=True)),
        lambda x: jnp.where(x > 1, x, jnp.exp(-x)),
    ]
    return draw(st.sampled_from(steps))


@st.composite
def functions(draw: st.DrawFn, *, turns: bool = True) -> Function:
    """One to four steps, some of them beside a shortcut; both are cut to what they share.

    ``turns``: axes may be exchanged, after which hulls run along the axes in another order.
    """
    steps = draw(st.lists(st.one_of(convolutions(), pools(), moves(turns=turns), mixtures()), min_size=1, max_size=4))
    joins = draw(st.lists(st.sampled_from(["", "", "add", "concatenate"]), min_size=4, max_size=4))

    def function(x: Any) -> Any:
        for step, join in zip(steps, joins, strict=False):
            y = step(x)
            if join:
                h, w = (min(a, b) for a, b in zip(x.shape[1:3], y.shape[1:3], strict=True))
                a, b = x[:, :h, :w], y[:, :h, :w]
                y = a + b if join == "add" else jnp.concatenate([a, b], 1)
            x = y[:, :8, :8]
        return jnp.tanh(x)

    assume(0 not in jax.eval_shape(function, jax.ShapeDtypeStruct(SHAPE, "float32")).shape)
    return function


def assert_hulls_are_what_jax_shows(function: Function) -> None:
    """The first and the last position along each axis that an output's row or column sees."""
    report = eyeshot.inspect(function, TEXT)
    out = report[report.network.outputs[0]]
    truth = as_network_has(poisoned(function, SHAPE), report.network, TEXT)
    shape = jax.eval_shape(function, jax.ShapeDtypeStruct(SHAPE, "float32")).shape
    truth = truth.reshape(*shape, *report.network.input.shape)
    for number, hull in enumerate(out.hulls):
        seen = np.moveaxis(truth, 1 + number, 0).reshape(shape[1 + number], -1, *report.network.input.shape).any(1)
        along = np.moveaxis(seen, 3 + number, 1).reshape(len(seen), seen.shape[3 + number], -1).any(2)
        for row, first, last in zip(along, *hull, strict=True):
            places = np.flatnonzero(row)
            if len(places):
                assert (first, last) == (places[0], places[-1])


@settings(max_examples=3, deadline=None, derandomize=True)
@given(functions())
def test_each_element_of_a_random_function_reads_what_jax_says(function: Function) -> None:
    assert_read_as_it_runs(function, TEXT)


@pytest.mark.slow  # sixty programs are compiled
@settings(max_examples=60, deadline=None)
@given(functions())
def test_each_element_of_many_random_functions_reads_what_jax_says(function: Function) -> None:
    assert_read_as_it_runs(function, TEXT)


@pytest.mark.slow  # as above
@settings(max_examples=30, deadline=None)
@given(functions(turns=False))
def test_hulls_of_random_functions_are_what_jax_shows(function: Function) -> None:
    assert_hulls_are_what_jax_shows(function)
