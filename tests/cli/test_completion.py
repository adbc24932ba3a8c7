"""What a shell proposes as one types: models of the zoo and of libraries, layers of a design; no model is run."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[2] / "src")


def _proposed(line: str) -> list[str]:
    """What bash would be given for a command line whose last word is being typed."""
    words = line.split(" ")
    environment = {"_EYESHOT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; from eyeshot.cli import main; sys.argv = ['eyeshot']\ntry: main()\n"
    code += "finally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment, "PYTHONPATH": SOURCE})  # fmt: skip
    assert done.stderr == ""
    return [each.partition(",")[2] for each in done.stdout.splitlines() if each]


@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("eyeshot sho", {"show"}),
        ("eyeshot show alexnet-o", {"alexnet-owt"}),
        ("eyeshot compare alexnet torchv", {"torchvision:"}),
        ("eyeshot field alexnet conv", {"conv1", "conv2", "conv3", "conv4", "conv5"}),
        ("eyeshot effective alexnet-28 fc", {"fc6", "fc7", "fc8"}),
        ("eyeshot field net.py:make ", set()),
    ],
)
def test_names_that_begin_so_are_proposed(line: str, proposed: set[str]) -> None:
    assert set(_proposed(line)) == proposed


@pytest.mark.skipif(find_spec("torchvision") is None, reason="needs torchvision's source")
def test_a_library_s_models_are_proposed_behind_its_name() -> None:
    assert {"torchvision:resnet18", "torchvision:resnet50"} <= set(_proposed("eyeshot show torchvision:resnet"))
