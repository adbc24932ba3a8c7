"""A study trains side by side, stops at once, goes on where it was, and leaves no process behind."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import studied
from rich.console import Console

from eyeshot.errors import RunError, UsageError
from eyeshot.report.evidence import evidence
from eyeshot.studies import display
from eyeshot.studies.display import Silent
from eyeshot.studies.kept import kept
from eyeshot.studies.plan import Plan
from eyeshot.studies.processes import Processes, cores
from eyeshot.studies.run import run
from eyeshot.train import data, loop
from eyeshot.train.budget import Budget
from eyeshot.train.directory import write_sealed
from eyeshot.train.record import Record

BUDGET = Budget.parse("600ep")
# where the tests run in the background Ctrl-C is ignored, and what they start would ignore it, too
STUDY = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
import studied
from eyeshot.studies.processes import Processes
from eyeshot.studies.run import run
from eyeshot.train.budget import Budget
if __name__ == "__main__":
    plan = studied.plan(Path({images!r}), budget=Budget.parse({budget!r}))
    try:
        run(plan, studied.factories("a", "b"), Path({directory!r}), engine=Processes(jobs=2))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return studied.write_images(tmp_path / "images")


def test_a_study_is_what_a_loop_over_its_recipes_gives(images: Path, tmp_path: Path) -> None:
    plan = studied.plan(images)
    dataset = data.load(str(images))

    records = run(plan, studied.factories("a", "b"), tmp_path / "study", engine=Processes(jobs=2), watcher=Silent())
    expected = [
        loop.run(recipe, studied.net, dataset, tmp_path / f"{number}") for number, recipe in enumerate(plan.recipes())
    ]

    assert [record.recipe for record in records] == plan.recipes()
    assert [record.numbers for record in records] == [record.numbers for record in expected]
    # Both arms are the same net: an A/A test, in which seeds that pair leave nothing to differ.
    assert evidence(records).differences[0].mean == 0
    assert (tmp_path / "study" / "1-a" / "seed-0" / "record.json").is_file()


def test_a_finished_study_is_read(images: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plan = studied.plan(images, labels=("a",), seeds=(4,))

    first = run(plan, studied.factories("a"), tmp_path / "study")
    again = run(plan, {"a": studied.broken}, tmp_path / "study")

    assert again == first
    assert capfd.readouterr().err.count("a · seed 4: ") == 1


@pytest.mark.slow
def test_more_seeds_extend_a_study_and_fewer_use_what_is_there(images: Path, tmp_path: Path) -> None:
    two = studied.plan(images, labels=("a",), seeds=(0, 1))
    three = studied.plan(images, labels=("a",), seeds=(0, 1, 2))
    records = run(two, studied.factories("a"), tmp_path / "study", watcher=Silent())
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("record.json")}

    more = run(three, studied.factories("a"), tmp_path / "study", watcher=Silent())
    fewer = run(two, {"a": studied.broken}, tmp_path / "study", watcher=Silent())

    assert more[:2] == fewer == records
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert json.loads((tmp_path / "study" / "plan.json").read_text())["seeds"] == [0, 1, 2]


@pytest.mark.slow
def test_what_a_network_prints_goes_to_stderr(images: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(studied.plan(images, labels=("a",), seeds=(0,)), {"a": studied.chatty}, tmp_path / "study", watcher=Silent())

    out, err = capfd.readouterr()
    assert out == ""
    assert "made\nby a child\n" in err


def test_the_directory_of_another_study_is_refused(images: Path, tmp_path: Path) -> None:
    plan = studied.plan(images)
    write_sealed(tmp_path / "plan.json", {**plan.to_json(), "budget": "9ep"})

    with pytest.raises(UsageError, match=r"holds another study \(budget: '9ep' there, '2ep' here\)"):
        run(plan, {}, tmp_path)


DAMAGES = (b"", b"{", b"null", b"[" * 100_000, b'{"seeds": NaN}', b"9" * 5000, b'{"budget": "1ep"}', None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path, list[Record]]:
    """A finished study, for reading and for copying."""
    base = tmp_path_factory.mktemp("trained")
    plan = studied.plan(studied.write_images(base / "images"))
    return plan, base / "study", run(plan, studied.factories("a", "b"), base / "study", watcher=Silent())


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_damaged_plan_is_written_anew_from_the_records(
    trained: tuple[Plan, Path, list[Record]], tmp_path: Path, damage: bytes | None
) -> None:
    plan, directory, records = trained
    shutil.copytree(directory, tmp_path / "study")
    whole = (directory / "plan.json").read_bytes()
    path, watcher, told = tmp_path / "study" / "plan.json", Silent(), list[str]()
    path.unlink() if damage is None else path.write_bytes(damage)

    by_records, read = kept(tmp_path / "study", told.append)
    fewer = dataclasses.replace(plan, seeds=(0,))
    again = run(fewer, {"a": studied.broken, "b": studied.broken}, tmp_path / "study", watcher=watcher)

    assert read == records
    assert by_records.recipes() == plan.recipes()
    assert again == [record for record in records if record.recipe.seed == 0]
    assert [text.count("plan.json") for text in told] == [1]
    assert [text.count("written anew") for text in watcher.notices] == [1]
    assert path.read_bytes() == whole


def test_a_plan_edited_by_hand_is_not_believed(trained: tuple[Plan, Path, list[Record]], tmp_path: Path) -> None:
    _, directory, records = trained
    shutil.copytree(directory, tmp_path / "study")
    path, told = tmp_path / "study" / "plan.json", list[str]()
    path.write_text(path.read_text().replace('"2ep"', '"9ep"'))

    assert kept(tmp_path / "study", told.append)[1] == records
    assert "its digest is not that of its values" in told[0]


def test_records_of_another_study_are_kept_where_its_plan_is_damaged(
    trained: tuple[Plan, Path, list[Record]], tmp_path: Path
) -> None:
    plan, directory, _ = trained
    shutil.copytree(directory, tmp_path / "study")
    (tmp_path / "study" / "plan.json").write_text("{")
    other = dataclasses.replace(plan, budget=Budget.parse("9ep"))

    with pytest.raises(UsageError, match=r"holds another study \(budget: '2ep' there, '9ep' here\)"):
        run(other, {}, tmp_path / "study")


def test_one_damaged_record_is_trained_again_and_the_others_are_kept(
    trained: tuple[Plan, Path, list[Record]], tmp_path: Path
) -> None:
    plan, directory, records = trained
    shutil.copytree(directory, tmp_path / "study")
    shutil.copy(directory / "1-a" / "seed-0" / "record.json", tmp_path / "study" / "1-a" / "seed-1")
    told: list[str] = []
    watcher = Silent()

    assert kept(tmp_path / "study", told.append)[1] == [records[0], records[1], records[3]]
    again = run(plan, studied.factories("a", "b"), tmp_path / "study", engine=Processes(jobs=1), watcher=watcher)

    assert [record.numbers for record in again] == [record.numbers for record in records]
    for text in (told, watcher.notices):
        assert len(text) == 1
        assert "is the record of another recipe (seed: 0 there, 1 here) and is not used" in text[0]


def test_a_finished_study_is_read_without_a_write(
    trained: tuple[Plan, Path, list[Record]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is read-only, which a test run by root can only play."""
    plan, directory, records = trained
    shutil.copytree(directory, tmp_path / "study")
    (tmp_path / "study" / "lock").unlink()
    opened = os.open

    def refused(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(args[0]))

    def only_read(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        return refused(path) if flags & (os.O_WRONLY | os.O_RDWR) else opened(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", only_read)
    monkeypatch.setattr(Path, "open", refused)
    monkeypatch.setattr(os, "replace", refused)

    assert run(plan, {}, tmp_path / "study", watcher=Silent()) == records
    assert kept(tmp_path / "study", print)[1] == records
    assert not (tmp_path / "study" / "lock").exists()


def test_no_jobs_are_refused(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jobs 0: needed is 1 or more"):
        run(studied.plan(images), {}, tmp_path, engine=Processes(jobs=0))


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (studied.broken, r"(?s)arm 'a', seed 0: failed\n.*ValueError: no such layer"),
        (studied.killed, r"arm 'a', seed 0: its process died \(exit code 3\). Finished epochs are kept"),
    ],
)
def test_a_trial_that_fails_is_named(images: Path, tmp_path: Path, factory: Callable[[], Any], message: str) -> None:
    plan, engine = studied.plan(images, labels=("a",)), Processes(jobs=1)

    with pytest.raises(RunError, match=message):
        run(plan, {"a": factory}, tmp_path / "study", engine=engine, watcher=Silent())


@pytest.mark.slow
def test_of_two_at_work_the_one_that_the_system_kills_is_named_and_the_other_ends(images: Path, tmp_path: Path) -> None:
    plan, engine = studied.plan(images, budget=BUDGET, seeds=(0,)), Processes(jobs=2)

    with pytest.raises(RunError, match=r"arm 'b', seed 0: its process died \(SIGKILL: the system was out of memory"):
        run(plan, {"a": studied.net, "b": studied.shot}, tmp_path / "study", engine=engine, watcher=Silent())

    assert multiprocessing.active_children() == []


def begun(images: Path, directory: Path, *, until: str = "*/*/checkpoint.pt") -> subprocess.Popen[str]:
    """A study in a group of processes of its own, once two files of that name are there."""
    script = directory.with_suffix(".py")
    tests = str(Path(__file__).parent)
    script.write_text(STUDY.format(tests=tests, images=str(images), budget=str(BUDGET), directory=str(directory)))
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list(directory.glob(until))) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"no two {until} within two minutes"
        time.sleep(0.02)
    return process


def members(group: int) -> list[int]:
    """The living processes of a group."""
    listing = subprocess.run(["ps", "-e", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, of, state in rows if int(of) == group and not state.startswith("Z")]


def left_over(group: int, *, seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := members(group)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


needs_ps = pytest.mark.skipif(shutil.which("ps") is None, reason="no ps to list processes with")


@needs_ps
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_no_process_outlives_a_stopped_study(images: Path, tmp_path: Path, number: signal.Signals) -> None:
    process = begun(images, tmp_path / "study")
    before = members(process.pid)
    # A second study must keep out meanwhile; tested here, since starting PyTorch three times takes seconds.
    with pytest.raises(RunError, match=r"study: another process trains here"):
        run(studied.plan(images, budget=BUDGET), studied.factories("a", "b"), tmp_path / "study")

    process.send_signal(number)
    _, error = process.communicate(timeout=10)

    assert len(before) >= 3
    assert left_over(process.pid, seconds=5) == []
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    assert "Traceback" not in error


@needs_ps
@pytest.mark.parametrize("until", ["*", "*/*/checkpoint.pt"], ids=["starting", "training"])
def test_control_c_ends_the_whole_group_without_a_trace(images: Path, tmp_path: Path, until: str) -> None:
    process = begun(images, tmp_path / "study", until=until)

    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=10)

    assert left_over(process.pid, seconds=5) == []
    assert process.returncode == 130
    assert "Traceback" not in error


@pytest.mark.slow
def test_a_killed_study_ends_with_the_numbers_of_an_undisturbed_one(images: Path, tmp_path: Path) -> None:
    for _ in range(3):
        process = begun(images, tmp_path / "killed")
        time.sleep(0.3)
        process.kill()
        process.communicate()
    plan = studied.plan(images, budget=BUDGET)
    factories = studied.factories("a", "b")

    killed = run(plan, factories, tmp_path / "killed", watcher=Silent())
    whole = run(plan, factories, tmp_path / "whole", watcher=Silent())

    assert [record.numbers for record in killed] == [record.numbers for record in whole]


def test_progress_names_arm_seed_and_score() -> None:
    record = studied.record("a [bold] label", 7, 88.5)
    out = io.StringIO()

    console = Console(file=out, force_terminal=True, width=160)
    with display.Display(1, console=console) as watcher:
        watcher.began(record.recipe)
        watcher.moved(
            loop.Progress(label=record.recipe.label, seed=7, spent=0.5, epoch=3, images=200, seconds=1.0, accuracy=81.2)
        )
        watcher.refresh()
        watcher.noticed("checkpoint.pt: cannot be read")
        watcher.ended(record)

    assert "a [bold] label · seed 7: 88.50 % in 2.0 s" in out.getvalue()
    assert "epoch 3 · 81.2 % · 200 images/s" in out.getvalue()
    assert "checkpoint.pt: cannot be read" in out.getvalue()


def test_the_cores_at_hand_are_counted() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
