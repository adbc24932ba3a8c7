"""Inline pictures: plates with the exact sets, scores with their intervals; well-formed, and names as text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from eyeshot.api import inspect
from eyeshot.errors import UsageError
from eyeshot.report.plates_svg import plates_svg
from eyeshot.report.scores_svg import scores_svg

SVG = "{http://www.w3.org/2000/svg}"
FRAME = re.compile(r"M0 0H([\d.]+)V[\d.]+H0z")
BOX = re.compile(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)")


def area(plate: str, paint: str, cells: int) -> float:
    """Cells filled with one colour on a plate."""
    paths = [
        path.get("d") or "" for path in ElementTree.fromstring(plate).iter(f"{SVG}path") if path.get("fill") == paint
    ]
    boxes = [tuple(map(float, box)) for path in paths for box in BOX.findall(path)]
    frame = FRAME.search(plate)
    assert frame is not None
    return sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) / (float(frame[1]) / cells) ** 2


def test_the_grey_3x3_becomes_5x5_and_then_7x7() -> None:
    plates = plates_svg(inspect("C3-8 C3-8 C3-8", (1, 15, 15)), "conv3", [(7, 7), (7, 8)])

    for plate, side in zip(plates, (1, 3, 5, 7), strict=True):
        shared = side * (side - 1)
        assert area(plate, "#777777", 15) == pytest.approx(shared, rel=0.05, abs=0.05)
        for alone in ("#0072B2", "#E69F00"):
            assert area(plate, alone, 15) == pytest.approx(side, rel=0.05)


def test_a_plate_shows_holes() -> None:
    image = plates_svg(inspect("C3d2-8 C3d2-8", (1, 15, 15)), "conv2", [(7, 7)])[-1]

    assert area(image, "#0072B2", 15) == pytest.approx(25, rel=0.05)
    assert ">9×9<" in image


def test_plates_that_would_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="rows and columns"):
        plates_svg(inspect("C3-8", (1, 32)))
    with pytest.raises(UsageError, match="more than 12 plates"):
        plates_svg(inspect("(C3-8)x13", (1, 32, 32)))


ARMS = [
    {
        "label": "<b>A & B</b>",
        "mean": 80.0,
        "seeds": {"interval": [79.0, 81.0], "confidence": 0.95},
        "seeds_and_images": {"interval": [78.0, 82.0], "confidence": 0.95},
        "scores": {"0": 79.5, "1": 80.5},
    },
    {"label": "other", "mean": 70.0, "seeds": None, "seeds_and_images": None, "scores": {"0": 70.0}},
]


def test_scores_have_a_point_a_seed_on_one_scale() -> None:
    root = ElementTree.fromstring(scores_svg(ARMS))

    points = {float(circle.get("cx") or 0): circle.get("cy") for circle in root.iter(f"{SVG}circle")}
    assert len(points) == 3
    assert min(points) == 0.0  # 70 % is the lower end of the scale
    assert "80.00 %" in [text.text for text in root.iter(f"{SVG}text")]
    assert "<b>A & B</b>" in [text.text for text in root.iter(f"{SVG}text")]


def test_equal_scores_still_have_a_scale() -> None:
    assert ElementTree.fromstring(scores_svg([ARMS[1]])).tag == f"{SVG}svg"
