"""A box said to hold a share of what is used holds it, summed from the map that is exported; wherever it is told."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

import eyeshot
from eyeshot.report.effective import EffectiveField
from eyeshot.report.figures.effective import map_panel
from eyeshot.report.figures.style import Drawing
from tests.cli.conftest import Eyeshot

TOLD = re.compile(r"has half of what it uses in (\S+) pixels and 95 % in (\S+):")
LIES = re.compile(r"The half lies in (.*?) \(.*?\), the 95 % in (.*?) \(")
CASES: dict[str, list[str]] = {
    "alexnet": ["alexnet", "conv5"],
    "a corner": ["alexnet", "conv5", "--unit", "0,12"],
    "all units": ["alexnet-28", "conv5", "--unit", "all"],
    "holes": ["C3d2-8 C3d2-8", "--input", "1x32x32"],
    "oblong": ["C1x7-8 C3x5s2-8", "--input", "1x32x40"],
    "a line": ["C9s2-16 P2 C9d2-32", "--input", "1x400"],
    "three axes": ["C3-8 P2 C1x3x3-16", "--input", "1x8x32x32"],
    "skips": ["C3-4 [C3-4 C3-4~ + ID] C3s2-4", "--input", "1x32x32"],
    "gradients": ["C3-4 C5-4", "--input", "1x20x20", "--source", "init", "--seeds", "2", "--per-seed", "1"],
    "signed gradients": [
        "C3-4 C5-4", "--input", "1x20x20", "--source", "init", "--seeds", "1", "--measure", "signed",
    ],
}  # fmt: skip


def sizes(text: str) -> list[int]:
    return [int(n) for n in text.split("×")]


def ranges(text: str) -> list[list[int]]:
    pairs = re.findall(r"(−?\d+)–(−?\d+)", text)
    return [[int(n.replace("−", "-")) for n in pair] for pair in pairs]


def held(exported: Any, box: list[list[int]]) -> float:
    """What the pixels of a box have, of the document's map."""
    values = np.abs(exported["values"]).reshape(exported["shape"])
    places = np.indices(values.shape)
    inside = np.ones(values.shape, dtype=bool)
    for place, start, (first, last) in zip(places, exported["start"], box, strict=True):
        inside &= (place + start >= first) & (place + start <= last)
    return float(values[inside].sum())


@pytest.mark.parametrize("words", CASES.values(), ids=list(CASES))
def test_the_box_that_is_told_holds_its_share_of_the_exported_map(words: list[str], eyeshot: Eyeshot) -> None:
    text = eyeshot("effective", *words).stdout
    document = json.loads(eyeshot("effective", *words, "--json").stdout)
    told, lies = TOLD.search(text), LIES.search(text)
    assert told
    assert lies
    exported = document["map"]

    for share, size, place in zip((50, 95), told.groups(), lies.groups(), strict=True):
        box = ranges(place)
        assert [b - a + 1 for a, b in box] == sizes(size)
        assert held(exported, box) >= share / 100 - 1e-9
        written = document["boxes"][str(share)]
        assert written["box"] == box
        assert written["holds"] == pytest.approx(held(exported, box))
    for share, written in document["boxes"].items():
        assert held(exported, written["box"]) >= int(share) / 100 - 1e-9


def test_of_alexnet_s_conv5_58_by_58_hold_half_and_57_by_57_do_not(eyeshot: Eyeshot) -> None:
    exported = json.loads(eyeshot("effective", "alexnet", "conv5", "--json").stdout)["map"]

    assert held(exported, [[84, 141], [84, 141]]) == pytest.approx(0.509, abs=5e-4)
    assert max(held(exported, [[a, a + 56]] * 2) for a in range(80, 90)) < 0.5
    assert held(exported, [[95, 131], [95, 131]]) == pytest.approx(0.25, abs=0.01)


def of(words: list[str]) -> EffectiveField:
    model, *rest = words
    unit: Any = "centre"
    if "--unit" in rest:
        chosen = rest[rest.index("--unit") + 1]
        unit = tuple(int(n) for n in chosen.split(",")) if "," in chosen else chosen
    return eyeshot.effective(model, rest[0] if rest[0] == "conv5" else None, unit=unit)


@pytest.mark.parametrize("name", ["alexnet", "a corner", "all units"])
def test_figure_notebook_and_repr_tell_the_same_box(name: str) -> None:
    result = of(CASES[name])
    half, most = ("×".join(map(str, result.boxes[share].size)) for share in (50, 95))

    drawn = Drawing(rows=[[map_panel(result)]]).content("svg").decode()
    assert f"half in {half} (solid)" in drawn
    assert f"95 % in {most} (dashed)" in drawn
    assert f"<th>50 %</th><td>{half}</td>" in result._repr_html_()
    assert repr(result).endswith(f"95 % in {most} px>")
