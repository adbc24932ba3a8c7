"""Images in class folders: `DIR/class/image.png`, or `DIR/train/class/…` and `DIR/test/class/…`.

Pixels are taken as stored: nothing is resized, rotated or made grey, so that every arm sees what the user
sees. Only still formats that Pillow decodes by itself are read; those that would start another program are
not.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from eyeshot.errors import DataError, MissingExtraError
from eyeshot.opening import opened, what_is_at
from eyeshot.shown import counted
from eyeshot.train.dataset import Dataset, Labels, Pixels
from eyeshot.train.fitting import CROP, fitted
from eyeshot.train.memory import TooLargeError, check_memory

_FORMATS = ("PNG", "JPEG", "BMP", "PPM", "WEBP", "TIFF")
# A palette or one bit per pixel is a way of storing; what is shown is colour or grey.
_SHOWN_AS = {"L": "L", "1": "L", "RGB": "RGB", "P": "RGB"}
_WITH_ALPHA = ("LA", "RGBA", "PA", "La", "RGBa")
_DEEP = ("I;16", "I;16L", "I;16B")
_DEEPEST = 65_535
_OTHER = ("CMYK", "YCbCr", "LAB", "HSV")
_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp", ".tif", ".tiff")
_TEST_EVERY = 6
"""Without a split every sixth image of a class is for testing, as in MNIST's 60,000 + 10,000 (one in
seven)."""
_TOLD = 20
"""Files that cannot be used and are named; of more their number is told."""
_EXAMPLES = 3
"""Images that are named where many are unlike the others."""
_KINDS = {"L": "grey", "RGB": "colour"}
_Files = Mapping[str, Sequence[Path]]
_Form = tuple[int, int, str]
"""An image's height and width, and what it is in: grey, colour, or a mode that is neither as it is stored."""
T = TypeVar("T")


def load(folder: Path, *, name: str, size: tuple[int, int] | None = None, way: str = CROP) -> Dataset:
    """The data set in a folder of class folders.

    Without `train` and `test` folders every sixth image of each class, by name, is for testing. With a ``size``, height
    and width, pictures may have any size and mode: they come to it by one of ``fitting.WAYS``, and all are in colour
    where one is.

    Raises:
        DataError: a file that is no image or, without ``size``, differs in size or mode, an empty class, fewer than two
            classes, a link that leads out of the folder, or one image in two classes; the message names the
            file.
        MissingExtraError: Pillow is not installed.
    """
    try:
        train, test = _split(folder)
        everything = [path for files in (train, test) for paths in files.values() for path in paths]
        images, remarks = (_read_all(everything), ()) if size is None else _fitted_all(everything, size, way)
    except PermissionError as error:
        raise DataError(f"{error.filename or folder}: may not be read ({error.strerror}); change its rights") from error
    labels = np.concatenate([_labels(train), _labels(test)])
    _check_contradictions(images, labels, everything, remarks)
    count = sum(len(paths) for paths in train.values())
    return Dataset(
        name=name,
        train_images=images[:count],
        train_labels=labels[:count],
        test_images=images[count:],
        test_labels=labels[count:],
        classes=tuple(train),
        remarks=remarks,
    )


def _labels(files: _Files) -> Labels:
    return np.repeat(np.arange(len(files), dtype=np.int64), [len(paths) for paths in files.values()])


def _split(folder: Path) -> tuple[_Files, _Files]:
    """The train and the test files of each class."""
    train, test = folder / "train", folder / "test"
    has_train, has_test = _holds_folders(train), _holds_folders(test)
    if has_train != has_test:
        there, absent = ("train", "test") if has_train else ("test", "train")
        raise DataError(
            f"{folder}: has {there}/ with class folders and no such {absent}/; add it, or take {there}/ alone"
        )
    if has_train:
        files = _class_files(train, root=folder), _class_files(test, root=folder)
        if list(files[0]) != list(files[1]):
            odd = sorted(set(files[0]) ^ set(files[1]))[0]
            raise DataError(f"{folder}: class {odd!r} is in only one of train/ and test/; both need the same classes")
        return files
    together = _class_files(folder, root=folder)
    for label, paths in together.items():
        if len(paths) < 2:
            raise DataError(f"{folder / label}: one image only; a class needs one to train and one to test")
    # Counted from the end of the first six, so that a class of fewer than six still has one to test.
    chosen = {label: set(paths[_TEST_EVERY - 1 :: _TEST_EVERY] or paths[-1:]) for label, paths in together.items()}
    return (
        {label: [path for path in paths if path not in chosen[label]] for label, paths in together.items()},
        {label: [path for path in paths if path in chosen[label]] for label, paths in together.items()},
    )


def _holds_folders(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_dir() for path in _entries(folder))


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, by name; hidden entries (`.DS_Store`) are the system's, not the user's."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _class_files(folder: Path, *, root: Path) -> _Files:
    files: dict[str, Sequence[Path]] = {}
    for entry in _entries(folder):
        _check_inside(entry, root)
        if not entry.is_dir():
            continue  # a README or a list beside the class folders is no image of any class
        files[entry.name] = paths = _entries(entry)
        if not paths:
            raise DataError(f"{entry}: an empty class; add images or delete the folder")
        for path in paths:
            _check_inside(path, root)
            there = what_is_at(path)
            if there != "a file":
                raise DataError(f"{path}: not a file; a class folder holds images only, and this is {there}")
    if len(files) < 2:
        raise DataError(
            f"{folder}: {len(files)} class folder{'s' if len(files) != 1 else ''} "
            f"({', '.join(files) or 'none'}); "
            "needed are two or more, each holding the images of one class"
        )
    return files


def _check_inside(path: Path, root: Path) -> None:
    if not path.is_symlink():
        return
    there = what_is_at(path)
    if there not in ("a file", "a folder"):
        raise DataError(f"{path}: {'a link to nothing' if there == 'nothing' else there}; remove it")
    if not path.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{path}: a link to {path.resolve()}, outside {root}; put the file itself there")


def _read_all(paths: Sequence[Path]) -> Pixels:
    """All images in one array, of one size and mode."""
    forms: dict[Path, _Form] = {}

    def read(path: Path) -> NDArray[np.uint8] | None:
        image, mode = _opened(path)
        shown = _SHOWN_AS.get(mode)
        forms[path] = form = image.height, image.width, _KINDS[shown] if shown else f"mode {mode}"
        if len(forms) == 1:
            check_memory(len(paths) * image.height * image.width * (3 if shown == "RGB" else 1), path.parent.parent)
        # of what is unlike the first, and ends in a complaint, no pixels are kept
        return _pixels(image.convert(shown)) if shown and form == next(iter(forms.values())) else None

    images = _each(paths, read, lambda: _unlike(forms))
    return np.stack([image for image in images if image is not None])


def _each(
    paths: Sequence[Path], read: Callable[[Path], T], unlike: Callable[[], DataError | None] = lambda: None
) -> list[T]:
    """What is read of each file, or one complaint of all that cannot be used: none is left out and not told.

    Args:
        unlike: what is wrong with several together, once all are read.
    """
    images, refused = [], []
    for path in paths:
        try:
            images.append(read(path))
        except TooLargeError:
            raise
        except DataError as error:
            refused.append(error)
    together = unlike()
    if together is not None and not refused:
        raise together
    if len(refused) == 1 and together is None:
        raise refused[0]
    if refused:
        more = len(refused) - _TOLD
        lines = [*(f"  {error.said}" for error in refused[:_TOLD]), *([f"  and {more} more"] if more > 0 else [])]
        raise DataError(
            f"{paths[0].parent.parent}: {len(refused)} of {len(paths)} files cannot be used:",
            lines=[*lines, *((together.said, *together.lines) if together else ())],
        )
    return images


def _unlike(forms: Mapping[Path, _Form]) -> DataError | None:
    """A complaint of images that are not of the one size and kind that most are, with the size that most have."""
    usable = Counter(form for form in forms.values() if form[2] in _KINDS.values())
    usual = usable.most_common(1)[0][0] if usable else None
    like = next((path for path, form in forms.items() if form == usual), None)
    unlike = [path for path, form in forms.items() if form != usual]
    if not unlike:
        return None
    size = "{}x{}".format(*Counter(form[:2] for form in forms.values()).most_common(1)[0][0])
    needed = (
        "all images must have one size and be all grey or all colour, of 8 bits and without transparency: --size"
        f' {size} (size = "{size}" in a file) makes them so (scaled, the middle cut out, in colour where one is)'
    )
    told = [f"{path}: {_described(forms[path])}" for path in unlike[:_EXAMPLES]]
    if len(unlike) == 1:
        return DataError(f"{told[0]}{f', while {like} is {_described(usual)}' if usual else ''}; {needed}")
    what = f"are unlike {like}, which is {_described(usual)}" if usual else "cannot be used as they are stored"
    more = len(unlike) - _EXAMPLES
    return DataError(
        f"{unlike[0].parent.parent}: {len(unlike)} of {len(forms)} images {what}; {needed}",
        lines=[*(f"  {each}" for each in told), *([f"  and {more} more"] if more > 0 else [])],
    )


def _fitted_all(paths: Sequence[Path], size: tuple[int, int], way: str) -> tuple[Pixels, tuple[str, ...]]:
    """All images at one size in one array, in colour where one of them is; and what is to be said of them."""
    check_memory(3 * len(paths) * size[0] * size[1], paths[0].parent.parent)
    peaks: list[int] = []

    def read(path: Path) -> NDArray[np.uint8]:
        image, peak = _upright(path)
        if peak is not None:
            peaks.append(peak)
        return _pixels(fitted(image, size, way=way))

    images = _each(paths, read)
    channels = max(len(image) for image in images)
    return np.stack([np.broadcast_to(image, (channels, *size)) for image in images]), _dark(peaks)


def _dark(peaks: Sequence[int]) -> tuple[str, ...]:
    """A remark on images of 16 bits that use so few of them that they are nearly black; nothing where there is none.

    Args:
        peaks: the highest value of each.
    """
    peak = max(peaks, default=0)
    if not 0 < 8 * peak < _DEEPEST:
        return ()
    bits = peak.bit_length()
    return (
        f"no value of the {counted(len(peaks), 'image')} of 16 bits is above {peak:,} of {_DEEPEST:,}: they seem to use"
        f" {bits} bits, and come out nearly black; multiply their values by {2 ** (16 - bits)} and save them again",
    )


def _described(form: _Form) -> str:
    height, width, kind = form
    return f"{height} pixels high and {width} wide in {kind}"


def _pixels(image: Any) -> NDArray[np.uint8]:
    """A Pillow image in mode L or RGB as (channels, height, width)."""
    pixels: NDArray[np.uint8] = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def read_image(path: Path, mode: str | None = None) -> Any:
    """A picture of any size and mode as Pillow's image, upright; what is transparent becomes white.

    Args:
        path: its file.
        mode: L or RGB; grey for what is stored grey, and colour for all else, unless given.

    Raises:
        DataError: not an image, damaged, too large to be meant well, animated, or in a mode without a usual meaning.
        MissingExtraError: Pillow is not installed.
    """
    return _upright(path, mode)[0]


def _upright(path: Path, mode: str | None = None) -> tuple[Any, int | None]:
    """The picture that ``read_image`` gives, and where it is stored with 16 bits the highest value there."""
    image, stored = _opened(path)
    from PIL import Image, ImageOps

    image, peak = ImageOps.exif_transpose(image), None
    if stored in _DEEP:
        values = np.asarray(image).astype(np.uint32)
        peak = int(values.max())
        # Pillow cuts off what is above 255 where it should scale.
        image = Image.fromarray((values >> 8).astype(np.uint8))
    elif stored not in (*_SHOWN_AS, *_WITH_ALPHA, *_OTHER):
        raise DataError(f"{path}: mode {stored}; save it as 8-bit greyscale or RGB")
    if stored in _WITH_ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    is_grey = stored in ("L", "1", "LA", "La", *_DEEP)
    return image.convert(mode or ("L" if is_grey else "RGB")), peak


def image_files(folder: Path) -> list[Path]:
    """All files with a picture's ending in a folder and those below it, in the order of their paths; none is opened.

    Raises:
        DataError: there is no such folder, it may not be read, it holds none, or a link leads out of it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: {what_is_at(folder)} there; give a folder of images")
    try:
        files = _below(folder, folder)
    except PermissionError as error:
        raise DataError(f"{error.filename or folder}: may not be read ({error.strerror}); change its rights") from error
    if not files:
        raise DataError(f"{folder}: holds no images ({', '.join(_ENDINGS)}), nor do the folders in it")
    return files


def _below(folder: Path, root: Path) -> list[Path]:
    files = []
    for entry in _entries(folder):
        _check_inside(entry, root)
        # A folder behind a link may hold the link itself.
        if entry.is_dir() and not entry.is_symlink():
            files += _below(entry, root)
        elif entry.suffix.lower() in _ENDINGS:
            there = what_is_at(entry)
            if there != "a file":
                raise DataError(f"{entry}: {there}, not a file; remove it")
            files.append(entry)
    return files


def _opened(path: Path) -> tuple[Any, str]:
    """A still image, decoded, and its mode.

    Raises:
        DataError: not an image, damaged, too large to be meant well, or animated.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ModuleNotFoundError as error:
        raise MissingExtraError("reading images", "Pillow", "train") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with opened(path) as file, Image.open(file, formats=_FORMATS) as image:
                mode, frames = image.mode, getattr(image, "n_frames", 1)
                if frames == 1:
                    image.load()
    except PermissionError:
        raise
    except UnidentifiedImageError as error:
        formats = f"{', '.join(_FORMATS[:-1])} nor {_FORMATS[-1]}"
        raise DataError(
            f"{path}: cannot be read as an image (neither {formats}, or damaged at its beginning); save it as one of"
            " these, or remove it"
        ) from error
    except Exception as error:  # Pillow meets damage with a dozen kinds, SyntaxError among them
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: cannot be read as an image ({reason}); replace or remove it") from error
    if frames != 1:
        raise DataError(f"{path}: {frames} pictures in one file; save one of them as a still image")
    return image, mode


def _check_contradictions(images: Pixels, labels: Labels, paths: Sequence[Path], remarks: Sequence[str]) -> None:
    """The same pixels in two classes: one of the two is mislabelled, and no net can learn both.

    Args:
        remarks: on all images, of which one may say why two are alike.
    """
    seen: dict[bytes, int] = {}
    for index, image in enumerate(images):
        twin = seen.setdefault(hashlib.sha256(image.tobytes()).digest(), index)
        if labels[twin] != labels[index]:
            raise DataError(
                f"{paths[index]}: the same picture as {paths[twin]} in another class; remove the wrong one",
                lines=remarks,
            )
