"""`eyeshot check`, its table in pyproject.toml, and `eyeshot.check()` in a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import eyeshot as package
from eyeshot.errors import CheckError, UsageError
from tests.cli.conftest import Eyeshot

KEPT = ["--field", "conv5=163", "--field", "conv2>=50", "--field", "conv1<=11x11", "--macs-max", "1G",
        "--params-max", "61M", "--peak-max", "1M", "--no-unproductive", "--centred"]  # fmt: skip


def test_promises_that_are_kept_end_with_0_and_a_line_each(eyeshot: Eyeshot) -> None:
    result = eyeshot("check", "alexnet", *KEPT)

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["kept"] * 8
    assert lines[0] == "kept    field of conv5: 163 promised, 163×163"


@pytest.mark.parametrize(
    ("model", "words", "line"),
    [
        ("alexnet", ["--field", "conv5=164"], "broken  field of conv5: 164 promised, 163×163"),
        ("alexnet", ["--field", "conv5>=200"], "broken  field of conv5: ≥200 promised, 163×163"),
        ("alexnet", ["--macs-max", "0.5G"], "broken  MACs: ≤500,000,000 promised, 724,406,816"),
        ("vgg16", ["--input", "3x32x32", "--no-unproductive"],
         "broken  unproductive layers: none promised, 10 (block3.conv3, block3.pool3, block4.conv1 …)"),
        ("C3s2-8 C4-8 C4-8", ["--input", "3x64x64", "--centred"],
         "broken  off-centre: <0.5 steps promised, 0.75 steps at most, at conv3"),
    ],
)  # fmt: skip
def test_a_broken_promise_ends_with_1_and_its_numbers(
    model: str, words: list[str], line: str, eyeshot: Eyeshot
) -> None:
    result = eyeshot("check", model, *words)

    assert result.exit_code == 1
    assert result.stdout == f"{line}\n"


def test_of_one_layer_several_promises_are_held(tmp_path: Path, eyeshot: Eyeshot) -> None:
    (tmp_path / "own.toml").write_text('[tool.eyeshot.check]\nmodel = "alexnet"\nfield.conv5 = [">=100", "<=120"]\n')

    for words in (["alexnet", "--field", "conv5>=100", "--field", "conv5<=120"],
                  ["--config", str(tmp_path / "own.toml")]):  # fmt: skip
        result = eyeshot("check", *words)

        assert result.exit_code == 1
        assert result.stdout.splitlines() == [
            "kept    field of conv5: ≥100 promised, 163×163",
            "broken  field of conv5: ≤120 promised, 163×163",
        ]


def test_a_bound_keeps_no_promise_but_one_from_above(tmp_path: Path, eyeshot: Eyeshot) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    def forward(self, x):\n        return x[:, :, x.sum((0, 1, 3)).argsort()]\n"
    )
    net = f"{tmp_path / 'net.py'}:Net"
    report = eyeshot("show", net, "--input", "1x4x4", "--json")
    layer = json.loads(report.stdout)["layers"][-1]
    assert not layer["field"]["exact"]
    size = "x".join(map(str, layer["field"]["size"]))

    results = [
        eyeshot("check", net, "--input", "1x4x4", "--field", f"{layer['name']}{sign}{size}") for sign in ("=", "<=")
    ]

    assert [result.exit_code for result in results] == [1, 0]


TABLE = """
[[tool.eyeshot.check]]
model = "alexnet"
field = { conv5 = 163, conv2 = ">=50" }
macs-max = "1G"

[[tool.eyeshot.check]]
model = "vgg16"
input = "3x32x32"
no-unproductive = true
"""


def test_the_same_is_read_from_pyproject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeshot: Eyeshot) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE)
    monkeypatch.chdir(tmp_path)

    result = eyeshot("check")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("broken  vgg16: unproductive layers: none promised, 10")
    assert result.stdout.count("kept    alexnet: ") == 3
    document = json.loads(eyeshot("check", "--json").stdout)
    assert [each["kept"] for each in document["checks"]] == [True, False]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "has no table [tool.eyeshot.check]"),
        ("[tool.eyeshot.check]\nmacs-max = 3", "needs a model"),
        ('[tool.eyeshot.check]\nmodel = "alexnet"\nmax-macs = 3', "'max-macs' is no promise; promises are field, macs"),
        ('[tool.eyeshot.check]\nmodel = "alexnet"', "nothing is promised"),
        ('[tool.eyeshot.check]\nmodel = "alexnet"\nfield = "conv5=163"', "field is 'conv5=163'; a table of layers"),
        ('[tool.eyeshot.check]\nmodel = "alexnet"\ncentred = 1', "centred is '1'; true or false"),
        ('[tool.eyeshot.check]\nmodel = "alexnet"\nmacs-max = true', "macs-max is 'True'; a number"),
        ("[tool.eyeshot", "no TOML"),
        ("tool = 3", "has no table"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(table: str, said: str, tmp_path: Path, eyeshot: Eyeshot) -> None:
    path = tmp_path / "some.toml"
    path.write_text(table)

    result = eyeshot("check", "--config", str(path))

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alexnet"], "nothing is promised"),
        (["alexnet", "--field", "conv5"], "write LAYER=163"),
        (["alexnet", "--field", "conv5=wide"], "field of conv5"),
        (["alexnet", "--field", "conv5=1x2x3"], "has 3 sizes, and the image 2 axes"),
        (["alexnet", "--field", "conv55=163"], "did you mean conv5"),
        (["alexnet", "--macs-max", "lots"], "takes a number"),
        (["--centred"], "--centred: give a model too"),
        (["--config", "/nowhere/at/all.toml"], "No such file"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], said: str, eyeshot: Eyeshot) -> None:
    result = eyeshot("check", *words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_in_a_test_a_broken_promise_raises_with_a_line_for_each() -> None:
    assert all(promise.is_kept for promise in package.check("alexnet", field={"conv5": 163}, centred=True))
    with pytest.raises(CheckError, match=r"alexnet: 2 of 3 promises broken\nbroken  field of conv5.*\nbroken  params"):
        package.check("alexnet", field={"conv5": ">=164"}, params_max="1M", no_unproductive=True)
    with pytest.raises(UsageError, match="nothing is promised"):
        package.check("alexnet")
