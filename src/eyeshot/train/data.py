"""Images to train on, found by the name a user gives: `sample`, `fashion-mnist`, a folder or `data.py:factory`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from eyeshot.errors import DataError, UsageError
from eyeshot.opening import what_is_at
from eyeshot.read.module_names import is_module_name
from eyeshot.train import embedded, folder, given, idx
from eyeshot.train.dataset import Dataset
from eyeshot.train.fitting import CROP, way_given

__all__ = ["Dataset", "load"]

_SIZE = "?size="
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def load(spec: str) -> Dataset:
    """The data set that a name or a folder stands for.

    Args:
        spec: `sample` (comes with eyeshot), `fashion-mnist` (all of it), or a folder that holds either the
            four IDX files of MNIST's format or one folder of images per class. For a folder called like a
            name write `./sample`. `photos?size=20x30` are a folder's pictures at that height and width,
            `photos?size=20x30:pad` with black around them, `:stretch` with other proportions.
            `data.py:factory` is what the user's own code gives (see ``given.load``).

    Raises:
        DataError: nothing is there, or what is there cannot be used; the message names the file.
        UsageError: the size is none, or for images that have one.
        ReadError: the user's own code fails.
        MissingExtraError: images are to be read and Pillow is not installed.
    """
    if is_module_name(spec):
        return given.load(spec)
    spec, is_sized, text = spec.partition(_SIZE)
    size, way = way_given(text) if is_sized else (None, CROP)
    dataset = _loaded(spec, size, way)
    if size is not None and dataset.shape[1:] != size:
        raise UsageError(
            f"--size {text}: the images of {spec} are {dataset.shape[1]}x{dataset.shape[2]} already; it is for folders"
            " of pictures"
        )
    return dataset


def named(data: Any) -> str:
    """What a user gives for data, as a name for ``load``.

    Raises:
        UsageError: it is no name: each training reads the images by theirs, in a process of its own.
    """
    if isinstance(data, str | os.PathLike):
        return os.fspath(data)
    what = getattr(data, "__name__", type(data).__name__)
    factory = what if callable(data) and what.isidentifier() else "factory"
    raise UsageError(
        f"data {what}: each training reads the images by their name; write a function that makes them into a file,"
        f' and give it as "file.py:{factory}"'
    )


def at_size(spec: str, size: Any) -> str:
    """The name of the same pictures at a size, for ``load``; of one that says a size already, the new one."""
    if size is None:
        return spec
    if is_module_name(spec):
        raise UsageError(f"--size {size}: is for folders of pictures; let {spec} give its images at that size")
    sizes, way = way_given(size)
    # cropping is not written, so that studies which were begun before there were other ways go on
    return f"{spec.partition(_SIZE)[0]}{_SIZE}{'x'.join(map(str, sizes))}{'' if way == CROP else f':{way}'}"


def way_in(spec: str) -> str | None:
    """How the pictures of a name come to their size; None where it says no size, as those have one already."""
    _, is_sized, text = spec.partition(_SIZE)
    return way_given(text)[1] if is_sized else None


def _loaded(spec: str, size: tuple[int, int] | None, way: str) -> Dataset:
    if spec == "sample":
        return embedded.load()
    if spec == "fashion-mnist":
        return _fashion_mnist()
    path = Path(spec).expanduser()
    if not path.is_dir():
        raise DataError(
            f"data {spec!r}: {what_is_at(path)} there; give 'sample', 'fashion-mnist', a folder of class folders or"
            " file.py:factory"
        )
    paths = idx.find(path)
    name = path.resolve().name
    return idx.load(paths, name=name) if paths else folder.load(path, name=name, size=size, way=way)


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
