"""A full disk, a torn file or a kill loses no more than the epoch under way."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import small
import torch

from eyeshot.errors import RunError, UsageError
from eyeshot.train import directory as files
from eyeshot.train.loop import Progress, run

DATA = small.dataset()
TRIAL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import small
import torch
from eyeshot.errors import EyeshotError
from eyeshot.train.loop import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
data = small.dataset()
try:
    run(small.recipe(data, budget={budget!r}), small.net, data, Path({directory!r}))
except EyeshotError as error:
    sys.exit(str(error))
"""


def trial(directory: Path, *, budget: str = "3ep", limit: int = -1) -> list[str]:
    tests = str(Path(__file__).parent)
    return [
        sys.executable,
        "-c",
        TRIAL.format(tests=tests, limit=limit, budget=budget, directory=str(directory)),
    ]


def stop_in_second_epoch(progress: Progress) -> None:
    if progress.epoch == 2:
        raise KeyboardInterrupt


def stopped(directory: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(small.recipe(DATA), small.net, DATA, directory, on_progress=stop_in_second_epoch)


def test_no_space_keeps_the_former_checkpoint_and_says_how_to_go_on(tmp_path: Path) -> None:
    whole = run(small.recipe(DATA), small.net, DATA, tmp_path / "whole")
    directory = tmp_path / "full"
    stopped(directory)
    before = (directory / "checkpoint.pt").read_bytes()

    done = subprocess.run(trial(directory, limit=4096), capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "checkpoint.pt: could not be written: no space left" in done.stderr
    assert f"What was saved before is kept in {directory}." in done.stderr
    assert "give the same command again" in done.stderr
    assert (directory / "checkpoint.pt").read_bytes() == before
    assert not list(directory.glob("*.part"))
    assert run(small.recipe(DATA), small.net, DATA, directory).numbers == whole.numbers


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    (tmp_path / "record.json.part").symlink_to("/dev/full")

    with pytest.raises(RunError, match=r"record.json: could not be written: no space left \(No space left on device\)"):
        files.write(tmp_path / "record.json", b"content")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(
        RunError, match=r"recipe.json: could not be written: (Not a directory|File exists).*Make it writable"
    ):
        files.claim(tmp_path / "file" / "run", small.recipe(DATA))


@pytest.mark.parametrize("keep", [0, 10, 500, 3000])
def test_a_torn_checkpoint_is_reported_and_trained_again(tmp_path: Path, keep: int) -> None:
    whole = run(small.recipe(DATA), small.net, DATA, tmp_path / "whole")
    stopped(tmp_path / "torn")
    path = tmp_path / "torn" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:keep])
    notices: list[str] = []

    record = run(small.recipe(DATA), small.net, DATA, tmp_path / "torn", notice=notices.append)

    assert "checkpoint.pt: cannot be read" in notices[0]
    assert "starts again from its first epoch" in notices[0]
    assert record.numbers == whole.numbers


def test_a_checkpoint_of_another_network_is_not_used(tmp_path: Path) -> None:
    stopped(tmp_path)
    notices: list[str] = []

    run(small.recipe(DATA), lambda: small.net(width=5), DATA, tmp_path, notice=notices.append)

    assert "its weights are those of another network" in notices[0]


def test_a_torn_record_is_reported_and_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = run(small.recipe(DATA), small.net, DATA, tmp_path)
    path = tmp_path / "record.json"
    path.write_bytes(path.read_bytes()[:100])

    again = run(small.recipe(DATA), small.net, DATA, tmp_path)

    assert "record.json: cannot be read" in capsys.readouterr().err
    assert again == record


def test_a_torn_recipe_beside_results_is_refused(tmp_path: Path) -> None:
    stopped(tmp_path)
    (tmp_path / "recipe.json").write_text("{")

    with pytest.raises(UsageError, match=r"recipe.json: cannot be read, so nothing says what was trained here"):
        run(small.recipe(DATA), small.net, DATA, tmp_path)


@pytest.mark.slow
def test_twenty_kills_change_no_number(tmp_path: Path) -> None:
    budget = "300ep"
    whole = run(small.recipe(DATA, budget=budget), small.net, DATA, tmp_path / "whole")
    directory, draw, reached = tmp_path / "killed", random.Random(1), []

    for _ in range(20):
        killed(trial(directory, budget=budget), directory / "checkpoint.pt", draw.uniform(0.0, 0.2))
        reached.append(torch.load(directory / "checkpoint.pt", weights_only=True)["state"]["images"])
    record = run(small.recipe(DATA, budget=budget), small.net, DATA, directory)

    assert reached == sorted(reached)
    assert 0 < reached[0] < reached[-1] < 300 * 96
    assert record.numbers == whole.numbers


def killed(command: list[str], checkpoint: Path, seconds: float) -> None:
    """Start a trial, wait until it has saved anything, and kill it some time after that."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    process = subprocess.Popen(command)
    while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
        assert process.poll() is None, "the trial ended before it saved an epoch"
        time.sleep(0.002)
    time.sleep(seconds)
    assert process.poll() is None, "the trial ended before it was killed"
    process.kill()
    process.wait()
