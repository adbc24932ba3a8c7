"""The area ratio of papers on large kernels, against hand-made maps."""

from __future__ import annotations

import numpy as np

from eyeshot.measure.ratio import area_ratios


def test_equal_scores_need_their_share_of_the_image() -> None:
    """Side 2r+1 of 21: 20 % needs 11 (27 %), 50 % needs 15 (51 %), 99 % needs more than the largest square tried."""
    found = area_ratios((0, 0), np.full((21, 21), 3.0), (21, 21))

    assert found == {20: 11**2 / 21**2, 30: 13**2 / 21**2, 50: 15**2 / 21**2, 99: None}


def test_all_in_the_middle_needs_the_smallest_square() -> None:
    assert area_ratios((10, 10), np.ones((1, 1)), (21, 21)) == dict.fromkeys((20, 30, 50, 99), 9 / 441)


def test_the_ratio_depends_on_the_scale_and_that_is_why_it_is_not_ours() -> None:
    bell = np.exp(-np.add.outer(np.arange(-20, 21) ** 2, np.arange(-20, 21) ** 2) / 50.0)

    small, large = (area_ratios((0, 0), scale * bell, (41, 41)) for scale in (0.01, 1000.0))

    assert small is not None
    assert large is not None
    assert large[50] > 2 * small[50]  # type: ignore[operator]


def test_other_than_two_axes_have_none() -> None:
    assert area_ratios((0,), np.ones(5), (5,)) is None
