"""Trials as tasks of a Ray cluster, or of one that starts on this machine: the only module that knows Ray.

Ray places them, a share of a GPU each where one is asked for, and carries out again what a lost process or machine
leaves behind; that goes on where its checkpoint lies. What was trained is written down here as well, should the
machines share no disk.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from eyeshot.documents import reason
from eyeshot.errors import MissingExtraError, RunError, UsageError
from eyeshot.studies.display import Watcher
from eyeshot.studies.processes import cores
from eyeshot.studies.worker import Began, Failure, Message, Task, outcome, record_of, tell
from eyeshot.train.device import Device, named
from eyeshot.train.directory import RECORD, finished, write_sealed
from eyeshot.train.record import Record

LOCAL, AUTO = "local", "auto"
_ADDRESS = re.compile(r"(?:ray://)?(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_TICK_SECONDS = 0.2
_STORE = 100 << 20
"""Bytes for objects of a cluster on this machine: records are small, and images lie in files."""
_RETRIES = 10
"""Lost processes and machines that a trial outlives; each time it goes on where it was saved."""
_ANSWER_SECONDS = 5.0
"""How long a cluster may take to answer."""
_PATIENCE_SECONDS = 2.0
"""How long what trials tell is waited for."""
_LOOK_SECONDS, _GONE_SECONDS = 2.0, 20.0
"""How often the cluster's head is looked for, and how long it may be away: one that is kept by Redis comes again. Ray
itself looks for a minute, and ends the program then without a word of what is kept."""


@dataclass(frozen=True, kw_only=True)
class OnRay:
    """An engine: tasks of a Ray cluster.

    Raises:
        UsageError: ``address`` is none, ``gpus`` no share, or ``jobs`` below 1 or given for a cluster, which decides.
        MissingExtraError: Ray is not installed.
    """

    address: str = LOCAL
    """``local`` for a cluster that starts here and ends with the study, ``auto`` for the one that runs on this machine
    or is named by RAY_ADDRESS, or host:port."""
    gpus: float = 0.0
    """GPUs that a trial takes, such as 0.25."""
    jobs: int | None = None
    """Trials at once, of a local cluster."""

    def __post_init__(self) -> None:
        if not 0 <= self.gpus <= 64 or (self.gpus > 1 and self.gpus != int(self.gpus)):
            raise UsageError(f"gpus {self.gpus:g}: needed is a share of one, such as 0.25, or a whole number")
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"jobs {self.jobs}: needed is 1 or more")
        if self.jobs is not None and self.address != LOCAL:
            raise UsageError(f"jobs {self.jobs}: the cluster decides how many go at once; leave it out")
        if self.address not in (LOCAL, AUTO) and not _ADDRESS.fullmatch(self.address):
            raise UsageError(f"ray {self.address!r}: needed is local, auto or an address such as 10.0.0.1:6379")
        _imported()

    def device(self, asked: str | None) -> Device | None:
        """A GPU where a share of one is set aside; whether a named one is there, each trial finds out where it runs."""
        if asked in (None, "auto"):
            return "cuda" if self.gpus else None
        return None if asked == "cpu" else named(asked)

    def carried_out(self, tasks: Sequence[Task], watcher: Watcher) -> dict[int, Record]:
        """Hand all tasks over to Ray, those that come first first."""
        if not tasks:
            return {}
        ray = _imported()
        threads = tasks[0].recipe.options.threads
        cpus = (self.jobs or max(1, cores() // threads)) * threads
        # Ray tells of each loss on stdout, which is for results.
        with contextlib.redirect_stdout(sys.stderr), _cluster(ray, self.address, cpus):
            told = ray.remote(_Told).options(num_cpus=0, max_restarts=-1).remote()
            if self.gpus and not ray.cluster_resources().get("GPU"):
                raise RunError(f"ray {self.address}: no machine of the cluster has a GPU; leave --gpus out")
            terms = {"num_cpus": threads, "num_gpus": self.gpus, "max_retries": _RETRIES}
            trial, place = ray.remote(_carry_out), _Place.here()
            left: dict[Any, Task] = {}
            try:
                for task in tasks:
                    named = trial.options(name=task.name, **terms)
                    left[named.remote(_whole(task).packed(), task.name, task.number, place, told)] = task
                return _collected(ray, left, told, watcher)
            except _HeadLostError:
                raise  # nobody is left to cancel anything
            except BaseException:
                for ref in left:
                    with contextlib.suppress(ray.exceptions.RayError):
                        ray.cancel(ref, force=True)
                raise


def _collected(ray: Any, left: dict[Any, Task], told: Any, watcher: Watcher) -> dict[int, Record]:
    """The records as they come in; what is taken from ``left`` is done."""
    tasks = {task.number: task for task in left.values()}
    records: dict[int, Record] = {}
    # A client of ray:// knows no address of the head, and notices by itself.
    head = _Head(getattr(ray.get_runtime_context(), "gcs_address", ""))
    while left:
        head.check()
        done, _ = ray.wait(list(left), num_returns=len(left), timeout=_TICK_SECONDS)
        for message in _heard(ray, told):
            tell(watcher, message, tasks)
        for ref in done:
            task = left.pop(ref)
            try:
                record = record_of(ray.get(ref))
            except ray.exceptions.RayError as error:
                head.check_is_there()  # a worker that outlives the head a while fails of all that it asks of it
                raise RunError(
                    f"{task.name}: Ray lost it and gave up ({reason(getattr(error, 'cause', None) or error)})."
                    " Finished epochs are kept; the same command goes on from there"
                ) from error
            _write_down(task, record)
            records[task.number] = record
            watcher.ended(record)
    return records


class _HeadLostError(RunError):
    """The machine that a cluster is led from is gone."""


class _Head:
    """Whether the cluster's head answers, looked for now and then."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._looked = self._answered = time.monotonic()

    def check(self) -> None:
        """Complain of a head that has been away for long.

        Raises:
            _HeadLostError: it has.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        away = self._away()
        if away is None:
            self._answered = now
        elif now - self._answered > _GONE_SECONDS:
            raise self._lost(away)

    def check_is_there(self) -> None:
        """Complain of a head that is away now.

        Raises:
            _HeadLostError: it is.
        """
        time.sleep(_LOOK_SECONDS)  # a head that is being ended may answer once more
        away = self._away()
        if away is not None:
            raise self._lost(away)

    def _away(self) -> str | None:
        """Why the head does not answer, None where it does or cannot be asked."""
        if not self._address:
            return None
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_LOOK_SECONDS).close()
        except OSError as error:
            return reason(error)
        return None

    def _lost(self, why: str) -> _HeadLostError:
        return _HeadLostError(
            f"ray {self._address}: the cluster's head does not answer any more ({why}). Finished epochs are kept; the"
            " same command goes on once there is a cluster again, or on this machine without --ray"
        )


def _heard(ray: Any, told: Any) -> list[Message]:
    try:
        messages: list[Message] = ray.get(told.take.remote(), timeout=_PATIENCE_SECONDS)
    except ray.exceptions.RayError:
        return []  # its machine is lost, and another takes over
    return messages


def _write_down(task: Task, record: Record) -> None:
    """Keep a record that another machine wrote on its own disk."""
    kept = finished(task.directory, task.recipe, lambda text: None)
    if kept is None or not kept.has(task.measures):
        task.directory.mkdir(parents=True, exist_ok=True)
        write_sealed(task.directory / RECORD, record.to_json())


class _Told:
    """What trials tell, kept somewhere in the cluster until it is asked for."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def put(self, message: Message) -> None:
        """Keep a message."""
        self._messages.append(message)

    def take(self) -> list[Message]:
        """All that is kept."""
        messages, self._messages = self._messages, []
        return messages


def _imported() -> Any:
    # Nobody is told of what runs here.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray announces on each start that it will one day leave this variable alone; it may today.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingExtraError("training on a cluster", "ray", "ray") from None
    return ray


@contextmanager
def _cluster(ray: Any, address: str, cpus: int) -> Iterator[None]:
    """A connection to a cluster; the one that there is already is used, and left as it was."""
    if ray.is_initialized():
        yield
        return
    _check_answers(address)
    handler = signal.getsignal(signal.SIGTERM)
    settings: dict[str, Any] = {"num_cpus": cpus, "object_store_memory": _STORE, "include_dashboard": False}
    try:
        # What trials print stays in Ray's own files.
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.ERROR, **(settings if address == LOCAL else {})
        )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise _no_answer(address, reason(error)) from error
    # Ray has put its own in place, which would end the program and say nothing of what is kept.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Ray itself tries for minutes to reach what is not there, and ends the program then."""
    found = _ADDRESS.fullmatch(os.environ.get("RAY_ADDRESS", "") if address == AUTO else address)
    if found is None:
        return
    try:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), timeout=_ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(found[0], reason(error)) from error


def _no_answer(address: str, why: str) -> RunError:
    return RunError(
        f"ray {address}: no cluster answers ({why}); start one (ray start --head), or give --ray local;"
        " where it asks for a token, set RAY_AUTH_MODE=token"
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a user's own modules and images are found."""

    directory: str
    path: tuple[str, ...]

    @classmethod
    def here(cls) -> _Place:
        return cls(directory=os.getcwd(), path=tuple(os.path.abspath(entry) for entry in sys.path))

    def enter(self) -> None:
        """Make it that of this process, which carries out nothing else."""
        with contextlib.suppress(OSError):  # a machine that shares no disk has no such folder
            os.chdir(self.directory)
        sys.path += [entry for entry in self.path if entry not in sys.path]


def _whole(task: Task) -> Task:
    """A task whose directory is found from anywhere."""
    return replace(task, directory=task.directory.absolute())


def _carry_out(packed: bytes, name: str, number: int, place: _Place, told: Any) -> Record | Failure:
    """The task, in a process of Ray's."""
    place.enter()

    def send(message: Message) -> None:
        # Bars that stand still are all that is lost with whoever keeps the messages.
        with contextlib.suppress(Exception):
            told.put.remote(message)

    send(Began(number=number, process=os.getpid()))
    return outcome(packed, name, send)
