"""The reasons of a field add up to the field."""

from __future__ import annotations

import pytest

from eyeshot.analyse.recurrence import recurrence
from eyeshot.analyse.sights import Scattered
from eyeshot.api import inspect
from eyeshot.design.zoo import entries


@pytest.mark.parametrize("name", entries())
def test_the_terms_of_every_layer_add_up_to_its_field(name: str) -> None:
    report = inspect(name)
    layers = report.layers if len(report) < 60 else report.layers[:: len(report) // 30]

    for layer in layers:
        for axis, size in enumerate(layer.field.size):
            if not isinstance(layer.fields.form(layer.name)[axis], Scattered):
                assert recurrence(layer.fields, layer.name, axis).size == size, layer


def test_a_branch_that_sees_past_the_largest_on_one_side_has_a_term_of_its_own() -> None:
    report = inspect("[C5p(4,0)-4 | C7p(0,6)-4]", (1, 32, 32))

    found = recurrence(report["concat2"].fields, "concat2", 0)

    assert found.size == report["concat2"].field.size[0] == 11
    assert [(term.layer, term.adds) for term in found.terms] == [("conv2", 6), ("concat2", 4)]


def test_the_branch_that_sees_most_binds() -> None:
    report = inspect("[C3-4 | C5-4] C3-4", (1, 32, 32))

    found = recurrence(report["conv3"].fields, "conv3", 0)

    assert [term.layer for term in found.terms] == ["conv2", "conv3"]
    assert found.meetings[0].sizes == (("relu2", 5), ("relu1", 3))
