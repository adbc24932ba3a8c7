"""Widths scaled until two designs cost the same."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eyeshot.analyse.cost import totals
from eyeshot.design.classifier import classifier
from eyeshot.design.lower import lower
from eyeshot.design.match import match
from eyeshot.design.named import design_named, network_named
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Conv
from eyeshot.errors import UsageError

GREY = (1, 28, 28)


@pytest.mark.parametrize("quantity", ["params", "macs", "activations"])
@pytest.mark.parametrize(
    "other",
    ["alexnet-28-alternating", "CONV-POOL-CONV-POOL-FC", "allcnn-a", "C3-16 [C3b-32 C3b-32~ + C1b-32~] R G F"],
)
def test_a_matched_design_costs_the_same_within_one_percent(quantity: str, other: str) -> None:
    target = getattr(totals(network_named("alexnet-28")), quantity)

    found = match(design_named(other), GREY, 10, quantity=quantity, target=target)
    network = lower(found.design, GREY, name="", source="", classes=10)

    assert getattr(totals(network), quantity) == found.cost
    assert abs(found.cost / target - 1) <= 0.01
    assert network.output.shape[1] == 10
    assert "widths" in found.how


@given(st.integers(20_000, 2_000_000), st.sampled_from([5, 7]))
@settings(max_examples=25)
def test_any_budget_is_met_or_refused(target: int, kernel: int) -> None:
    try:
        found = match(parse(f"C{kernel}-16 P2 C3-32 P2 F64 F10"), GREY, 10, quantity="params", target=target)
    except UsageError:
        assume(False)
    assert abs(found.cost / target - 1) <= 0.01


@pytest.mark.parametrize("multiple", [4, 8])
def test_widths_are_multiples_where_asked_and_the_cost_agrees_all_the_same(multiple: int) -> None:
    design = parse("C3-64 C3-64 P2 C3-128 C3-128 P2 C3-256 G F10")

    found = match(design, (3, 32, 32), 10, quantity="macs", target=30_000_000, multiple=multiple)

    widths = [item.width for item in found.design.items if isinstance(item, Conv)]
    assert all(width is not None and width % multiple == 0 for width in widths)
    assert abs(found.cost / 30_000_000 - 1) <= 0.01


def test_what_cannot_be_matched_says_how_near_it_came() -> None:
    words = r"no widths give 3 params within 1%: one channel .* the nearest has \d+.* not at all \(--match none\)"
    with pytest.raises(UsageError, match=words):
        match(parse("C3-16 F10"), GREY, 10, quantity="params", target=3)


def test_a_design_without_widths_cannot_be_matched() -> None:
    with pytest.raises(UsageError, match="no widths to scale but the last"):
        match(parse("P2 F10"), GREY, 10, quantity="params", target=1000)


def test_only_params_and_macs_are_matched() -> None:
    with pytest.raises(UsageError, match="matched by params, macs or activations, not colour"):
        match(parse("C3-16 F10"), GREY, 10, quantity="colour", target=1000)


@pytest.mark.parametrize(
    ("design", "headed"),
    [
        ("CONV-POOL-CONV", "C3 P2 C3 G F10"),
        ("CONV-POOL-FC", "C3 P2 F10"),
        ("C3-8 F100", "C3-8 F10"),
        ("C3-8 C1-10 G", "C3-8 C1-10 G"),
        ("C3-8 G", "C3-8 G F10"),
    ],
)
def test_a_design_gets_one_output_a_class(design: str, headed: str) -> None:
    assert str(classifier(parse(design), GREY, 10)) == headed
