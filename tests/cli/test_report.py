"""`report` of a kept study shows the designs that were trained, and nothing that was measured on others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from eyeshot.studies.kept import PLAN
from eyeshot.studies.study import Study, planned
from eyeshot.train.directory import RECORD, write_sealed
from eyeshot.train.record import Record, Score
from tests.cli.conftest import Eyeshot
from tests.studies.studied import write_images

pytest.importorskip("torch")
pytest.importorskip("scipy")
NARROW, WIDE, LARGE = "C3-64 C3-64 G", "C5-16 C3-32 C3-32 G", "C5-32 C3-48 C3-64 G"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three designs made as costly as the first, each finished with two seeds."""
    folder = tmp_path_factory.mktemp("study")
    made = planned(
        [NARROW, WIDE, LARGE], data=write_images(folder / "images"), seeds=2, match="macs", directory=folder / "run"
    )
    made.directory.mkdir()
    write_sealed(made.directory / PLAN, made.plan.to_json())
    for recipe in made.plan.recipes():
        place = made.directory / made.plan.place(recipe)
        place.mkdir(parents=True)
        scores = (Score(epoch=1, images=96, seconds=2.0, loss=0.5, accuracy=50.0 + recipe.seed),)
        record = Record(recipe=recipe, versions={}, scores=scores, is_diverged=False, weights="0" * 64)
        write_sealed(place / RECORD, record.to_json())
    return made


def _shown(path: Path) -> dict[str, Any]:
    match = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', path.read_text(), re.DOTALL)
    assert match is not None
    document: dict[str, Any] = json.loads(match[1])
    return document


def test_a_study_s_designs_are_shown_as_they_were_trained(study: Study, tmp_path: Path, eyeshot: Eyeshot) -> None:
    output = tmp_path / "study.html"

    result = eyeshot("report", "--run", str(study.directory), "-o", str(output))

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{output}\n", "")
    designs = _shown(output)["designs"]
    assert [each["name"] for each in designs] == [NARROW, WIDE, LARGE]
    assert [each["totals"]["macs"] for each in designs] == [arm.macs for arm in study.plan.arms]
    assert [each["nodes"][0]["shape"] for each in designs] == [[1, 1, 8, 8]] * 3


def test_what_is_said_of_a_part_of_a_study_names_no_other_design(
    study: Study, tmp_path: Path, eyeshot: Eyeshot
) -> None:
    output = tmp_path / "two.html"

    result = eyeshot("report", LARGE, NARROW, "--run", str(study.directory), "-o", str(output))

    assert result.exit_code == 0
    document = _shown(output)
    assert [each["name"] for each in document["designs"]] == [LARGE, NARROW]
    assert {arm["label"] for arm in document["evidence"]["arms"]} == {LARGE, NARROW}
    assert WIDE not in json.dumps(document["evidence"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["alexnet"], f"alexnet was not trained in this study; it has {NARROW} and {WIDE} and {LARGE}"),
        ([NARROW, "--input", "1x9x9"], "were trained on 1×8×8; leave --input out"),
    ],
)
def test_other_designs_and_inputs_are_refused(
    words: list[str], message: str, study: Study, tmp_path: Path, eyeshot: Eyeshot
) -> None:
    result = eyeshot("report", *words, "--run", str(study.directory), "-o", str(tmp_path / "a.html"))

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["C5-4", "--input", "1x9x9"], "measured on C3-4 with an input of 1×9×9, which the page does not show"),
        (["C3-4", "--input", "1x8x8"], "(it shows C3-4 with 1×8×8)"),
    ],
)
def test_what_was_measured_on_another_network_is_refused(
    words: list[str], message: str, tmp_path: Path, eyeshot: Eyeshot
) -> None:
    measured = tmp_path / "m.json"
    measured.write_text(eyeshot("effective", "C3-4", "conv1", "--input", "1x9x9", "--json").stdout)

    result = eyeshot("report", *words, "--effective", str(measured), "-o", str(tmp_path / "a.html"))

    assert result.exit_code == 2
    assert f"{measured}: " in result.stderr
    assert message in result.stderr
    assert not (tmp_path / "a.html").exists()
