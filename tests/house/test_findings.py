"""Findings: pages say what the evidence says, and verdicts no more than the wider interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eyeshot.studies.file import study_file
from scripts.findings import FOLDER, Expectation, all_kept, finding_in, folders, index, outcome, page, studies_of


def _evidence(mean: float, low: float, high: float) -> dict[str, Any]:
    interval = {"interval": [low, high], "confidence": 0.95}
    seen = low > 0 or high < 0
    difference = {"first": "a", "second": "b", "mean": mean, "seeds": interval, "seeds_and_images": interval}
    return {"differences": [difference | {"seen": seen}]}


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


def test_arms_that_are_not_compared_are_said() -> None:
    with pytest.raises(SystemExit, match="b and c are not compared; one must be its first"):
        outcome(Expectation(study="s", says="", higher="b", lower="c"), _evidence(1, 0, 2))


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_a_finding_expects_things_of_designs_that_its_studies_have(folder: Path) -> None:
    finding = finding_in(folder)
    for name in studies_of(finding):
        asked = study_file(folder / f"{name}.toml")
        labels = {each.label or each.name for each in asked.arms}
        for expected in finding.expects:
            assert expected.study != name or {expected.higher, expected.lower} <= labels


def test_every_page_is_what_the_evidence_gives() -> None:
    for name, finding, kept in all_kept():
        assert (FOLDER / name / "README.md").read_text(encoding="utf-8") == page(finding, kept, name)
        assert all((FOLDER / name / f"{study}.png").exists() for study in studies_of(finding))
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == index(all_kept())
