"""compare --train, end to end on a sample small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eyeshot.studies.study import planned
from tests.cli.conftest import Eyeshot

pytest.importorskip("torch")
pytest.importorskip("scipy")


def test_training_prints_scores_differences_and_a_verdict_and_resumes(tmp_path: Path, eyeshot: Eyeshot) -> None:
    command = [
        "compare",
        "C3s2-16 C3-32",
        "C5s2-16 C3-32",
        "--train",
        "--budget",
        "300img",
        "--seeds",
        "2",
        "--jobs",
        "1",
    ]
    command += ["--run", str(tmp_path / "run"), "--match", "macs"]

    first = eyeshot(*command, "-o", str(tmp_path / "a.png"))
    again = eyeshot(*command, "--json")
    read = eyeshot(*command)

    assert first.exit_code == again.exit_code == 0
    assert "training on sample, 2 seeds, 300 images seen each" in first.stdout
    assert f"read from {tmp_path / 'run'}: nothing left to train (sample, 2 seeds, 300 images seen" in read.stdout
    assert "training on" not in read.stdout
    assert "of the first's" in first.stdout
    assert "C3s2-16 C3-32 minus C5s2-16 C3-32" in first.stdout
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "evidence" in (tmp_path / "a.csv").read_text()
    document = json.loads(again.stdout)
    assert document["schema"] == "eyeshot.comparison/1"
    assert document["evidence"]["verdict"] in first.stdout
    macs = [network["totals"]["macs"] for network in document["networks"]]
    assert macs[1] == pytest.approx(macs[0], rel=0.01)


def test_the_same_design_twice_is_two_arms() -> None:
    study = planned(["C3s2-4 P2", "C3s2-4 P2"])

    assert [arm.label for arm in study.plan.arms] == ["C3s2-4 P2", "C3s2-4 P2 (2)"]
    assert study.remarks[0] == "C3s2-4 P2: trained as C3s2-4 P2 G F10, for 10 classes"
