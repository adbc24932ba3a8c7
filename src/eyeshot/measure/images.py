"""What the gradients are taken at: images as a network takes them, a few at a time.

Images come from a folder, from a data set that is at hand, from an array, or from nowhere: then they are noise of
mean 0 and deviation 1, which is what normalised images have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from eyeshot.errors import DataError, UsageError
from eyeshot.read.module_names import is_module_name
from eyeshot.train.data import way_in
from eyeshot.train.fitting import CROP, PAD, STRETCH, fitted
from eyeshot.train.folder import image_files, read_image

Pixels = npt.NDArray[np.float32]
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation per channel of ImageNet's photographs, the usual for networks that say nothing else."""
DATA_SETS = ("sample", "fashion-mnist")
"""Images that are at hand by a name."""
_GREY = ((0.449,), (0.226,))
"""The same for one channel: their means."""


class Images(Protocol):
    """Some images, in an order that does not change."""

    @property
    def words(self) -> str:
        """What they are, and how they were prepared."""

    @property
    def fingerprint(self) -> str:
        """The same for the same images prepared in the same way, and for no others."""

    def __len__(self) -> int: ...

    def take(self, indices: Sequence[int], seed: int) -> Pixels:
        """Some of them, as (images, channels, sizes …); ``seed`` decides what is drawn at random."""


@dataclass(frozen=True)
class Noise:
    """Gaussian noise, drawn anew for every seed."""

    shape: tuple[int, ...]
    count: int

    @property
    def words(self) -> str:
        """What it is."""
        return "noise of mean 0 and deviation 1"

    @property
    def fingerprint(self) -> str:
        """Its shape and number."""
        return f"noise {self.shape} {self.count}"

    def __len__(self) -> int:
        return self.count

    def take(self, indices: Sequence[int], seed: int) -> Pixels:
        """Each image from a generator of its own, so that batches may be of any size."""
        return np.stack(
            [np.random.Generator(np.random.PCG64([seed, i])).standard_normal(self.shape, np.float32) for i in indices]
        )


@dataclass(frozen=True, eq=False)
class Array:
    """Images that were prepared already."""

    values: Pixels
    words: str = "the images given, as they are"

    @property
    def fingerprint(self) -> str:
        """A hash of all values."""
        return hashlib.sha256(np.ascontiguousarray(self.values).tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: Sequence[int], seed: int) -> Pixels:
        """Some of them."""
        return np.asarray(self.values[list(indices)], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How a picture becomes an input: brought to a size, and channels normalised.

    Attributes:
        size: of the input per axis.
        way: how it is brought there, of ``fitting.WAYS``.
        resize: what the shorter side becomes before the middle is cut out; what just covers ``size`` where None.
        mean, std: per channel, on the scale 0 to 1.
        whose: whose preparation this is, in words.
    """

    size: tuple[int, ...]
    way: str = CROP
    resize: int | None = None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bilinear"
    whose: str = ""

    @property
    def words(self) -> str:
        """The preparation in a line."""
        resized = {
            STRETCH: "stretched",
            PAD: f"whole, black around up to {_times(self.size)}",
            CROP: f"shorter side to {self.resize or min(self.size)}, middle {_times(self.size)}",
        }[self.way]
        mean, std = _listed(self.mean), _listed(self.std)
        return f"{resized}, mean {mean}, deviation {std}{f' ({self.whose})' if self.whose else ''}"


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Mean and deviation per channel, on the scale 0 to 1, and whose they are, in words."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    whose: str

    def of(self, channels: int) -> Normalisation:
        """The same for so many channels.

        Raises:
            UsageError: they are for another number, or a deviation is none.
        """
        sizes = {len(self.mean), len(self.std)}
        if sizes - {1, channels} or not all(value > 0 for value in self.std):
            values = f"mean {_listed(self.mean)} and deviation {_listed(self.std)} ({self.whose})"
            raise UsageError(f"{values}: needed is one each, or {channels} for the channels; deviations more than 0")
        mean, std = (values * (channels // len(values)) for values in (self.mean, self.std))
        return replace(self, mean=mean, std=std)


def usual(shape: tuple[int, ...]) -> Preparation:
    """How pictures are prepared for a network that does not say: ImageNet's way.

    Raises:
        UsageError: the input is no picture.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise UsageError(
            f"pictures have 1 or 3 channels and two axes, and this network takes {_times(shape)};"
            " give prepared arrays from Python: eyeshot.effective(…, images=array)"
        )
    mean, std = _GREY if shape[0] == 1 else _IMAGENET
    return Preparation(size=shape[1:], mean=mean, std=std, whose="ImageNet's")


class Folder:
    """Pictures of any size and mode in a folder and those below it, shuffled once by a fixed seed.

    Raises:
        DataError: the folder is not there, or holds no pictures.
    """

    def __init__(self, folder: Path, preparation: Preparation, most: int | None = None) -> None:
        self._folder, self._preparation = folder, preparation
        paths = image_files(folder)
        order = np.random.Generator(np.random.PCG64(0)).permutation(len(paths))
        self._paths = [paths[i] for i in order[:most]]

    @property
    def words(self) -> str:
        """Which, and how they were prepared."""
        return f"{len(self)} image{'s' * (len(self) > 1)} of {self._folder}, {self._preparation.words}"

    @property
    def fingerprint(self) -> str:
        """Names and sizes of the files; what is in them is read only once."""
        digest = hashlib.sha256(self._preparation.words.encode())
        for path in self._paths:
            digest.update(f"{path.relative_to(self._folder)} {path.stat().st_size}\n".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._paths)

    def take(self, indices: Sequence[int], seed: int) -> Pixels:
        """Some of them, read and prepared.

        Raises:
            DataError: a file is no picture; names it.
        """
        return np.stack([prepared(self._paths[i], self._preparation) for i in indices])


def prepared(path: Path, preparation: Preparation) -> Pixels:
    """One picture as an input.

    Raises:
        DataError: it cannot be read.
    """
    channels = len(preparation.mean)
    image: Any = read_image(path, "L" if channels == 1 else "RGB")
    height, width = preparation.size
    way, method = preparation.way, preparation.interpolation
    image = fitted(image, (height, width), way=way, shorter=preparation.resize, method=method)
    pixels = np.asarray(image, dtype=np.float32).reshape(height, width, channels) / np.float32(255)
    mean, std = (np.array(values, dtype=np.float32) for values in (preparation.mean, preparation.std))
    return np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1))


def images_of(
    images: Any,
    shape: tuple[int, ...],
    prepare: Callable[[], Preparation],
    limit: int | None = None,
    normalisation: Normalisation | None = None,
) -> Images:
    """The images that a user gave.

    Args:
        images: a folder, the name of a data set (see ``train.data.load``), or an array or tensor of prepared images.
        shape: of one input of the network.
        prepare: how the network takes pictures.
        limit: images at most, a random choice.
        normalisation: what channels are brought to, where that is known better than by ``prepare`` and the data set.

    Raises:
        DataError: there are none, or they are not the network's.
        UsageError: they are of another kind.
    """
    if isinstance(images, str) and is_data_set(images):
        return of_dataset(images, shape, limit, normalisation)
    if isinstance(images, str | Path):
        preparation = prepare()
        if normalisation is not None:
            channels = normalisation.of(len(preparation.mean))
            preparation = replace(preparation, mean=channels.mean, std=channels.std, whose=channels.whose)
        return Folder(Path(images).expanduser(), preparation, limit)
    try:
        values = np.asarray(images.detach().cpu() if hasattr(images, "detach") else images, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"images are a folder, a data set or an array, found {type(images).__name__}") from error
    if values.shape[1:] != shape or not len(values):
        raise DataError(f"images: an array of {_times(values.shape)}; needed is (images, {', '.join(map(str, shape))})")
    if limit is None or limit >= len(values):
        return Array(values)
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(values))[:limit]
    return Array(values[order], f"{limit} of the {len(values)} images given, a random choice, as they are")


def is_data_set(images: str) -> bool:
    """Whether a name is one to train on, with test images among it, and no mere folder of pictures."""
    return images in DATA_SETS or way_in(images) is not None or is_module_name(images)


def of_dataset(
    name: str, shape: tuple[int, ...], most: int | None = None, normalisation: Normalisation | None = None
) -> Array:
    """The test images of a data set that is at hand, normalised as they are for training unless told otherwise.

    Raises:
        DataError: it is not there, or its images are not the network's.
    """
    from eyeshot.train.data import load

    dataset = load(name)
    if dataset.shape != shape:
        raise DataError(f"the images of {name} are {_times(dataset.shape)}, and this network takes {_times(shape)}")
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(dataset.test_images))[:most]
    by = normalisation or Normalisation(mean=dataset.mean, std=dataset.std, whose="as for training")
    by = by.of(shape[0])
    mean, std = (np.array(v, dtype=np.float32).reshape(-1, 1, 1) for v in (by.mean, by.std))
    values = (dataset.test_images[order].astype(np.float32) / np.float32(255) - mean) / std
    return Array(values, f"{len(order)} test images of {name}, normalised {by.whose}")


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


def _times(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))
