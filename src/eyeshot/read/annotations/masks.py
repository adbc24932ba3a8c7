"""Masks: an image per image, each object, or each class, a value of its own; 0 is background and 255 is nothing.

Touching pixels of one value are one object, as classes do not tell their objects apart; with more values than 256 each
is one object.
"""

from __future__ import annotations

import io

from eyeshot.errors import MissingExtraError
from eyeshot.read.annotations.boxes import Boxes

_VOID = 255
_MOST_PIXELS = 2**28
_MOST_CLASSES = 256


def read_mask(content: bytes, boxes: Boxes) -> None:
    """Take in the objects of one mask.

    Raises:
        ValueError: it is no image.
        MissingExtraError: Pillow or SciPy is not installed.
    """
    import numpy as np

    try:
        from PIL import Image, UnidentifiedImageError
        from scipy import ndimage
    except ImportError as error:
        raise MissingExtraError("reading masks", str(error.name or "Pillow"), "train") from None
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "TIFF", "BMP", "GIF")) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"a mask of {image.width:,}×{image.height:,} pixels is too large")
            values = np.asarray(image if image.mode in ("P", "L", "I", "I;16", "1") else image.convert("L"))
    except UnidentifiedImageError:
        raise ValueError("no mask: neither PNG, TIFF, BMP nor GIF, or damaged at its beginning") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"no mask: {error}") from None
    boxes.images += 1
    known, numbered = np.unique(values, return_inverse=True)
    if len(known) > _MOST_CLASSES:  # numbers of objects, not of classes: each value is one object
        every = ndimage.find_objects(numbered.reshape(values.shape) + 1)
        objects = [place for place, value in zip(every, known.tolist(), strict=True) if value]
    else:
        labels = (ndimage.label(values == value, np.ones((3, 3)))[0] for value in known if value not in (0, _VOID))
        objects = [place for labelled in labels for place in ndimage.find_objects(labelled)]
    for rows, columns in objects:
        boxes.add(rows.stop - rows.start, columns.stop - columns.start, values.shape)
