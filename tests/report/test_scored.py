"""Scores of one's own runs: the same intervals and verdict as for designs that were trained here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eyeshot.errors import DataError, UsageError
from eyeshot.report.scored import evidence_of_files, scores_in
from tests.cli.conftest import Eyeshot, eyeshot

__all__ = ["eyeshot"]


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_three_scores_have_student_s_interval(tmp_path: Path) -> None:
    """By hand: mean 86.5, t(2) = 4.303, s = 0.9644: 84.1 … 88.9."""
    (arm,) = evidence_of_files([_file(tmp_path, "a.csv", "87.6\n86.1\n85.8\n")]).arms

    assert arm.mean == pytest.approx(86.5)
    assert arm.seeds is not None
    assert arm.seeds.half_width == pytest.approx(2.395, abs=1e-3)
    assert arm.seeds_and_images is None


def test_scores_are_paired_by_seed_whatever_their_order(tmp_path: Path) -> None:
    first = _file(tmp_path, "a.csv", "seed,score\n1,90\n2,80\n3,70.5\n")
    second = _file(tmp_path, "b.csv", "3,68\n1,88\n2,78.5\n9,10\n")
    (difference,) = evidence_of_files([first, second]).differences

    assert difference.paired == (1, 2, 3)
    assert difference.mean == pytest.approx(2.0)
    assert difference.is_seen


def test_shares_are_taken_as_percent(tmp_path: Path) -> None:
    paths = [_file(tmp_path, name, text) for name, text in (("a.csv", "0.9\n0.8\n"), ("b.csv", "0.5\n1\n"))]

    assert [arm.mean for arm in evidence_of_files(paths).arms] == pytest.approx([85, 75])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no scores in it"),
        ("1,2,3\n", "line 1: '1,2,3' is neither a score nor seed,score"),
        ("1,90\n1,80\n", "line 2: the seed 1 is no whole number, or was there before"),
        ("90\nnan\n", "line 2: 'nan' is neither"),
    ],
)
def test_what_is_no_score_is_told_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        scores_in(_file(tmp_path, "a.csv", text))


def test_files_without_a_seed_in_common_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="share no seed"):
        evidence_of_files([_file(tmp_path, "a.csv", "1,90\n"), _file(tmp_path, "b.csv", "2,90\n")])


def test_the_command_prints_the_verdict_and_draws_the_figure(tmp_path: Path, eyeshot: Eyeshot) -> None:
    files = [str(_file(tmp_path, "mine.csv", "90\n91\n92\n")), str(_file(tmp_path, "theirs.csv", "80\n81.5\n82\n"))]
    shown = eyeshot("compare", "--scores", *files, "-o", str(tmp_path / "scores.svg"))
    document = json.loads(eyeshot("compare", "--scores", *files, "--json").stdout)

    assert "mine scores higher than theirs by" in shown.stdout
    assert "That is for other seeds on the same test data." in shown.stdout
    assert (tmp_path / "scores.svg").read_text().startswith("<?xml")
    assert document["schema"].startswith("eyeshot.evidence/")
    assert eyeshot("compare", "--scores", *files, "--train").exit_code == 2


def test_what_scores_from_elsewhere_are_scores_of_is_not_claimed(tmp_path: Path, eyeshot: Eyeshot) -> None:
    """Decibels above 100 are neither test accuracy nor percent, and nothing is right or did not train."""
    files = [
        str(_file(tmp_path, name, text)) for name, text in (("a.csv", "134\n134.5\n133.9\n60\n"), ("b.csv", "99\n" * 4))
    ]
    shown = eyeshot("compare", "--scores", *files, "-o", str(tmp_path / "scores.svg"))
    picture = (tmp_path / "scores.svg").read_text()

    assert "%" not in shown.stdout.replace("95 %", "")
    assert "right" not in shown.stdout
    assert "did not train" not in shown.stdout
    assert "s/training" not in shown.stdout
    assert ">score</text>" in picture
    assert "accuracy" not in picture + (tmp_path / "scores.txt").read_text()
    assert (tmp_path / "scores.txt").read_text().startswith("Score: a 115.60 ± ")


def test_scores_in_percent_keep_their_unit_and_no_more(tmp_path: Path, eyeshot: Eyeshot) -> None:
    files = [str(_file(tmp_path, name, text)) for name, text in (("a.csv", "0.9\n0.8\n"), ("b.csv", "0.5\n1\n"))]
    eyeshot("compare", "--scores", *files, "-o", str(tmp_path / "scores.svg"))
    arms = json.loads(eyeshot("compare", "--scores", *files, "--json").stdout)["arms"]

    assert ">score, %</text>" in (tmp_path / "scores.svg").read_text()
    assert {(arm["scored"], arm["unit"]) for arm in arms} == {("score", "%")}
