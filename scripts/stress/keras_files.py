"""Archives and old HDF5 files of Keras, changed: each is a network with its numbers, or one clear message.

Most runs change the settings in an archive, one in ten the archive's own bytes, one in ten an HDF5 file's; some put
settings of other layers where they do not belong. One in ten is written otherwise and means the same.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from eyeshot.network.graph import Network
from eyeshot.read.keras import read_file
from scripts.stress.damage import damaged, damaged_json, places
from scripts.stress.exports import exported
from scripts.stress.limits import bounded, in_memory
from scripts.stress.told import shown, without_names, wrong

WHAT = "Keras archives and HDF5 files, changed"
EVERY = 10
_SMALL = 64_000
"""Bytes of a file that is changed itself; of larger ones the configuration alone is."""
_ODD = (None, -1, 0, 3, 2.5, 1 << 40, "", "same", "causal", [], {}, [1, 2], [[None]], True, 1e308, -(1 << 70))
_HEAD = b'{"module": "keras", "class_name": "Functional"}'


@contextmanager
def tried() -> Iterator[Callable[[Random], str | None]]:
    """The samples, and a place for files."""
    files = exported("keras")
    configs = [config_in(data) for name, data in files.items() if name.endswith(".keras")]
    small = {name: data for name, data in files.items() if len(data) <= _SMALL}
    archives = [data for name, data in small.items() if name.endswith(".keras")]
    old = [data for name, data in small.items() if name.endswith(".h5")]
    with in_memory() as folder, bounded() as within:
        path, hdf5 = Path(folder) / "net.keras", Path(folder) / "net.h5"
        means = [without_names(lambda config=config: read(path, archive(config))) for config in configs]

        def run(draw: Random) -> str | None:
            way, number = draw.random(), draw.randrange(len(configs))
            if way < 0.1:
                data = _otherwise(configs[number], draw)
                is_same = without_names(lambda: read(path, data)) == means[number]
                return within(lambda: None if is_same else "the same model is read as another")
            place = path
            if way < 0.2:
                data = damaged(draw.choice(archives), draw)
            elif way < 0.3:
                data, place = damaged(draw.choice(old), draw), hdf5
            elif way < 0.6:
                data = archive(damaged_json(configs[number], draw))
            else:
                data = archive(mixed(configs[number], draw.choice(configs), draw))
            if draw.random() < 0.01:
                place.write_bytes(data)
                return within(lambda: shown(place))
            return within(lambda: wrong(lambda: read(place, data)))

        yield run


def archive(config: bytes, how: int = zipfile.ZIP_STORED) -> bytes:
    """A .keras file of that configuration, without weights."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as file:
        file.writestr("metadata.json", _HEAD)
        file.writestr("config.json", config)
    return made.getvalue()


def read(path: Path, data: bytes) -> Network:
    """The network of a file's bytes, written to that place."""
    path.write_bytes(data)
    return read_file(path, name=path.name)


def config_in(data: bytes) -> bytes:
    """The configuration in an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return file.read("config.json")


def mixed(config: bytes, other: bytes, draw: Random) -> bytes:
    """A configuration with one to three of its values changed: odd ones, or values of another under the same key."""
    values, donor = json.loads(config), json.loads(other)
    by_key: dict[Any, list[Any]] = {}
    for place, key in places(donor):
        by_key.setdefault(key, []).append(place[key])
    for _ in range(draw.choice((1, 1, 2, 3))):
        place, key = draw.choice(list(places(values)))
        fitting = by_key.get(key)
        place[key] = deepcopy(draw.choice(fitting if fitting and draw.random() < 0.6 else _ODD))
    return json.dumps(values).encode()


def _otherwise(config: bytes, draw: Random) -> bytes:
    """The same settings in another order, otherwise spaced and packed, their keys in another order."""
    text = json.dumps(_turned(json.loads(config), draw), indent=draw.choice((None, 1, 4)))
    return archive(
        text.encode(draw.choice(("utf-8", "utf-16"))), draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    )


def _turned(value: Any, draw: Random) -> Any:
    if isinstance(value, list):
        return [_turned(item, draw) for item in value]
    if not isinstance(value, dict):
        return value
    items = list(value.items())
    if "__keras_tensor__" not in value.values():
        draw.shuffle(items)
    return {key: _turned(item, draw) for key, item in items}
