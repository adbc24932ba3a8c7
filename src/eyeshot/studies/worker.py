"""A process that trains one trial after the other and tells its parent how they go.

It ends with its parent, however that ends: a thread waits for the parent's death, so a killed study leaves
nothing behind that still computes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.errors import EyeshotError, RunError
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Record

if TYPE_CHECKING:
    import torch

    from eyeshot.train.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Task:
    """One trial, as it travels to a worker."""

    number: int
    recipe: Recipe
    factory: Callable[[], torch.nn.Module]
    directory: Path


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that was found damaged and is done again."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What ended a trial, as it travels back."""

    error: EyeshotError


def work(pipe: connection.Connection[Any, Any]) -> None:
    """Train the tasks that come through the pipe until it closes; send Progress, Notice, then a Record or a
    Failure."""
    # Held back from the start by the parent, where the system can; Ctrl-C is the parent's alone to act on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stdout_to_stderr()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    datasets: dict[str, Dataset] = {}
    while True:
        try:
            task: Task = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_outcome(task, datasets, pipe.send))
        except OSError:
            return  # nobody listens any more


def _stdout_to_stderr() -> None:
    """What a user's network prints goes to stderr: the parent's stdout is for results."""
    sys.stdout = sys.stderr
    with contextlib.suppress(OSError):  # a process started without them has nothing to keep apart
        os.dup2(2, 1)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _outcome(task: Task, datasets: dict[str, Dataset], send: Callable[[Any], None]) -> Record | Failure:
    where = f"arm {task.recipe.label!r}, seed {task.recipe.seed}"
    try:
        # Imported here: a plan and its parent process need neither PyTorch nor images.
        from eyeshot.train import data, loop

        if task.recipe.data not in datasets:
            datasets[task.recipe.data] = data.load(task.recipe.data)
        return loop.run(
            task.recipe,
            task.factory,
            datasets[task.recipe.data],
            task.directory,
            on_progress=send,
            notice=lambda text: send(Notice(text=text)),
        )
    except EyeshotError as error:
        return Failure(error=error)
    except MemoryError:
        return Failure(error=RunError(f"{where}: out of memory; take fewer jobs, a smaller batch or smaller images"))
    except (Exception, SystemExit):  # a user's own model may raise anything, and the study must say where
        return Failure(error=RunError(f"{where}: failed", lines=traceback.format_exc().splitlines()))
