"""How far a study is, told from its directory: while it runs, after it was stopped, on whatever machine it ran."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eyeshot.garbage import uncollected
from eyeshot.studies.index import Index
from eyeshot.studies.kept import Notice, plan_of
from eyeshot.studies.plan import Plan
from eyeshot.train.directory import CHECKPOINT, RECIPE, finished
from eyeshot.train.recipe import Recipe

SCHEMA = "eyeshot.status/1"
DONE, BEGUN, WAITING = "done", "begun", "waiting"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training and how far it is."""

    label: str
    seed: int
    state: str
    """``done``, ``begun`` or ``waiting``."""
    score: float | None = None
    """Test accuracy in percent, once it is done."""
    saved: float | None = None
    """Of one that has begun when its state was last saved, in seconds since 1970; None before its first epoch's end."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """All trainings of a study's plan."""

    directory: Path
    plan: Plan
    trials: tuple[Trial, ...]
    is_at_work: bool
    """Whether a process trains there now, on this machine or one that shares its file locks."""

    def count(self, state: str, label: str | None = None) -> int:
        """How many trainings are in a state, of one arm or all."""
        return sum(n for (its, arm), n in self._counts.items() if its == state and label in (None, arm))

    @cached_property
    def _counts(self) -> Counter[tuple[str, str]]:
        return Counter((trial.state, trial.label) for trial in self.trials)

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.status/1."""
        return {
            "schema": SCHEMA,
            "directory": str(self.directory),
            "at_work": self.is_at_work,
            **{state: self.count(state) for state in (DONE, BEGUN, WAITING)},
            "trials": [
                {"arm": trial.label, "seed": trial.seed, "state": trial.state, "score": trial.score}
                for trial in self.trials
            ],
        }


def status(directory: Path, notice: Notice) -> Status:
    """How far the study in a directory is; nothing is written.

    Raises:
        UsageError: the directory holds no study.
    """
    plan = plan_of(directory, notice)
    index = Index(directory, plan)
    trials = []
    with uncollected():
        for seed in plan.seeds:
            for arm in plan.arms:
                score = index.score(arm.label, seed)
                done = Trial(label=arm.label, seed=seed, state=DONE, score=score)
                trials.append(_looked_at(directory, plan, plan.recipe(arm, seed), notice) if score is None else done)
    return Status(directory=directory, plan=plan, trials=tuple(trials), is_at_work=_is_at_work(directory))


def _looked_at(directory: Path, plan: Plan, recipe: Recipe, notice: Notice) -> Trial:
    """A trial that the index does not know."""
    place = directory / plan.place(recipe)
    if record := finished(place, recipe, notice):
        return Trial(label=recipe.label, seed=recipe.seed, state=DONE, score=record.score)
    state = BEGUN if (place / RECIPE).exists() else WAITING
    return Trial(label=recipe.label, seed=recipe.seed, state=state, saved=_saved(place / CHECKPOINT))


def _saved(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _is_at_work(directory: Path) -> bool:
    """Whether a process holds the lock (see ``eyeshot.studies.run``)."""
    try:
        import fcntl

        with (directory / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ModuleNotFoundError, OSError):  # Windows has no such lock; nobody ever trained here
        return False
    return False
