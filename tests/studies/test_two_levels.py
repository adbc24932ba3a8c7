"""Other seeds on these images, and on other images too: what each interval says, and what is told of odd arms."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import studied
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from eyeshot.report.evidence import Evidence, evidence, evidence_of
from eyeshot.studies.crossed import MeanSquares, mean_squares
from eyeshot.studies.failures import fallen_seeds
from eyeshot.studies.intervals import over_seeds, over_seeds_and_images
from eyeshot.studies.power import power, round_points
from eyeshot.studies.scores import Difference, Interval
from eyeshot.train.record import Answers, Record

Right = NDArray[np.bool_]


def answered(label: str, right: Right, *, chance: float = 10.0, data: str = "") -> list[Record]:
    """A record per row, one truth value per image."""
    return [answering(label, seed, row, chance=chance, data=data) for seed, row in enumerate(right)]


def answering(label: str, seed: int, row: Right, *, chance: float = 10.0, data: str = "") -> Record:
    answers = Answers.of(row, chance=chance)
    record = studied.record(label, seed, answers.accuracy)
    recipe = dataclasses.replace(record.recipe, data_fingerprint=data)
    return dataclasses.replace(record, recipe=recipe, answers=answers, weights=f"{label}{seed}".ljust(64, "0"))


def drawn(
    draw: np.random.Generator, seeds: int, images: int, *, design: float, seed: float = 0.1, lift: float = 0.0
) -> tuple[Right, Right]:
    """Two arms' answers: easy and hard images for both, some harder for one design, some seeds better than others.

    Args:
        design: how far the two designs differ by image, though not on the average over endless images.
        seed: how far seeds differ.
        lift: by how much the first arm is better.
    """
    hardness = draw.normal(3.2, 2.5, images)

    def arm(lift: float) -> Right:
        each = hardness + design * draw.normal(size=images) + lift
        return each + seed * draw.normal(size=(seeds, 1)) + draw.normal(size=(seeds, images)) > 0

    return arm(lift), arm(0.0)


def told(first: Right, second: Right) -> Evidence:
    return evidence([*answered("a", first), *answered("b", second)])


def ends(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    return interval.low, interval.high


def test_over_other_images_no_share_lies_outside_0_to_100_percent() -> None:
    right = np.ones((3, 40), bool)
    right[0, 0] = right[1, :2] = False

    (arm, _), (difference,) = (result := told(right, ~right)).arms, result.differences

    assert ends(arm.seeds_and_images)[1] == 100
    assert ends(difference.seeds_and_images)[1] == 100


def test_the_interval_over_seeds_is_the_same_whether_the_images_are_known_or_not() -> None:
    first, second = drawn(np.random.default_rng(0), 5, 400, design=0.5)
    known = told(first, second).differences[0]
    scores = {"a": dict(enumerate(100 * first.mean(1))), "b": dict(enumerate(100 * second.mean(1)))}
    unknown = evidence_of(scores).differences[0]

    assert ends(known.seeds) == pytest.approx(ends(unknown.seeds))
    assert known.images == 400
    assert unknown.seeds_and_images is None


@given(st.integers(2, 6), st.integers(2, 60), st.floats(0, 2), st.integers(0, 1000))
def test_what_holds_for_other_images_too_is_never_narrower(seeds: int, images: int, design: float, key: int) -> None:
    result = told(*drawn(np.random.default_rng(key), seeds, images, design=design, seed=0.5))

    for each in (*result.arms, *result.differences):
        if each.seeds is not None and each.seeds_and_images is not None:
            assert each.seeds_and_images.low <= each.seeds.low
            assert each.seeds_and_images.high >= each.seeds.high


def test_mean_squares_are_those_of_the_table_s_analysis_of_variance() -> None:
    """Against the definition, entry by entry."""
    table = np.array([[0, 100, 100, -100], [0, 0, 100, 0], [100, 100, 0, 0]], dtype=np.int8)
    found = mean_squares(table)
    rows, columns, mean = table.mean(1), table.mean(0), table.mean()
    rest = sum((table[s, i] - rows[s] - columns[i] + mean) ** 2 for s in range(3) for i in range(4))

    assert found is not None
    assert found.of_seeds == pytest.approx(4 * sum((rows - mean) ** 2) / 2)
    assert found.of_images == pytest.approx(3 * sum((columns - mean) ** 2) / 3)
    assert found.of_rest == pytest.approx(rest / 6)


def test_the_parts_of_the_spread_are_found_again() -> None:
    draw = np.random.default_rng(3)
    seeds, images = 60, 3000
    table = draw.normal(0, 2, (seeds, 1)) + draw.normal(0, 20, images) + draw.normal(0, 30, (seeds, images))
    found = mean_squares(table)

    assert found is not None
    assert found.spread.seeds == pytest.approx(2, rel=0.3)
    assert found.spread.images == pytest.approx(20, rel=0.05)
    assert found.spread.both == pytest.approx(30, rel=0.02)


@pytest.mark.parametrize("of_seeds", [0.0, 0.15])
def test_the_test_set_s_part_in_the_seeds_spread_is_within_its_interval_in_19_of_20_studies(of_seeds: float) -> None:
    seeds, images, studies = 12, 300, 400
    draw = np.random.default_rng(5)
    hardness = draw.normal(1.0, 1.5, images)
    lifts = of_seeds * draw.normal(size=(4000, 1))
    chances = stats.norm.cdf(hardness + lifts)  # of each image, for many seeds
    by_seed, by_draw = np.var(chances.mean(1)), float((chances * (1 - chances)).mean()) / images
    # what seeds do to single images beyond their own mean is part of the rest
    unlike = float(np.var(chances, axis=0).mean()) / images - np.var(chances.mean(1)) / images
    true = 100 * (by_draw + unlike) / (by_draw + unlike + by_seed)

    missed = 0
    for _ in range(studies):
        right = hardness + of_seeds * draw.normal(size=(seeds, 1)) + draw.normal(size=(seeds, images)) > 0
        noise = evidence(answered("a", right)).arms[0].noise
        assert noise is not None
        missed += not noise.interval.low <= true <= noise.interval.high

    assert 0.02 <= missed / studies <= 0.08


def test_of_one_design_the_spread_of_its_seeds_is_explained() -> None:
    first, _ = drawn(np.random.default_rng(8), 12, 300, design=0.0, seed=0.0)

    (line,) = evidence(answered("a", first)).verdict.splitlines()

    assert re.fullmatch(
        r"Seeds of a have a standard deviation of \d\.\d\d points, and \d+ % of that variance \(\d+ … 100 %\) is due to"
        r" the 300 test images: on endless ones it would be \d\.\d\d\.",
        line,
    )


def test_where_images_add_nothing_other_images_are_as_sure_as_these() -> None:
    """The variance of the mean is then the seeds' alone, and has their degrees of freedom: with fewer it were wider."""
    squares = MeanSquares(seeds=5, images=200, of_seeds=900.0, of_images=700.0, of_rest=800.0)
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    scale = math.sqrt(squares.variance() / np.var(values, ddof=1) * 5)
    seeds = over_seeds([scale * value for value in values], error=0.05)

    assert squares.freedom() == 4
    both = over_seeds_and_images([scale * value for value in values], seeds, squares)
    assert ends(both) == pytest.approx(ends(seeds))


def test_designs_that_differ_by_image_alone_are_not_called_different() -> None:
    """On these images one is better, by every seed; on other images like these as often the other."""
    first, second = drawn(np.random.default_rng(8), 12, 300, design=2.0, seed=0.0)
    result = told(first, second)
    (difference,) = result.differences

    assert difference.is_seen_here
    assert not difference.is_seen
    assert "on these 300 images, by" in result.verdict
    assert "on others like them it need not" in result.verdict


def test_a_difference_is_claimed_for_seeds_and_images_where_both_intervals_hold() -> None:
    result = told(*drawn(np.random.default_rng(2), 5, 2000, design=0.3, lift=1.0))

    assert result.differences[0].is_seen
    assert result.verdict.startswith("a scores higher than b by ")
    assert result.verdict.endswith("points at 5 seeds and 2,000 images.")


def missed(kind: str, *, design: float, comparisons: int = 300) -> float:
    """Share of comparisons of designs that do not differ in which an interval says that they do."""
    draw = np.random.default_rng(4)
    found: list[Difference] = []
    while len(found) < comparisons:
        found += told(*drawn(draw, 5, 200, design=design, seed=0.2)).differences
    intervals = [getattr(each, kind) for each in found]
    return float(np.mean([each is not None and each.excludes_zero for each in intervals]))


def test_five_in_a_hundred_intervals_miss() -> None:
    assert missed("seeds", design=0.0) == pytest.approx(0.05, abs=0.03)
    assert missed("seeds_and_images", design=1.5) == pytest.approx(0.05, abs=0.03)
    # What holds for these images is no word on others.
    assert missed("seeds", design=1.5) > 0.1


def test_the_seeds_that_are_asked_for_see_the_difference_four_times_of_five() -> None:
    able = power(0.08, 5, None, points=0.5, error=0.05)
    deviation = math.sqrt(0.08 * 5 * 4 / stats.chi2.ppf(0.2, 4))

    def true_power(seeds: int) -> float:
        return float(stats.nct.sf(stats.t.isf(0.025, seeds - 1), seeds - 1, 0.5 * math.sqrt(seeds) / deviation))

    assert able.seeds is not None
    assert true_power(able.seeds) >= 0.8 > true_power(able.seeds - 1)


def test_seeds_alone_cannot_see_what_the_images_hide() -> None:
    first, second = drawn(np.random.default_rng(8), 12, 300, design=2.0, seed=0.0)
    result = told(first, second)
    able = result.differences[0].power

    assert able is not None
    assert able.seeds is None
    assert able.images is not None
    assert able.images > 300
    assert f"To see 1 point it may take 12 seeds tested on about {able.images // 1000 + 1},000 images" in result.verdict
    assert "more seeds alone cannot do." in result.verdict


@pytest.mark.parametrize(("visible", "points"), [(2.9, 1.0), (2.0, 1.0), (1.99, 0.5), (0.41, 0.2), (0.03, 0.01)])
def test_what_is_asked_for_is_a_round_number_below_what_is_seen(visible: float, points: float) -> None:
    assert round_points(visible) == points


USUAL = {0: 87.1, 1: 88.0, 2: 87.6, 3: 88.3, 4: 87.7, 5: 87.9, 6: 88.1, 7: 87.3, 8: 87.8, 9: 88.2}


@pytest.mark.parametrize(
    ("changes", "fallen"),
    [
        ({}, ()),
        ({3: 41.2}, (3,)),
        ({3: 41.2, 5: 10.0}, (3, 5)),
        ({3: 86.0}, ()),  # a little lower is no fall
        ({3: 10.4}, (3,)),  # at chance
    ],
)
def test_a_seed_that_did_not_train_is_found(changes: Mapping[int, float], fallen: Sequence[int]) -> None:
    assert fallen_seeds(USUAL | dict(changes), chance=10.0, images=2000) == tuple(fallen)


def test_on_a_handful_of_images_a_score_near_chance_is_no_fall() -> None:
    assert fallen_seeds({0: 80.0, 1: 90.0, 2: 85.0, 3: 90.0}, chance=50.0, images=20) == ()


def test_skewed_scores_are_not_taken_for_falls() -> None:
    draw = np.random.default_rng(5)
    arms = [dict(enumerate(88 - 1.5 * draw.exponential(size=10))) for _ in range(300)]

    assert sum(bool(fallen_seeds(arm, chance=10.0, images=2000)) for arm in arms) < 30


def test_a_fall_is_told_and_left_out_of_the_difference() -> None:
    draw = np.random.default_rng(6)
    first, second = drawn(draw, 6, 1000, design=0.2)
    second[4] &= draw.random(1000) < 0.5
    result = told(first, second)
    (difference,) = result.differences

    assert difference.left_out == (4,)
    assert difference.paired == (0, 1, 2, 3, 5)
    assert "b did not train at 1 of 6 seeds: 4" in result.verdict
    assert "Differences leave such seeds out" in result.verdict
    assert result.arms[1].mean < 85  # it is in the arm's own mean


def test_an_arm_that_mostly_does_not_train_is_not_compared() -> None:
    draw = np.random.default_rng(7)
    first, second = drawn(draw, 5, 1000, design=0.2)
    second[:3] = draw.random((3, 1000)) < 0.1

    assert told(first, second).verdict.splitlines()[0] == "a against b: no comparison: b did not train at 3 of 5 seeds."


def test_the_same_runs_are_said_to_be_the_same() -> None:
    first, _ = drawn(np.random.default_rng(8), 3, 100, design=0.2)

    assert (
        told(first, first).verdict
        == "a and b are the same runs, to the last bit at each of 3 seeds: nothing is compared."
    )


def test_other_networks_that_get_the_same_images_right_are_no_same_runs() -> None:
    """As two do that give all images one answer, or on a few test images."""
    first, _ = drawn(np.random.default_rng(8), 3, 100, design=0.2)
    others = [
        dataclasses.replace(record, weights="1" * 64, scores=(dataclasses.replace(record.scores[0], loss=0.25),))
        for record in answered("b", first)
    ]
    result = evidence([*answered("a", first), *others])

    assert not result.differences[0].is_identical
    assert "no spread, no interval, no claim" in result.verdict


def test_an_arm_at_chance_and_one_without_room_are_said_to_be() -> None:
    draw = np.random.default_rng(1)
    verdict = told(draw.random((3, 1000)) < 0.999, draw.random((3, 1000)) < 0.1).verdict

    assert "a scores 99.87 %: there is no room for a difference to show." in verdict
    assert "b scores no more than guesses reach, 10 % and what luck adds: nothing shows that it learnt." in verdict


def without_images(records: Sequence[Record]) -> list[Record]:
    return [dataclasses.replace(record, answers=None) for record in records]


@pytest.mark.parametrize("change", ["no images", "some without", "other images"])
def test_images_are_paired_only_where_they_are_the_same_and_known(change: str) -> None:
    first, second = drawn(np.random.default_rng(0), 4, 200, design=0.5)
    a, b = answered("a", first), answered("b", second, data="other" if change == "other images" else "")
    if change == "no images":
        a, b = without_images(a), without_images(b)
    if change == "some without":
        b = [*b[:3], *without_images(b[3:])]
    result = evidence([*a, *b])

    assert result.differences[0].seeds is not None
    assert result.differences[0].seeds_and_images is None
    assert "for other seeds on the same images: which of them were right is not known here" in result.verdict


def test_skewed_differences_have_an_interval_that_reaches_farther_to_their_long_side() -> None:
    values: list[Any] = [0.1, 0.2, 0.0, 0.15, 0.1, 0.05, 0.2, 0.1, 1.9, 0.3]
    interval = over_seeds(values, error=0.05)
    mean, low = np.mean(values), stats.ttest_1samp(values, 0).confidence_interval(0.95).low

    assert interval is not None
    assert interval.low <= low
    assert interval.high - mean > 1.5 * (mean - interval.low)
