"""The directory of a measurement: `request.json` says what is measured, `state.npz` holds the sums so far.

Both are written whole under another name and then renamed, and end with a digest. Sums are float64, and images come in
the same batches whenever a run goes on, so that a run that was killed ends with the same bits as one that was not.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeshot import opening
from eyeshot.documents import reason, seal_of, unsealed, unsealed_bytes
from eyeshot.errors import RunError, UsageError
from eyeshot.train.directory import differences, write, write_sealed

REQUEST, STATE = "request.json", "state.npz"


@dataclass
class State:
    """Sums over images, per group; how many images are in each; how many batches are done."""

    sums: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]
    done: int = 0


def claim(directory: Path, request: Mapping[str, Any], notice: Callable[[str], None]) -> None:
    """Make the directory this measurement's own, or find that it is; a damaged request is told of and written anew.

    Raises:
        UsageError: it belongs to another.
        RunError: it cannot be written.
    """
    path, former = directory / REQUEST, None
    ours = json.loads(json.dumps(request))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        former = unsealed(opening.read(path))
    except FileNotFoundError:
        if any(directory.iterdir()):
            raise UsageError(f"{directory}: holds other files; give --run a new or an empty directory") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be used ({reason(error)}); give another --run") from error
    except ValueError as error:
        if _owner(directory) not in (None, _name(ours)):
            raise UsageError(f"{directory}: holds another measurement; give another --run") from None
        notice(f"{path}: cannot be read ({reason(error)}); it is written anew")
    if former is None:
        write_sealed(path, ours)
    elif former != ours:
        raise UsageError(
            f"{directory}: holds another measurement ({'; '.join(differences(former, ours))}); give another --run"
        )


def _name(request: Mapping[str, Any]) -> str:
    """What a state says of the request that it belongs to."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _owner(directory: Path) -> str | None:
    """The name of the request whose state lies in a directory; None where there is none that can be read."""
    try:
        with _arrays(directory) as arrays:
            return str(arrays["request"])
    except Exception:  # NumPy and zipfile meet damage with a dozen kinds
        return None


def _arrays(directory: Path) -> Any:
    return np.load(io.BytesIO(unsealed_bytes(opening.read(directory / STATE))), allow_pickle=False)


def save(directory: Path, request: Mapping[str, Any], state: State) -> None:
    """Write the state with its digest, whole or not at all.

    Raises:
        RunError: the disk is full; the former state is as it was.
    """
    buffer = io.BytesIO()
    np.savez(
        buffer,
        request=np.array(_name(request)),
        sums=state.sums,
        counts=state.counts,
        done=state.done,
    )
    content = buffer.getbuffer()
    write(directory / STATE, content, seal_of(content))


def restore(
    directory: Path, request: Mapping[str, Any], fresh: State, most: int, notice: Callable[[str], None]
) -> State:
    """The state saved last; the fresh one where there is none, or none that can be believed, which is said.

    Args:
        most: how many batches there are in all.
    """
    path = directory / STATE
    try:
        with _arrays(directory) as arrays:
            if str(arrays["request"]) != _name(request):
                raise ValueError("it is that of another measurement")
            state = State(arrays["sums"], arrays["counts"], int(arrays["done"]))
        _check(state, fresh, most)
    except FileNotFoundError:
        return fresh
    except Exception as error:  # NumPy and zipfile meet damage with a dozen kinds
        notice(f"{path}: cannot be read ({reason(error)}); it starts again from the first image")
        return fresh
    return state


def _check(state: State, fresh: State, most: int) -> None:
    for name in ("sums", "counts"):
        array, expected = getattr(state, name), getattr(fresh, name)
        if (array.shape, array.dtype) != (expected.shape, expected.dtype):
            raise ValueError(f"its {name} are {array.shape} of {array.dtype}; needed is {expected.shape} of float64")
        if not np.isfinite(array).all():
            raise ValueError(f"its {name} are not finite")
    if not 0 <= state.done <= most or (state.counts < 0).any():
        raise ValueError(f"it says that {state.done} of {most} batches are done")
