"""What people type for an image: read as it is meant, or answered with what to type."""

from __future__ import annotations

import pytest

from eyeshot import inspect
from eyeshot.errors import UsageError
from eyeshot.read.inputs import parse_input


@pytest.mark.parametrize(
    ("typed", "looks", "give"),
    [
        ("1x3x224x224", "a batch of images", "3x224x224"),
        ("8x3x64x64", "a batch of images", "3x64x64"),
        ("1x1x16x64x64", "a batch of images", "1x16x64x64"),
        ("227x227", "an image without its channels", "3x227x227"),
        ("720x1280", "an image without its channels", "3x720x1280, or 1x720x1280 if it is grey"),
        ("227x227x3", "an image with its channels last", "3x227x227, or 227x227x3:HWC"),
        ("480x640x1", "an image with its channels last", "1x480x640"),
        ("left=227x227x3", "an image with its channels last", "left=3x227x227"),
    ],
)
def test_an_image_in_another_order_is_answered_with_the_right_one(typed: str, looks: str, give: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_input(typed)

    assert f"looks like {looks}: give --input {give}" in str(refused.value)


@pytest.mark.parametrize(
    "typed", ["3x224x224", "1x400", "80x400", "1x8x32x32", "64x7x7", "1x3x5x5", "512x3x3", "16", "3x720x1280"]
)
def test_other_inputs_are_read_as_they_are(typed: str) -> None:
    assert parse_input(typed).is_plain


@pytest.mark.parametrize("typed", ["227x227:CL", "1x3x224x224:CDHW", "227x227x3:HWC", "227x227x3:CHW"])
def test_a_layout_says_that_it_is_meant(typed: str) -> None:
    assert len(parse_input(typed).shape) == typed.count("x") + 1


def test_a_size_that_is_too_large_is_named() -> None:
    with pytest.raises(UsageError, match="'99999999' is more than the 9,999,999 positions of an axis"):
        parse_input("3x99999999x5")


@pytest.mark.parametrize("shape", [(227, 227), (3, 227), (1, 3, 227, 227)])
def test_a_model_of_images_does_not_become_one_of_other_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="alexnet takes channels and 2 sizes, such as 3x227x227"):
        inspect("alexnet", shape)
