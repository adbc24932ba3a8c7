"""Damaged files of studies and measurements: each is told of and made again, and the numbers stay what they were."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import eyeshot
from eyeshot.errors import EyeshotError, UsageError
from eyeshot.studies.index import INDEX
from eyeshot.studies.kept import kept
from eyeshot.studies.run import run as carried_out
from eyeshot.train import data, loop
from eyeshot.train.directory import write_sealed
from eyeshot.view import measured
from scripts.stress.damage import damaged, damaged_json
from tests.studies import studied
from tests.train import small

WHAT = "damaged files of studies and measurements"
EVERY = 100

_DATA = small.dataset()
_RECIPE = small.recipe(_DATA, budget="2ep")
_DESIGN: dict[str, Any] = {"source": "init", "input_shape": (1, 8, 8), "seeds": 2, "per_seed": 1}


class _Stop(Exception):  # noqa: N818 (it plays a kill, which is no error)
    """Ends a training after its first epoch."""


@dataclass(frozen=True)
class _File:
    """A file, how it is damaged, and what tells whether what is made of it is right."""

    path: Path
    damage: Callable[[bytes, Random], bytes]
    wrong: Callable[[], str | None]


@contextmanager
def tried() -> Iterator[Callable[[Random], str | None]]:
    """A trial that ended, one that was stopped, a study and a measurement, one of whose files is damaged."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name) / "whole"
        files = [*_of_trials(base), *_of_a_study(base), *_of_a_measurement(base)]
        whole = Path(name) / "kept"
        shutil.copytree(base, whole)

        def run(draw: Random) -> str | None:
            file = draw.choice(files)
            content = file.damage(file.path.read_bytes(), draw)
            file.path.write_bytes(content)
            try:
                wrong = file.wrong()
            finally:
                shutil.rmtree(base)
                shutil.copytree(whole, base)
            return wrong and f"{file.path.relative_to(base)}, {len(content)} bytes: {wrong}"

        yield run


def _of_trials(base: Path) -> list[_File]:
    ended, stopped = base / "ended", base / "stopped"
    record = loop.run(_RECIPE, small.net, _DATA, ended)

    def stop(progress: loop.Progress) -> None:
        if progress.epoch == 2:
            raise _Stop

    with suppress(_Stop):
        loop.run(_RECIPE, small.net, _DATA, stopped, on_progress=stop)

    def wrong(directory: Path) -> Callable[[], str | None]:
        def tried() -> str | None:
            again = loop.run(_RECIPE, small.net, _DATA, directory, notice=lambda text: None)
            return None if again.numbers == record.numbers else "the trial has other numbers"

        return tried

    return [
        _File(stopped / "checkpoint.pt", damaged, wrong(stopped)),
        _File(stopped / "recipe.json", damaged_json, wrong(stopped)),
        _File(ended / "record.json", damaged_json, wrong(ended)),
        _File(ended / "recipe.json", damaged_json, wrong(ended)),
    ]


def _of_a_study(base: Path) -> list[_File]:
    directory = base / "study"
    plan = studied.plan(studied.write_images(base / "images"), labels=("a",), seeds=(0,))
    # In this process: starting another with PyTorch takes seconds.
    for recipe in plan.recipes():
        loop.run(recipe, studied.net, data.load(plan.data), directory / plan.place(recipe))
    write_sealed(directory / "plan.json", plan.to_json())
    records = carried_out(plan, {}, directory)  # which writes the index, since nothing is left to train

    def wrong() -> str | None:
        return None if kept(directory, notice=lambda text: None)[1] == records else "the study has other records"

    def wrong_record() -> str | None:
        try:
            return wrong()
        except UsageError as error:
            return None if "none of the 1 trainings" in str(error) else str(error)

    return [
        _File(directory / "plan.json", damaged_json, wrong),
        _File(directory / INDEX, damaged, wrong),
        _File(directory / plan.place(plan.recipes()[0]) / "record.json", damaged_json, wrong_record),
    ]


def _of_a_measurement(base: Path) -> list[_File]:
    directory, page = base / "measurement", base / "effective.json"
    first = eyeshot.effective("C3-4 C3-4", run=directory, **_DESIGN)
    page.write_text(json.dumps(first.to_json()), "utf-8")

    def wrong() -> str | None:
        again = eyeshot.effective("C3-4 C3-4", run=directory, notice=lambda text: None, **_DESIGN)
        return None if (again.map == first.map).all() else "the map is another"

    def wrong_page() -> str | None:
        try:
            measured.packed(measured.parsed(page.read_bytes(), page.name))
        except UsageError as error:
            return None if _is_clear(error) else f"the message is {str(error)!r}"
        return None

    return [
        _File(directory / "request.json", damaged_json, wrong),
        _File(directory / "state.npz", damaged, wrong),
        _File(page, damaged_json, wrong_page),
    ]


def _is_clear(error: EyeshotError) -> bool:
    return len(str(error)) < 2_000 and "\n" not in str(error) and "effective.json" in str(error)
