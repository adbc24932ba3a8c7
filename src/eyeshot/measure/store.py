"""The directory of a measurement: `request.json` says what is measured, `state.npz` holds the sums so far.

Both are written whole under another name and then renamed. Sums are float64, and images come in the same batches
whenever a run goes on, so that a run that was killed ends with the same bits as one that was not.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeshot.errors import RunError, UsageError
from eyeshot.train import directory as run_directory

REQUEST, STATE = "request.json", "state.npz"


@dataclass
class State:
    """Sums over images, per group; how many images are in each; how many batches are done; whether that is enough."""

    sums: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]
    done: int = 0
    is_enough: bool = False


def claim(directory: Path, request: Mapping[str, Any]) -> None:
    """Make the directory this measurement's own, or find that it is.

    Raises:
        UsageError: it belongs to another.
        RunError: it cannot be written.
    """
    path = directory / REQUEST
    ours = json.loads(json.dumps(request))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        former = json.loads(path.read_text("utf-8")) if path.exists() else None
    except OSError as error:
        raise RunError(f"{path}: cannot be used ({error.strerror or error}); give another --run") from error
    except ValueError:
        former = {}
    if former is None:
        if any(directory.iterdir()):
            raise UsageError(f"{directory}: holds other files; give --run a new or an empty directory")
        run_directory.write_json(path, ours)
    elif former != ours:
        where = "; ".join(run_directory.differences(former, ours)) if former else "it cannot be read"
        raise UsageError(f"{directory}: holds another measurement ({where}); give another --run, or delete it")


def save(directory: Path, state: State) -> None:
    """Write the state, whole or not at all.

    Raises:
        RunError: the disk is full; the former state is as it was.
    """
    buffer = io.BytesIO()
    np.savez(buffer, sums=state.sums, counts=state.counts, done=state.done, is_enough=state.is_enough)
    run_directory.write(directory / STATE, buffer.getvalue())


def restore(directory: Path, fresh: State, notice: Callable[[str], None]) -> State:
    """The state saved last; the fresh one where there is none, or none that can be read, which is said."""
    path = directory / STATE
    try:
        with np.load(path, allow_pickle=False) as arrays:
            state = State(arrays["sums"], arrays["counts"], int(arrays["done"]), bool(arrays["is_enough"]))
        if (state.sums.shape, state.counts.shape) != (fresh.sums.shape, fresh.counts.shape):
            raise ValueError("its sums have another shape")
    except FileNotFoundError:
        return fresh
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        notice(f"{path}: cannot be read ({error}); it starts again from the first image")
        return fresh
    return state
