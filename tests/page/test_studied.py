"""The page shows of a study what the terminal prints of it."""

from __future__ import annotations

import dataclasses

from eyeshot.report.evidence import evidence_of
from eyeshot.report.measures import measures_table
from eyeshot.studies.measured import Measured, MeasuredArm, MeasuredDifference
from eyeshot.studies.scores import Interval
from tests.page.conftest import Open


def test_measures_are_the_terminal_s_table(opened: Open) -> None:
    over = Interval(low=-3.5, high=0.5, confidence=0.95)
    arms = tuple(MeasuredArm(label=label, values={}, mean=mean, seeds=over) for label, mean in (("a", 90), ("b", 91.5)))
    difference = MeasuredDifference(first="a", second="b", paired=(0, 1), mean=-1.5, seeds=over)
    shift = Measured(name="shift", arms=arms, differences=(difference,))
    scored = evidence_of({"a": {0: 80, 1: 81}, "b": {0: 82, 1: 84}})
    found = dataclasses.replace(scored, measures=(shift,))

    page = opened("C3-4 G F10", "C5-4 G F10", evidence=found.for_page("On something."), fragment="#tab=compare")

    table = page.tab.locator("table", has_text="Measures per design")
    rows = [table.locator("tr").nth(i).locator("th, td").all_inner_texts() for i in range(table.locator("tr").count())]
    printed = measures_table(found.measures).plain()
    assert rows == [printed["heads"], *printed["rows"]]
    assert "−1.50" in rows[2]
    assert page.tab.get_by_text("shift: answers that stay when the image moves").is_visible()
    assert not page.complaints


def test_a_study_without_measures_shows_its_scores_alone(opened: Open) -> None:
    found = evidence_of({"a": {0: 80, 1: 81}, "b": {0: 82, 1: 84}})

    page = opened("C3-4 G F10", "C5-4 G F10", evidence=found.for_page("On something."), fragment="#tab=compare")

    assert page.tab.get_by_text("Trained side by side").is_visible()
    assert page.tab.locator("table", has_text="Measures per design").count() == 0
    assert not page.complaints
