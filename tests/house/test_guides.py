"""The documents for contributors, followed literally: code runs, files are there, links lead somewhere."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import eyeshot
from eyeshot.design.named import network_named
from eyeshot.errors import ReadError
from tests.cli.conftest import Eyeshot
from tests.cli.conftest import eyeshot as command

__all__ = ["command"]

ROOT = Path(__file__).parents[2]
GUIDES = ("docs/how-it-works.md", "docs/add-an-analysis.md", "docs/add-a-reader.md", "CONTRIBUTING.md")


def text_of(guide: str) -> str:
    return (ROOT / guide).read_text(encoding="utf-8")


def code_of(guide: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text_of(guide), re.DOTALL | re.MULTILINE)


def block_of(kind: str) -> list[str]:
    (block,) = re.findall(rf"^```{kind}\n(.*?)^```", text_of("docs/how-it-works.md"), re.DOTALL | re.MULTILINE)
    return str(block).splitlines()


def run(code: str, **names: Any) -> dict[str, Any]:
    scope = {"__name__": "guide", **names}
    exec(compile(code, "guide", "exec"), scope)
    return scope


def analysis() -> dict[str, Any]:
    return run(code_of("docs/add-an-analysis.md")[0])


def statements() -> list[Callable[[], None]]:
    scope = run(code_of("docs/add-an-analysis.md")[1], network_named=network_named, **analysis())
    return [value for name, value in scope.items() if name.startswith("test_")]


def test_the_analysis_passes_the_tests_beside_it_and_has_no_gap() -> None:
    tests = statements()

    for test in tests:
        test()

    assert len(tests) == 2
    assert analysis()["_rules"].gaps == ()


def test_the_analysis_reads_modules_as_well() -> None:
    from torch import nn

    module = nn.Sequential(nn.Conv2d(3, 8, 7), nn.MaxPool2d(2), nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 3))
    network = eyeshot.inspect(module, (3, 64, 64)).network

    assert analysis()["windows_deep"](network)[network.output.name] == 3


def test_the_reader_s_network_is_seen_and_costs_as_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    reader, use = code_of("docs/add-a-reader.md")
    scope = run(reader)

    report = run(use, eyeshot=eyeshot, read_toml=scope["read_toml"])["report"]

    twin = eyeshot.inspect("C7s2-64 C3-64", (3, 224, 224))
    layers = [(layer.field, layer.data.field, layer.params, layer.macs) for layer in twin]
    assert [(layer.field, layer.data.field, layer.params, layer.macs) for layer in report] == layers
    assert capsys.readouterr().out == "(11, 11) 118013952\n"


@pytest.mark.parametrize("text", ["", "layer = 3", "[[layer]]\nname = 'x'", "[[layer]]\nname='x'\nkernel=9\nwidth=0"])
def test_the_reader_refuses_in_words_what_is_no_list_of_layers(text: str) -> None:
    read_toml = run(code_of("docs/add-a-reader.md")[0])["read_toml"]

    with pytest.raises(ReadError, match="toml"):
        read_toml(text, (3, 8, 8))


@pytest.mark.parametrize(
    "path", sorted({path for g in GUIDES for path in re.findall(r"\b(?:[a-z_]+/)+[a-z_]+\.(?:py|js)\b", text_of(g))})
)
def test_the_files_that_guides_name_are_there(path: str) -> None:
    assert (ROOT / "src/eyeshot" / path).is_file()


@pytest.mark.parametrize(
    "path", sorted({path for g in GUIDES for path in re.findall(r"`((?:tests|benchmarks)/[a-z_/]*)`", text_of(g))})
)
def test_the_directories_that_guides_name_are_there(path: str) -> None:
    assert (ROOT / path).is_dir()


def test_the_functions_of_the_walk_are_called_in_its_order(command: Eyeshot) -> None:
    steps = [tuple(line.split()[:2]) for line in block_of("walk")]
    called: dict[tuple[str, ...], None] = {}

    def note(frame: FrameType, event: str, argument: object) -> None:
        _, inside, path = frame.f_code.co_filename.replace("\\", "/").rpartition("/src/eyeshot/")
        if event == "call" and inside:
            called.setdefault((path, frame.f_code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        printed = command("show", "alexnet").output
    finally:
        sys.setprofile(before)

    assert [step for step in called if step in steps] == steps
    assert re.search(r"^conv5 .* 163×163 ", printed, re.MULTILINE)


def test_the_layers_are_those_that_imports_are_checked_against() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]

    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert block_of("layers") == [layer.replace("eyeshot.", "") for layer in layers]


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", text_of(guide)):
        assert ((ROOT / guide).parent / target).exists(), target
