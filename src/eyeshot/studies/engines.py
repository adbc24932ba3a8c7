"""What carries out the trials of a study; whatever it is, the trial is the same function (see ``worker``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from eyeshot.errors import UsageError
from eyeshot.studies.display import Watcher
from eyeshot.studies.worker import Task
from eyeshot.train.device import Device
from eyeshot.train.record import Record


class Engine(Protocol):
    """Carries out tasks, in whatever order and place."""

    def device(self, asked: str | None) -> Device | None:
        """What its trials compute on, None for the processor; ``asked`` is "auto" or None for what is best there.

        Raises:
            UsageError: there is no such device.
        """

    def carried_out(self, tasks: Sequence[Task], watcher: Watcher) -> dict[int, Record]:
        """The record of each task by its number; when it returns or raises, nothing of it computes any more.

        Raises:
            EyeshotError: a trial failed.
            RunError: what carried it out was lost.
        """


def engine_of(*, ray: str | None, gpus: float | None, jobs: int | None) -> Engine | None:
    """The engine that was asked for; None where none was, so that the plan decides.

    Args:
        ray: "local", "auto" or an address.
        gpus: the share of a GPU that a trial takes, on Ray.
        jobs: trials at once.

    Raises:
        UsageError: what was asked for does not go together.
        MissingExtraError: Ray is not installed.
    """
    if ray is None:
        if gpus is not None:
            raise UsageError("gpus are set aside by Ray: give ray, too (local, auto or host:port)")
        return None
    from eyeshot.studies.on_ray import OnRay

    return OnRay(address=ray, gpus=gpus or 0.0, jobs=jobs)
