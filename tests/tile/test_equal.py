"""Tiles give the whole image's numbers: every output pixel, with the halo that the plan says and no less."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._pytree import tree_leaves

import eyeshot
from eyeshot.tile.run import Tiled
from tests.tile.library import QUICK, THOROUGH
from tests.tile.nets import CASES, SLOW, Case, UNet

ALL = CASES | SLOW | QUICK | THOROUGH
LONG = SLOW | THOROUGH


def prepared(module: nn.Module, *, positive: bool = False) -> nn.Module:
    """In evaluation mode and float64; batch norms with statistics of their own; weights above zero where asked for."""
    module = module.double().eval()
    for name, tensor in module.state_dict().items():
        if name.endswith("running_mean"):
            tensor.uniform_(-0.1, 0.1)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif positive and tensor.is_floating_point():
            tensor.uniform_(0.05, 0.2)
    return module


def outputs(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        leaves: list[torch.Tensor] = tree_leaves(module(x))
    return leaves


def run_of(case: Case, module: nn.Module) -> Tiled:
    return eyeshot.tiled(module, tile=case.tile, layout=case.layout)


def parametrized(*names: str) -> Any:
    return pytest.mark.parametrize(
        "name", [pytest.param(n, marks=pytest.mark.slow if n in LONG else ()) for n in names or ALL]
    )


@parametrized()
def test_tiles_give_the_numbers_of_the_whole_image(name: str) -> None:
    torch.manual_seed(0)
    case = ALL[name]
    module, x = prepared(case.make()), torch.rand(2 if len(case.shape) < 4 else 1, *case.shape, dtype=torch.float64)
    run = run_of(case, module)

    tiled = tree_leaves(run(x))

    assert run.plan is not None
    assert run.plan.verdict == "equal"
    assert run.plan.tiles > 1
    for whole, pieces in zip(outputs(module, x), tiled, strict=True):
        assert whole.shape == pieces.shape
        assert float((whole - pieces).abs().max()) <= 1e-12


@parametrized()
def test_a_pixel_beyond_the_halo_does_not_reach_the_core_and_the_last_one_within_does(name: str) -> None:
    torch.manual_seed(0)
    case = ALL[name]
    module = prepared(case.make(), positive=True)
    x = torch.rand(1, *case.shape, dtype=torch.float64)
    run = run_of(case, module)
    plan = run._plan_for(x, (), {})
    before = outputs(module, x)
    for axis, (lane, row) in enumerate(zip(plan.lanes, plan.rows, strict=True)):
        middle = next((tile for tile in row if tile.first >= lane.before and tile.end + lane.after < lane.n), None)
        if middle is None:
            continue
        for pixel, is_seen in (
            (middle.first - lane.before, True),
            (middle.first - lane.before - 1, False),
            (middle.end - 1 + lane.after, True),
            (middle.end + lane.after, False),
        ):
            if 0 <= pixel < lane.n:
                moved = x.clone()
                moved.select(plan.network.axes[axis], pixel).add_(1e9)  # far pixels weigh little
                assert reaches(plan, axis, middle, before, outputs(module, moved)) == is_seen, (axis, pixel)


def reaches(plan: Any, axis: int, tile: Any, before: list[torch.Tensor], after: list[torch.Tensor]) -> bool:
    """Whether outputs of a tile's core differ."""
    for spec, a, b in zip(plan.outputs, before, after, strict=True):
        first, end = (
            -(-at * spec.rates[axis].numerator // spec.rates[axis].denominator) for at in (tile.first, tile.end)
        )
        place = [slice(None)] * a.dim()
        place[spec.axes[axis]] = slice(first, end)
        if not torch.equal(a[tuple(place)], b[tuple(place)]):
            return True
    return False


@st.composite
def networks(draw: Any) -> tuple[nn.Module, tuple[int, int], int]:
    """A random network without restriction to whole multiples: convolutions, pools, branches, resizing."""
    layers: list[nn.Module] = []
    stride = 1
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["conv", "stride", "dilated", "pool", "up", "transposed", "branch"]))
        k = draw(st.integers(1, 5))
        if kind == "conv":
            layers.append(nn.Conv2d(2, 2, k, padding=draw(st.integers(0, k // 2))))
        elif kind == "dilated":
            layers.append(nn.Conv2d(2, 2, 3, padding=draw(st.integers(0, 3)), dilation=draw(st.integers(1, 3))))
        elif kind == "branch":
            layers.append(Sum(nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 5, padding=2)))
        elif kind in ("stride", "pool") and stride < 4:
            step = draw(st.integers(2, 3)) if stride == 1 else 2
            pad = draw(st.integers(0, 1))
            layer: Any = nn.Conv2d(2, 2, 3, step, pad) if kind == "stride" else nn.MaxPool2d(3, step, pad)
            layers, stride = [*layers, layer], stride * step
        elif kind == "up":
            mode = draw(st.sampled_from(["nearest", "bilinear"]))
            layers.append(nn.Upsample(scale_factor=2, mode=mode))
        elif kind == "transposed":
            layers.append(nn.ConvTranspose2d(2, 2, draw(st.integers(2, 4)), 2, 1))
        layers.append(nn.ReLU())
    sizes = draw(st.integers(60, 110)), draw(st.integers(60, 110))
    return nn.Sequential(nn.Conv2d(1, 2, 1), *layers), sizes, draw(st.integers(20, 60))


class Sum(nn.Module):
    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = sum(branch(x) for branch in self.branches)
        return out


@given(networks())
@settings(max_examples=40)
def test_of_random_networks_too(drawn: tuple[nn.Module, tuple[int, int], int]) -> None:
    torch.manual_seed(0)
    net, sizes, tile = drawn
    module, x = prepared(net), torch.rand(1, 1, *sizes, dtype=torch.float64)
    plan = eyeshot.tile_plan(module, (1, *sizes))
    tiles = [lane.fitting(max(tile, lane.smallest)) for lane in plan.lanes]

    run = eyeshot.tiled(module, tile=tiles)
    pieces = run(x)

    assert plan.verdict == "equal", plan.prevents
    assert float((outputs(module, x)[0] - pieces).abs().max()) <= 1e-12


def test_halos_of_a_u_net_are_those_that_cores_on_the_lattice_need() -> None:
    """Two levels: 2 + 4 + 8 + 4 + 2 pixels of convolutions, 2 + 4 of bilinear resizing."""
    plan = eyeshot.tile_plan(UNet(2), (1, 512, 512), tile=256)

    assert plan.halo == ((26, 26), (26, 26))
    assert plan.lattice == (4, 4)
    assert plan.core == (200, 200)


def test_every_pixel_of_the_image_lies_in_one_core() -> None:
    plan = eyeshot.tile_plan(UNet(2), (1, 516, 372), tile=(128, 92))
    counts = torch.zeros(516, 372)
    for rows, columns in itertools.product(*plan.rows):
        counts[rows.first : rows.end, columns.first : columns.end] += 1

    assert bool((counts == 1).all())


class Square(nn.Module):
    """A network that takes square images only, as some with tables of positions do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] != x.shape[-2]:
            raise ValueError(f"{x.shape[-2]}×{x.shape[-1]} is not square")
        return self.conv(x)


def test_last_tiles_move_inwards_where_the_network_does_not_take_the_shapes_of_smaller_ones() -> None:
    torch.manual_seed(0)
    module, x = Square().eval(), torch.rand(1, 1, 50, 50)

    run = eyeshot.tiled(module, tile=16)
    tiled = run(x)

    assert torch.equal(tiled, module(x)) or torch.allclose(tiled, module(x), atol=1e-6)
    assert {(y.size, x.size) for y in run.plan.rows[0] for x in run.plan.rows[1]} == {(16, 16)}
