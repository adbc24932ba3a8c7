"""Every element of what a primitive makes reads what the primitive itself, run by JAX, says it reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.jax.models import (
    Reading,
    as_network_has,
    assert_read_as_it_runs,
    changed,
    differentiated,
    elements_read,
    jax,
    of_flat,
    parse_input,
    poisoned,
)

jnp, lax = jax.numpy, jax.lax
MAP, LINE, SOLID = "5x4x2:HWC", "7x2:TC", "3x4x3x1:DHWC"


def kernel(*shape: int) -> Any:
    return np.random.default_rng(2).uniform(0.1, 1.0, shape).astype("f4")


def conv(x: Any, shape: tuple[int, ...], padding: Any = "VALID", stride: Any = (1, 1), **settings: Any) -> Any:
    return lax.conv_general_dilated(
        x, kernel(*shape), stride, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"), **settings
    )


def window(
    x: Any, size: tuple[int, ...], stride: tuple[int, ...] | None = None, padding: Any = "VALID", **more: Any
) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, size, stride or (1,) * len(size), padding, **more)


WINDOWS: dict[str, tuple[Any, str]] = {
    "convolution": (lambda x: conv(x, (3, 2, 2, 3)), MAP),
    "strided, padded unevenly": (lambda x: conv(x, (3, 2, 2, 2), ((2, 0), (0, 1)), (2, 1)), MAP),
    "SAME, an even kernel at a stride": (lambda x: conv(x, (4, 2, 2, 1), "SAME", (2, 2)), MAP),
    "negative padding": (lambda x: conv(x, (2, 2, 2, 1), ((-1, 0), (0, -1))), MAP),
    "dilated": (lambda x: conv(x, (2, 2, 2, 2), rhs_dilation=(3, 2)), MAP),
    "groups": (lambda x: conv(x, (2, 2, 1, 4), feature_group_count=2), MAP),
    "transposed": (lambda x: conv(x, (3, 3, 2, 1), ((1, 2), (2, 1)), lhs_dilation=(2, 3)), "3x2x2:HWC"),
    "gaps and a stride": (lambda x: conv(x, (2, 3, 2, 1), ((0, 0), (0, 0)), (2, 1), lhs_dilation=(3, 2)), "3x3x2:HWC"),
    "axes in another order": (
        lambda x: lax.conv_general_dilated(
            x, kernel(3, 2, 2, 3), (1, 1), "SAME", dimension_numbers=("WNHC", "IHWO", "CWHN")
        ),
        "1x4x3:ABC",
    ),
    "along one axis": (
        lambda x: lax.conv_general_dilated(
            x, kernel(3, 2, 4), (1,), [(2, 0)], rhs_dilation=(1,), dimension_numbers=("NWC", "WIO", "NWC")
        ),
        LINE,
    ),
    "along three axes": (
        lambda x: lax.conv_general_dilated(
            x, kernel(2, 2, 2, 1, 2), (1, 2, 1), "SAME", dimension_numbers=("NDHWC", "DHWIO", "NDHWC")
        ),
        SOLID,
    ),
    "a kernel of the data": (
        lambda x: lax.conv_general_dilated(
            x, x[0, :2, :2, :, None], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
        "4x3x2:HWC",
    ),
    "max pool": (lambda x: window(x, (1, 2, 3, 1), (1, 2, 1, 1), "SAME"), MAP),
    "max pool, dilated, with gaps": (
        lambda x: window(x, (1, 2, 2, 1), None, ((0, 0), (1, 0), (0, 2), (0, 0)), base_dilation=(1, 2, 1, 1),
                         window_dilation=(1, 1, 2, 1)),
        "3x4x2:HWC",
    ),
    "max pool over channels": (lambda x: window(x, (1, 1, 1, 2)), "3x2x4:HWC"),
    "max pool over all axes": (lambda x: window(x[0], (2, 2, 2)), "3x3x3:HWC"),
    "min pool": (lambda x: lax.reduce_window(x, jnp.inf, lax.min, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"), MAP),
    "sum pool": (lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 3, 1), (1, 2, 1), "SAME"), LINE),
    "any function of a window": (
        lambda x: lax.reduce_window(x, 0.0, lambda a, b: a + 2 * b, (1, 3, 1), (1, 1, 1), "VALID"), LINE,
    ),
}  # fmt: skip

LAYOUT: dict[str, tuple[Any, str]] = {
    "broadcast": (lambda x: jnp.broadcast_to(x[:, None], (1, 3, 3, 2)), "3x2:TC"),
    "broadcast, then read": (lambda x: jnp.cumsum(jnp.broadcast_to(x[:, :, None], (1, 3, 2, 2)), 2), "3x2:TC"),
    "reshape": (lambda x: jnp.reshape(x, (4, 10)), MAP),
    "reshape of transposed": (lambda x: jnp.cumsum(x.transpose(0, 3, 2, 1).reshape(8, 5), 0), MAP),
    "squeeze and expand": (lambda x: jnp.expand_dims(x[:, :, :1].squeeze(2), 1) + 1, MAP),
    "transpose": (lambda x: jnp.flip(x.transpose(3, 1, 0, 2), 1), MAP),
    "concatenate with constants": (lambda x: jnp.concatenate([x[:, :2], jnp.ones((1, 2, 2)), x * 2], 1), LINE),
    "pad": (lambda x: lax.pad(x, 0.0, ((0, 0, 0), (2, -1, 0), (1, 1, 0))), LINE),
    "pad within": (lambda x: lax.pad(x, 0.0, ((0, 0, 0), (1, -2, 2), (0, 1, 1))), "4x2:TC"),
    "reflect": (lambda x: jnp.pad(x, ((0, 0), (2, 3), (0, 0)), mode="reflect"), LINE),
    "wrap": (lambda x: jnp.pad(x, ((0, 0), (2, 3), (0, 0)), mode="wrap"), LINE),
    "slice": (lambda x: x[:, 1:5:2, ::-1, 0], MAP),
    "split": (lambda x: jnp.split(x, [1, 4], axis=1)[1] * 2, LINE),
    "roll": (lambda x: jnp.roll(x, 2, axis=1), LINE),
    "stack": (lambda x: jnp.stack([x, jnp.ones((1, 7, 2)), x * 2], 2), LINE),
    "unstack": (lambda x: jnp.unstack(x, axis=1)[3], LINE),
    "tile": (lambda x: jnp.tile(x, (1, 2, 3)), "3x2:TC"),
    "reverse": (lambda x: lax.rev(x, (1, 2)), LINE),
}  # fmt: skip

PICKING: dict[str, tuple[Any, str]] = {
    "gather along an axis": (lambda x: x[:, np.array([0, 6, 3, 3, -1])], LINE),
    "gather by a table": (lambda x: x[:, np.array([[0, 6], [3, 1]])], LINE),
    "gather along two axes": (lambda x: x[:, np.array([0, 4, 2]), np.array([3, 0, 1])], MAP),
    "take along an axis": (lambda x: jnp.take_along_axis(x, np.array([[[0, 1], [4, 2]]]), 1), LINE),
    "outside nothing": (lambda x: jnp.take(x, np.array([0, 9]), axis=1, mode="fill", fill_value=0.0), LINE),
    "dynamic slice": (lambda x: lax.dynamic_slice(x, (0, jnp.int32(2), 1), (1, 3, 1)), LINE),
    "dynamic slice, held within": (lambda x: lax.dynamic_slice(x, (0, 9, 0), (1, 3, 2)), LINE),
    "dynamic update": (lambda x: lax.dynamic_update_slice(x, x[:, :2, :1] * 2, (0, 3, 1)), LINE),
    "set": (lambda x: x.at[:, 1:3].set(0.0), LINE),
    "set from the data": (lambda x: x.at[:, np.array([0, 5])].set(x[:, 2:4]), LINE),
    "add at places": (lambda x: x.at[:, np.array([0, 5])].add(x[:, 2:4]), LINE),
    "added several times at one place": (lambda x: jnp.zeros((1, 3, 2)).at[:, np.array([0, 0, 1])].add(x), "3x2:TC"),
    "segments": (lambda x: jax.ops.segment_sum(x[0], np.array([0, 0, 2, 1, 2, 2, 0]), 3), LINE),
    "diagonal": (lambda x: jnp.diagonal(x, axis1=1, axis2=2), MAP),
    "lower triangle": (lambda x: jnp.tril(x[..., 0]), "4x4x1:HWC"),
    "a mask": (lambda x: jnp.where(np.array([[True], [False], [True]]), x, -x * 2), "3x2:TC"),
    "a mask over zero": (lambda x: jnp.where(np.arange(6).reshape(3, 2) % 3 == 0, x, 0.0), "3x2:TC"),
}  # fmt: skip

MIXING: dict[str, tuple[Any, str]] = {
    "sum": (lambda x: jnp.sum(x, axis=(1, 3)), MAP),
    "max": (lambda x: jnp.max(x, axis=2), MAP),
    "prod": (lambda x: jnp.prod(x, axis=-1), MAP),
    "mean over what was broadcast": (lambda x: jnp.mean(x[:, :, None] + jnp.zeros((1, 7, 3, 2)), 2), LINE),
    "cumsum": (lambda x: jnp.cumsum(x, axis=1), LINE),
    "cumprod backwards": (lambda x: lax.cumprod(x, axis=1, reverse=True), LINE),
    "cummax": (lambda x: lax.cummax(x, axis=1), LINE),
    "associative scan": (lambda x: lax.associative_scan(jnp.add, x, axis=1), LINE),
    "softmax": (lambda x: jax.nn.softmax(x, axis=1), LINE),
    "log softmax": (lambda x: jax.nn.log_softmax(x, axis=-1), LINE),
    "logsumexp": (lambda x: jax.nn.logsumexp(x, axis=1), LINE),
    "standardize": (lambda x: jax.nn.standardize(x, axis=1), LINE),
    "norm": (lambda x: jnp.linalg.norm(x, axis=-1), LINE),
    "fft": (lambda x: jnp.abs(jnp.fft.fft(x, axis=1)), "4x2:TC"),
    "a product with weights": (lambda x: x @ kernel(2, 3), MAP),
    "weights on the left": (lambda x: jnp.einsum("ij,bjc->bic", kernel(4, 7), x), LINE),
    "weights over two axes": (lambda x: jnp.einsum("bhwc,hcd->bwd", x, kernel(5, 2, 3)), MAP),
    "weights that make two axes": (lambda x: jnp.einsum("btc,cde->btde", x, kernel(2, 2, 3)), "3x2:TC"),
    "weights of their own for each position": (lambda x: jnp.einsum("btc,tcd->btd", x, kernel(7, 2, 2)), LINE),
    "a product of two": (lambda x: jnp.einsum("bhwc,bhvc->bhwv", x, jnp.flip(x, 2)), MAP),
    "an outer product": (lambda x: jnp.einsum("btc,bsd->btsc", x, x), "3x2:TC"),
    "attention": (lambda x: jax.nn.dot_product_attention(x, x, x), "3x2x2:ABC"),
}  # fmt: skip

CONTROL: dict[str, tuple[Any, str]] = {
    "random numbers": (lambda x: x + jax.random.normal(jax.random.key(0), x.shape), LINE),
    "sorted halves": (lambda x: jnp.median(x, 1), "5x2:TC"),
    "functions within functions": (
        lambda x: jax.jit(lambda y: jax.checkpoint(lambda z: conv(z, (2, 2, 2, 1)))(y))(x), MAP,
    ),
    "a branch by a number": (
        lambda x: lax.cond(jnp.arange(3).sum() > 2, lambda y: y[:, 1:], lambda y: y[:, :-1], x), LINE,
    ),
    "a loop of known turns": (lambda x: lax.fori_loop(0, 2, lambda i, y: y.at[:, 1:].add(y[:, :-1]), x), LINE),
    "a scan that adds up": (
        lambda x: lax.scan(lambda c, y: (c + y, c * 2), jnp.zeros((1, 2)), x.transpose(1, 0, 2))[1], "4x2:TC",
    ),
    "a scan backwards": (
        lambda x: lax.scan(lambda c, y: (c + y, c), jnp.zeros((1, 2)), x.transpose(1, 0, 2), reverse=True)[1], "4x2:TC",
    ),
    "a scan over layers": (lambda x: lax.scan(lambda c, w: (c @ w, None), x, kernel(3, 2, 2))[0], "3x2:TC"),
    "a recurrent layer": (
        lambda x: lax.scan(
            lambda h, y: ((jnp.tanh(y @ kernel(2, 3) + h @ kernel(3, 3)),) * 2), jnp.zeros((1, 3)), x.transpose(1, 0, 2)
        )[1],
        "4x2:TC",
    ),
    "a derivative of one's own": (lambda x: _own(x), LINE),
    "activations": (
        lambda x: jax.nn.gelu(x) + jax.nn.silu(x) + jax.nn.relu(x) + jax.nn.elu(x) + jax.nn.softplus(x), LINE,
    ),
}  # fmt: skip


@jax.custom_vjp
def _own(x: Any) -> Any:
    return x[:, 1:] * 2


_own.defvjp(lambda x: (x[:, 1:] * 2, None), lambda _, g: (g,))

EXACT = {**WINDOWS, **LAYOUT, **PICKING, **MIXING, **CONTROL}
_SLOW = frozenset({
    "along three axes", "max pool over all axes", "wrap", "associative scan", "standardize", "fft",
    "weights over two axes", "an outer product", "take along an axis", "logsumexp", "norm", "a scan backwards",
    "min pool", "cummax", "log softmax", "max pool over channels", "reverse", "roll", "local attention",
    "resize, lanczos", "resize, cubic", "resize, nearest", "a loop of known turns", "diagonal", "set from the data",
    "gather along two axes", "a scan that adds up", "max pool, dilated, with gaps", "a product of two",
    "SAME, an even kernel at a stride", "negative padding", "cumprod backwards", "dynamic slice, held within",
    "segments", "unstack", "lower triangle",
    "broadcast, then read", "mean over what was broadcast", "weights of their own for each position",
})  # fmt: skip
"""The same rules as others', tried among the slow ones."""


def names(table: dict[str, Any]) -> list[Any]:
    """The names of a table's cases, the slow ones marked."""
    return [pytest.param(name, marks=pytest.mark.slow if name in _SLOW else ()) for name in table]


@pytest.mark.parametrize("name", names(EXACT))
def test_each_element_reads_what_the_primitive_says(name: str) -> None:
    function, text = EXACT[name]
    assert_read_as_it_runs(function, text)


BY_GRADIENT: dict[str, tuple[Any, str]] = {
    "patches": (
        lambda x: lax.conv_general_dilated_patches(
            x, (2, 3), (2, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
        "3x4x2:HWC",
    ),
    "resize, bilinear": (lambda x: jax.image.resize(x, (1, 6, 7, 1), "bilinear"), "3x4x1:HWC"),
    "resize, smaller": (lambda x: jax.image.resize(x, (1, 3, 4, 1), "linear"), "8x6x1:HWC"),
    "resize, cubic": (lambda x: jax.image.resize(x, (1, 9, 1), "cubic"), "5x1:TC"),
    "resize, lanczos": (lambda x: jax.image.resize(x, (1, 4, 1), "lanczos3", antialias=False), "9x1:TC"),
    "resize, nearest": (lambda x: jax.image.resize(x, (1, 7, 2), "nearest"), "4x2:TC"),
}  # fmt: skip


@pytest.mark.parametrize("name", names(BY_GRADIENT))
def test_each_element_reads_where_its_derivative_is(name: str) -> None:
    """A neighbour at the border has weight 0, which NaN does not respect."""
    function, text = BY_GRADIENT[name]
    assert_read_as_it_runs(function, text, shows=differentiated)


@pytest.mark.parametrize("is_made_symmetric", [True, False])
def test_eigenvalues_read_one_half_of_a_matrix_unless_it_is_made_symmetric(is_made_symmetric: bool) -> None:
    diagonal = jnp.diag(10.0 * jnp.arange(3))  # keeps eigenvalues from each other
    assert_read_as_it_runs(
        lambda x: jnp.linalg.eigvalsh(x + diagonal, symmetrize_input=is_made_symmetric), "3x3:TC", shows=changed
    )


def test_what_a_max_pool_passes_back_depends_on_all_of_the_window() -> None:
    assert_read_as_it_runs(
        lambda x: jax.grad(lambda y: window(y, (1, 2, 1), (1, 2, 1)).sum())(x), "4x2:TC", shows=changed
    )


MASKED: dict[str, tuple[Any, str]] = {
    "causal attention": (lambda x: jax.nn.dot_product_attention(x, x, x, is_causal=True), "4x1x2:ABC"),
    "a mask that is added": (
        lambda x: jax.nn.softmax(
            jnp.einsum("btc,bsc->bts", x, x) + np.where(np.tri(4), 0.0, -np.inf).astype("f4"), -1
        ) @ x,
        "4x2:TC",
    ),
    "local attention": (
        lambda x: jax.nn.dot_product_attention(x, x, x, local_window_size=(1, 0)), "4x1x2:ABC",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", names(MASKED))
def test_masked_attention_reads_between_what_its_derivative_and_a_nan_show(name: str) -> None:
    """A NaN passes the masks by weights of 0; of a single key that is left the derivative of its weight is 0."""
    function, text = MASKED[name]
    network = Reading(of_flat(function))(text)
    shape = (1, *parse_input(text).shape)
    read = elements_read(network, network.outputs[0])
    least, most = (as_network_has(shows(function, shape), network, text) for shows in (differentiated, poisoned))

    assert bool((least <= read).all())
    assert bool((read <= most).all())
    assert read.sum() < most.sum()
    # what is read beyond the derivative is the query and the key of the first position alone
    assert (read & ~least).sum() <= 4


BOUNDS: dict[str, tuple[Any, str]] = {
    "positions of the data": (lambda x: x[:, jnp.argmax(x, axis=1)[0]], "4x2:TC"),
    "a slice where the data say": (
        lambda x: lax.dynamic_slice(x, (0, jnp.argmax(x[0, :, 0]), 0), (1, 2, 2)), "4x2:TC",
    ),
    "a loop of turns that are not told": (
        lambda x: lax.while_loop(lambda c: c.sum() < 100, lambda c: c * 2 + jnp.roll(c, 1, 1), x), "4x2:TC",
    ),
    "a branch of the data": (lambda x: lax.cond(x.sum() > 3, lambda y: y[:, 1:], lambda y: y[:, :-1], x), "4x2:TC"),
    "written where the data say": (lambda x: x.at[:, jnp.argmax(x[0, :, 0])].set(0.0) + 0 * x, "4x2:TC"),
    "a Cholesky factor": (lambda x: lax.linalg.cholesky(x + 9 * jnp.eye(3), symmetrize_input=False), "3x3:TC"),
    "a triangular system": (
        lambda x: lax.linalg.triangular_solve(np.tri(3, dtype="f4")[None], x, left_side=True, lower=True), "3x2:TC",
    ),
    "written several times at one place": (lambda x: jnp.zeros((1, 3, 2)).at[:, np.array([0, 0, 1])].set(x), "3x2:TC"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_what_the_data_decide_or_reads_less_is_a_marked_bound(name: str) -> None:
    function, text = BOUNDS[name]
    assert_read_as_it_runs(function, text, is_bound=True)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_sorted_key_depends_on_itself_and_the_keys_before_it(which: int) -> None:
    def sorted_by_two(x: Any) -> Any:
        return lax.sort((jnp.round(x[..., 0] / 9), x[..., 1], x[..., 2]), dimension=1, num_keys=2)[which]

    network = Reading(of_flat(sorted_by_two))("3x3:TC")
    truth = as_network_has(changed(sorted_by_two, (1, 3, 3)), network, "3x3:TC")
    read = elements_read(network, network.outputs[0])

    channels = [table.reshape(-1, 3, 3).any((0, 2)).tolist() for table in (truth, read)]
    assert channels[0] == channels[1] == [True, which > 0, which > 1]
    assert bool((truth <= read).all())
