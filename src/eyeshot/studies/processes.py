"""Trials in processes of this machine, as many at once as there are cores: Python's own pool, and what it leaves open.

It says neither which trial a process died in nor how it died, lets processes go on where their parent is killed, and
has no way to end what runs. See docs/decisions/0014-engines-of-studies.md.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, parent_process, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from eyeshot.errors import RunError, UsageError
from eyeshot.studies.display import Watcher
from eyeshot.studies.sending import main_hidden
from eyeshot.studies.worker import Began, Failure, Message, Task, outcome, record_of, tell
from eyeshot.train.device import Device, device_for
from eyeshot.train.record import Record

T = TypeVar("T")
_CONTEXT = multiprocessing.get_context("spawn")
"""Not forked: a fork of a process with PyTorch's threads may hang."""
_STOP_SECONDS = 1.0
"""How long a process may take to end by itself before it is killed."""
_TICK_SECONDS = 0.1
"""How often bars are moved."""


@dataclass(frozen=True, kw_only=True)
class Processes:
    """An engine: one process a trial at once.

    Raises:
        UsageError: ``jobs`` is less than 1.
    """

    jobs: int | None = None
    """Trials at once; as many as there are cores for if not given."""

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"jobs {self.jobs}: needed is 1 or more")

    def at_once(self, threads: int, trials: int) -> int:
        """How many trials go side by side."""
        return max(1, min(trials, self.jobs or cores() // threads))

    def device(self, asked: str | None) -> Device | None:
        """What there is on this machine."""
        return device_for(asked)

    def carried_out(self, tasks: Sequence[Task], watcher: Watcher) -> dict[int, Record]:
        """Carry out the tasks, those that come first begun first."""
        if not tasks:
            return {}
        told = _CONTEXT.SimpleQueue()
        with _pool(self.at_once(tasks[0].recipe.options.threads, len(tasks)), told) as (pool, started):
            # Each hand-over may start a process, in this thread.
            with _interrupt_held(), main_hidden():
                futures = {pool.submit(_carry_out, task.packed(), task.name, task.number): task for task in tasks}
            return _collected(futures, told, watcher, started())


def alone(function: Callable[..., T], *arguments: Any) -> T:
    """What a function gives in a process of its own, which ends with it.

    Raises:
        RunError: the process died.
    """
    with _pool(1, None) as (pool, started):
        with _interrupt_held(), main_hidden():
            future = pool.submit(function, *arguments)
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise _died(started(), {}) from error


@contextmanager
def _pool(at_once: int, told: Any) -> Iterator[tuple[ProcessPoolExecutor, Callable[[], set[BaseProcess]]]]:
    """A pool whose processes end with it at once, and what gives those that it has started so far."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(at_once, _CONTEXT, initializer=_prepared, initargs=(told,))
    try:
        yield pool, lambda: set(multiprocessing.active_children()) - others
    finally:
        _end(set(multiprocessing.active_children()) - others)
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _collected(
    futures: dict[Future[Record | Failure], Task], told: Any, watcher: Watcher, started: set[BaseProcess]
) -> dict[int, Record]:
    records: dict[int, Record] = {}
    tasks = {task.number: task for task in futures.values()}
    at_work: dict[int, Task] = {}
    left = set(futures)
    while left:
        done, left = wait(left, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
        # What a trial told, it told before it came to its end.
        while not told.empty():
            message: Message = told.get()
            if isinstance(message, Began):
                at_work[message.process] = tasks[message.number]
            tell(watcher, message, tasks)
        # of several that failed the first in order is named, however they are listed
        for future in sorted(done, key=lambda each: futures[each].number):
            try:
                record = record_of(future.result())
            except BrokenProcessPool as error:
                raise _died(started, at_work) from error
            records[futures[future].number] = record
            watcher.ended(record)
    return records


def _died(started: set[BaseProcess], at_work: dict[int, Task]) -> RunError:
    """What to say once a process has ended that should not: the pool ends the others then, by SIGTERM."""
    deadline = time.monotonic() + _STOP_SECONDS
    # Asked again and again: where the pool's thread waits for the same process, one of the two is told nothing.
    while any(process.exitcode is None for process in started) and time.monotonic() < deadline:
        time.sleep(0.01)
    died = [process for process in started if process.exitcode != -signal.SIGTERM] or list(started)
    task = at_work.get(died[0].pid or 0) if len(died) == 1 else None
    where = f"{task.name}: its process" if task else "a process that trains"
    return RunError(
        f"{where} died ({' and '.join(sorted({_cause(process.exitcode) for process in died}))}). Finished epochs are"
        " kept; the same command goes on from there, with --jobs 1 it needs the least memory"
    )


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"{name}: the system was out of memory, or somebody killed it" if name == "SIGKILL" else name
    return f"exit code {code}"


def _end(started: set[BaseProcess]) -> None:
    """End processes within a second or so; files are written whole or not at all, so nothing is torn."""
    for process in started:
        process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in started:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Hold Ctrl-C back for a moment, and for good in processes that start meanwhile.

    Ctrl-C reaches the whole group of processes, also one that still imports: the parent alone acts on it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # It starts with the first process and lifts the mask; so it has to be there before.
    resource_tracker.ensure_running()
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


_told: Any = None
"""In a process that trains: where to what it tells goes."""


def _prepared(told: Any) -> None:
    """Make a process ready to train."""
    global _told
    _told = told
    # Held back from the start by the parent, where the system can; Ctrl-C is the parent's alone to act on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a user's network prints goes to stderr: the parent's stdout is for results.
    sys.stdout = sys.stderr
    with contextlib.suppress(OSError):  # a process started without them has nothing to keep apart
        os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """However the parent ends: a killed study leaves nothing behind that still computes."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _carry_out(packed: bytes, name: str, number: int) -> Record | Failure:
    _told.put(Began(number=number, process=os.getpid()))
    return outcome(packed, name, _told.put)
