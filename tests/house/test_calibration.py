"""The report of how often intervals miss says what was run, and holds whatever came out."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.calibration import PAGE, report

KEPT = Path(__file__).parents[2] / "docs" / "calibration.md"


def test_the_command_in_the_report_is_the_one_that_was_run() -> None:
    text = report(2, 0, Path("some report.md"))

    assert "Written by `python benchmarks/calibration.py -o 'some report.md' --comparisons 2`:\n2 comparisons" in text
    assert text.endswith("Not part of this run.\n")


def test_the_report_that_is_kept_is_what_the_command_writes_around_its_numbers() -> None:
    around = "(.*?)".join(map(re.escape, re.split(r"\{[^{}]+\}", PAGE)))

    kept = re.fullmatch(around, KEPT.read_text(encoding="utf-8"), re.DOTALL)

    assert kept is not None
    assert kept[1].startswith("python benchmarks/calibration.py -o docs/calibration.md ")
    assert kept[1].split()[-4:] == [
        "--comparisons",
        kept[2].replace(",", ""),
        "--trainings",
        kept[9].split()[0].replace(",", ""),
    ]
