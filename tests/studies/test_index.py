"""The index of a study's records: a study opens from it, and it never decides what a study's numbers are."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from random import Random

import pytest
import studied

from eyeshot.studies.display import Silent
from eyeshot.studies.index import INDEX, Index
from eyeshot.studies.kept import kept
from eyeshot.studies.plan import Plan
from eyeshot.studies.run import run
from eyeshot.studies.status import DONE, status
from eyeshot.train import data, loop
from eyeshot.train.directory import RECORD, write_sealed
from eyeshot.train.record import Record


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path, list[Record]]:
    """A study whose trials were trained one by one, before there was an index."""
    base = tmp_path_factory.mktemp("trained")
    plan = studied.plan(studied.write_images(base / "images"), measures=("loss",))
    images = data.load(plan.data)
    records = [
        loop.run(recipe, studied.net, images, base / "study" / plan.place(recipe), measures=plan.measures)
        for recipe in plan.recipes()
    ]
    write_sealed(base / "study" / "plan.json", plan.to_json())
    return plan, base / "study", records


@pytest.fixture
def study(trained: tuple[Plan, Path, list[Record]]) -> tuple[Plan, Path, list[Record]]:
    """The same, each record where and as it was, with the index that its command writes."""
    plan, directory, records = trained
    for recipe, record in zip(plan.recipes(), records, strict=True):
        write_sealed(directory / plan.place(recipe) / RECORD, record.to_json())
    (directory / INDEX).unlink(missing_ok=True)
    assert run(plan, {}, directory) == records
    return trained


def refuse(text: str) -> None:
    raise AssertionError(text)


def test_what_the_index_knows_is_not_read_again(study: tuple[Plan, Path, list[Record]]) -> None:
    plan, directory, records = study
    for recipe in plan.recipes():
        path = directory / plan.place(recipe) / RECORD
        there = path.stat()
        path.write_bytes(b"?" * there.st_size)
        os.utime(path, ns=(there.st_atime_ns, there.st_mtime_ns))

    assert kept(directory, refuse) == (plan, records)
    assert run(plan, {}, directory) == records
    assert [(trial.state, trial.score) for trial in status(directory, refuse).trials] == [
        (DONE, record.score) for record in records
    ]


def test_a_record_that_changed_is_read_whatever_the_index_says(study: tuple[Plan, Path, list[Record]]) -> None:
    plan, directory, records = study
    first, second, *_ = plan.recipes()
    better = dataclasses.replace(records[0], measures={"loss": 0.125})
    write_sealed(directory / plan.place(first) / RECORD, better.to_json())
    path = directory / plan.place(second) / RECORD
    path.write_bytes(path.read_bytes().replace(b"score", b"SCORE"))
    told: list[str] = []

    assert kept(directory, told.append)[1] == [better, *records[2:]]
    (notice,) = told
    assert f"{path}: cannot be read" in notice
    again = run(plan, studied.factories("a", "b"), directory, engine=studied.Here(), watcher=Silent())
    assert [record.numbers for record in again] == [each.numbers for each in (better, *records[1:])]
    assert not any(Index(directory, plan).record(recipe) is None for recipe in plan.recipes())


@pytest.mark.parametrize("draw", range(12))
def test_a_damaged_index_costs_time_alone(study: tuple[Plan, Path, list[Record]], draw: int) -> None:
    """Bytes changed, bytes cut off its end as by a kill, bytes put behind it as by a full disk."""
    plan, directory, records = study
    path, random = directory / INDEX, Random(draw)
    content = bytearray(whole := path.read_bytes())
    if draw % 4 == 0:
        del content[random.randrange(len(content)) :]
    elif draw % 4 == 1:
        content += random.randbytes(random.randrange(1, 200))
    else:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)

    assert kept(directory, refuse)[1] == records
    assert run(plan, {}, directory) == records
    if draw % 4 != 1:  # where rows were lost they are written again; what follows the last is cut off once there is one
        assert len(path.read_bytes()) == len(whole)
        assert not any(Index(directory, plan).record(recipe) is None for recipe in plan.recipes())


def test_rows_of_another_plan_are_not_used(study: tuple[Plan, Path, list[Record]]) -> None:
    plan, directory, records = study
    other = dataclasses.replace(plan, data_fingerprint="0" * 64)

    assert len(Index(directory, plan)) == len(records)
    assert len(Index(directory, other)) == 0


def test_rows_that_hold_no_more_do_not_pile_up(
    study: tuple[Plan, Path, list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that is copied without its files' times again and again."""
    plan, directory, records = study
    monkeypatch.setattr("eyeshot.studies.index._SPARE", 0)
    size = (directory / INDEX).stat().st_size
    for _ in range(6):
        for recipe in plan.recipes():
            os.utime(directory / plan.place(recipe) / RECORD)
        assert run(plan, {}, directory) == records

    assert (directory / INDEX).stat().st_size <= 3 * size


def test_a_study_runs_where_no_index_can_be_written(tmp_path: Path) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"), labels=("a",), seeds=(0,))
    (tmp_path / "study" / INDEX).mkdir(parents=True)

    (record,) = run(plan, studied.factories("a"), tmp_path / "study", engine=studied.Here(), watcher=Silent())

    assert kept(tmp_path / "study", refuse)[1] == [record]


def test_each_trial_has_its_row_once_it_is_done(tmp_path: Path) -> None:
    """So that a study that is killed opens from what was done by then."""
    plan = studied.plan(studied.write_images(tmp_path / "images"))
    rows: list[int] = []

    class Counting(Silent):
        def ended(self, record: Record) -> None:
            rows.append(len(Index(tmp_path / "study", plan)))

    records = run(plan, studied.factories("a", "b"), tmp_path / "study", engine=studied.Here(), watcher=Counting())

    assert rows == [1, 2, 3, 4]
    index = Index(tmp_path / "study", plan)
    assert [index.record(recipe) for recipe in plan.recipes()] == records
