"""Attention whose mask a network applies itself: products, a mask, softmax, products, each in its own words.

The witness computes each query over its own keys, taken out of all; what is masked is not there to be read.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

import eyeshot
from eyeshot.read.torch import read_module
from tests.oracles.elements import Function, elements_poisoned, elements_read
from tests.oracles.test_attention import N, Parts, by_hand, kept, of_heads, without

Written = Callable[[Parts, torch.Tensor], torch.Tensor]
"""Attention over queries, keys and values, of the keys that a table leaves to each query."""


def scores(parts: Parts) -> torch.Tensor:
    return parts[0] @ parts[1].transpose(-2, -1) / parts[0].shape[-1] ** 0.5


def filled(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    return scores(parts).masked_fill(~keys, -torch.inf).softmax(-1) @ parts[2]


def filled_with_a_large_number(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    return scores(parts).masked_fill(keys == 0, -1e9).softmax(dim=3) @ parts[2]


def chosen(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    nothing = torch.full([], -torch.inf, device=keys.device, dtype=parts[0].dtype)
    return torch.where(keys, scores(parts), nothing).softmax(-1) @ parts[2]


def added(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    return (scores(parts) + without(keys).to(parts[0])).softmax(-1) @ parts[2]


def after_a_bias(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    bias = torch.arange(N, dtype=parts[0].dtype, device=keys.device)[:, None]  # alike for all keys of a query
    out = scores(parts).masked_fill(~keys, -torch.inf) + bias
    return torch.nn.functional.dropout(out.softmax(-1), 0.1, training=False) @ parts[2]


def in_a_batch_of_matrices(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    q, k, v = (part.flatten(0, 1) for part in parts)
    masked = torch.baddbmm(without(keys).to(q), q, k.transpose(1, 2), alpha=q.shape[-1] ** -0.5)
    return torch.bmm(masked.softmax(-1), v).unflatten(0, parts[0].shape[:2])


def by_einsum(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    q, k, v = parts
    weights = (torch.einsum("bhid,bhjd->bhij", q, k) / q.shape[-1] ** 0.5).masked_fill(~keys, -torch.inf).softmax(-1)
    return torch.einsum("bhij,bhjd->bhid", weights, v)


def from_the_right(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    q, k, v = (part.transpose(-2, -1) for part in parts)
    weights = (k.transpose(-2, -1) @ q / q.shape[-2] ** 0.5).masked_fill(~keys.T, -torch.inf).softmax(-2)
    return (v @ weights).transpose(-2, -1)


def masked_twice(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    """One half of the mask is added, then the other is filled."""
    first, second = keys.clone(), keys.clone()
    first[:, N // 2 :], second[:, : N // 2] = True, True
    masked = (scores(parts) + without(first).to(parts[0])).masked_fill(~second, -torch.inf)
    return masked.softmax(-1) @ parts[2]


def taken_away(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    return (scores(parts) - (~keys).to(parts[0]) * 1e9).softmax(-1) @ parts[2]


def scaled_after_it_was_added(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    masked = parts[0] @ parts[1].transpose(-2, -1) + without(keys).to(parts[0])
    return (masked * parts[0].shape[-1] ** -0.5).softmax(-1) @ parts[2]


def divided_after_it_was_filled(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    masked = (parts[0] @ parts[1].transpose(-2, -1)).masked_fill(~keys, -1e9)
    return (masked / parts[0].shape[-1] ** 0.5).softmax(-1) @ parts[2]


def scaled_by_a_number_of_each_query(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    temperature = torch.linspace(1, 2, N, dtype=parts[0].dtype, device=keys.device)[:, None]
    masked = parts[0] * temperature.reciprocal() @ parts[1].transpose(-2, -1) / parts[0].shape[-1] ** 0.5
    return (temperature * masked.masked_fill(~keys, -torch.inf)).softmax(-1) @ parts[2]


WRITTEN: dict[str, Written] = {f.__name__: f for f in (
    filled, filled_with_a_large_number, chosen, added, after_a_bias, in_a_batch_of_matrices, by_einsum, from_the_right,
    masked_twice, taken_away, scaled_after_it_was_added, divided_after_it_was_filled, scaled_by_a_number_of_each_query,
)}  # fmt: skip
MASKS = {
    "a triangle": kept(N, N).tril(),
    "a band": kept(N, N).tril(1).triu(-1),
    "one key left out": (torch.arange(N) != 2).expand(N, N),
    "all": kept(N, N),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", WRITTEN)
def test_positions_weigh_those_that_a_mask_leaves_however_it_is_written(name: str, mask: str) -> None:
    written, keys = WRITTEN[name], MASKS[mask]
    module = Function(lambda x: written(of_heads(x), keys.to(x.device)))
    truth = Function(lambda x: by_hand(of_heads(x), keys))
    x = torch.rand(1, N, 4, dtype=torch.float64)

    network = read_module(module, f"{N}x4:TC", name="net", source="test")

    torch.testing.assert_close(module(x), truth(x))
    assert not any(n.is_bound for node in network for n in node.reads)
    np.testing.assert_array_equal(elements_read(network, network.outputs[0]), elements_poisoned(truth, (1, N, 4)))


def test_products_under_a_triangle_without_softmax_see_none_behind() -> None:
    """As linear attention and retention weigh: zeros where the mask is, and no sum over the others."""
    keys = kept(N, N).tril()
    module = Function(lambda x: (scores(of_heads(x)) * keys.to(x)) @ of_heads(x)[2])
    report = eyeshot.inspect(module, f"{N}x4:TC")

    assert report.layers[-1].hulls[0][1].tolist() == [0, 1, 2, 3, 4]
    assert report.is_exact


def test_heads_under_masks_of_their_own_are_a_bound_by_hand_too() -> None:
    def apart(x: torch.Tensor) -> torch.Tensor:
        return filled(of_heads(x), torch.stack([kept(N, N).tril(), kept(N, N).tril(1)]).to(x.device))

    report = eyeshot.inspect(Function(apart), f"{N}x4:TC")

    assert not report.layers[-1].field.is_exact
    assert report.layers[-1].hulls[0][1].tolist() == [1, 2, 3, 4, 4]


def test_what_a_mask_fills_of_a_map_is_read_no_more() -> None:
    left = torch.zeros(6, 6, dtype=torch.bool)
    left[1, 2] = left[4] = True
    module = Function(lambda x: x.masked_fill(~left.to(x.device), 0.0).sum((2, 3)))
    network = read_module(module, (1, 6, 6), name="net", source="test")

    np.testing.assert_array_equal(elements_read(network, network.outputs[0]), elements_poisoned(module, (1, 1, 6, 6)))


@pytest.mark.parametrize(
    "odd",
    [
        lambda x: 1e5 * torch.arange(N, device=x.device).to(x) - x @ x.transpose(1, 2),
        lambda x: torch.add(x @ x.transpose(1, 2), without(kept(N, N).tril()).nan_to_num(neginf=-1e9).to(x), alpha=-1),
        lambda x: -(x @ x.transpose(1, 2)).masked_fill(~kept(N, N).tril().to(x.device), -1e9),
        lambda x: -0.5 * (x @ x.transpose(1, 2)).masked_fill(~kept(N, N).tril().to(x.device), -1e9),
        lambda x: 1e-7 * (x @ x.transpose(1, 2)).masked_fill(~kept(N, N).tril().to(x.device), -1e9),
        lambda x: ((x @ x.transpose(1, 2)).to(torch.complex128) + 1j * torch.arange(N, device=x.device)).real.to(x),
    ],
    ids=[
        "taken from large numbers",
        "added with another sign",
        "with its sign turned",
        "by a negative number",
        "by a number so small that it weighs again",
        "complex numbers",
    ],
)
def test_what_only_looks_like_a_mask_leaves_nothing_out(odd: Callable[[torch.Tensor], torch.Tensor]) -> None:
    report = eyeshot.inspect(Function(lambda x: odd(x).softmax(-1) @ x), f"{N}x4:TC")

    assert report.layers[-1].hulls[0][0].tolist() == [0] * N
    assert report.layers[-1].hulls[0][1].tolist() == [N - 1] * N


def test_a_mask_of_more_than_is_told_one_by_one_is_a_bound() -> None:
    rows = 300
    module = Function(lambda x: filled(of_heads(x), kept(rows, rows).tril().to(x.device)))
    report = eyeshot.inspect(module, f"{rows}x4:TC")

    assert not report.layers[-1].field.is_exact
    assert any("a mask leaves out some" in note.text for note in report.notes)
