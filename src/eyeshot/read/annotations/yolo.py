"""YOLO's text: a line per object, its class, then centre and size or a polygon's corners, as shares of the image."""

from __future__ import annotations

from eyeshot.read.annotations.boxes import Boxes


def read_yolo(content: bytes, boxes: Boxes) -> None:
    """Take in the boxes of one image's file; its image is taken to have the input's shape, as lines give only shares.

    Raises:
        ValueError: it is none; in one line.
    """
    boxes.images += 1
    boxes.is_scaled = True
    height, width = boxes.extent
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise ValueError(f"line {number} is no object: a class and shares of the image, all numbers") from None
        if len(values) in (5, 6):  # predictions end with how sure they are
            boxes.add(values[4] * height, values[3] * width, None)
        elif len(values) >= 7 and len(values) % 2:
            xs, ys = values[1::2], values[2::2]
            boxes.add((max(ys) - min(ys)) * height, (max(xs) - min(xs)) * width, None)
        else:
            raise ValueError(
                f"line {number} has {len(values)} numbers; needed are a class and 4, or a polygon's corners"
            )
