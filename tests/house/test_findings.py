"""Findings: pages say what the evidence says, and verdicts no more than the wider interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from eyeshot.report.published import amount
from eyeshot.studies.file import study_file
from scripts.findings import GUIDE, PACKED, packed
from scripts.findings_page import figures, index, page, told
from scripts.verdicts import (
    FOLDER,
    Amount,
    Expectation,
    all_kept,
    finding_in,
    folders,
    outcome,
    outcomes,
    studies_of,
)


def _evidence(mean: float, low: float, high: float, measure: str = "") -> dict[str, Any]:
    interval = {"interval": [low, high], "confidence": 0.95}
    seen = low > 0 or high < 0
    difference = {"first": "a", "second": "b", "mean": mean, "seeds": interval}
    if measure:
        return {"differences": [], "measures": [{"name": measure, "differences": [difference]}]}
    return {"differences": [difference | {"seeds_and_images": interval, "seen": seen}]}


@pytest.mark.parametrize(
    ("higher", "lower", "ends", "verdict"),
    [
        ("a", "b", (0.5, 1.5), "reproduced"),
        ("b", "a", (0.5, 1.5), "reversed"),
        ("b", "a", (-1.5, -0.5), "reproduced"),
        ("a", "b", (-0.5, 2.5), "not seen at this scale"),
    ],
)
def test_a_claim_is_held_against_the_wider_interval(
    higher: str, lower: str, ends: tuple[float, float], verdict: str
) -> None:
    expected = Expectation(study="s", says="", higher=higher, lower=lower)

    found = outcome(expected, _evidence(sum(ends) / 2, *ends))

    assert found.verdict == verdict
    assert found.both is not None
    assert found.both[0] < found.mean < found.both[1]


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [((-0.8, 0.2), "reproduced"), ((-1.2, -0.2), "not seen at this scale"), ((-2.0, -1.1), "reversed")],
)
def test_a_claim_that_something_does_no_harm_names_what_it_may_do(ends: tuple[float, float], verdict: str) -> None:
    expected = Expectation(study="s", says="", higher="a", lower="b", allowance=1.0)

    assert outcome(expected, _evidence(sum(ends) / 2, *ends)).verdict == verdict


def test_of_a_measure_a_verdict_is_for_these_images() -> None:
    expected = Expectation(study="s", says="", higher="a", lower="b", measure="shift")

    found = outcome(expected, _evidence(2, 1, 3, measure="shift"))

    assert (found.verdict, found.both) == ("reproduced on these images", None)


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [((52, 90), "reproduced"), ((26, 51), "not seen at this scale"), ((20, 40), "reversed")],
)
def test_a_share_is_held_against_the_number_that_the_claim_names(ends: tuple[float, float], verdict: str) -> None:
    noise = {"share": sum(ends) / 2, "interval": {"interval": list(ends), "confidence": 0.95}}
    expected = Amount(study="s", says="", arm="a", measure="noise", more_than=50)

    found = outcome(expected, {"arms": [{"label": "a", "noise": noise}]})

    assert found.verdict == verdict
    assert amount(found).endswith(" %")


@pytest.mark.parametrize(
    ("ends", "bound", "verdict"),
    [
        ((1, 3), {"more_than": 0}, "reproduced on these images"),
        ((-1, 3), {"more_than": 0}, "not seen at this scale"),
        ((1, 3), {"less_than": 4}, "reproduced on these images"),
        ((5, 6), {"less_than": 4}, "reversed on these images"),
    ],
)
def test_an_amount_is_held_against_the_number_that_the_claim_names(
    ends: tuple[float, float], bound: dict[str, float], verdict: str
) -> None:
    interval = {"interval": list(ends), "confidence": 0.95}
    arm = {"label": "a", "mean": sum(ends) / 2, "seeds": interval, "values": dict(enumerate(ends))}
    shown = {"unit": "px", "times": 1.0, "digits": 2}
    evidence = {"measures": [{"name": "effective", "part": "growth", "shown": shown, "arms": [arm]}]}
    expected = Amount(study="s", says="", arm="a", measure="effective", part="growth", **bound)

    found = outcome(expected, evidence)

    assert (found.verdict, found.both) == (verdict, None)
    assert amount(found).endswith(" px")
    with pytest.raises(SystemExit, match="study s: effective before of a is not measured"):
        outcome(msgspec.structs.replace(expected, part="before"), evidence)


def test_an_amount_that_every_seed_has_needs_no_interval() -> None:
    arm = {"label": "a", "mean": 0.0, "seeds": None, "values": {"0": 0.0, "1": 0.0, "2": 0.0}}
    shown = {"unit": "%", "times": 1.0, "digits": 4}
    evidence = {"measures": [{"name": "seams", "part": None, "shown": shown, "arms": [arm]}]}

    found = outcome(Amount(study="s", says="", arm="a", measure="seams", less_than=0.01), evidence)

    assert (found.verdict, amount(found)) == ("reproduced on these images", "< 0.01 %")


def test_arms_that_are_not_compared_are_said() -> None:
    with pytest.raises(SystemExit, match="b and c are not compared in accuracy; one must be its first"):
        outcome(Expectation(study="s", says="", higher="b", lower="c"), _evidence(1, 0, 2))


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_a_finding_expects_things_of_designs_that_its_studies_have(folder: Path) -> None:
    finding = finding_in(folder)
    for name in studies_of(finding):
        asked = study_file(folder / f"{name}.toml")
        labels = {each.label or each.name for each in asked.arms}
        for expected in finding.expected:
            spoken_of = {expected.arm} if isinstance(expected, Amount) else {expected.higher, expected.lower}
            assert expected.study != name or spoken_of <= labels


def test_a_claim_of_a_measure_has_a_figure_of_that_measure() -> None:
    _, finding, kept = next(each for each in all_kept() if each[0] == "shift")

    drawn = figures(finding, kept)["max-pools-shift.png"].records

    (measured,) = kept["studies"]["max-pools"]["evidence"]["measures"]
    for arm in measured["arms"]:
        told = {each["of"]: each for each in drawn if each["design"] == arm["label"]}
        assert told["mean"]["score"] == arm["mean"]
        assert [told["mean"]["low"], told["mean"]["high"]] == arm["seeds"]["interval"]
        assert all(told[f"seed {seed}"]["score"] == value for seed, value in arm["values"].items())


def test_a_study_that_is_not_trained_yet_is_told_and_left_out() -> None:
    name, finding, kept = next(each for each in all_kept() if len(each[2]["studies"]) > 1)
    first, *others = kept["studies"]
    without = kept | {"studies": {study: kept["studies"][study] for study in others}}

    assert f"Not trained yet: `make findings ONLY={name}/{first}`." in page(finding, without, name)
    assert {came.study for came in outcomes(finding, without)} == set(others)


def test_every_page_is_what_the_evidence_gives() -> None:
    for name, finding, kept in all_kept():
        assert (FOLDER / name / "README.md").read_text(encoding="utf-8") == page(finding, kept, name)
        named = {path.name for path in (FOLDER / name).glob("*.png")}
        assert named == set(figures(finding, kept)), "make findings --pages draws what is claimed"
    assert PACKED.read_bytes() == packed(all_kept())
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == index(all_kept())
    guide = GUIDE.read_text(encoding="utf-8")
    assert guide == told(guide, all_kept())
