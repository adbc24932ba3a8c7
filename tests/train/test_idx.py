"""IDX files are read whole and right, or named with what is wrong."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import small

from eyeshot.errors import DataError
from eyeshot.train import data, embedded, idx

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = idx.STEMS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small.write_idx(tmp_path / "small", small.dataset())


def test_what_was_written_is_read(folder: Path) -> None:
    found, expected = data.load(str(folder)), small.dataset()

    assert found.name == "small"
    assert found.shape == (1, 8, 8)
    assert found.fingerprint == expected.fingerprint
    assert np.isclose(found.mean[0], expected.train_images.mean() / 255)
    assert np.isclose(found.std[0], expected.train_images.std() / 255)


def test_compressed_files_are_the_same_data(folder: Path) -> None:
    for stem in idx.STEMS:
        (folder / f"{stem}.gz").write_bytes(gzip.compress((folder / stem).read_bytes()))
        (folder / stem).unlink()

    assert data.load(str(folder)).fingerprint == small.dataset().fingerprint


def _cut(content: bytes) -> bytes:
    return content[:-5]


def _longer(content: bytes) -> bytes:
    return content + b"x"


def _text(content: bytes) -> bytes:
    return b"<html>not found</html>"


def _huge(content: bytes) -> bytes:
    return content[:4] + struct.pack(">3I", 2**31, 2**10, 2**10)


def _wrong_label(content: bytes) -> bytes:
    return content[:8] + b"\x07" + content[9:]


def _fewer(content: bytes) -> bytes:
    return small.encoded(np.frombuffer(content[8:-6], dtype=np.uint8))


def _one_class(content: bytes) -> bytes:
    return content[:8] + bytes(len(content) - 8)


def _none(content: bytes) -> bytes:
    return small.encoded(np.zeros((0, 8, 8), dtype=np.uint8))


def _narrow(content: bytes) -> bytes:
    return small.encoded(np.zeros((60, 8, 7), dtype=np.uint8))


@pytest.mark.parametrize(
    ("stem", "damage", "message"),
    [
        (IMAGES, _cut, rf"{IMAGES}: its header says 6144 bytes and only 6139 follow"),
        (IMAGES, _longer, rf"{IMAGES}: its header says 6144 bytes and more follow"),
        (IMAGES, _text, rf"{IMAGES}: begins with 3c 68 74 6d, where an IDX file"),
        (TEST_LABELS, _text, rf"{TEST_LABELS}: begins with 3c 68 74 6d"),
        (IMAGES, _huge, rf"{IMAGES}: its header asks for 2.3e\+15 bytes"),
        (LABELS, _wrong_label, rf"{LABELS}: no image has label 3, while image 0 has label 7"),
        (TEST_LABELS, _wrong_label, rf"{TEST_LABELS}: image 0 has label 7, while labels go from 0 to 2"),
        (LABELS, _fewer, rf"{LABELS}: 90 labels for the 96 images of {IMAGES}"),
        (LABELS, _one_class, rf"{LABELS}: all labels are 0; at least two classes"),
        (TEST_IMAGES, _none, rf"{TEST_LABELS}: 60 labels for the 0 images"),
        (TEST_IMAGES, _narrow, rf"{TEST_IMAGES}: images of 8×7 pixels, while {IMAGES} holds 8×8"),
    ],
)
def test_damage_is_named(folder: Path, stem: str, damage: Callable[[bytes], bytes], message: str) -> None:
    path = folder / stem
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DataError, match=message):
        data.load(str(folder))


@pytest.mark.parametrize("keep", [0, 11, 60])
def test_a_truncated_download_is_named(folder: Path, keep: int) -> None:
    path = folder / IMAGES
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(path.read_bytes())[:keep])
    path.unlink()

    with pytest.raises(DataError, match=rf"{IMAGES}.gz: .*; fetch the file again"):
        data.load(str(folder))


def test_a_set_without_images_is_named(folder: Path) -> None:
    (folder / TEST_IMAGES).write_bytes(small.encoded(np.zeros((0, 8, 8), dtype=np.uint8)))
    (folder / TEST_LABELS).write_bytes(small.encoded(np.zeros(0, dtype=np.uint8)))

    with pytest.raises(DataError, match=rf"{TEST_IMAGES}: holds no images"):
        data.load(str(folder))


def test_a_missing_one_of_the_four_is_named(folder: Path) -> None:
    (folder / TEST_LABELS).unlink()

    with pytest.raises(DataError, match=rf"{TEST_LABELS}\(.gz\) is missing"):
        data.load(str(folder))


def test_the_sample_is_balanced() -> None:
    sample = data.load("sample")

    assert sample.shape == (1, 28, 28)
    assert sample.classes == embedded.CLASSES
    assert np.bincount(sample.train_labels).tolist() == [1000] * 10
    assert np.bincount(sample.test_labels).tolist() == [200] * 10


def test_the_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in embedded.FOLDER.iterdir()) <= 5_000_000


def test_the_sample_comes_with_its_licence() -> None:
    text = (embedded.FOLDER / "LICENSE-fashion-mnist.txt").read_text("utf-8")

    assert "Copyright (c) 2017 Zalando SE" in text
    assert "The above copyright notice and this permission notice shall be included" in text


def test_a_changed_sample_is_refused(tmp_path: Path) -> None:
    for path in embedded.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / f"{TEST_LABELS}.xz").write_bytes(b"other")

    with pytest.raises(DataError, match=rf"{TEST_LABELS}.xz: not the file that came with eyeshot"):
        embedded.load(tmp_path)


def test_a_sample_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the sample is not whole .*; install eyeshot again"):
        embedded.load(tmp_path)
