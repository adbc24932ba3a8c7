"""Arrays on disk: opened so that what was written stays when a run stops, with their room taken at the beginning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eyeshot.errors import MissingExtraError, RunError, UsageError


def is_store(target: Any) -> bool:
    """Whether a target is named by its path."""
    return isinstance(target, str | Path)


def opened(target: str | Path, shape: Sequence[int], dtype: Any) -> Any:
    """The array at a path, made where there is none.

    Raises:
        UsageError: the path is of no known kind, or holds another array.
        RunError: there is no room for it.
    """
    path = Path(target)
    if path.suffix == ".zarr":
        return _zarr(path, shape, dtype)
    if path.suffix != ".npy":
        raise UsageError(f"{path}: outputs are written to .npy or .zarr")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}")
    if path.exists():
        return _of_that_form(path, np.load(path, mmap_mode="r+"), shape, dtype)
    return _new(path, tuple(shape), dtype)


def _of_that_form(path: Path, array: Any, shape: Sequence[int], dtype: Any) -> Any:
    if tuple(array.shape) != tuple(shape) or array.dtype != np.dtype(dtype):
        there = f"{'×'.join(map(str, array.shape))} of {array.dtype}"
        wanted = f"{'×'.join(map(str, shape))} of {np.dtype(dtype)}"
        raise UsageError(f"{path} holds an array of {there}, and the output is {wanted}; give another path")
    return array


def _new(path: Path, shape: tuple[int, ...], dtype: Any) -> Any:
    """A new .npy file. Its room is taken now: a full disk met while writing to mapped memory would kill the process."""
    try:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        path.unlink(missing_ok=True)
        needed = int(np.prod(shape)) * np.dtype(dtype).itemsize / 1e9
        raise RunError(f"{path}: no room for an output of {needed:.2f} GB ({error.strerror or error})") from error
    return array


def _zarr(path: Path, shape: Sequence[int], dtype: Any) -> Any:
    try:
        import zarr
    except ImportError:
        raise MissingExtraError(f"writing {path}", "zarr", "tiles") from None
    try:
        array = zarr.open_array(str(path), mode="a", shape=tuple(shape), dtype=dtype)
    except ValueError as error:  # a group of arrays lies there
        raise UsageError(f"{path} holds something else than an array ({error}); give another path") from error
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error})") from error
    return _of_that_form(path, array, shape, dtype)
