"""Budgets read as typed, read back as printed, and say how many images they buy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeshot.errors import UsageError
from eyeshot.train.budget import Budget

UNITS = st.sampled_from(("ep", "s", "img", "mac"))


@given(st.floats(min_value=1e-9, max_value=1e30), UNITS)
def test_a_budget_reads_back(amount: float, unit: str) -> None:
    budget = Budget.parse(f"{amount!r}{unit}")

    assert budget.amount == amount
    assert Budget.parse(str(budget)) == budget


@given(st.text(max_size=12))
def test_any_text_is_a_budget_or_a_usage_error(text: str) -> None:
    try:
        budget = Budget.parse(text)
    except UsageError:
        return

    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "budget '5': the unit is missing; needed is a number and a unit: 5ep"),
        ("", "budget '': needed is a number and a unit"),
        ("five ep", "budget 'five ep': needed is"),
        ("5 days", "budget '5 days': the unit 'days' is unknown"),
        ("0ep", "budget 0ep: nothing can be done"),
        ("-2ep", "budget -2ep: nothing can be done"),
        ("1e999s", "budget infs: nothing can be done"),
    ],
)
def test_what_is_no_budget_is_explained(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Budget.parse(text)


@pytest.mark.parametrize(
    ("text", "images"), [("5ep", 500), ("0.5ep", 50), ("2e3img", 2000), ("1e6mac", 100), ("60s", None)]
)
def test_a_budget_buys_images(text: str, images: int | None) -> None:
    assert Budget.parse(text).images(macs_per_image=10_000, train_size=100) == images


def test_a_budget_of_less_than_an_image_is_refused() -> None:
    with pytest.raises(UsageError, match="budget 100mac: less than one image"):
        Budget.parse("100mac").images(macs_per_image=10_000, train_size=100)


def test_macs_cannot_pay_for_a_design_without_any() -> None:
    with pytest.raises(UsageError, match="no multiply-accumulates to count"):
        Budget.parse("1e6mac").images(macs_per_image=0, train_size=100)


def test_a_budget_is_described_in_words() -> None:
    assert Budget.parse("5ep").describe() == "5 epochs"
    assert Budget.parse("1ep").describe() == "1 epoch"
    assert Budget.parse("1img").describe() == "1 image seen"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.1e7ep", r"budget 1.1e7ep: more than the 1e\+07 epochs allowed; give less"),
        ("1e300s", r"budget 1e300s: more than the 1e\+09 training seconds allowed; give less"),
        ("1e13img", r"budget 1e13img: 1e\+13 images, more than the 1e\+12 allowed; give less"),
        ("1e308mac", r"budget 1e308mac: 1e\+304 images, more than the 1e\+12 allowed; give less"),
    ],
)
def test_a_budget_beyond_all_measure_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Budget.parse(text).images(macs_per_image=10_000, train_size=100)
