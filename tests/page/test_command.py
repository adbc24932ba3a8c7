"""`eyeshot report` writes the page, never over a file unless told, and shows what was measured and trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import eyeshot
from eyeshot.cli import main
from eyeshot.view.export import page as html_page
from tests.page.conftest import Open


def run(*words: str) -> Any:
    return CliRunner().invoke(main, ["report", *words])


def test_it_writes_one_file_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    result = run("alexnet", "-o", str(path))

    assert result.exit_code == 0
    assert result.stdout == f"{path}\n"
    assert result.stderr == ""
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["alexnet", "-o", "a.png"], "the page is HTML; give a name that ends in .html"),
        (["alexnet", "-o", "none/a.html"], "there is no folder none"),
        (["alexnet", "-o", "a.html", "--image", "no.png"], "no.png could not be read"),
        (["alexnet", "-o", "a.html", "--effective", "no.json"], "no.json could not be read"),
        (["alexnet", "-o", "a.html", "--run", "nowhere"], "nowhere holds no study"),
        (["-o", "a.html", "--run", "nowhere", "--decide"], "nowhere holds no study"),
        (["alexnet", "-o", "a.html", "--objects", "9-3"], "give the smallest and the largest size"),
        (["alexnot", "-o", "a.html"], "did you mean"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("mine")

    assert run("alexnet", "-o", str(path)).exit_code == 2
    assert path.read_text() == "mine"
    assert run("alexnet", "-o", str(path), "--force").exit_code == 0


def measured(**changes: Any) -> dict[str, Any]:
    """Half of it in one pixel, an eighth in each of four around."""
    return {
        "schema": "eyeshot.effective/1",
        "network": {"name": "alexnet", "source": "alexnet", "input": [3, 227, 227]},
        "layer": "conv5",
        "source": "init",
        "measure": "abs",
        "unit": None,
        "runs": {"images": 8, "seeds": 3, "weights": None},
        "map": {"start": [-1, -1], "shape": [3, 3], "values": [0, 0.125, 0, 0.125, 0.5, 0.125, 0, 0.125, 0]},
    } | changes


def test_a_measured_field_stands_over_the_unit_and_names_its_source(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "measured.html"
    path.write_text(html_page([eyeshot.inspect("alexnet")], effective=[measured()]), encoding="utf-8")
    page = opened("C3-4")
    page.goto(path.as_uri())

    assert "half of what it uses lies in 1×1" in page.answer
    more = page.tab.inner_text(".sentence-more")
    assert "measured: gradients at random weights, 8 images, 3 seeds, mean over units" in more

    page.goto(path.as_uri() + "#tab=effective&use=-")
    page.tab.reload()
    page.settle()
    assert "half of what it uses lies in 58×58" in page.answer


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "eyeshot.effective/9"}, "needed is a document of schema eyeshot.effective/1"),
        ({"map": {"start": [0, 0], "shape": [3, 3], "values": [1, 2]}}, "2 numbers for a map of 3×3"),
        ({"layer": None, "map": {}}, "incomplete or wrong: Expected `str`, got `null` - at `$.layer`"),
    ],
)
def test_a_document_that_is_none_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(measured(**changes)))
    result = run("alexnet", "-o", str(tmp_path / "a.html"), "--effective", str(path))

    assert result.exit_code == 2
    assert message in result.stderr


def test_what_eyeshot_effective_prints_is_shown(opened: Open, tmp_path: Path) -> None:
    document = CliRunner().invoke(main, ["effective", "C3-8 C3-8 P2 C3-8", "conv3", "--input", "1x32x32", "--json"])
    assert document.exit_code == 0, document.stderr
    (tmp_path / "e.json").write_text(document.stdout, encoding="utf-8")
    found = json.loads(document.stdout)
    path = tmp_path / "a.html"
    words = ["C3-8 C3-8 P2 C3-8", "--input", "1x32x32", "-o", str(path), "--effective", str(tmp_path / "e.json")]
    assert run(*words).exit_code == 0
    page = opened("C3-4")
    page.goto(path.as_uri() + f"#layer={found['layer']}")

    assert "measured: path density" in page.tab.inner_text(".sentence-more")
    assert page.complaints == []
