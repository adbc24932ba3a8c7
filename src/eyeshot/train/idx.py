"""Images and labels in the IDX format of MNIST: four files, plain or compressed.

Format: two zero bytes, a type byte (8: unsigned byte), the number of axes, each axis as a big-endian 32-bit
integer, then the bytes. Reference: Y. LeCun, C. Cortes, C. Burges, The MNIST database, section "IDX file
format".
"""

from __future__ import annotations

import gzip
import lzma
import os
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from eyeshot.errors import DataError
from eyeshot.opening import opened
from eyeshot.train.dataset import Dataset, Labels, Pixels

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_ENDINGS = ("", ".gz", ".xz")
_LARGEST = 16 << 30
"""Bytes that a file may unpack to: a header that asks for more is damaged or meant to do harm."""


def find(folder: Path) -> list[Path] | None:
    """The four files in the order of `STEMS`, or None where the folder holds none of them.

    Raises:
        DataError: some of the four are there and some are not.
    """
    paths = [_first_present(folder, stem) for stem in STEMS]
    if not any(paths):
        return None
    for stem, path in zip(STEMS, paths, strict=True):
        if path is None:
            raise DataError(f"{folder}: {stem}(.gz) is missing, while other files of the four are there; add it")
    return [path for path in paths if path is not None]


def _first_present(folder: Path, stem: str) -> Path | None:
    # What is there and no file is complained of when it is opened.
    return next((path for ending in _ENDINGS if os.path.lexists(path := folder / (stem + ending))), None)


def load(paths: list[Path], *, name: str, classes: tuple[str, ...] | None = None) -> Dataset:
    """The data set in four files, in the order of `STEMS`.

    Args:
        classes: the labels' names; without them labels are called by their number.

    Raises:
        DataError: a file is damaged or truncated, counts differ, or a label is out of range.
    """
    train_images, train_labels = _part(paths[0], paths[1])
    test_images, test_labels = _part(paths[2], paths[3])
    if train_images.shape[1:] != test_images.shape[1:]:
        raise DataError(
            f"{paths[2]}: images of {_size(test_images)} pixels, while {paths[0].name} holds {_size(train_images)}"
        )
    names = classes or tuple(str(label) for label in range(int(train_labels.max()) + 1))
    _check_labels(train_labels, len(names), paths[1], is_complete=True)
    _check_labels(test_labels, len(names), paths[3], is_complete=False)
    return Dataset(
        name=name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        classes=names,
    )


def _size(images: Pixels) -> str:
    return "×".join(str(length) for length in images.shape[2:])


def _part(images_path: Path, labels_path: Path) -> tuple[Pixels, Labels]:
    images, labels = read(images_path, axes=3), read(labels_path, axes=1)
    if len(images) != len(labels):
        raise DataError(
            f"{labels_path}: {len(labels)} labels for the {len(images)} images of {images_path.name}; "
            "the two files do not belong together"
        )
    if images.size == 0:
        raise DataError(f"{images_path}: holds no images")
    return images[:, None], labels.astype(np.int64)


def _check_labels(labels: Labels, classes: int, path: Path, *, is_complete: bool) -> None:
    """Labels must be 0 to classes − 1, and in the train part none may be left out."""
    if labels.max() >= classes:
        where = int(np.argmax(labels >= classes))
        raise DataError(
            f"{path}: image {where} has label {labels[where]}, while labels go from 0 to {classes - 1}; "
            "correct the label"
        )
    counts = np.bincount(labels, minlength=classes)
    if is_complete and not counts.all():
        missing = int(np.argmin(counts))
        highest = int(np.argmax(labels))
        raise DataError(
            f"{path}: no image has label {missing}, while image {highest} has label {labels[highest]}; "
            "labels must run from 0 without a gap, so correct the one or add images for the other"
        )
    if classes < 2:
        raise DataError(f"{path}: all labels are {labels[0]}; at least two classes are needed to learn anything")


def read(path: Path, *, axes: int) -> NDArray[np.uint8]:
    """The array in one IDX file of unsigned bytes.

    Raises:
        DataError: the file cannot be read, is not IDX with that many axes, or is longer or shorter than it
            says.
    """
    try:
        with opened(path) as stored, _unpacked(path, stored) as file:
            return _parse(file, path, axes)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); fetch the file again"
        ) from error


def _unpacked(path: Path, file: IO[bytes]) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(file, "rb"))
    return lzma.open(file, "rb") if path.suffix == ".xz" else file


def _parse(file: IO[bytes], path: Path, axes: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * axes)
    if len(header) < 4 + 4 * axes or header[:4] != bytes((0, 0, 8, axes)):
        raise DataError(
            f"{path}: begins with {header[:4].hex(' ') or 'nothing'}, where an IDX file of unsigned bytes "
            "with "
            f"{axes} {'axis' if axes == 1 else 'axes'} begins with 00 00 08 0{axes}; fetch the file again"
        )
    shape: tuple[int, ...] = struct.unpack(f">{axes}I", header[4:])
    length = int(np.prod(shape, dtype=object))
    if length > _LARGEST:
        raise DataError(f"{path}: its header asks for {length:.1e} bytes, which no such file holds; it is damaged")
    content = file.read(length + 1)
    if len(content) != length:
        follow = f"only {len(content)}" if len(content) < length else "more"
        raise DataError(f"{path}: its header says {length} bytes and {follow} follow; fetch the file again")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
