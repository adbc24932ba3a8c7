"""Every --json document is what its published JSON Schema says, and has no key that it does not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeshot.errors import UsageError
from eyeshot.schemas import KINDS, schema
from tests.cli.conftest import GOLDEN, Eyeshot

jsonschema = pytest.importorskip("jsonschema")
NET = """
import torch
from torch import nn
class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1)
        self.up = nn.Upsample(scale_factor=2)
    def forward(self, x, y):
        x = self.conv(x) + self.conv(y)
        return self.up(x * self.pool(x).sigmoid()), x
def plain(): return nn.Conv2d(1, 2, 3, padding=1)
"""
_GATED = ["--input", "x=3x12x12", "--input", "y=3x12x12"]
COMMANDS = [
    ["show", "alexnet"],
    ["show", "resnet18"],
    ["show", "C9s2-8 C9d2-8 F3", "--input", "1x400"],
    ["show", "C3-4 C3s2-4", "--input", "1x8x9x10"],
    ["show", "net.py:Gated", *_GATED],
    ["show", "net.py:Gated", *_GATED, "--lines"],
    ["field", "alexnet", "conv5", "--at", "0,12"],
    ["field", "alexnet", "fc6"],
    ["field", "net.py:Gated", "mul", *_GATED],
    ["why", "alexnet", "conv5"],
    ["why", "net.py:Gated", "up", *_GATED],
    ["sizes", "alexnet"],
    ["effective", "C3-8 C3-8", "--input", "1x16x16"],
    ["effective", "C3-8 C3-8", "--input", "1x16x16", "--source", "init", "--seeds", "2", "--measure", "positive"],
    ["effective", "C3-8 C3-8", "--input", "1x32", "--unit", "all"],
    ["compare", "alexnet", "alexnet-alternating"],
    ["compare", "--scores", "a.csv", "b.csv"],
    ["advise", "resnet18", "--input", "3x32x32"],
    ["advise", "patchgan", "--objects", "4-900"],
    ["rewrite", "C5-8 P2 C3-8", "pool-to-stride:pool1", "--input", "3x32x32"],
    ["design", "--input", "3x64x64", "--field", "20-24", "--layers", "2-3"],
    ["check", "alexnet", "--field", "conv5=163", "--macs-max", "1G"],
    ["tile", "C3-8 P2 C3-8", "--input", "1x256x256", "--tile", "64x64"],
    ["tile", "alexnet", "--input", "3x512x512"],
    ["tile", "C3-8 P2 C3-8", "--input", "1x64x64", "--split-after", "conv2"],
    ["tile", "net.py:plain", "--run", "in.npy", "-o", "out.npy", "--tile", "32x32"],
    ["advise", "resnet18", "--input", "3x32x32"],
    ["advise", "alexnet", "--objects", "32-180"],
    ["rewrite", "--list"],
    ["models"],
    ["doctor"],
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    Path("a.csv").write_text("1,90\n2,91\n3,92\n")
    Path("b.csv").write_text("1,91\n2,91.5\n3,93\n")
    np.save("in.npy", np.zeros((1, 64, 64), np.float32))
    return tmp_path


def _check(document: dict[str, Any]) -> None:
    kind = document["schema"].removeprefix("eyeshot.").partition("/")[0]
    jsonschema.Draft202012Validator(schema(kind)).validate(document)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", COMMANDS, ids=[" ".join(words) for words in COMMANDS])
def test_a_document_is_what_its_schema_says(words: list[str], eyeshot: Eyeshot) -> None:
    result = eyeshot(*words, "--json")

    assert result.exit_code in (0, 4), result.stderr
    _check(json.loads(result.stdout))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_a_recorded_document_is_what_its_schema_says(path: Path) -> None:
    _check(json.loads(path.read_text("utf-8")))


def test_every_document_s_schema_is_one_and_is_printed(eyeshot: Eyeshot) -> None:
    for name in KINDS:
        printed = json.loads(eyeshot("schema", name).stdout)

        jsonschema.Draft202012Validator.check_schema(printed)
        assert printed == schema(name)
    assert [line.split()[0] for line in eyeshot("schema").stdout.splitlines()] == list(KINDS)


def test_keys_that_are_not_declared_or_are_missing_are_wrong(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("field", "alexnet", "conv5", "--json").stdout)
    more, less = copy.deepcopy(document), copy.deepcopy(document)
    more["footprint"]["extra"] = 1
    del less["clipped"]

    for wrong in (more, less):
        with pytest.raises(jsonschema.ValidationError):
            _check(wrong)


def test_an_unknown_document_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no document is called 'fields'; there are network, field, why"):
        schema("fields")
