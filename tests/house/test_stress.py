"""A short run of the stress: nothing damaged, hostile or endless gets through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_short_run_of_the_stress_finds_nothing() -> None:
    words = [sys.executable, "-m", "scripts.stress", "--count", "10000", "--seed", "7"]

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["onnx", "keras"])
def test_a_short_run_guided_by_coverage_finds_nothing(reader: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="make fuzz")
    words = ["--only", reader, "--runs", "6000", "--keep", str(tmp_path / "kept"), "--corpus", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.fuzz", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert f"`{reader}_guided` | 1 | 6,000 | 0" in done.stdout
