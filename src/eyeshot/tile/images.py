"""Images on disk for a run in tiles: .npy by memory map, .zarr by slices, .tif, and folders of those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eyeshot.errors import DataError, MissingExtraError
from eyeshot.opening import what_is_at

KINDS = (".npy", ".zarr", ".tif", ".tiff")


def images_at(path: Path) -> list[Path]:
    """The image at a path, or those in a folder, by name.

    Raises:
        DataError: there is none.
    """
    there = what_is_at(path)
    if there == "nothing":
        raise DataError(f"{path}: there is no such file or folder")
    if there not in ("a file", "a folder"):
        raise DataError(f"{path}: {there}, not a file; needed is one of {', '.join(KINDS)}, or a folder of them")
    if path.is_dir() and path.suffix != ".zarr":
        images = sorted(each for each in path.iterdir() if each.suffix.lower() in KINDS)
        if not images:
            raise DataError(f"{path}: holds no image of a kind that can be read by tiles ({', '.join(KINDS)})")
        return images
    if path.suffix.lower() not in KINDS:
        raise DataError(f"{path}: needed is one of {', '.join(KINDS)}, or a folder of them")
    return [path]


def image(path: Path, *, channels_last: bool = False) -> Any:
    """An array that can be sliced, read as little as may be; channels first, also where a .tif keeps them last.

    Args:
        path: of the file, or of a .zarr's folder.
        channels_last: leave them where a .tif keeps them.

    Raises:
        DataError: the file cannot be read, or holds no numbers.
        MissingExtraError: its kind needs a library that is not installed.
    """
    kind, there = path.suffix.lower(), what_is_at(path)
    if there not in ("a file", "a folder"):
        raise DataError(f"{path}: {there}, not a file; remove it")
    try:
        array = _opened(path, kind, channels_last)
    except ImportError as error:
        raise MissingExtraError(f"reading {path}", str(error.name), "tiles") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as an array ({error})") from error
    except Exception as error:  # a damaged file makes its decoder stumble in any way
        raise DataError(f"{path}: cannot be read as an array; it is damaged, or of another kind") from error
    if not hasattr(array, "shape"):
        raise DataError(f"{path}: holds several arrays; give the path of one of them")
    if np.dtype(array.dtype).kind not in "buif" or not all(array.shape):
        size = "×".join(map(str, array.shape))
        raise DataError(f"{path}: holds an array of {size} of {array.dtype}; needed are real numbers, at least one")
    return array


def _opened(path: Path, kind: str, channels_last: bool) -> Any:
    if kind == ".npy":
        return np.load(path, mmap_mode="r")
    if kind == ".zarr":
        import zarr

        return zarr.open(str(path), mode="r")
    import tifffile

    with tifffile.TiffFile(path) as tif:
        axes = tif.series[0].axes
    try:
        array: Any = tifffile.memmap(path, mode="r")
    except ValueError:  # compressed
        array = tifffile.imread(path)
    # samples of a pixel, red, green and blue, stand behind rows and columns
    return np.moveaxis(array, -1, -3) if axes.endswith("YXS") and not channels_last else array


class Batched:
    """One image with the batch axis that a module takes, and the channel axis where it has none; nothing is copied.

    Args:
        array: of sizes alone, of channels and sizes, or of a batch of those.
        rank: axes that a module's input has, batch included.
    """

    def __init__(self, array: Any, rank: int) -> None:
        self.array, self.missing = array, rank - len(array.shape)
        if not 0 <= self.missing <= 2:
            raise DataError(
                f"an array of shape {tuple(array.shape)}: the model takes {rank - 1} axes, and a batch of it"
            )
        self.shape = (1,) * self.missing + tuple(int(n) for n in array.shape)
        self.dtype = array.dtype

    def __getitem__(self, place: Any) -> Any:
        piece = np.asarray(self.array[tuple(place[self.missing :])])
        return piece.reshape((1,) * self.missing + piece.shape)
