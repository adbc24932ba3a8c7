"""Files and models of JAX where PyTorch is not installed: each verb answers, or says what cannot be had of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.keras.models import keras, model_of
from tests.keras.test_files import archive, hdf5

SOURCE = str(Path(__file__).parents[2] / "src")
FACTORY = """
def net():
    import jax, numpy as np
    kernel = np.ones((3, 3, 3, 4), "f4")
    return lambda x: jax.nn.relu(jax.lax.conv(x.transpose(0, 3, 1, 2), kernel.transpose(3, 2, 0, 1), (1, 1), "SAME"))
"""
RUNNER = """
import contextlib, io, json, sys
from importlib.machinery import PathFinder
class Rest(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "torch" else super().find_spec(name, path, target)
sys.meta_path[:] = [Rest if finder is PathFinder else finder for finder in sys.meta_path]
from eyeshot.cli import main
told = []
for words in json.load(sys.stdin):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code
    told.append([code or 0, out.getvalue(), errors.getvalue()])
json.dump(told, sys.stdout)
"""

ANSWERED = [
    *(["show", name] for name in ("net.onnx", "net.keras", "net.h5", "net.py:net --input 16x16x3")),
    ["field", "net.onnx", "conv", "--json"],
    ["why", "net.h5", "conv"],
    ["report", "net.onnx", "net.keras", "--input", "3x16x16", "-o", "page.html"],
    ["report", "net.py:net", "--input", "16x16x3", "-o", "jax.html"],
    ["compare", "net.onnx", "net.keras", "--input", "3x16x16"],
    ["compare", "net.py:net", "net.keras", "--input", "3x16x16"],
    ["tile", "net.onnx", "--tile", "8x8"],
    ["tile", "net.onnx", "--tile", "8x8", "--tolerance", "0.5"],
    ["tile", "net.keras", "--input", "3x16x16", "--tile", "8x8"],
    ["effective", "net.onnx"],
    ["effective", "net.py:net", "--input", "16x16x3"],
    ["advise", "net.keras"],
    ["sizes", "net.py:net", "--input", "16x16x3"],
    ["check", "net.onnx", "--params-max", "1k"],
]
REFUSED = [
    (["effective", "net.onnx", "--source", "init"], 5, "pip install 'eyeshot[torch]'"),
    (["effective", "net.py:net", "--source", "init"], 3, "no torch.nn.Module"),
    (["tile", "net.py:net", "--tile", "8x8"], 3, "no torch.nn.Module"),
    (["rewrite", "net.py:net", "stem:fine"], 3, "no torch.nn.Module"),
    (["rewrite", "net.onnx", "stem:fine"], 2, "a file is only read"),
    (["compare", "net.onnx", "net.keras", "--train"], 2, "a file is only read"),
]


def _files(folder: Path) -> None:
    text = model_of(lambda x: keras.layers.Conv2D(4, 3, padding="same", name="conv")(x), (None, None, 3)).to_json()
    archive(folder / "net.keras", text)
    hdf5(text, folder / "net.h5")
    (folder / "net.py").write_text(FACTORY)
    sizes = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, width, 16, 16])
        for name, width in (("x", 3), ("y", 4))
    ]
    weight = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [4, 3, 3, 3], [1.0] * 108)
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[1, 1, 1, 1])
    graph = onnx.helper.make_graph([node], "net", sizes[:1], sizes[1:], [weight])
    onnx.save(onnx.helper.make_model(graph), folder / "net.onnx")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """What each command says, all in one process that cannot import PyTorch."""
    folder = tmp_path_factory.mktemp("nets")
    _files(folder)
    commands = [" ".join(words).split() for words in (*ANSWERED, *(words for words, *_ in REFUSED))]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE, "JAX_PLATFORMS": "cpu"},
    )
    said: list[Any] = json.loads(done.stdout)
    return {" ".join(words): tuple(each) for words, each in zip(commands, said, strict=True)}


@pytest.mark.parametrize("command", [" ".join(words) for words in ANSWERED])
def test_a_verb_answers(command: str, told: dict[str, tuple[int, str, str]]) -> None:
    code, out, errors = told[command]

    assert code == 0, errors
    assert out.strip()


@pytest.mark.parametrize(("words", "code", "message"), REFUSED, ids=[" ".join(words) for words, *_ in REFUSED])
def test_what_cannot_be_had_is_said_and_no_library_that_would_not_help_is_asked_for(
    words: list[str], code: int, message: str, told: dict[str, tuple[int, str, str]]
) -> None:
    found, out, errors = told[" ".join(words)]

    assert found == code
    assert message in errors
    assert ("pip install" in errors) is (code == 5)
    assert not out
