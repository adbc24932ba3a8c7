"""What carries out the trials of a study; whatever it is, the trial is the same function (see ``worker``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from eyeshot.studies.display import Watcher
from eyeshot.studies.worker import Task
from eyeshot.train.record import Record


class Engine(Protocol):
    """Carries out tasks, in whatever order and place."""

    def carried_out(self, tasks: Sequence[Task], watcher: Watcher) -> dict[int, Record]:
        """The record of each task by its number; when it returns or raises, nothing of it computes any more.

        Raises:
            EyeshotError: a trial failed.
            RunError: what carried it out was lost.
        """
