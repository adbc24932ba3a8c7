"""A user's own module on the command line: its inputs, its lines of code, its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Eyeshot

NET = """\
import torch
from torch import nn
from torch.nn import functional as F


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.out = nn.Conv2d(16, 4, 3, padding=1)

    def forward(self, x):
        fine = F.relu(self.down(x))
        coarse = self.deep(F.max_pool2d(fine, 4))
        return self.out(torch.cat([fine, F.interpolate(coarse, scale_factor=4, mode="bilinear")], 1))


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.near, self.far = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 5, padding=2)

    def forward(self, left, right):
        return self.near(left) + self.far(right)


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def wrong():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.Flatten(), nn.Linear(100, 10))
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "net.py"


def test_lines_of_code_stand_beside_the_layers(net: Path, eyeshot: Eyeshot) -> None:
    shown = eyeshot("show", "net.py:UNet", "--input", "3x32x32", "--lines", "--all")
    rows = [row.split() for row in shown.stdout.splitlines() if row.rpartition(" ")[2].startswith("net.py:")]
    lines = {row[0]: row[-1] for row in rows}

    assert lines["down"] == "net.py:13"
    assert lines["deep"] == "net.py:14"
    assert lines["concat"] == "net.py:15"
    document = json.loads(eyeshot("show", "net.py:UNet", "--input", "3x32x32", "--lines", "--json").stdout)
    assert document["layers"][0]["line"].endswith("net.py:13")
    assert "line" not in json.loads(eyeshot("show", "net.py:UNet", "--input", "3x32x32", "--json").stdout)["layers"][0]


def test_units_that_differ_by_turn_are_told_of(net: Path, eyeshot: Eyeshot) -> None:
    shown = eyeshot("show", "net.py:UNet", "--input", "3x32x32")
    field = eyeshot("field", "net.py:UNet", "out", "--input", "3x32x32")
    document = json.loads(eyeshot("show", "net.py:UNet", "--input", "3x32x32", "--json").stdout)
    out = next(layer for layer in document["layers"] if layer["name"] == "out")

    assert "differ in a fixed turn" in shown.stdout
    assert "Units of out differ in a fixed turn" in field.stdout
    assert out["field"]["regular"] is False
    assert len(out["field"]["phases"]) == 2
    assert max(out["field"]["phases"][0]) == out["field"]["size"][0]


def test_several_inputs_are_given_by_name(net: Path, eyeshot: Eyeshot) -> None:
    without = eyeshot("show", "net.py:Pair", "--input", "3x16x16")
    given = ["--input", "right=3x16x16", "--input", "left=3x16x16"]
    shown = eyeshot("show", "net.py:Pair", *given)
    document = json.loads(eyeshot("show", "net.py:Pair", *given, "--json").stdout)

    assert without.exit_code == 3
    assert "--input left=3x16x16 --input right=3x224x224" in without.stderr
    assert "fields are of the input right" in shown.stdout
    assert [each["name"] for each in document["network"]["inputs"]] == ["right", "left"]
    assert document["layers"][-1]["field"]["size"] == [5, 5]
    (command,) = [row.strip() for row in shown.stdout.splitlines() if row.strip().startswith("eyeshot field")]
    assert command == "eyeshot field net.py:Pair far --input right=3x16x16 --input left=3x16x16"
    assert eyeshot(*command.split()[1:]).exit_code == 0


def test_channels_last_and_its_own_axes(net: Path, eyeshot: Eyeshot) -> None:
    result = eyeshot("field", "net.py:ChannelsLast", "permute#2", "--input", "20x30x3:HWC", "--at", "3,5", "--json")

    assert json.loads(result.stdout)["clipped"] == [[3, 5], [5, 7]]


def test_an_error_of_the_user_s_own_comes_after_the_ledger_up_to_there(net: Path, eyeshot: Eyeshot) -> None:
    result = eyeshot("show", "net.py:wrong", "--input", "3x16x16")

    assert result.exit_code == 3
    assert "net.py:wrong, up to where it fails" in result.stdout
    assert "16×12×12" in result.stdout
    assert "in 4 (Linear with a weight of 10×100), which got 1×2304" in result.stderr
    assert eyeshot("show", "net.py:wrong", "--input", "3x16x16", "--json").stdout == ""


def test_a_network_read_in_part_ends_as_bounded_though_all_that_was_read_is_exact(
    tmp_path: Path, eyeshot: Eyeshot
) -> None:
    (tmp_path / "found.py").write_text(
        "import torch\n"
        "class Found(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.conv = torch.nn.Conv2d(3, 4, 3)\n"
        "    def forward(self, x):\n"
        "        scores = self.conv(x)\n        return scores[0] if bool((scores > 1e6).any()) else scores[:, :, :0]\n"
    )
    for words in (("show",), ("compare", "C3-4"), ("report", "-o", str(tmp_path / "a.html"))):
        result = eyeshot(words[0], f"{tmp_path}/found.py:Found", *words[1:], "--input", "3x8x8")

        assert result.exit_code == 4, result.output
        assert "the network was read in part, so that totals are at least; a note says where" in result.stderr
