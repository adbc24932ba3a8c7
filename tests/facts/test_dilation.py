"""Dilation, gridding and equivalent stacks. Wang et al. 2018, section 3.2; coverage recomputed."""

from __future__ import annotations

import pytest

from eyeshot import inspect


@pytest.mark.parametrize(
    ("dilations", "field", "covered"),
    [((1, 2, 5), 17, 17), ((1, 2, 9), 25, 21), ((2, 2, 2), 13, 7), ((1, 1, 1), 7, 7), ((1, 2, 4), 15, 15)],
)
def test_dilated_stacks_cover_what_their_holes_leave(dilations: tuple[int, ...], field: int, covered: int) -> None:
    design = " ".join(f"C3d{d}-8" for d in dilations)
    layer = inspect(design, (1, 41, 41))["conv3"]

    footprint = layer.unit(20, 20).footprint

    assert layer.field.size == (field, field)
    assert layer.field.start == (-sum(dilations), -sum(dilations))
    assert footprint.count == covered**2


def test_two_strided_3x3_are_one_7x7_of_stride_4() -> None:
    stacked, single = (
        inspect("C3s2-8 C3s2-8", (1, 64, 64))["conv2"].field,
        inspect("C7s4-8", (1, 64, 64))["conv1"].field,
    )

    assert stacked.size == single.size == (7, 7)
    assert stacked.stride == single.stride == (4, 4)


def test_parallel_stripes_see_a_cross() -> None:
    footprint = inspect("[C1x9 + C9x1]", (1, 32, 32))["add2"].unit(16, 16).footprint

    assert footprint.count == 17
    assert footprint.mask()[16].sum() == footprint.mask()[:, 16].sum() == 9


def test_a_stride_wider_than_its_kernel_leaves_pixels_out() -> None:
    footprint = inspect("C3s5p0-2 C3p0-2", (1, 30, 30))["conv2"].unit(0, 0).footprint

    assert footprint.mask()[0].nonzero()[0].tolist() == [0, 1, 2, 5, 6, 7, 10, 11, 12]
    assert footprint.count == 81
