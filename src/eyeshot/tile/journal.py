"""Which tiles are done: kept beside an output on disk, so that a run that stopped goes on.

The journal's first line tells the run by plan, weights and input; a journal of another run is not gone on with. A tile
is noted once its numbers are on the disk.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eyeshot.errors import RunError, UsageError
from eyeshot.tile.plan import TilePlan

_SAMPLES = 64
_SHARE = 50
"""The time of a note is at most this part of the time of a run."""


class Journal:
    """The tiles that are done; without a path nothing is kept.

    To put an output on the disk takes long where it is large, so that tiles are noted several at once: a process that
    is killed runs the last few again.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        self.path = path
        self._done: set[int] = set()
        self._waiting: list[int] = []
        self._noted, self._took = time.monotonic(), 0.0
        if path is None:
            return
        lines = path.read_text().splitlines() if path.exists() else []
        if lines and lines[0] != name:
            raise UsageError(
                f"{path} is of another run (other weights, input or tiles); remove it to begin anew, or give another"
                " output"
            )
        self._done = {int(line) for line in lines[1:] if line.isdecimal()}
        if not lines:
            self._append(name)

    @classmethod
    def beside(cls, out: Any, plan: TilePlan, module: Any, x: Any) -> Journal:
        """The journal of a run that writes to a path, or to an array that is one's."""
        first = out[0] if isinstance(out, list | tuple) else out
        target = first if isinstance(first, str | Path) else getattr(first, "filename", None)
        if target is None:
            return cls(None, "")
        path = Path(target)
        return cls(path.with_name(f"{path.name}.tiles"), _name(plan, module, x))

    def __contains__(self, number: int) -> bool:
        return number in self._done

    def add(self, numbers: Sequence[int], outputs: Sequence[Any]) -> None:
        """Note tiles that were written, now or with those that follow."""
        if self.path is None:
            return
        self._done.update(numbers)
        self._waiting += numbers
        if time.monotonic() - self._noted >= _SHARE * self._took:
            self.note(outputs)

    def note(self, outputs: Sequence[Any]) -> None:
        """Note all tiles that were written, their numbers on the disk."""
        if self.path is None or not self._waiting:
            return
        started = time.monotonic()
        for array in outputs:
            if hasattr(array, "flush"):
                array.flush()
        self._append(*self._waiting)
        self._waiting.clear()
        self._noted = time.monotonic()
        self._took = self._noted - started

    def _append(self, *lines: object) -> None:
        assert self.path is not None
        try:
            with self.path.open("a") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written ({error.strerror or error}); finished tiles are kept"
            ) from error

    def finish(self) -> None:
        """All is done: there is nothing to go on with."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _name(plan: TilePlan, module: Any, x: Any) -> str:
    """What tells a run from others, on one line."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    image = hashlib.sha256()
    for at in np.linspace(0, int(np.prod(x.shape)) - 1, _SAMPLES).astype(int):
        image.update(np.asarray(x[np.unravel_index(int(at), tuple(x.shape))]).tobytes())
    return json.dumps(
        {
            "tiles": [[tile.start, tile.size, tile.first] for row in plan.rows for tile in row[:2]],
            "image": [*map(int, x.shape), image.hexdigest()[:16]],
            "layers": list(plan.layers),
            "weights": digest.hexdigest()[:16],
        }
    )
