"""docs/add-an-operation.md, followed literally: a bound becomes exact, and nothing else is needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/add-an-operation.md").read_text(encoding="utf-8")
PARTS, OP, RULE, CASE = (
    textwrap.dedent(code) for code in re.findall(r"^ *```python\n(.*?)^ *```", GUIDE, re.DOTALL | re.MULTILINE)
)
NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.before = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return torch.renorm(self.before(x), 2, 1, 0.5)
"""


def shown(source: Path, net: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eyeshot", "show", f"{net}:Net", "--input", "3x8x8"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONPATH": str(source), "PYTHONIOENCODING": "utf-8"},
    )


def insert(path: Path, after: str, line: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(after) == 1, f"{after!r} in {path.name}"
    path.write_text(text.replace(after, after + line), encoding="utf-8")


def append(path: Path, code: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("\n\n" + code)


@pytest.mark.slow
def test_an_op_without_a_rule_becomes_exact_by_the_steps_of_the_guide(tmp_path: Path) -> None:
    source = shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.xz"))
    net = tmp_path / "net.py"
    net.write_text(NET, encoding="utf-8")
    before = shown(source, net)

    ops, rules = source / "eyeshot/network/ops", source / "eyeshot/read/aten"
    append(ops / "pointwise.py", OP)
    insert(ops / "__init__.py", "import annotations\n", "\nfrom eyeshot.network.ops.pointwise import Renorm\n")
    insert(ops / "__init__.py", "OPS: tuple[type[Op], ...] = (\n", "    Renorm,\n")
    insert(ops / "__init__.py", "__all__ = [\n", '    "Renorm",\n')
    imports = "from eyeshot.network.ops import Renorm\nfrom eyeshot.read.aten.rules import axis_of\n"
    append(rules / "pointwise.py", imports + RULE)
    after = shown(source, net)

    assert before.returncode == 4, before.stderr
    assert "bound" in before.stdout
    assert "renorm" in before.stdout
    assert after.returncode == 0, after.stderr
    assert "bound" not in after.stdout
    assert "renorm" in after.stdout


def test_the_guide_s_examples_are_short() -> None:
    assert len(OP.splitlines()) + len(RULE.splitlines()) <= 15
    assert len(CASE.splitlines()) == 1


def test_the_guide_s_parts_are_those_of_the_source() -> None:
    assert PARTS in (ROOT / "src/eyeshot/read/aten/fused.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:\w+/)+\w+\.(?:py|js))`", GUIDE))))
def test_the_guide_s_files_are_there(path: str) -> None:
    assert (ROOT / "src/eyeshot" / path).is_file()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("analyse/cost.py", "_macs"),
        ("analyse/cost.py", "RECTIFIERS"),
        ("analyse/cost.py", "peak_activations"),
        ("report/wording.py", "op_words"),
        ("view/page/shapes.js", "RULES"),
        ("view/relation.py", "_SHAPING"),
        ("read/aten/pointwise.py", "POINTWISE"),
        ("read/aten/pointwise.py", "ARITHMETIC"),
    ],
)
def test_the_guide_s_names_are_there(path: str, name: str) -> None:
    assert f"`{name}`" in GUIDE
    assert re.search(rf"\b{name}\b", (ROOT / "src/eyeshot" / path).read_text(encoding="utf-8"))
