"""`eyeshot effective` as typed: what it prints, writes, and complains of."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Eyeshot
from tests.cli.test_contracts import BOUNDED, EFFECTIVE

NET = """
import torch

def net():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3))
"""
INIT = ["C3-4 C3-4", "--input", "3x16x16", "--source", "init", "--seeds", "3", "--per-seed", "1"]


def test_gradients_of_random_weights_say_whose_they_are(eyeshot: Eyeshot) -> None:
    text = eyeshot("effective", *INIT).stdout

    assert "conv2[8,8] of C3-4 C3-4 has half of what it uses in" in text
    assert "source: init, mean |gradient| of one unit, all channels; weights drawn after He and Glorot; noise" in text
    assert "95 % interval" in text
    assert "Intervals: 95 %, from 3 seeds (jackknife)." in text
    assert "None of its paths fall on padding." in text


def test_gradients_keep_the_schema_of_the_density(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("effective", *INIT, "--json").stdout)

    assert list(document) == EFFECTIVE
    assert document["source"] == "init"
    assert document["runs"]["seeds"] == 3
    assert document["runs"]["images"] == 3
    assert document["intervals"]["over"] == "seeds"
    assert set(document["intervals"]["widths"]) == {"50", "68", "95", "99"}
    low, high = document["intervals"]["sigma"][0]
    assert low <= document["sigma"][0] <= high


def test_weights_on_a_folder_of_images(tmp_path: Path, eyeshot: Eyeshot) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET)
    for i in range(3):
        pixels = np.random.Generator(np.random.PCG64(i)).integers(0, 255, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    words = [f"{file}:net", "2", "--input", "3x16x16", "--source", "weights", "--images", str(tmp_path)]

    result = eyeshot("effective", *words, "--run", str(tmp_path / "run"), "-o", str(tmp_path / "map.svg"))

    assert result.exit_code == 0
    assert "the model's own weights; 3 images of" in result.stdout
    assert "shorter side to 16, middle 16×16" in result.stdout
    assert "wrote" in result.stderr
    assert (tmp_path / "map.svg").read_bytes().startswith(b"<?xml")
    rows = list(csv.DictReader((tmp_path / "map.csv").read_text().splitlines()))
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)
    again = eyeshot("effective", *words, "-o", str(tmp_path / "map.svg"))
    assert again.exit_code == 2
    assert "exists; give another name, or --force" in again.stderr


def test_area_ratios_say_what_they_depend_on(eyeshot: Eyeshot) -> None:
    text = eyeshot("effective", *INIT, "--measure", "positive").stdout

    assert "Area ratios after Ding et al. 2022 (arXiv:2203.06717): 20 %:" in text
    assert "They depend on the gradients' scale" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "3"], "--seeds: source density has no use for it; give --source init or weights"),
        (["--source", "init", "--gates"], "--gates: source init has no use for it"),
        (["--source", "weights", "--images", "sample", "--per-seed", "3"], "--per-seed: source weights has no use"),
        (["--source", "init", "--precision", "2"], "write a share such as 2%"),
        (["--source", "init", "--unit", "left"], "'left' is no unit; write centre, all, or indices"),
        (["--source", "init", "--channel", "red"], "'red' is no channel; write mixed, sum, or an index"),
        (["--source", "weights", "--images", "nowhere"], "a design has no weights of its own"),
        (["--source", "weights"], "source weights measures on images"),
        (["--mean", "0.5", "--std", "0.2"], "--mean and --std: source density has no use for it"),
        (["--source", "init", "--images", "sample", "--mean", "0.5"], "mean and std go together: give both"),
        (["--source", "init", "--mean", "0.5", "--std", "0.2"], "mean and std are for a folder or data set of images"),
        (["--source", "init", "--mean", "red", "--std", "1"], "'red' are no numbers; write one, or one a channel"),
        (["--json", "--csv"], "--json and --csv cannot go together"),
        (["-o", "map.gif"], "map.gif: figures are .png, .svg or .pdf"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(words: list[str], message: str, eyeshot: Eyeshot) -> None:
    result = eyeshot("effective", "C3-4 C3-4", "--input", "3x16x16", *words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_bound_is_marked_and_has_its_exit_code(tmp_path: Path, eyeshot: Eyeshot) -> None:
    file = tmp_path / "net.py"
    file.write_text(BOUNDED)

    result = eyeshot("effective", f"{file}:Net", "last", "--input", "3x16x16")

    assert result.exit_code == 4
    assert "of the at most 16×16 pixels that it sees" in result.stdout
    assert "bound from above" in result.stderr
