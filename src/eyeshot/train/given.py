"""Images that the user's own code gives: `data.py:factory`, which makes two sets, to train and to test on.

A set is a ``torch.utils.data.Dataset``, or anything else with a length that gives pairs of an image and a class by
number. All of it is read once, so what a set draws at random is drawn once; `--augment` moves images anew each epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyeshot.complaints import complaint
from eyeshot.errors import DataError, ReadError
from eyeshot.read.loading import load_module
from eyeshot.train.dataset import Dataset, Labels, Pixels
from eyeshot.train.memory import check_memory

_MODES = ("L", "RGB")


def load(spec: str) -> Dataset:
    """The data set that a user's factory makes.

    The factory returns two sets, as a pair or as ``{"train": …, "test": …}``. An image is Pillow's in mode L or RGB, an
    array of bytes (height, width) or (height, width, 1 or 3), or a tensor (1 or 3, height, width) of bytes or of
    numbers from 0 to 1; classes are numbers from 0 on, named by the train set's ``classes`` where it has them.

    Raises:
        ReadError: there is no such factory, or it fails.
        DataError: what it gives cannot be used; the message says which set and which image.
    """
    made = load_module(spec)
    train, test = _sets(spec, made)
    names = getattr(train, "classes", None)
    train_images, train_labels = _read_all(f"{spec}: train", train)
    test_images, test_labels = _read_all(f"{spec}: test", test)
    if train_images.shape[1:] != test_images.shape[1:]:
        shapes = ["×".join(map(str, images.shape[1:])) for images in (train_images, test_images)]
        raise DataError(f"{spec}: train images are {shapes[0]}, test images {shapes[1]}; all need one shape")
    return Dataset(
        name=spec,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        classes=_classes(spec, names, train_labels, test_labels),
    )


def _sets(spec: str, made: Any) -> tuple[Any, Any]:
    sets = [made.get("train"), made.get("test")] if isinstance(made, Mapping) else made
    is_pair = isinstance(sets, Sequence) and len(sets) == 2
    if not is_pair or not all(hasattr(each, "__len__") and hasattr(each, "__getitem__") for each in sets):
        raise DataError(
            f"{spec}: gives {type(made).__name__}; needed are two sets, to train and to test on, each with a length"
            " and pairs of an image and a class"
        )
    return sets[0], sets[1]


def _read_all(name: str, items: Any) -> tuple[Pixels, Labels]:
    """All images of a set in one array; the first one sets the shape."""
    count = len(items)
    if not count:
        raise DataError(f"{name}: holds no images")
    images: Pixels | None = None
    labels = np.empty(count, dtype=np.int64)
    for index in range(count):
        where = f"{name} image {index}"
        image, labels[index] = _item(where, items, index)
        if images is None:
            check_memory(count * image.size, name)
            images = np.empty((count, *image.shape), dtype=np.uint8)
        if image.shape != images.shape[1:]:
            shapes = ["×".join(map(str, shape)) for shape in (image.shape, images.shape[1:])]
            raise DataError(f"{where}: is {shapes[0]}, while the first is {shapes[1]}; all need one shape")
        images[index] = image
    assert images is not None
    return images, labels


def _item(where: str, items: Any, index: int) -> tuple[NDArray[np.uint8], int]:
    try:
        item = items[index]
    except Exception as error:  # a user's own code may raise anything
        raise ReadError(f"{where}: cannot be got: {complaint(error)}") from error
    if not isinstance(item, Sequence) or len(item) != 2:
        raise DataError(f"{where}: is {type(item).__name__}; needed is a pair of an image and a class")
    image, label = item
    if isinstance(label, bool) or not hasattr(label, "__index__"):
        raise DataError(f"{where}: its class is {label!r}; needed is a number, 0 or more")
    if (number := label.__index__()) < 0:
        raise DataError(f"{where}: its class is {number}; needed is a number, 0 or more")
    return _pixels(where, image), number


def _pixels(where: str, image: Any) -> NDArray[np.uint8]:
    """An image as (channels, height, width) of bytes."""
    is_channels_first = hasattr(image, "detach")
    if isinstance(getattr(image, "mode", None), str) and image.mode not in _MODES:  # a tensor's is a method
        raise DataError(f"{where}: mode {image.mode}; convert it to L or RGB")
    array = image.detach().cpu().numpy() if is_channels_first else np.asarray(image)
    if array.ndim == 2:
        array = array[None]
    elif array.ndim == 3 and not is_channels_first:
        array = array.transpose(2, 0, 1)
    if array.ndim != 3 or array.shape[0] not in (1, 3):
        shape = "×".join(map(str, array.shape)) or array.dtype
        raise DataError(f"{where}: is {shape}; needed is a picture of 1 or 3 channels")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    # What is not within 0 to 1 was normalised already, and would be a second time. NaN is not within either.
    if not np.issubdtype(array.dtype, np.floating) or not bool(((array >= 0) & (array <= 1)).all()):
        raise DataError(
            f"{where}: holds {array.dtype} from {array.min()} to {array.max()}; needed are bytes, or numbers from 0"
            " to 1 (leave normalising out: it is done from the train images' mean and deviation)"
        )
    scaled: NDArray[np.uint8] = np.rint(array * 255).astype(np.uint8)
    return scaled


def _classes(spec: str, names: Any, train: Labels, test: Labels) -> tuple[str, ...]:
    """A name per class; a class that is tested and never trained is no class that a network could learn."""
    count = int(train.max()) + 1
    if names is not None and not isinstance(names, str):
        named = tuple(map(str, names))
        if len(named) < count:
            raise DataError(f"{spec}: has images of class {count - 1}, and names for {len(named)} classes")
    else:
        named = tuple(map(str, range(count)))
    if (untrained := sorted(set(test.tolist()) - set(train.tolist()))) or len(set(train.tolist())) < 2:
        what = f"class {untrained[0]} is tested and has no train image" if untrained else "one class only"
        raise DataError(f"{spec}: {what}; needed are two classes or more, each with train images")
    return named
