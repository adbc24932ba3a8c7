"""Carry out a plan: whose the directory is, what is left to train there, and an engine that trains it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from eyeshot.errors import RunError
from eyeshot.network.graph import Network
from eyeshot.studies.artefacts import Artefacts
from eyeshot.studies.display import Display, Noting, Silent, Watcher
from eyeshot.studies.engines import Engine
from eyeshot.studies.index import Index
from eyeshot.studies.kept import check_owner, claim, keep_networks, records_in
from eyeshot.studies.plan import Plan
from eyeshot.studies.processes import Processes
from eyeshot.studies.worker import Task
from eyeshot.train.record import Record

if TYPE_CHECKING:
    import torch


def run(
    plan: Plan,
    factories: Mapping[str, Callable[[], torch.nn.Module]],
    directory: Path | None = None,
    *,
    engine: Engine | None = None,
    artefacts: Artefacts | None = None,
    watcher: Watcher | None = None,
    networks: Sequence[Network] = (),
) -> list[Record]:
    """Train every arm with every seed; the records are in the order of `plan.recipes()`.

    A directory that holds this plan already, with whatever seeds, is used: finished trials are read, unfinished
    ones go on after their last whole epoch. Ctrl-C and SIGTERM stop the workers and raise KeyboardInterrupt;
    what is saved by then is kept.

    Args:
        factories: for each arm's label what makes its network. It is pickled, so a function at a module's
            top level or a `functools.partial` of one.
        directory: where the study is kept; `plan.directory` if not given.
        engine: what trains; processes of this machine, one a core, if not given.
        artefacts: where else its files are kept; what has ended there is not trained again.
        watcher: told how it goes; bars on standard error unless given.
        networks: of the arms, to be kept beside the plan.

    Raises:
        UsageError: the directory belongs to another plan.
        RunError: a trial failed, the disk is full, or another process is at work in the directory.
    """
    directory = plan.directory if directory is None else directory
    damage: list[str] = []
    former = check_owner(directory, plan, damage.append)
    index = Index(directory, plan)
    records = _whole(directory, plan, index)
    # What is finished is read as it is: its disk may be one that cannot be written to.
    is_here = former is not None and set(plan.seeds) <= set(former.seeds) and None not in records
    if is_here and not damage and artefacts is None:
        whole = [record for record in records if record is not None]
        if index.missed:
            with contextlib.suppress(RunError), _sole(directory), index.writing(whole):
                pass  # for the next time
        return whole
    tasks = [
        Task(
            number=number,
            recipe=recipe,
            factory=factories[recipe.label],
            directory=directory / plan.place(recipe),
            measures=plan.measures,
            artefacts=artefacts,
        )
        for number, recipe in enumerate(plan.recipes())
    ]
    with _sole(directory), _sigterm_as_interrupt():
        notices: list[str] = []
        claim(directory, plan, notices.append)
        if networks:
            keep_networks(directory, plan, networks)
        if artefacts is not None:
            artefacts.claim(plan)
            artefacts.exchange(directory, plan, _whole(directory, plan, Index(directory, plan)))
        # Another process may have trained some of them meanwhile; what is damaged is the workers' to tell of.
        index = Index(directory, plan)
        there = _whole(directory, plan, index)
        done = {task.number: record for task, record in zip(tasks, there, strict=True) if record}
        left = [task for task in tasks if task.number not in done]
        told = watcher or (Display(len(tasks), done=len(done)) if left else Silent())
        with index.writing(done.values()) as row, Noting(told, row.add) as watched:
            for text in notices:
                watched.noticed(text)
            done |= (engine or Processes()).carried_out(left, watched)
    return [done[task.number] for task in tasks]


def _whole(directory: Path, plan: Plan, index: Index) -> list[Record | None]:
    """The records that need nothing more; what is trained and not measured yet is an engine's to do, too."""
    records = records_in(directory, plan, index=index)
    return [record if record and record.has(plan.measures) else None for record in records]


@contextmanager
def _sole(directory: Path) -> Iterator[None]:
    """Keep a second study out of the directory.

    The system lifts the lock when this process ends, however it ends.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows has no such lock
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context((directory / "lock").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f"{directory}: another process trains here; wait for it or give another directory"
            ) from error
        except OSError as error:
            raise RunError(f"{directory}: cannot be used ({error.strerror}); give another directory") from error
        yield


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a study as Ctrl-C does; only the main thread may set that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
