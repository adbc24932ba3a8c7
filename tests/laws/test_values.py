"""What ops, relations and items of designs are: values, of which the class and the fields that compare say all."""

from __future__ import annotations

import pickle
from copy import deepcopy
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from eyeshot.values import Value


class Length(Value):
    """A length, and where it was read, which makes it no other."""

    metres: float
    seen: str = field(default="", compare=False)


class Height(Length):
    """A length along the vertical."""

    above: str = "sea"


def test_values_of_a_class_are_equal_where_the_fields_that_compare_are() -> None:
    assert Length(metres=2) == Length(metres=2, seen="map")
    assert hash(Length(metres=2)) == hash(Length(metres=2, seen="map"))
    assert Length(metres=2) != Length(metres=3)
    assert Height(metres=2) != Length(metres=2)


def test_a_derived_class_has_the_fields_of_its_bases_and_defaults_where_given() -> None:
    height = Height(metres=2)

    assert [each.name for each in fields(height)] == ["metres", "seen", "above"]
    assert repr(height) == "Height(metres=2, seen='', above='sea')"


def test_a_value_is_changed_by_making_another() -> None:
    height = Height(metres=2)

    with pytest.raises(FrozenInstanceError, match="'metres'"):
        height.metres = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="'metres'"):
        del height.metres
    assert replace(height, metres=3) == Height(metres=3)
    assert height == Height(metres=2)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [({}, "Height lacks metres"), ({"metres": 2, "below": "sea"}, "Height has no field below")],
)
def test_fields_that_are_wrong_are_named(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        Height(**given)


def test_values_go_to_other_processes_and_back() -> None:
    height = Height(metres=2, seen="map")

    assert pickle.loads(pickle.dumps(height)) == height
    assert deepcopy(height).seen == "map"
