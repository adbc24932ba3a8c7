"""Trials killed at any moment and given again: they end with the numbers of one that was left alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from eyeshot.train import loop
from tests.train import small

WHAT = "trials killed and resumed"
EVERY = 10_000

_DATA = small.dataset()
_RECIPE = small.recipe(_DATA, budget="400ep")
_LONGEST = 1.5
"""Seconds after the first epoch of a process until it is killed."""
_TRIAL = """
import sys
from pathlib import Path
from eyeshot.train import loop
from scripts.stress import kills
loop.run(kills._RECIPE, kills.small.net, kills._DATA, Path(sys.argv[1]))
"""


@contextmanager
def tried() -> Iterator[Callable[[Random], str | None]]:
    """One trial left alone, to whose numbers each killed one is compared."""
    with tempfile.TemporaryDirectory() as name:
        whole = loop.run(_RECIPE, small.net, _DATA, Path(name) / "whole")

        def run(draw: Random) -> str | None:
            directory = Path(tempfile.mkdtemp(dir=name)) / "killed"
            while not _killed(directory, draw.uniform(0, _LONGEST)):
                shutil.rmtree(directory)  # it had ended before: no kill
            told: list[str] = []
            again = loop.run(_RECIPE, small.net, _DATA, directory, notice=told.append)
            if told:
                return f"it was told {told}"
            return None if again.numbers == whole.numbers else "the numbers are others"

        yield run


def _killed(directory: Path, seconds: float) -> bool:
    """Whether a trial was at work when it was killed."""
    words = [sys.executable, "-c", _TRIAL, str(directory)]
    with subprocess.Popen(words, cwd=Path(__file__).parents[2]) as process:
        while not (directory / "checkpoint.pt").exists() and process.poll() is None:
            time.sleep(0.002)
        time.sleep(seconds)
        process.kill()
    if process.returncode > 0:
        raise RuntimeError(f"the trial to be killed failed by itself, with exit code {process.returncode}")
    return process.returncode < 0
