"""The documents for contributors, followed literally: code runs, files are there, links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import eyeshot
from eyeshot.design.named import network_named
from eyeshot.errors import ReadError

ROOT = Path(__file__).parents[2]
GUIDES = ("docs/how-it-works.md", "docs/add-an-analysis.md", "docs/add-a-reader.md", "CONTRIBUTING.md")


def text_of(guide: str) -> str:
    return (ROOT / guide).read_text(encoding="utf-8")


def code_of(guide: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text_of(guide), re.DOTALL | re.MULTILINE)


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
    network = eyeshot.inspect("torchvision:resnet18", (3, 64, 64)).network

    # 7×7 stem, pool, and two 3×3 in each of eight blocks; the last pool is a mean over all
    assert analysis()["windows_deep"](network, gates=False)[network.output.name] == 1 + 1 + 16


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


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", text_of(guide)):
        assert ((ROOT / guide).parent / target).exists(), target
