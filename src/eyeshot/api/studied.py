"""Designs that are trained: what is planned is carried out, and held with its evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from eyeshot.api.comparison import Comparison
from eyeshot.api.report import Report

if TYPE_CHECKING:
    from eyeshot.studies.study import Study
    from eyeshot.train.progress import Progress


def study(
    file: str | Path,
    *,
    run: str | Path | None = None,
    jobs: int | None = None,
    ray: str | None = None,
    gpus: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    notice: Callable[[str], None] | None = None,
) -> Comparison:
    """Train what a study's file says, as ``eyeshot study FILE`` does, and hold it with its evidence.

    What is done already is read, and what was begun goes on.

    Args:
        file: a TOML file: arms, data, budget, seeds, recipe; see ``docs/training.md``.
        run: the directory that keeps plan, states and scores; the file's, or ``runs/`` and the plan's fingerprint.
        jobs: trials at once; as many as there are cores for unless given.
        ray: "local" for a Ray cluster that starts on this machine, "auto" for the one that runs, or its "host:port".
        gpus: the share of a GPU that Ray sets aside for each trial, such as 0.25.
        on_progress, notice: told how each trial goes, several times a second, and of what was found damaged.

    Raises:
        UsageError: something in the file cannot be used; says on which line.
        MissingExtraError: PyTorch, SciPy or Ray is not installed.
        RunError: a trial failed, or the directory cannot be used.

    Example:
        ::

            pays = eyeshot.study("pays.toml")
            print(pays.evidence.verdict)
            pays.evidence.arms[0].scores        # {0: 87.3, 1: …}, in percent by seed
    """
    from eyeshot.studies.engines import engine_of
    from eyeshot.studies.file import study_file

    engine = engine_of(ray=ray, gpus=gpus, jobs=jobs)
    planned = study_file(Path(file)).planned(
        directory=None if run is None else Path(run), jobs=jobs, engine=engine, command=("eyeshot.study", str(file))
    )
    return carried_out(planned, on_progress, notice)


def carried_out(
    planned: Study, on_progress: Callable[[Progress], None] | None, notice: Callable[[str], None] | None
) -> Comparison:
    """Train what is planned, or what is left of it."""
    from eyeshot.studies.display import Telling

    planned.run(Telling(on_progress, notice))
    return Comparison([Report(network) for network in planned.networks], planned)
