"""Attention under a mask: each position weighs those that the mask leaves, and no others.

The witness is attention by hand, over the keys that are left alone: PyTorch's kernels multiply what is masked by 0,
which passes NaN on and nothing else.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import eyeshot
from eyeshot.analyse.cost import totals
from eyeshot.analyse.hulls import hulls
from eyeshot.read.torch import read_module
from tests.oracles.elements import Function, elements_poisoned, elements_read

N = 5
Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Settings = dict[str, Any]


def heads(x: torch.Tensor, count: int = 2) -> torch.Tensor:
    """Rows of features as heads."""
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def of_heads(x: torch.Tensor) -> Parts:
    return heads(x), heads(x * 2), heads(x.flip(2))


def kept(*shape: int) -> torch.Tensor:
    return torch.ones(*shape, dtype=torch.bool)


def without(keys: torch.Tensor) -> torch.Tensor:
    """A mask to add: nothing, or minus infinity."""
    return torch.zeros(keys.shape).masked_fill(~keys, -torch.inf)


CASES: dict[str, tuple[Callable[[torch.Tensor], Parts], torch.Tensor, Callable[[torch.Tensor], Settings]]] = {
    "causal": (of_heads, kept(N, N).tril(), lambda x: {"is_causal": True}),
    "a triangle": (of_heads, kept(N, N).tril(), lambda x: {"attn_mask": kept(N, N).tril().to(x.device)}),
    "a triangle of infinities": (
        of_heads, kept(N, N).tril(), lambda x: {"attn_mask": without(kept(N, N).tril()).to(x)},
    ),
    "a triangle made in forward": (
        of_heads,
        kept(N, N).tril(),
        lambda x: {"attn_mask": torch.full((N, N), -torch.inf, device=x.device, dtype=x.dtype).triu(1)},
    ),
    "a band": (
        of_heads, kept(N, N).tril(1).triu(-1), lambda x: {"attn_mask": kept(N, N).tril(1).triu(-1).to(x.device)},
    ),
    "one key left out": (
        of_heads,
        (torch.arange(N) != 2).expand(N, N),
        lambda x: {"attn_mask": torch.arange(N, device=x.device)[None] != 2},
    ),
    "a mask that leaves all": (of_heads, kept(N, N), lambda x: {"attn_mask": torch.zeros(N, N).to(x)}),
    "fewer queries": (lambda x: (x[:, :3], x, x), kept(3, N).tril(), lambda x: {"is_causal": True}),
    "fewer keys": (lambda x: (x, x[:, 1:3], x[:, 1:3]), kept(N, 2).tril(), lambda x: {"is_causal": True}),
    "other features": (lambda x: (x, x, x[..., :1] * 3), kept(N, N).tril(), lambda x: {"is_causal": True}),
    "keys shared among heads": (
        lambda x: (heads(x), heads(x[..., :2], 1), heads(x[..., 2:], 1)),
        kept(N, N).tril(),
        lambda x: {"is_causal": True, "enable_gqa": True},
    ),
}  # fmt: skip


def by_hand(parts: Parts, keys: torch.Tensor) -> torch.Tensor:
    """Each query over its own keys, which are taken out of all."""
    q, k, v = parts
    rows = []
    for i, row in enumerate(keys):
        left = row.nonzero().flatten()
        weights = (q[..., i : i + 1, :] @ k[..., left, :].mT / q.shape[-1] ** 0.5).softmax(-1)
        rows.append(weights @ v[..., left, :])
    return torch.cat(rows, -2)


@pytest.mark.parametrize("name", CASES)
def test_each_position_weighs_those_that_the_mask_leaves(name: str) -> None:
    parts, keys, settings = CASES[name]
    module = Function(lambda x: functional.scaled_dot_product_attention(*parts(x), **settings(x)))
    truth = Function(lambda x: by_hand(parts(x), keys))
    x = torch.rand(1, N, 4, dtype=torch.float64)

    network = read_module(module, f"{N}x4:TC", name="net", source="test")

    torch.testing.assert_close(module(x), truth(x))
    assert not any(n.is_bound for node in network for n in node.reads)
    np.testing.assert_array_equal(elements_read(network, network.outputs[0]), elements_poisoned(truth, (1, N, 4)))


def test_heads_under_masks_of_their_own_are_a_bound() -> None:
    def apart(x: torch.Tensor) -> torch.Tensor:
        mask = torch.stack([kept(N, N).tril(), kept(N, N).tril(1)]).to(x.device)
        return functional.scaled_dot_product_attention(*of_heads(x), mask)

    report = eyeshot.inspect(Function(apart), f"{N}x4:TC")

    assert not report.layers[-1].field.is_exact
    assert report.layers[-1].hulls[0][1].tolist() == [1, 2, 3, 4, 4]


@pytest.mark.parametrize("is_causal", [True, False])
def test_an_encoder_under_a_causal_mask_sees_all_before(is_causal: bool) -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

    def encoded(layers: nn.Module, x: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device, dtype=x.dtype)
        out: torch.Tensor = layers(x, mask, is_causal=is_causal)
        return out

    report = eyeshot.inspect(Function(encoded, nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)), "9x4:TC")
    first, last = report.layers[-1].hulls[0]

    np.testing.assert_array_equal(first, np.zeros(9))
    np.testing.assert_array_equal(last, np.arange(9))
    assert report.layers[-1].field.one_sided == ("before",)
    assert report.is_exact


def test_a_pass_on_numbers_reads_it_alike_and_a_mask_costs_nothing_less() -> None:
    class Net(nn.Module):
        def __init__(self, *, is_causal: bool = True, by_value: bool = False) -> None:
            super().__init__()
            self.scale, self.is_causal, self.by_value = nn.Parameter(torch.ones(1)), is_causal, by_value

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = functional.scaled_dot_product_attention(*of_heads(x * self.scale), is_causal=self.is_causal)
            return out * (1 if self.by_value and x.sum() > 0 else 2)

    read = [
        read_module(net, f"{N}x4:TC", name="net", source="test")
        for net in (Net(), Net(by_value=True), Net(is_causal=False))
    ]

    assert ["causal_attention" in [layer.op.kind for layer in network.layers] for network in read] == [
        True,
        True,
        False,
    ]
    assert len({totals(network).macs for network in read}) == 1


class Pooled(nn.Module):
    """Attention of all pixels to few keys behind a class token, with something added to what is behind it (MViT v2)."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels, self.pool, self.added = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 4, 4), nn.Linear(8, 1)
        self.first = nn.Parameter(torch.zeros(1, 1, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pixels = self.pixels(x)
        queries, keys = (
            torch.cat([self.first.expand(len(x), -1, -1), each.flatten(2).mT], 1)
            for each in (pixels, self.pool(pixels))
        )
        scores = queries @ keys.mT
        scores[:, 1:, 1:] += self.added(queries[:, 1:])
        return queries + scores.softmax(-1) @ keys


def test_what_pairs_of_queries_and_keys_see_is_not_written_out_again_and_again() -> None:
    """Of 25,000 queries and 400 keys it was, in a dozen arrays a block: MViT v2 took more memory than there was."""
    network = eyeshot.inspect(Pooled(), (3, 64, 64)).network
    one = 2 * 8 * (64 * 64 + 1) * (16 * 16 + 1)  # bytes of two int64 for each pair

    tracemalloc.start()
    for gates in (True, False):
        hulls(network, gates=gates)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 16 * one
