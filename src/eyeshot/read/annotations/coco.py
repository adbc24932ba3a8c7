"""COCO's JSON: images with their sizes, annotations with boxes as x, y, width and height."""

from __future__ import annotations

from typing import Any

import msgspec

from eyeshot.read.annotations.boxes import Boxes


class _Image(msgspec.Struct):
    id: Any = None
    width: Any = None
    height: Any = None


class _Annotation(msgspec.Struct):
    bbox: Any = None
    image_id: Any = None
    iscrowd: Any = 0


class _Coco(msgspec.Struct):
    """What is used of a file; all else, such as outlines, is passed over unread."""

    annotations: list[_Annotation]
    images: list[_Image] = []


def read_coco(content: bytes, boxes: Boxes) -> None:
    """Take in the boxes of a COCO file.

    Raises:
        ValueError: it is none; in one line.
    """
    try:
        document = msgspec.json.decode(content, type=_Coco)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"no COCO file: {error}") from None
    sizes = {_key(image.id): _size(image.height, image.width) for image in document.images}
    boxes.images = len(sizes)
    for each in document.annotations:
        if each.iscrowd:
            boxes.left_out["crowds"] += 1
        elif document.images and _key(each.image_id) not in sizes:
            boxes.left_out["without their image"] += 1
        elif not (isinstance(each.bbox, list) and len(each.bbox) == 4 and all(map(_is_number, each.bbox))):
            boxes.left_out["without a box"] += 1
        else:
            boxes.add(float(each.bbox[3]), float(each.bbox[2]), sizes.get(_key(each.image_id)))


def _key(name: Any) -> Any:
    return name if isinstance(name, int | str) else None


def _size(height: Any, width: Any) -> tuple[float, float] | None:
    if _is_number(height) and _is_number(width) and height >= 1 and width >= 1:
        return float(height), float(width)
    return None


def _is_number(value: Any) -> bool:
    return type(value) in _NUMBERS and -1e12 < value < 1e12


_NUMBERS = frozenset({int, float})
