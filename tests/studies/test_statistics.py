"""Intervals over seeds are Student's, and a verdict claims no more than they allow."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import studied
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.report.evidence import Evidence, evidence, evidence_of
from eyeshot.studies.intervals import half_width
from eyeshot.studies.power import visible

SCORES = st.lists(st.floats(0, 100).map(lambda score: round(score, 2)), min_size=2, max_size=8)


def found(**arms: Sequence[float]) -> Evidence:
    return evidence(
        studied.record(label, seed, score) for label, scores in arms.items() for seed, score in enumerate(scores)
    )


@given(SCORES)
def test_an_interval_is_the_one_of_the_t_test(values: list[float]) -> None:
    width = half_width(values, error=0.05)

    if np.ptp(values) > 0:
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert width == pytest.approx((high - low) / 2)
    else:
        assert width == 0


@given(SCORES)
def test_a_design_against_itself_never_differs(scores: list[float]) -> None:
    result = found(a=scores, b=scores)

    assert result.differences[0].mean == 0
    assert not result.differences[0].is_seen
    expected = f"a and b are the same runs, to the last bit at each of {len(scores)} seeds: nothing is compared."
    assert result.verdict.splitlines()[0] == expected


def test_a_planted_difference_is_found() -> None:
    result = found(a=[88.1, 88.9, 88.4], b=[86.0, 86.7, 86.3])

    assert result.verdict.splitlines()[0] == "a scores higher than b by 2.13 ± 0.14 points at 3 seeds."
    assert result.differences[0].is_seen


def test_the_higher_arm_is_named_first() -> None:
    result = found(a=[80.0, 81.5], b=[86.0, 87.4])

    assert result.verdict.splitlines()[0] == "b scores higher than a by 5.95 ± 0.64 points at 2 seeds."


def test_a_difference_within_the_interval_is_not_claimed() -> None:
    result = found(a=[88.0, 88.5, 88.2], b=[88.4, 88.1, 88.6])

    assert result.verdict.splitlines() == [
        "a against b: no difference seen at 3 seeds: −0.1 ± 1.1 points (one of 3.2 would likely have been seen).",
        "To see 1 point it may take about 10 seeds.",
        "That is for other seeds on the same images: which of them were right is not known here.",
    ]


def test_one_seed_allows_no_claim() -> None:
    assert found(a=[90.0], b=[50.0]).verdict == "a against b: 40.00 points, one seed: no interval, no claim."


def test_seeds_that_agree_to_the_digit_allow_no_claim() -> None:
    result = found(a=[90.0, 91.0], b=[89.0, 90.0])

    assert result.verdict == "a against b: 1.00 points at each of 2 seeds: no spread, no interval, no claim."
    assert not result.differences[0].is_seen


def half(result: Evidence) -> float:
    seeds = result.differences[0].seeds
    assert seeds is not None
    return seeds.half_width


def test_several_arms_share_the_error() -> None:
    result = found(a=[88.1, 88.9, 88.4], b=[86.0, 86.7, 86.3], c=[88.0, 88.8, 88.9])
    alone = found(a=[88.1, 88.9, 88.4], b=[86.0, 86.7, 86.3])

    assert [(d.first, d.second, d.seeds and d.seeds.confidence) for d in result.differences] == [
        ("a", "b", 0.975),
        ("a", "c", 0.975),
    ]
    assert half(result) > half(alone)
    assert "Each is at 97.5 % confidence, so that all 2 hold together at 95 % (Bonferroni)." in result.verdict


def test_one_seed_of_several_arms_has_no_confidence_to_speak_of() -> None:
    assert "Bonferroni" not in found(a=[90.0], b=[50.0], c=[40.0]).verdict


def test_the_last_bits_of_equal_differences_are_no_spread() -> None:
    result = found(a=[88.31, 12.13, 47.77], b=[88.28, 12.10, 47.74])

    assert result.verdict == "a against b: 0.03 points at each of 3 seeds: no spread, no interval, no claim."
    assert result.to_json()["differences"][0]["seeds"] is None


def test_a_difference_that_no_scale_holds_is_not_looked_for() -> None:
    result = found(a=[20.0, 90.0], b=[60.0, 40.0])

    assert result.verdict.splitlines()[0] == (
        "a against b: too few seeds to see any difference: 5.0 points (−100.0 … 100.0) at 2 seeds."
    )


def test_no_share_lies_outside_0_to_100_percent_and_no_two_lie_farther_apart() -> None:
    """Three seeds near the ends, whose Student's intervals reach beyond; losses may lie anywhere."""
    scores = {"a": dict(enumerate([99.9, 99.0, 99.8])), "b": dict(enumerate([0.1, 1.5, 0.2]))}

    shares, losses = evidence_of(scores), evidence_of(scores, unit="")

    first, second = (arm.seeds for arm in shares.arms)
    assert first is not None
    assert second is not None
    assert (first.high, second.low) == (100, 0)
    assert shares.differences[0].seeds is not None
    assert shares.differences[0].seeds.high == 100
    assert losses.arms[0].seeds is not None
    assert losses.arms[0].seeds.high > 100


def test_with_a_diverged_arm_nothing_is_compared() -> None:
    records = [studied.record("a", seed, 88.0 + seed) for seed in range(3)]
    records += [studied.record("b", seed, 10.0 + seed * seed, is_diverged=seed < 2) for seed in range(3)]

    result = evidence(records)

    assert result.verdict.splitlines() == [
        "a against b: no comparison: b diverged at 2 of 3 seeds.",
        "b diverged at 2 seeds (0, 1); its scores there are those of a broken network.",
    ]
    assert (
        result.to_json()["differences"][0] | {"seen": False, "seeds": None, "power": None, "broken": True}
        == (result.to_json()["differences"][0])
    )


def test_only_seeds_that_both_have_are_paired() -> None:
    records = [studied.record("a", seed, 80.0 + seed) for seed in range(4)]
    records += [studied.record("b", seed, 79.0 + seed * seed) for seed in range(2)]

    assert evidence(records).differences[0].paired == (0, 1)


def test_what_would_likely_have_been_seen_is_seen_four_times_of_five_by_four_studies_of_five() -> None:
    """Drawn anew: five seeds each, of which every study takes its own spread for the truth."""
    draw = np.random.default_rng(1)
    studies = draw.normal(0, 1, size=(200, 5))
    bound = stats.t.isf(0.025, 4)

    def true_power(values: Sequence[float]) -> float:
        shift = visible(float(np.var(values, ddof=1)) / 5, 5, None, error=0.05)
        return float(stats.nct.sf(bound, 4, shift * np.sqrt(5)))

    powers = [true_power(values) for values in studies]
    assert np.mean(np.array(powers) >= 0.8) == pytest.approx(0.8, abs=0.06)


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(UsageError, match="no records: nothing was trained"):
        evidence([])


def test_arms_without_a_common_seed_are_refused() -> None:
    with pytest.raises(UsageError, match="arms 'a' and 'b' share no seed"):
        evidence([studied.record("a", 1, 50.0), studied.record("b", 2, 50.0)])


def test_two_scores_for_one_seed_are_refused() -> None:
    with pytest.raises(UsageError, match="arm 'a': two records with one seed"):
        evidence([studied.record("a", 1, 50.0), studied.record("a", 1, 51.0)])


def test_evidence_is_plain_json() -> None:
    values = json.loads(json.dumps(found(a=[88.0, 88.5], b=[86.0, 86.7]).to_json(), allow_nan=False))

    assert values["schema"] == "eyeshot.evidence/2"
    assert values["arms"][0]["scores"] == {"0": 88.0, "1": 88.5}
    assert values["differences"][0]["seeds"]["interval"][0] < values["differences"][0]["mean"]
    assert values["differences"][0]["seeds_and_images"] is None


def test_a_missing_scipy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.delitem(sys.modules, "eyeshot.studies.statistics")

    with pytest.raises(MissingExtraError, match=r"needs scipy, which is not installed: pip install 'eyeshot\[train\]'"):
        importlib.import_module("eyeshot.studies.statistics")


def test_with_one_seed_no_confidence_is_shown() -> None:
    from eyeshot.cli.evidence import print_evidence
    from eyeshot.cli.terminal import Terminal

    stream = io.StringIO()
    print_evidence(evidence([studied.record(label, 0, 50.0) for label in "abc"]), Terminal(stream))

    assert "confidence" not in stream.getvalue()
