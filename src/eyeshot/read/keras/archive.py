"""A model's configuration out of its file: config.json of a .keras archive, an attribute of an .h5 file."""

from __future__ import annotations

import json
import mmap
import zipfile
import zlib
from pathlib import Path
from typing import Any

from eyeshot.errors import ReadError
from eyeshot.network.graph import Network
from eyeshot.opening import opened
from eyeshot.read.keras.hdf5 import SIGNATURE, Hdf5
from eyeshot.read.keras.reader import Reader

MOST_BYTES = 64 << 20
"""A configuration at most, unpacked; that of a network of ten thousand layers has some ten million."""
_ZIPPED = b"PK\x03\x04"


def read_file(path: str | Path, input_shape: Any = None, *, name: str | None = None) -> Network:
    """The network of a .keras or .h5 file.

    Args:
        path: the file; nothing else is opened, and weights are not read.
        input_shape: sizes of inputs, as `eyeshot.read.inputs` has them, without the batch; channels first or last.
        name: the network's name; the path unless given.

    Raises:
        ReadError: the file is not there, is no model, is cut off, or asks for more than any network needs.
        UsageError: sizes were given that do not fit.
    """
    path, name = Path(path), name or str(path)
    try:
        with opened(path) as file:
            start = file.read(8)
            if start.startswith(_ZIPPED):
                file.seek(0)
                text = _of_archive(file, name)
            elif start == SIGNATURE:
                text = _of_hdf5(file, name)
            else:
                raise ReadError(f"{name} is no model of Keras: neither an archive nor an HDF5 file")
    except FileNotFoundError:
        raise ReadError(f"{name}: no such file") from None
    except OSError as error:
        raise ReadError(f"{name}: it cannot be opened: {error.strerror or error}") from None
    return Reader(parsed(text, name), name).network(input_shape)


def parsed(text: bytes | str, name: str) -> Any:
    """A configuration's text as values."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ReadError(f"{name}: its configuration is no JSON: {why}") from None


def _of_archive(file: Any, name: str) -> bytes:
    """The archive's config.json, unpacked no further than a configuration is long, whatever size it says it has."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open("config.json") as member:
            text: bytes = member.read(MOST_BYTES + 1)
    except KeyError:
        raise ReadError(f"{name} holds no config.json, which a model of Keras has") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ReadError(f"{name} is no whole archive: {error}") from None
    if len(text) > MOST_BYTES:
        raise ReadError(f"{name}: its configuration has more than {MOST_BYTES >> 20} MiB, which no network needs")
    return text


def _of_hdf5(file: Any, name: str) -> bytes:
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            text = Hdf5(data).text("model_config", MOST_BYTES)
    except ReadError as error:
        raise ReadError(f"{name} is no whole HDF5 file: {error}") from None
    if text is None:
        raise ReadError(f"{name} holds weights alone: save the model itself, with model.save('model.keras')")
    return text
