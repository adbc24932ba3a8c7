"""What keeps tiles from being equal is named: the layer, its op and why; and tiles are refused unless asked for."""

from __future__ import annotations

import pytest
import torch

import eyeshot
from eyeshot.errors import UsageError
from tests.tile.preventing import CASES

SHAPE = (1, 80, 64)


@pytest.mark.parametrize("name", CASES)
def test_the_op_that_prevents_equality_is_named(name: str) -> None:
    make, layer, why = CASES[name]

    plan = eyeshot.tile_plan(make(), SHAPE)

    assert plan.verdict == "differs"
    named = {each.layer: each.why for each in plan.prevents}
    assert any(layer in each and why in text for each, text in named.items()), named


@pytest.mark.parametrize("name", [name for name in CASES if name not in {"a given size", "fourier"}])
def test_tiles_of_it_are_refused_and_measured_where_asked_for(name: str) -> None:
    torch.manual_seed(0)
    module, x = CASES[name][0](), torch.rand(1, *SHAPE)

    with pytest.raises(UsageError, match="tiles would differ"):
        eyeshot.tiled(module, tile=48)(x)
    run = eyeshot.tiled(module, tile=48, approximate=True)
    run(x)

    assert run.difference is not None
    assert run.difference > 0
