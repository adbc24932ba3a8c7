"""What a user's own code complains of is said as they would find it: their line, the exception's kind, its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeshot import inspect
from eyeshot.errors import ReadError

NETS = """\
import json
import sys

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, then):
        super().__init__()
        self.first, self.then = nn.Conv2d(3, 8, 3), then

    def forward(self, x):
        return self.then(self.first(x), x)


class Block(Net):
    pass


def looks_up(y, x): return {}["stem"]  # line 21
def joins(y, x): return torch.cat([x, y], 1)
def explains(y, x): raise ValueError("the first.\\n  the second\\nthe third")
def parses(y, x): return json.loads("{")
def leaves(y, x): sys.exit("enough")


def inner(then): return nn.Sequential(nn.Identity(), Block(then))


def quits(): sys.exit(4)  # line 31
def raises(): raise ValueError("one\\ntwo")
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    makers = [f"def net_{each}(): return Net({each})\ndef inner_{each}(): return inner({each})"
              for each in ("looks_up", "joins", "explains", "parses", "leaves")]  # fmt: skip
    path = tmp_path / "nets.py"
    path.write_text("\n".join((NETS, *makers)))
    return path


def _failure(name: str) -> ReadError:
    with pytest.raises(ReadError) as caught:
        inspect(f"nets.py:{name}", (3, 16, 16))
    return caught.value


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("looks_up", 21, "KeyError: 'stem'"),
        ("joins", 22, "RuntimeError: Sizes of tensors must match"),
        ("explains", 23, "ValueError: the first."),
        ("parses", 24, "JSONDecodeError: Expecting property name"),
        ("leaves", 25, "it calls sys.exit('enough'), which would end the program"),
    ],
)
def test_a_failure_in_forward_tells_line_kind_layer_and_shapes(name: str, line: int, words: str) -> None:
    at_the_top, within = _failure(f"net_{name}"), _failure(f"inner_{name}")

    assert f": in forward, after first gave 1×8×14×14: nets.py:{line}: {words}" in at_the_top.said
    assert f": in 1 (Block), which got 1×3×16×16, after 1.first gave 1×8×14×14: nets.py:{line}: {words}" in within.said


@pytest.mark.usefixtures("file")
def test_the_whole_text_of_an_exception_is_shown() -> None:
    assert _failure("net_explains").lines == ("    the second", "  the third")
    assert _failure("raises").lines == ("  two",)


@pytest.mark.usefixtures("file")
def test_what_a_factory_complains_of_is_told_with_its_line() -> None:
    assert _failure("quits").said == (
        "nets.py:quits: calling it without arguments failed: nets.py:31: it calls sys.exit(4), which would end the"
        " program"
    )
    assert _failure("raises").said.endswith("failed: nets.py:32: ValueError: one")


def test_a_file_that_fails_to_run_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ends.py").write_text("import sys\n\nsys.exit()\n")

    with pytest.raises(ReadError, match=r"running ends\.py failed: ends\.py:3: it calls sys\.exit\(None\)"):
        inspect("ends.py:net")


def test_inputs_that_lack_a_shape_are_named_and_those_with_one_are_kept(file: Path) -> None:
    with file.open("a") as more:
        more.write("\nclass Masked(Net):\n    def __init__(self): super().__init__(None)\n"
                   "    def forward(self, image, mask): return image\n")  # fmt: skip

    with pytest.raises(ReadError, match=r"needs 2 inputs \(image, mask\); no shape was given for mask: say") as caught:
        inspect("nets.py:Masked", {"image": (3, 20, 30)})

    assert "--input image=3x20x30 --input mask=3x224x224," in caught.value.said
