"""A name or a folder leads to images, or to an error that says what to do."""

from __future__ import annotations

import importlib.util
import lzma
from pathlib import Path
from typing import Any

import pytest
import small

from eyeshot.errors import DataError
from eyeshot.train import data, embedded, idx

SOURCE = Path("/usr/share/datasets/fashion-mnist")
needs_source = pytest.mark.skipif(not SOURCE.is_dir(), reason=f"no {SOURCE}: apt install dataset-fashion-mnist")


def test_a_name_that_is_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="data 'fashion': nothing there; give 'sample', 'fashion-mnist', a folder"):
        data.load("fashion")


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    path.touch()

    with pytest.raises(DataError, match=r"images.zip': a file there; give"):
        data.load(str(path))


def test_fashion_mnist_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.write_idx(tmp_path / "fashion-mnist", small.dataset())
    monkeypatch.setenv("EYESHOT_DATA", str(tmp_path))

    with pytest.raises(DataError, match=r"fashion-mnist/train-labels.*: no image has label 3"):
        data.load("fashion-mnist")


def test_a_missing_fashion_mnist_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_DEBIAN", tmp_path / "nowhere")

    with pytest.raises(DataError, match="install Debian's package dataset-fashion-mnist"):
        data.load("fashion-mnist")


@needs_source
def test_fashion_mnist_is_read_whole() -> None:
    full = data.load("fashion-mnist")

    assert full.train_images.shape == (60_000, 1, 28, 28)
    assert full.test_images.shape == (10_000, 1, 28, 28)
    assert round(full.mean[0], 4) == 0.2860
    assert round(full.std[0], 4) == 0.3530


@needs_source
def test_the_sample_is_what_its_script_makes() -> None:
    script = _script()

    made = script.contents(SOURCE)

    for stem in idx.STEMS:
        assert made[stem] == lzma.decompress((embedded.FOLDER / f"{stem}.xz").read_bytes())


def _script() -> Any:
    path = Path(__file__).parents[2] / "scripts" / "make_sample.py"
    specification = importlib.util.spec_from_file_location("make_sample", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
