"""`eyeshot study`: how far it is, what it shows, what it will take."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import pytest
import studied

from eyeshot.schemas import schema
from eyeshot.studies.plan import Plan
from eyeshot.studies.run import _sole
from eyeshot.train.directory import record_in, write_sealed
from tests.cli.conftest import Eyeshot, eyeshot

__all__ = ["eyeshot"]
jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A study of two arms and two seeds, of which three trainings are done and one has begun."""
    plan: Plan = studied.plan(studied.write_images(tmp_path / "images"))
    directory = tmp_path / "half"
    *done, begun = plan.recipes()
    for number, recipe in enumerate(plan.recipes()):
        (directory / plan.place(recipe)).mkdir(parents=True)
        write_sealed(directory / plan.place(recipe) / "recipe.json", recipe.to_json())
        if recipe != begun:
            record = dataclasses.replace(studied.record(recipe.label, recipe.seed, 80.0 + number), recipe=recipe)
            write_sealed(directory / plan.place(recipe) / "record.json", record.to_json())
    assert len(done) == 3
    write_sealed(directory / "plan.json", plan.to_json())
    return directory


def test_status_counts_what_is_done_begun_and_waiting_and_whether_it_is_at_work(half: Path, eyeshot: Eyeshot) -> None:
    idle = eyeshot("study", "status", str(half))
    with _sole(half):
        busy = json.loads(eyeshot("study", "status", str(half), "--json").stdout)

    assert [line.split()[:4] for line in idle.stdout.splitlines() if line[:2] in ("a ", "b ")] == [
        ["a", "2", "0", "0"],
        ["b", "1", "1", "0"],
    ]
    assert "3 of 4 trainings are done; nothing is at work" in idle.stdout
    assert "goes on by: eyeshot compare a b" in idle.stdout
    assert (busy["done"], busy["begun"], busy["waiting"], busy["at_work"]) == (3, 1, 0, True)
    jsonschema.Draft202012Validator(schema("status")).validate(busy)
    assert busy["trials"][1] == {"arm": "b", "seed": 0, "state": "done", "score": 81.0}


def test_show_tells_what_is_known_so_far(half: Path, eyeshot: Eyeshot) -> None:
    shown, document = (
        eyeshot("study", "show", str(half)),
        json.loads(eyeshot("study", "show", str(half), "--json").stdout),
    )

    assert "note: 3 of 4 trainings are done" in shown.stdout
    assert document["verdict"] in shown.stdout
    assert document["arms"][0]["scores"] == {"0": 80.0, "1": 82.0}


def test_show_draws_the_scores_or_what_was_measured(half: Path, eyeshot: Eyeshot) -> None:
    for record in half.rglob("record.json"):
        kept = record_in(record.parent)
        measures = {"shift": kept.score / 2, "probes/conv1": 30.0, "probes/conv2": None}
        write_sealed(record, dataclasses.replace(kept, measures=measures).to_json())

    def drawn(*asked: str) -> list[dict[str, str]]:
        result = eyeshot("study", "show", str(half), "-o", str(half / "x.svg"), "--force", *asked)
        assert result.exit_code == 0, result.stderr
        return list(csv.DictReader((half / "x.csv").read_text().splitlines()))

    scores, shifts = drawn(), drawn("--measure", "shift")
    assert [row["score"] for row in scores if row["of"] == "seed 0"] == ["80.0", "81.0"]
    assert [row["score"] for row in shifts if row["of"] == "seed 0"] == ["40.0", "40.5"]
    assert "40.50 %" in (half / "x.txt").read_text()
    assert {row["score"] for row in drawn("--measure", "probes") if row["of"].startswith("seed")} == {"30.0"}
    wrong = eyeshot("study", "show", str(half), "-o", str(half / "y.svg"), "--measure", "probes/conv2")
    assert wrong.exit_code == 2
    assert "'probes/conv2' was not measured in this study; there are accuracy, shift and probes/conv1" in wrong.stderr
    assert "give -o shift.png, too" in eyeshot("study", "show", str(half), "--measure", "shift").stderr


def test_export_is_a_line_a_training(half: Path, eyeshot: Eyeshot) -> None:
    rows = list(csv.DictReader(io.StringIO(eyeshot("study", "export", str(half)).stdout)))

    assert [(row["arm"], row["seed"], float(row["score"])) for row in rows] == [
        ("a", "0", 80),
        ("b", "0", 81),
        ("a", "1", 82),
    ]


def test_a_word_that_is_no_file_is_taken_for_the_word_that_was_meant(eyeshot: Eyeshot) -> None:
    result = eyeshot("study", "stauts", "runs/x")

    assert result.exit_code == 2
    assert "did you mean: eyeshot study status?" in result.stderr


@pytest.mark.slow  # a process with PyTorch for each arm
def test_a_dry_run_tells_images_time_and_memory_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeshot: Eyeshot
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pays.toml").write_text('arms = ["C3s2-8", "C3s2-64 C3-64"]\nseeds = 3\nbudget = "1ep"\n')

    table = eyeshot("study", "pays.toml", "--dry-run", "--csv")
    words = eyeshot("study", "pays.toml", "--dry-run", "--jobs", "2")

    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    assert [row["images"] for row in rows] == ["10000", "10000"]
    small, large = rows
    assert 0 < float(small["seconds"]) < float(large["seconds"])
    assert 50e6 < float(small["memory"]) < float(large["memory"]) < 4e9
    assert "6 trainings, 2 at once: about" in words.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["pays.toml"]
