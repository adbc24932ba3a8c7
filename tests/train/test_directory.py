"""A full disk, a torn file or a kill loses no more than the epoch under way."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small
import torch

from eyeshot.documents import seal_of, sealed
from eyeshot.errors import ReadError, RunError, UsageError
from eyeshot.read.pretrained import load_weights
from eyeshot.train import directory as files
from eyeshot.train.loop import Progress, run

DATA = small.dataset()
TRIAL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import small
import torch
from eyeshot.documents import seal_of, sealed, unsealed
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
    assert ".part" not in done.stderr
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
        files.claim(tmp_path / "file" / "run", small.recipe(DATA), print)


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


def test_a_torn_recipe_is_written_anew_beside_what_was_trained(tmp_path: Path) -> None:
    whole = run(small.recipe(DATA), small.net, DATA, tmp_path / "whole")
    directory = tmp_path / "stopped"
    stopped(directory)
    (directory / "recipe.json").write_text("{")
    notices: list[str] = []

    record = run(small.recipe(DATA), small.net, DATA, directory, notice=notices.append)

    assert record.numbers == whole.numbers
    assert len(notices) == 1
    assert "recipe.json: cannot be read (no JSON" in notices[0]
    assert (directory / "recipe.json").read_bytes() == (tmp_path / "whole" / "recipe.json").read_bytes()


def test_what_was_trained_of_another_recipe_is_kept_where_the_recipe_is_torn(tmp_path: Path) -> None:
    run(small.recipe(DATA, seed=1), small.net, DATA, tmp_path)
    before = (tmp_path / "record.json").read_bytes()
    (tmp_path / "recipe.json").write_text("[" * 100_000)

    with pytest.raises(UsageError, match=r"holds the run of another recipe \(seed: 1 there, 2 here\)"):
        run(small.recipe(DATA, seed=2), small.net, DATA, tmp_path, notice=lambda text: None)
    assert (tmp_path / "record.json").read_bytes() == before


def test_a_recipe_without_record_may_be_any_bytes(tmp_path: Path) -> None:
    for content in (b"", b"null", b"[]", b'{"seed": NaN}', b"9" * 5000, b"[" * 100_000, b"\xff"):
        (tmp_path / "recipe.json").write_bytes(content)
        told: list[str] = []

        files.claim(tmp_path, small.recipe(DATA), told.append)

        assert len(told) == 1
        assert "recipe.json: cannot be read" in told[0]
        files.claim(tmp_path, small.recipe(DATA), told.append)
        assert len(told) == 1


def test_every_flipped_bit_of_a_checkpoint_is_noticed(tmp_path: Path) -> None:
    """PyTorch checks no sums: weights with one bit changed would go on as if nothing was."""
    whole = run(small.recipe(DATA, budget="2ep"), small.net, DATA, tmp_path / "whole")
    content = (tmp_path / "whole" / "checkpoint.pt").read_bytes()
    (tmp_path / "whole" / "record.json").unlink()
    draw = random.Random(5)

    for _ in range(25):
        flipped, notices = bytearray(content), list[str]()
        flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        (tmp_path / "whole" / "checkpoint.pt").write_bytes(flipped)
        record = run(small.recipe(DATA, budget="2ep"), small.net, DATA, tmp_path / "whole", notice=notices.append)
        (tmp_path / "whole" / "record.json").unlink()

        assert record.numbers == whole.numbers
        assert len(notices) == 1
        assert "starts again from its first epoch" in notices[0]


def changed_checkpoint(directory: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """The checkpoint with other values and the digest of those."""
    path, buffer = directory / "checkpoint.pt", io.BytesIO()
    torch.save(change(torch.load(path, weights_only=True)), buffer)
    path.write_bytes(buffer.getvalue() + seal_of(buffer.getvalue()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda values: [values], "Expected `object`, got `array`"),
        (lambda values: {**values, "format": 3}, "got `int` - at `$.format`"),
        (lambda values: {**values, "versions": ["2.4"]}, "got `array` - at `$.versions`"),
        (lambda values: {**values, "state": {**values["state"], "scores": []}}, "it has no scores"),
        (lambda values: {**values, "state": {**values["state"], "images": 5}}, "not that of its last score"),
        (lambda values: {**values, "optimiser": {}}, "param_groups"),
        (lambda values: {**values, "optimiser": {"state": 1, "param_groups": []}}, ""),
        (lambda values: {**values, "module": {"0.weight": 7}}, ""),
        (
            lambda values: {**values, "module": {k: v.float() * float("nan") for k, v in values["module"].items()}},
            "its weights are",
        ),
        (lambda values: {**values, "recipe": {**values["recipe"], "seed": 2}}, "another recipe: seed: 2 there, 1 here"),
    ],
)
def test_whatever_is_wrong_in_a_checkpoint_the_trial_starts_again(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    whole = run(small.recipe(DATA), small.net, DATA, tmp_path / "whole")
    stopped(tmp_path / "stopped")
    changed_checkpoint(tmp_path / "stopped", change)
    notices: list[str] = []

    record = run(small.recipe(DATA), small.net, DATA, tmp_path / "stopped", notice=notices.append)

    assert len(notices) == 1
    assert "\n" not in notices[0]
    assert reason in notices[0]
    assert record.numbers == whole.numbers


def edited_record(directory: Path, change: Callable[[dict[str, Any]], Any], *, is_sealed: bool) -> None:
    """A record as one edits it who forgets the digest, or who does not."""
    path = directory / "record.json"
    values = json.loads(path.read_text())
    digest = values.pop("sha256")
    change(values)
    path.write_text(json.dumps(sealed(values) if is_sealed else {**values, "sha256": digest}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda values: values.update(score=99.0), "is not the last of its scores"),
        (lambda values: values["scores"].clear(), "it has no scores"),
        (lambda values: values["scores"][-1].update(accuracy=100.5), "accuracy 100.5 of epoch 3 cannot be"),
        (lambda values: values["scores"][-1].update(accuracy="90"), "Expected `float`, got `str`"),
        (lambda values: values["scores"][0].update(loss=None), "loss nan of epoch 1 cannot be"),
        (lambda values: values["scores"][0].update(epoch=2), "epoch 2 of epoch 1 cannot be"),
        (lambda values: values["scores"][0].update(seconds=-1), "seconds -1.0 of epoch 1 cannot be"),
        (lambda values: values.update(weights="?"), "needed is a SHA-256"),
        (lambda values: values.update(recipe=None), "got `null` - at `$.recipe`"),
        (lambda values: values["recipe"].update(budget=3), "budget 3: needed is a text"),
        (lambda values: values["recipe"].update(budget="3"), "the unit is missing"),
        (lambda values: values["recipe"]["options"].update(batch_size=0), "batch_size 0: needed is 1 or more"),
        (lambda values: values.update(schema="eyeshot.record/1"), "eyeshot.record/1"),
        (lambda values: values["recipe"].update(seed=2), "another recipe (seed: 2 there, 1 here) and is not used"),
    ],
)
def test_a_record_is_believed_when_all_of_it_agrees(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    record = run(small.recipe(DATA), small.net, DATA, tmp_path)

    for is_sealed, expected in ((True, reason), (False, "its digest is not that of its values")):
        edited_record(tmp_path, change, is_sealed=is_sealed)
        notices: list[str] = []

        assert run(small.recipe(DATA), small.net, DATA, tmp_path, notice=notices.append).numbers == record.numbers
        assert expected in notices[0]


def test_a_record_copied_from_another_seed_is_not_used(tmp_path: Path) -> None:
    first = run(small.recipe(DATA, seed=1), small.net, DATA, tmp_path / "1")
    second = run(small.recipe(DATA, seed=2), small.net, DATA, tmp_path / "2")
    shutil.copy(tmp_path / "1" / "record.json", tmp_path / "2" / "record.json")
    notices: list[str] = []

    again = run(small.recipe(DATA, seed=2), small.net, DATA, tmp_path / "2", notice=notices.append)

    assert again.numbers == second.numbers != first.numbers
    assert "record.json: is the record of another recipe (seed: 1 there, 2 here)" in notices[0]


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


def test_weights_are_not_taken_from_a_damaged_checkpoint(tmp_path: Path) -> None:
    stopped(tmp_path)
    path, module = tmp_path / "checkpoint.pt", small.net()
    content = bytearray(path.read_bytes())

    load_weights(module, path)
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(ReadError, match=r"cannot be read as weights \(its digest is not that of its bytes\)"):
        load_weights(module, path)
