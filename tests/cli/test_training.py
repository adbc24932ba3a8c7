"""compare --train, end to end on a sample small enough for a test."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
    assert "10,000 train and 2,000 test images of 1×28×28 in 10 classes; one answer for all scores 10 %" in first.stdout
    after = first.stdout.partition("\nnext  ")[2].splitlines()
    assert [line.split()[1] for line in after] == ["compare", "plot", "report"]
    assert "--seeds 5" in after[0]
    assert after[1].strip() == f"eyeshot plot {tmp_path / 'run'} evidence -o scores.png"
    assert after[2].strip() == f"eyeshot report --run {tmp_path / 'run'} -o study.html"
    assert "of the first's" in first.stdout
    assert "C3s2-16 C3-32 minus C5s2-16 C3-32" in first.stdout
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "evidence" in (tmp_path / "a.csv").read_text()
    document = json.loads(again.stdout)
    assert document["schema"] == "eyeshot.comparison/1"
    assert document["evidence"]["verdict"] in first.stdout
    assert re.search(r"score, % +other seeds +and images ", first.stdout)
    assert document["evidence"]["differences"][0]["images"] == 2000
    assert all(arm["seeds_and_images"] for arm in document["evidence"]["arms"])
    macs = [network["totals"]["macs"] for network in document["networks"]]
    assert macs[1] == pytest.approx(macs[0], rel=0.01)


def test_the_same_design_twice_is_two_arms() -> None:
    study = planned(["C3s2-4 P2", "C3s2-4 P2"])

    assert [arm.label for arm in study.plan.arms] == ["C3s2-4 P2", "C3s2-4 P2 (2)"]
    assert study.remarks[0] == "C3s2-4 P2: trained as C3s2-4 P2 G F10, for 10 classes"


@pytest.mark.parametrize("design", ["alexnet", "C3-8 P2 C29p0-4"])
def test_a_design_that_the_images_do_not_fit_is_told_so(design: str, eyeshot: Eyeshot) -> None:
    result = eyeshot("compare", "C3-8", design, "--train")

    assert result.exit_code == 2
    assert f"eyeshot: {design}: it does not take the images of sample, which are 1×28×28: " in result.stderr


def test_pictures_of_several_sizes_are_trained_at_one(tmp_path: Path, eyeshot: Eyeshot) -> None:
    draw = np.random.default_rng(0)
    for number in range(4):
        folder = tmp_path / "photos" / str(number % 2)
        folder.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (20 + number, 30), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    command = ["compare", "C3-4", "C5-4", "--train", "--data", str(tmp_path / "photos"), "--seeds", "1"]
    command += ["--budget", "1ep", "--run", str(tmp_path / "run")]

    without, trained = eyeshot(*command), eyeshot(*command, "--size", "8x12")

    assert without.exit_code == 2
    assert trained.exit_code == 0
    assert "2 train and 2 test images of 1×8×12 in 2 classes; one answer for all scores 50 %" in trained.stdout
    assert "note: only 2 test images: each is 50 points of score, so they show nothing" in trained.stdout
    again = trained.stdout.partition("\nnext  ")[2].splitlines()[0].split()
    assert {"--size", "8x12", "--seeds", "5", str(tmp_path / "photos")} <= set(again)
