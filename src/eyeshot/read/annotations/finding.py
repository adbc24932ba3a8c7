"""From what a user names as objects to their sizes: a range such as 32-180, a file, or a folder of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from eyeshot.documents import reason
from eyeshot.errors import DataError
from eyeshot.opening import read, what_is_at
from eyeshot.read.annotations.boxes import Boxes
from eyeshot.read.annotations.coco import read_coco
from eyeshot.read.annotations.masks import read_mask
from eyeshot.read.annotations.voc import read_voc
from eyeshot.read.annotations.yolo import read_yolo

Reader = Callable[[bytes, Boxes], None]
_READERS: dict[str, Reader] = {
    ".json": read_coco,
    ".xml": read_voc,
    ".txt": read_yolo,
    ".png": read_mask,
    ".bmp": read_mask,
    ".tif": read_mask,
    ".tiff": read_mask,
    ".gif": read_mask,
}
_KINDS = "COCO's .json, VOC's .xml, YOLO's .txt, or masks (.png)"
_MOST_FILES = 1_000_000
_MOST_BYTES = {".json": 2**31, ".xml": 2**24, ".txt": 2**26}
_NO_OBJECTS = frozenset({"classes.txt", "labels.txt", "train.txt", "val.txt", "test.txt", "trainval.txt", "readme.txt"})
"""Files that stand beside YOLO's labels and hold none."""


def boxes_at(path: Path, extent: tuple[int, int]) -> Boxes:
    """The objects of a file or of all files in a folder, in pixels of an input of ``extent`` = (height, width).

    Of a folder the files of one kind count: XML before text before masks, as pictures may lie beside either.

    Raises:
        DataError: there is nothing of the kind, or a file is damaged; names it.
    """
    boxes = Boxes(extent)
    there = what_is_at(path)
    if there == "a folder":
        paths = _of_one_kind(path)
    elif there == "a file":
        if path.suffix.lower() not in _READERS:
            raise DataError(f"{path}: objects are in {_KINDS}, or a range such as 32-180")
        paths = [path]
    else:
        raise DataError(f"{path} is {there}; objects are a range such as 32-180, or in {_KINDS}")
    for each in paths:
        _read(each, boxes)
    if not boxes.shorter:
        out = ", ".join(f"{count:,} {why}" for why, count in boxes.left_out.items())
        raise DataError(f"{path} has no objects{f' but such as are left out: {out}' if out else ''}")
    return boxes


def _read(path: Path, boxes: Boxes) -> None:
    suffix = path.suffix.lower()
    try:
        if path.stat().st_size > _MOST_BYTES.get(suffix, 2**28):
            raise ValueError(f"more than {_MOST_BYTES.get(suffix, 2**28) // 2**20:,} MiB")
        _READERS[suffix](read(path), boxes)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {reason(error)}") from None


def _of_one_kind(folder: Path) -> list[Path]:
    by_suffix: dict[str, list[Path]] = {}
    for count, path in enumerate(_files(folder), start=1):
        if count > _MOST_FILES:
            raise DataError(f"{folder} has more than {_MOST_FILES:,} files")
        if path.name.lower() not in _NO_OBJECTS:
            by_suffix.setdefault(path.suffix.lower(), []).append(path)
    for suffix in _READERS:
        if suffix in by_suffix:
            return sorted(by_suffix[suffix])
    raise DataError(f"{folder} has no annotations; they are {_KINDS}")


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):  # links to folders are not followed: they may lead in a circle
        folders.sort()
        yield from (Path(place) / name for name in files)
