"""One trial, as every engine has it carried out: a task goes in, its record or what went wrong comes out."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.errors import EyeshotError, RunError
from eyeshot.train.progress import Progress
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Record

if TYPE_CHECKING:
    import torch

    from eyeshot.studies.artefacts import Artefacts
    from eyeshot.studies.display import Watcher
    from eyeshot.train.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Task:
    """One trial that is to be carried out."""

    number: int
    recipe: Recipe
    factory: Callable[[], torch.nn.Module]
    directory: Path
    measures: tuple[str, ...] = ()
    artefacts: Artefacts | None = None
    """Where else its files are kept."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"arm {self.recipe.label!r}, seed {self.recipe.seed}"

    def packed(self) -> bytes:
        """As it travels; taken apart by ``outcome``, so that what cannot be is an error of this trial."""
        return pickle.dumps(self)


@dataclass(frozen=True, kw_only=True)
class Began:
    """A process has taken a trial on."""

    number: int
    process: int


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that was found damaged and is done again."""

    text: str


Message = Began | Notice | Progress
"""What is told while a trial goes on."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What ended a trial, as it travels back."""

    error: EyeshotError


def outcome(packed: bytes, where: str, send: Callable[[Message], None]) -> Record | Failure:
    """Carry out a task.

    Args:
        packed: as ``Task.packed`` gives it.
        where: its name.
        send: takes what is told meanwhile.
    """
    try:
        # Imported here: a plan and its parent process need neither PyTorch nor images.
        from eyeshot.train import loop

        task: Task = pickle.loads(packed)
        if task.artefacts is not None:
            task.artefacts.fetch(task.directory)
        record = loop.run(
            task.recipe,
            task.factory,
            dataset_of(task.recipe.data),
            task.directory,
            on_progress=send,
            notice=lambda text: send(Notice(text=text)),
            measures=task.measures,
        )
        if task.artefacts is not None:
            task.artefacts.leave(task.directory)
        return record
    except (Exception, SystemExit) as error:  # a user's own model may raise anything, and the study must say where
        return failure(where, error)


def failure(where: str, error: BaseException) -> Failure:
    """What went wrong in a process that trains, as it travels back; to be called while it is handled."""
    if isinstance(error, EyeshotError):
        return Failure(error=error)
    if isinstance(error, MemoryError):
        return Failure(error=RunError(f"{where}: out of memory; take fewer jobs, a smaller batch or smaller images"))
    return Failure(error=RunError(f"{where}: failed", lines=traceback.format_exc().splitlines()))


@lru_cache(maxsize=1)
def dataset_of(data: str) -> Dataset:
    """The images of the study at hand, read once a process."""
    from eyeshot.train.data import load

    return load(data)


def tell(watcher: Watcher, message: Message, tasks: dict[int, Task]) -> None:
    """Hand a message on to who watches."""
    if isinstance(message, Began):
        watcher.began(tasks[message.number].recipe)
    elif isinstance(message, Notice):
        watcher.noticed(message.text)
    else:
        watcher.moved(message)


def record_of(result: Any) -> Record:
    """The record that came back.

    Raises:
        EyeshotError: the trial failed.
    """
    if isinstance(result, Failure):
        raise result.error
    assert isinstance(result, Record)
    return result
