"""The notebooks run from top to bottom, and show what their words say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SHOWN = {
    "01-first-look": [
        "163×163",
        "size (163, 163) stride (16, 16)",
        "387×387 (conv5)",
        "+81.5 %",
        "what it uses (density)",
    ],
    "02-your-own-module": ["the network itself agrees in all 4096 pixels", "sees 1025 pixels"],
    "03-compare-and-train-small": [
        "alexnet-28 against alexnet-28-alternating",
        "seed 2",
        "Test accuracy: alexnet-28",
        "pools.html</a>",
    ],
}
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_every_notebook_is_known_to_these_tests() -> None:
    assert [path.stem for path in NOTEBOOKS] == sorted(SHOWN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))

    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert path.read_text(encoding="utf-8") == json.dumps(document, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.slow
# The kernel's own libraries warn of what neither we nor the reader can change.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_says(path: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    notebook = nbformat.read(path, as_version=4)

    client(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()

    text = "\n".join(shown for cell in notebook.cells for output in cell.get("outputs", []) for shown in texts(output))
    assert [words for words in SHOWN[path.stem] if words not in text] == []


def texts(output: Any) -> list[str]:
    """What a reader sees of one output."""
    if output.output_type == "stream":
        return [output.text] if output.name == "stdout" else []
    return [str(content) for kind, content in output.data.items() if kind.startswith("text/")]
