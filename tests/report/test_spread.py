"""Widths of profiles and boxes of maps, against numbers by hand and against a search through all that there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeshot.analyse.box import box_holding, held_in
from eyeshot.analyse.spread import Frame, measures, profiles_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "spread.json").read_text(encoding="utf-8"))
Map = npt.NDArray[np.float64]


def width(profile: Map, percent: int) -> float:
    n = len(profile)
    return measures(profile, (0,), Frame((0.0,), (n,), (n,)))[f"width_{percent}"][0]


@pytest.mark.parametrize("case", VECTORS["widths"], ids=lambda case: case["why"])
def test_widths_are_those_by_hand(case: dict[str, Any]) -> None:
    profile = np.array(case["profile"], dtype=float)

    assert {p: width(profile, int(p)) for p in case["widths"]} == pytest.approx(case["widths"])
    assert width(profile[::-1], 50) == pytest.approx(case["widths"]["50"])


@pytest.mark.parametrize("case", VECTORS["boxes"], ids=lambda case: case["why"])
def test_boxes_are_those_by_hand(case: dict[str, Any]) -> None:
    values = np.array(case["values"], dtype=float).reshape(case["size"])

    assert [list(ends) for ends in box_holding(values, case["share"] / 100)] == case["box"]


PROFILES = st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(any)


@given(PROFILES, st.sampled_from([50, 68, 95, 99]))
def test_no_shorter_interval_holds_as_much(profile: list[int], percent: int) -> None:
    """Ends on a grid of hundredths of a pixel: the mass before a point is drawn as a line through all borders."""
    held = np.interp(np.arange(0, len(profile) + 0.005, 0.01), range(len(profile) + 1), np.cumsum([0, *profile]))
    needed = percent / 100 * sum(profile)
    steps = next(n for n in range(len(held)) if (held[n:] - held[: len(held) - n]).max() >= needed - 1e-9)

    found = width(np.array(profile, dtype=float), percent)

    assert steps / 100 - 0.02 <= found <= steps / 100 + 1e-6


MAPS = st.one_of(
    PROFILES.map(np.array),
    st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
        lambda size: (
            st.lists(st.integers(0, 9), min_size=size[0] * size[1], max_size=size[0] * size[1])
            .filter(any)
            .map(lambda values: np.array(values).reshape(size))
        )
    ),
)


def boxes_of(values: Map) -> list[tuple[tuple[int, int], ...]]:
    """The boxes whose sides are shortest runs, each holding the same share of its axis, from least to most."""
    shares = {float(run.sum()) for p in profiles_of(values) for run in runs(p)}
    return [tuple(shortest(p, share) for p in profiles_of(values)) for share in sorted(shares)]


def runs(profile: Map) -> list[Map]:
    return [profile[a : b + 1] for a in range(len(profile)) for b in range(a, len(profile))]


def shortest(profile: Map, share: float) -> tuple[int, int]:
    places = [(a, b) for a in range(len(profile)) for b in range(a, len(profile))]
    holding = [(a, b) for a, b in places if profile[a : b + 1].sum() >= share - 1e-9]
    length = min(b - a for a, b in holding)
    filled = np.flatnonzero(profile)
    middle = filled[0] + filled[-1]
    alike = [(a, b) for a, b in holding if b - a == length]
    most = max(float(profile[a : b + 1].sum()) for a, b in alike)
    return min(
        (place for place in alike if profile[place[0] : place[1] + 1].sum() >= most - 1e-9),
        key=lambda place: (abs(place[0] + place[1] - middle), place),
    )


@settings(max_examples=40)
@given(MAPS, st.sampled_from([50, 68, 95, 99]))
def test_a_box_holds_its_share_and_is_one_of_the_rule_s(values: Map, percent: int) -> None:
    box = box_holding(values.astype(float), percent / 100)

    assert held_in(values, box) >= percent / 100 - 1e-9
    assert box in boxes_of(values.astype(float))


@settings(max_examples=40)
@given(PROFILES, PROFILES, st.sampled_from([50, 68, 95, 99]))
def test_of_a_map_without_diagonals_no_smaller_box_of_the_rule_holds_it(
    rows: list[int], columns: list[int], percent: int
) -> None:
    values = np.outer(rows, columns).astype(float)

    box = box_holding(values, percent / 100)

    first = next(found for found in boxes_of(values) if held_in(values, found) >= percent / 100 - 1e-9)
    assert box == first


@given(MAPS)
def test_a_box_moves_with_its_map_and_does_not_depend_on_its_scale(values: Map) -> None:
    box = box_holding(values.astype(float), 0.5)

    padded = np.pad(values.astype(float), [(2, 1)] * values.ndim) / 7
    assert box_holding(padded, 0.5) == tuple((first + 2, last + 2) for first, last in box)
    assert all(0 <= first <= last < n for (first, last), n in zip(box, values.shape, strict=True))
