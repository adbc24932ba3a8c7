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
    assert "its data are in" in result.stderr
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


BESIDE = ["C3-4 C3-4", "C5-4", "--input", "3x16x16", "--source", "init", "--seeds", "3", "--per-seed", "1"]


def test_two_measured_fields_stand_side_by_side_with_their_intervals(eyeshot: Eyeshot) -> None:
    text = eyeshot("effective", *BESIDE).stdout

    assert "C3-4 C3-4 source: init" in text
    assert "C5-4 source: init" in text
    (heading,) = [line for line in text.splitlines() if "change" in line]
    assert heading.count("95 % interval") == 2
    (sentence,) = [line for line in text.splitlines() if line.startswith("What C5-4 uses is ")]
    assert "; the 95 % intervals of σ " in sentence


def test_each_of_several_is_measured_as_it_is_alone(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("effective", *BESIDE, "--json").stdout)
    alone = [json.loads(eyeshot("effective", name, *BESIDE[2:], "--json").stdout) for name in BESIDE[:2]]

    assert document == {"schema": "eyeshot.effective-sides/1", "fields": alone}


def test_csv_of_several_names_design_and_layer(eyeshot: Eyeshot) -> None:
    text = eyeshot("effective", "C3-4 C3-4", "C3-4", "C7-4", "--input", "3x16x16", "--csv").stdout
    rows = list(csv.DictReader(text.splitlines()))

    assert {(row["design"], row["layer"]) for row in rows} == {
        ("C3-4 C3-4", "conv2"),
        ("C3-4", "conv1"),
        ("C7-4", "conv1"),
    }


@pytest.mark.parametrize(
    ("words", "layers"),
    [
        (["C3-4 C3-4", "conv1"], ["conv1"]),
        (["C3-4 C3-4", "C5-4"], ["conv2", "conv1"]),
        (["C3-4 C3-4", "C5-4", "--layer", "conv1"], ["conv1", "conv1"]),
        (["C3-4 C3-4", "C5-4", "--layer", "conv1", "--layer", "relu1"], ["conv1", "relu1"]),
        (["alexnet-28", "vgg-a", "--input", "1x32x32"], ["conv5", "block5.conv2"]),
        (["C3-4 C3-4", "conv1", "C5-4 C3-4", "conv1"], ["conv1", "conv1"]),
        (["C3-4 C3-4", "C5-4 C3-4", "conv1"], ["conv2", "conv1"]),
    ],
)
def test_a_second_word_is_a_layer_or_another_model(words: list[str], layers: list[str], eyeshot: Eyeshot) -> None:
    shape = [] if "--input" in words else ["--input", "3x16x16"]
    document = json.loads(eyeshot("effective", *words, *shape, "--json").stdout)

    assert [each["layer"] for each in document.get("fields", [document])] == layers


def test_a_layer_that_is_called_as_a_design_is_written_is_the_layer(tmp_path: Path, eyeshot: Eyeshot) -> None:
    (tmp_path / "net.py").write_text(
        "from collections import OrderedDict\n\nfrom torch import nn\n\n\ndef net():\n"
        "    return nn.Sequential(OrderedDict(P3=nn.Conv2d(3, 4, 3), P4=nn.Conv2d(4, 4, 3)))\n"
    )
    words = ["effective", f"{tmp_path / 'net.py'}:net", "P3", "--input", "3x16x16", "--json"]

    assert json.loads(eyeshot(*words).stdout)["layer"] == "P3"


def test_runs_of_several_are_kept_apart_and_go_on(tmp_path: Path, eyeshot: Eyeshot) -> None:
    first = eyeshot("effective", *BESIDE, "--run", str(tmp_path / "run"), "--json")
    again = eyeshot("effective", *BESIDE, "--run", str(tmp_path / "run"), "--json")

    assert first.stdout == again.stdout
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["1", "2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["C3-4", "C5-4", "C7-4", "--layer", "conv1", "--layer", "conv1"], "2 layers for 3 designs: give one layer"),
        (["C3-4", "C5-4", "--source", "weights", "--images", "sample", "--weights", "x.pt"], "is of one design"),
        (["C3-4", "conv1", "C5-4", "--layer", "conv1"], "give layers behind their models or by --layer, not both ways"),
        (["C3-4", "convv1"], "has no layer 'convv1'; did you mean conv1"),
    ],
)
def test_what_several_cannot_have_is_said(words: list[str], message: str, eyeshot: Eyeshot) -> None:
    result = eyeshot("effective", *words)

    assert result.exit_code == 2
    assert message in result.stderr
