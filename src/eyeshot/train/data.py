"""Images to train on, found by the name a user gives: `sample`, `fashion-mnist` or a folder."""

from __future__ import annotations

import os
from pathlib import Path

from eyeshot.errors import DataError
from eyeshot.opening import what_is_at
from eyeshot.train import embedded, folder, idx
from eyeshot.train.dataset import Dataset

__all__ = ["Dataset", "load"]

_DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def load(spec: str) -> Dataset:
    """The data set that a name or a folder stands for.

    Args:
        spec: `sample` (comes with eyeshot), `fashion-mnist` (all of it), or a folder that holds either the
            four IDX files of MNIST's format or one folder of images per class. For a folder called like a
            name write `./sample`.

    Raises:
        DataError: nothing is there, or what is there cannot be used; the message names the file.
        MissingExtraError: images are to be read and Pillow is not installed.
    """
    if spec == "sample":
        return embedded.load()
    if spec == "fashion-mnist":
        return _fashion_mnist()
    path = Path(spec).expanduser()
    if not path.is_dir():
        raise DataError(
            f"data {spec!r}: {what_is_at(path)} there; give 'sample', 'fashion-mnist' or a folder of class folders"
        )
    paths = idx.find(path)
    name = path.resolve().name
    return idx.load(paths, name=name) if paths else folder.load(path, name=name)


def _fashion_mnist() -> Dataset:
    folder = os.environ.get("EYESHOT_DATA")
    places = [Path(folder) / "fashion-mnist", _DEBIAN] if folder else [_DEBIAN]
    for place in places:
        if place.is_dir() and (paths := idx.find(place)):
            return idx.load(paths, name="fashion-mnist", classes=embedded.CLASSES)
    raise DataError(
        f"data 'fashion-mnist': not in {' or '.join(map(str, places))}; install Debian's package "
        "dataset-fashion-mnist, "
        "set EYESHOT_DATA to the folder above it, or give the folder that holds its four files"
    )
