"""A study trains side by side, stops at once, goes on where it was, and leaves no process behind."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import studied
from rich.console import Console

from eyeshot.errors import RunError, UsageError
from eyeshot.report.evidence import evidence
from eyeshot.studies import display
from eyeshot.studies.display import Silent
from eyeshot.studies.run import run
from eyeshot.train import data, loop
from eyeshot.train.budget import Budget

BUDGET = Budget.parse("600ep")
# where the tests run in the background Ctrl-C is ignored, and what they start would ignore it, too
STUDY = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
import studied
from eyeshot.studies.run import run
from eyeshot.train.budget import Budget
if __name__ == "__main__":
    plan = studied.plan(Path({images!r}), budget=Budget.parse({budget!r}))
    try:
        run(plan, studied.factories("a", "b"), Path({directory!r}), jobs=2)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return studied.write_images(tmp_path / "images")


def test_a_study_is_what_a_loop_over_its_recipes_gives(images: Path, tmp_path: Path) -> None:
    plan = studied.plan(images)
    dataset = data.load(str(images))

    records = run(plan, studied.factories("a", "b"), tmp_path / "study", jobs=2, watcher=Silent())
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


def test_what_a_network_prints_goes_to_stderr(images: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(studied.plan(images, labels=("a",), seeds=(0,)), {"a": studied.chatty}, tmp_path / "study", watcher=Silent())

    out, err = capfd.readouterr()
    assert out == ""
    assert "made\nby a child\n" in err


def test_the_directory_of_another_study_is_refused(images: Path, tmp_path: Path) -> None:
    plan = studied.plan(images)
    (tmp_path / "plan.json").write_text(json.dumps({**plan.to_json(), "budget": "9ep"}))

    with pytest.raises(UsageError, match=r"holds another study \(budget: '9ep' there, '2ep' here\)"):
        run(plan, {}, tmp_path)


def test_a_plan_that_cannot_be_read_is_refused(images: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{")

    with pytest.raises(UsageError, match=r"plan.json: cannot be read \(.*\); give another directory"):
        run(studied.plan(images), {}, tmp_path)


def test_no_jobs_are_refused(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jobs 0: needed is 1 or more"):
        run(studied.plan(images), {}, tmp_path, jobs=0)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (studied.broken, r"(?s)arm 'a', seed 0: failed\n.*ValueError: no such layer"),
        (studied.killed, r"arm 'a', seed 0: its process died \(exit code 3\). Finished epochs are kept"),
    ],
)
def test_a_trial_that_fails_is_named(images: Path, tmp_path: Path, factory: Callable[[], object], message: str) -> None:
    plan = studied.plan(images, labels=("a",))

    with pytest.raises(RunError, match=message):
        run(plan, {"a": factory}, tmp_path / "study", jobs=1, watcher=Silent())  # type: ignore[dict-item]


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
    from eyeshot.studies.run import _cores

    assert 1 <= _cores() <= (os.cpu_count() or 1)
