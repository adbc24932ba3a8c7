"""A user's own code may end, hang, swallow Ctrl-C or fill the memory: who waits is told, and can end it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import eyeshot as package
from eyeshot.errors import ReadError
from tests.cli.conftest import Eyeshot

SOURCE = str(Path(__file__).parent.parent.parent / "src")
MODELS = """
import sys, time, torch
import numpy as np

class Inner(torch.nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, x):
        self.what()
        return x

def net(what):
    return torch.nn.Sequential(torch.nn.Conv2d(3, 3, 3), Inner(what))

def swallowing():
    while True:
        try:
            time.sleep(60)  # here
        except BaseException:
            pass

def computing():
    while True:
        torch.randn(4000, 4000) @ torch.randn(4000, 4000)  # here

class Odd(BaseException):
    pass

def odd():
    raise Odd("of its own kind")

def exits(): return net(lambda: sys.exit(0))
def raises(): return net(odd)
def swallows(): return net(swallowing)
def computes(): return net(computing)
def sleeps(): return net(lambda: time.sleep(60))
def fills(): return net(lambda: torch.ones(270_000_000))
def fills_arrays(): return net(lambda: np.ones(135_000_000))
def ends(): sys.exit(0)
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    path.write_text(MODELS)
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "exits",
            r"in 1 \(Inner\), which got 1×3×14×14: .*\.py:\d+: it calls sys\.exit\(0\), which would end the program",
        ),
        ("raises", r"in 1 \(Inner\), which got 1×3×14×14: .*\.py:\d+: \w+: of its own kind"),
        ("ends", r"calling it without arguments failed: .*models\.py:\d+: it calls sys\.exit\(0\)"),
    ],
)
def test_a_module_does_not_end_the_program(name: str, words: str, models: Path, eyeshot: Eyeshot) -> None:
    result = eyeshot("show", f"{models}:{name}", "--input", "3x16x16")

    assert result.exit_code == 3
    assert re.search(words, result.stderr)
    with pytest.raises(ReadError, match=words):
        package.inspect(f"{models}:{name}", (3, 16, 16))


def test_nothing_that_ends_the_program_inside_a_verb_looks_like_success(
    eyeshot: Eyeshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyeshot.cli.show.inspected", lambda *args, **more: sys.exit(0))

    result = eyeshot("show", "alexnet")

    assert result.exit_code == 3
    assert "the model's own code ended the program" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["swallows", "computes", "sleeps"])
def test_silence_is_explained_and_one_ctrl_c_ends_it(name: str, models: Path) -> None:
    command = [sys.executable, "-m", "eyeshot", "show", "models.py:" + name, "--input", "3x16x16"]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    process = subprocess.Popen(command, cwd=models.parent, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None

    in_forward = re.compile(r"still at work after \d+ s of silence, in 1, models\.py:\d+; Ctrl-C ends it")
    # a busy machine may be silent for as long over importing PyTorch, and says so first
    assert any(in_forward.search(told) for told in process.stderr)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)

    assert process.returncode == 130
    assert rest.strip().splitlines()[-1] == "eyeshot: interrupted"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fills", "fills_arrays"])
def test_memory_that_is_taken_for_real_is_told(name: str, models: Path) -> None:
    command = [sys.executable, "-m", "eyeshot", "show", "models.py:" + name, "--input", "3x16x16"]
    environment = {**os.environ, "PYTHONPATH": SOURCE}

    # a program that had once taken more starts it, as a notebook may
    starts = "import subprocess, sys\ndata = b'1' * 2_000_000_000\ndel data\nsys.exit(subprocess.call(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", starts, *command],
        cwd=models.parent, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert result.returncode == 0
    assert re.search(r"its forward took 1\.[01] GB of memory for real", result.stdout)


def test_a_forward_pass_on_shapes_takes_none() -> None:
    import torch

    report = package.inspect(torch.nn.Conv2d(3, 2048, 3), (3, 8192, 8192))

    assert not [note for note in report.notes if "for real" in note.text]
