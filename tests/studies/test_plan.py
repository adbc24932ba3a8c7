"""A plan says all that a study will do, and finds its directory again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import studied

from eyeshot.errors import UsageError
from eyeshot.studies.plan import Plan
from eyeshot.train.budget import Budget
from eyeshot.train.recipe import Options


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return studied.write_images(tmp_path / "images")


def test_a_plan_reads_back(images: Path) -> None:
    plan = studied.plan(images)

    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_the_arms_of_a_seed_stand_together(images: Path) -> None:
    recipes = studied.plan(images).recipes()

    assert [(recipe.seed, recipe.label) for recipe in recipes] == [(0, "a"), (0, "b"), (1, "a"), (1, "b")]


def test_the_same_study_has_the_same_directory_whatever_else_was_typed(images: Path) -> None:
    one = studied.plan(images)
    two = studied.plan(images, command=("eyeshot", "compare", "--jobs", "1"))
    other = studied.plan(images, budget=Budget.parse("3ep"))

    assert studied.plan(images, seeds=(0, 1, 2)).directory == one.directory
    assert one.directory == two.directory == Path("runs") / one.identity
    assert one.directory != other.directory


def test_every_trial_has_a_place_of_its_own_that_a_file_system_takes(images: Path) -> None:
    plan = studied.plan(images, labels=("C3-64 C3-64/../x", "C3-64 C3-64:..:x", "…"))

    places = [str(plan.place(recipe)) for recipe in plan.recipes()]

    assert places[:3] == ["1-C3-64-C3-64-..-x/seed-0", "2-C3-64-C3-64-..-x/seed-0", "3/seed-0"]
    assert len(set(places)) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ()}, "a study without any arm"),
        ({"seeds": ()}, "a study without any seed"),
        ({"seeds": (1, 2, 1)}, "seed 1 occurs 2 times"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(images: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        studied.plan(images, **changes)


def test_two_arms_need_two_names(images: Path) -> None:
    with pytest.raises(UsageError, match="arm 'a' occurs 2 times; give each arm once"):
        studied.plan(images, labels=("a", "a"))


def test_plans_that_differ_say_in_which_arm_and_what(images: Path) -> None:
    plan = studied.plan(images)
    first, second = plan.arms
    design = "C3-64 " * 30
    there = replace(plan, arms=(replace(first, design=f"{design}P2"), second), seeds=(7,), command=())
    here = replace(plan, arms=(replace(first, design=f"{design}P3"), replace(second, macs=2)))

    assert there.differences(here) == [
        "arm 'a': design: …4 C3-64 C3-64 P2' there, …4 C3-64 C3-64 P3' here",
        "arm 'b': macs: 1000 there, 2 here",
    ]
    assert plan.differences(studied.plan(images, labels=("a", "c", "d"), budget=Budget.parse("3ep"))) == [
        "arm 2: 'b' there, 'c' here",
        "arm 3: none there, 'd' here",
        "budget: '2ep' there, '3ep' here",
    ]


def test_the_terms_tell_the_number_format_where_it_is_not_the_usual_one(tmp_path: Path) -> None:
    images = studied.write_images(tmp_path / "images")
    usual, half = studied.plan(images), studied.plan(images, options=Options(precision="bf16"))

    assert "2 epochs each; same images" in usual.terms()
    assert "2 epochs each, in bfloat16; same images" in half.terms()
