"""Carry out a plan: its trials in worker processes, as many at once as there are cores."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.errors import RunError, UsageError
from eyeshot.studies.display import Display, Silent, Watcher
from eyeshot.studies.kept import check_owner, claim, records_in
from eyeshot.studies.plan import Plan
from eyeshot.studies.sending import main_hidden
from eyeshot.studies.worker import Failure, Notice, Task, work
from eyeshot.train.record import Record

if TYPE_CHECKING:
    import torch

_STOP_SECONDS = 1.0
"""How long a worker may take to end by itself before it is killed."""


@dataclass(kw_only=True, eq=False)
class _Worker:
    process: SpawnProcess
    pipe: connection.Connection[Any, Any]
    task: Task | None = None


def run(
    plan: Plan,
    factories: Mapping[str, Callable[[], torch.nn.Module]],
    directory: Path | None = None,
    *,
    jobs: int | None = None,
    watcher: Watcher | None = None,
) -> list[Record]:
    """Train every arm with every seed; the records are in the order of `plan.recipes()`.

    A directory that holds this plan already, with whatever seeds, is used: finished trials are read, unfinished
    ones go on after their last whole epoch. Ctrl-C and SIGTERM stop the workers and raise KeyboardInterrupt;
    what is saved by then is kept.

    Args:
        factories: for each arm's label what makes its network. It is pickled, so a function at a module's
            top level or a `functools.partial` of one.
        directory: where the study is kept; `plan.directory` if not given.
        jobs: trials at once; as many as there are cores for if not given.
        watcher: told how it goes; bars on standard error unless given.

    Raises:
        UsageError: the directory belongs to another plan, or `jobs` is less than 1.
        RunError: a trial failed, the disk is full, or another process is at work in the directory.
    """
    directory = plan.directory if directory is None else directory
    cores = _cores()
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs {jobs}: needed is 1 or more")
    damage: list[str] = []
    former, records = check_owner(directory, plan, damage.append), records_in(directory, plan)
    # What is finished is read as it is: its disk may be one that cannot be written to.
    if former is not None and not damage and set(plan.seeds) <= set(former.seeds) and None not in records:
        return [record for record in records if record is not None]
    tasks = [
        Task(
            number=number,
            recipe=recipe,
            factory=factories[recipe.label],
            directory=directory / plan.place(recipe),
        )
        for number, recipe in enumerate(plan.recipes())
    ]
    at_once = jobs or max(1, cores // plan.options.threads)
    with _sole(directory), _sigterm_as_interrupt():
        notices: list[str] = []
        claim(directory, plan, notices.append)
        # Another process may have trained some of them meanwhile; what is damaged is the workers' to tell of.
        done = {task.number: record for task, record in zip(tasks, records_in(directory, plan), strict=True) if record}
        left = [task for task in tasks if task.number not in done]
        told = watcher or (Display(len(tasks), done=len(done)) if left else Silent())
        with told:
            for text in notices:
                told.noticed(text)
            done |= _train_all(left, min(len(left), at_once), told)
    return [done[task.number] for task in tasks]


def _cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Hold Ctrl-C back for a moment, and for good in processes that start meanwhile.

    Ctrl-C reaches the whole group of processes, also a worker that still imports: the parent alone acts on it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # It starts with the first worker and lifts the mask; so it has to be there before.
    resource_tracker.ensure_running()
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _train_all(tasks: Sequence[Task], at_once: int, watcher: Watcher) -> dict[int, Record]:
    waiting = list(tasks)
    records: dict[int, Record] = {}
    workers: list[_Worker] = []
    try:
        workers += [_started() for _ in range(at_once)]
        for worker in workers:
            _give(worker, waiting, watcher)
        while len(records) < len(tasks):
            busy = {worker.pipe: worker for worker in workers if worker.task is not None}
            for pipe in connection.wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]  # wait() gives back what it was given
                record = _heard(worker, watcher)
                if record is not None:
                    assert worker.task is not None
                    records[worker.task.number] = record
                    _give(worker, waiting, watcher)
    finally:
        _stop(workers)
    return records


def _started() -> _Worker:
    # Spawned, not forked: a fork of a process with PyTorch's threads may hang.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), daemon=True)
    with _interrupt_held(), main_hidden():
        process.start()
    theirs.close()
    return _Worker(process=process, pipe=ours)


def _give(worker: _Worker, waiting: list[Task], watcher: Watcher) -> None:
    """Hand over the next task, if there is one."""
    worker.task = waiting.pop(0) if waiting else None
    if worker.task is not None:
        try:
            worker.pipe.send(worker.task)
        except (BrokenPipeError, ConnectionResetError):
            return  # the worker is gone; the next wait() on its pipe finds the end and says so
        watcher.began(worker.task.recipe)


def _heard(worker: _Worker, watcher: Watcher) -> Record | None:
    """Take one message; a record means that the worker's task is done.

    Raises:
        EyeshotError: the trial failed.
        RunError: the worker died.
    """
    assert worker.task is not None
    try:
        message = worker.pipe.recv()
    except (EOFError, ConnectionResetError) as error:
        worker.process.join(_STOP_SECONDS)
        recipe = worker.task.recipe
        raise RunError(
            f"arm {recipe.label!r}, seed {recipe.seed}: its process died "
            f"({_cause(worker.process.exitcode)}). Finished "
            "epochs are kept; the same command goes on from there, with --jobs 1 it needs the least memory"
        ) from error
    if isinstance(message, Failure):
        raise message.error
    if isinstance(message, Record):
        watcher.ended(message)
        return message
    if isinstance(message, Notice):
        watcher.noticed(message.text)
    else:
        watcher.moved(message)
    return None


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"{name}: the system was out of memory, or somebody killed it" if name == "SIGKILL" else name
    return f"exit code {code}"


def _stop(workers: Sequence[_Worker]) -> None:
    """End all workers within a second or so; files are written whole or not at all, so nothing is torn."""
    for worker in workers:
        worker.pipe.close()
        if worker.task is not None:
            worker.process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()
