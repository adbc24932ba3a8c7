"""`eyeshot sizes` as typed: what fits, why not, and the command that works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Eyeshot

SIZES = ["schema", "network", "asked", "fits", "why", "axes", "sizes", "tried"]
NET = """
import torch
from torch import nn

class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(1, 1, 2, 2), nn.ConvTranspose2d(1, 1, 2, 2)

    def forward(self, x):
        return x + self.up(self.down(x))
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(NET)
    return f"{tmp_path / 'net.py'}:Skip"


def test_a_size_that_does_not_fit_is_told_with_why_and_the_command_for_one_that_does(
    net: str, eyeshot: Eyeshot
) -> None:
    result = eyeshot("sizes", net, "--input", "1x31x31")

    assert result.exit_code == 0
    assert "input 31×31 does not fit" in result.stdout
    assert "(add of input (1×31×31) and up (1×30×30))" in result.stdout
    assert "multiples of 2" in result.stdout
    assert result.stdout.endswith("--input 1x32x32\n")


def test_the_document_has_what_fits_and_what_comes_out(net: str, eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("sizes", net, "--input", "1x31x31", "--json").stdout)

    assert list(document) == SIZES
    assert (document["schema"], document["asked"], document["fits"]) == ("eyeshot.sizes/1", [31, 31], False)
    assert [axis["fits"] for axis in document["axes"]] == [[{"smallest": 2, "multiple": 2, "largest": None}]] * 2
    assert document["sizes"][-1] == {"input": [32, 32], "outputs": {"add": [1, 32, 32]}, "unread": []}


def test_any_other_verb_names_the_input_that_fits(net: str, eyeshot: Eyeshot) -> None:
    result = eyeshot("show", net, "--input", "1x31x31")

    assert result.exit_code == 3
    assert "it takes --input 1x32x32 (eyeshot sizes lists what fits)" in result.stderr


def test_a_design_too_large_for_its_input_points_at_the_layer_and_is_told_in_full(eyeshot: Eyeshot) -> None:
    result = eyeshot("sizes", "C11p0-8 C11p0-8", "--input", "1x15x15")

    assert result.exit_code == 0
    assert "every size from 21 on" in result.stdout
    assert "C11p0-8: its kernel spans 11×11" in result.stdout
