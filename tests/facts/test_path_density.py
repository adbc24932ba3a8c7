"""Luo et al. 2016, section 2: path density of stacks, and what the facts' table says of AlexNet and VGG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import eyeshot
from eyeshot.analyse.walk import Rules
from eyeshot.errors import UsageError
from eyeshot.network.relations import KINDS, Shape


def sigma(design: str, layer: str | None = None, shape: tuple[int, ...] = (1, 200, 200)) -> float:
    return eyeshot.effective(design, layer, input_shape=shape).sigma[0]


@pytest.mark.parametrize(("count", "width"), [(5, 1.826), (10, 2.582), (20, 3.651), (40, 5.164)])
def test_stacks_of_3x3_use_a_width_that_grows_with_the_root_of_their_number(count: int, width: float) -> None:
    found = eyeshot.effective(f"(C3-2)x{count}", input_shape=(1, 200, 200))

    assert found.sigma == pytest.approx((width, width), abs=5e-4)
    assert found.sigma[0] == pytest.approx(math.sqrt(count * 8 / 12), rel=1e-9)
    assert found.field_size == (2 * count + 1, 2 * count + 1)


def test_three_3x3_use_less_than_one_7x7_of_the_same_field() -> None:
    assert sigma("C3-8 C3-8 C3-8") == pytest.approx(math.sqrt(2), rel=1e-9)
    assert sigma("C7-8") == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize(("design", "layer", "field"), [("alexnet", "conv5", 163), ("vgg16", "block5.conv3", 196)])
def test_alexnet_and_vgg_use_a_width_of_26_5(design: str, layer: str, field: int) -> None:
    found = eyeshot.effective(design, layer)

    assert found.sigma == pytest.approx((26.5, 26.5), abs=0.05)
    assert found.field_size == (field, field)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=5))
def test_the_variance_of_a_chain_is_the_sum_over_its_layers(chain: list[tuple[int, int, int]]) -> None:
    jump, variance, field = 1, 0.0, 1
    for k, d, s in chain:
        variance += (jump * d) ** 2 * (k**2 - 1) / 12
        field += (k - 1) * d * jump
        jump *= s
    design = " ".join(f"C{k}d{d}s{s}p0-2" for k, d, s in chain)

    found = eyeshot.effective(design, input_shape=(1, field + 3 * jump, field + 3 * jump))

    assert found.sigma == pytest.approx((math.sqrt(variance),) * 2, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("channels", [1, 4])
def test_a_skip_has_half_of_the_weight_of_its_sum(channels: int) -> None:
    """However many paths the branch has: nine over the square share one half."""
    found = eyeshot.effective(f"[C3-{channels}~ + ID]", "add1", input_shape=(channels, 15, 15))

    expected = np.full((3, 3), 1 / 18)
    expected[1, 1] += 1 / 2
    np.testing.assert_allclose(found.map, expected, rtol=1e-12)


def test_of_a_concatenation_each_channel_has_as_much() -> None:
    """Of 3×3 twice and 1×1 once, three channels, the middle has a third and two 27ths."""
    found = eyeshot.effective("[C3-2~ | C1-1~]", input_shape=(1, 15, 15), layer="concat2")

    assert found.map[1, 1] == pytest.approx(1 / 3 + 2 / 27)
    assert found.map[0, 0] == pytest.approx(2 / 27)


@given(st.lists(st.sampled_from(["C3-4", "C5s2-4", "C3d2-4", "P2", "A3s2", "C1-6"]), min_size=1, max_size=5))
def test_without_branches_counting_paths_says_the_same(chain: list[str]) -> None:
    shared, counted = (
        eyeshot.effective(" ".join([*chain, "C3-2"]), source=source, input_shape=(2, 90, 90))
        for source in ("density", "paths")
    )

    np.testing.assert_allclose(shared.map, counted.map, rtol=1e-9)
    assert shared.share_on_padding == pytest.approx(counted.share_on_padding or 0, abs=1e-12)


def test_a_residual_stack_mixes_its_paths_by_their_number_where_they_are_counted() -> None:
    """One 3×3 with a skip, one channel: ten paths, nine over the square and one straight."""
    found = eyeshot.effective("[C3-1~ + ID]", "add1", source="paths", input_shape=(1, 15, 15))

    expected = np.full((3, 3), 1 / 10)
    expected[1, 1] = 2 / 10
    np.testing.assert_allclose(found.map, expected, rtol=1e-12)


def test_a_corner_unit_has_part_of_its_paths_on_padding() -> None:
    """One 3×3 with padding 1: the corner unit reads four of nine positions."""
    found = eyeshot.effective("C3-4", unit=(0, 0), input_shape=(1, 9, 9))

    assert found.share_on_padding == pytest.approx(5 / 9, rel=1e-12)
    assert found.start == (0, 0)
    assert found.map.shape == (2, 2)
    assert found.measures["shift"] == pytest.approx((0.5, 0.5))


def test_paths_that_leave_the_image_and_come_back_fall_on_padding() -> None:
    """Two 3 wide at the border: of nine paths on an endless line six end inside, one of them by way of the outside."""
    found = eyeshot.effective("C3-1 C3-1", unit=(0,), input_shape=(1, 9))

    assert found.share_on_padding == pytest.approx(4 / 9, rel=1e-12)
    np.testing.assert_allclose(found.map, np.array([2, 2, 1]) / 5, rtol=1e-12)


def test_a_unit_that_is_not_there_is_complained_of() -> None:
    with pytest.raises(UsageError, match=r"conv1 of C3-4 has 9×9 units, counted from 0; there is none at 9,0"):
        eyeshot.effective("C3-4", unit=(9, 0), input_shape=(1, 9, 9))
    with pytest.raises(UsageError, match="--unit takes 2 indices, such as 4,4, found 1"):
        eyeshot.effective("C3-4", unit=(1,), input_shape=(1, 9, 9))


class Split(torch.nn.Module):
    """A map that is taken apart into twenty slices, as blocks of Res2Net take theirs, and put together again."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([part * 2 for part in x.split(1, 1)], 1)


def test_what_many_readers_send_back_is_united_a_few_times() -> None:
    """Each union of large maps is an array of its own: of twenty slices there are three, where pairs took nineteen."""
    network = eyeshot.inspect(torch.nn.Sequential(torch.nn.Conv2d(1, 20, 3, padding=1), Split()), (1, 8, 8)).network
    united: list[int] = []

    def unite(parts: Sequence[int], shape: Shape) -> int:
        united.append(len(parts))
        return sum(parts)

    rules: Rules[int] = Rules("readers", unite)
    rules.rule(*KINDS)(lambda relation, mark, before, after: mark)
    marks = rules.backward(network, {network.output.name: 1})

    assert marks[network.input.name] == 20
    assert united == [8, 9, 5]
