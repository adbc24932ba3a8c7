"""What a study will take, before it starts: a few steps of each arm, measured in a process of its own."""

from __future__ import annotations

import dataclasses
import math
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eyeshot.read.under_way import peak
from eyeshot.studies.plan import Plan
from eyeshot.studies.processes import alone
from eyeshot.studies.worker import Failure, Task, dataset_of, failure
from eyeshot.train.budget import Budget

if TYPE_CHECKING:
    from eyeshot.studies.study import Study
    from eyeshot.train.dataset import Dataset
    from eyeshot.train.record import Record

_SECONDS = 0.5
"""What is timed lasts about that long, after a first step in which memory is found and kernels are chosen."""
_STEPS = 3, 100
"""Steps that are timed, at least and at most."""
_TESTED = 500
"""Test images of a rehearsal: as many as are tested at once, so that memory is what it will be."""
_FORWARD = 1 / 3
"""Of a training step's time: the backward pass costs twice the forward."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What each training of one arm will take on this machine, as it is now."""

    label: str
    images: int
    """Seen in training, repeats counted."""
    seconds: float
    """Of training."""
    test_seconds: float
    """Of testing after each epoch, at a third of a training step's time an image."""
    memory: int | None
    """Bytes of the process at its largest, Python, PyTorch and the images included; None where it is not told."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A few steps, as measured."""

    images_per_second: float
    memory: int | None
    train_size: int
    test_size: int


def estimates(study: Study) -> Iterator[Estimate]:
    """Rehearse the arms one after the other, alone on the machine as far as this study goes.

    Raises:
        EyeshotError: an arm cannot be trained.
    """
    plan = study.plan
    for recipe in dataclasses.replace(plan, seeds=plan.seeds[:1]).recipes():
        task = Task(number=0, recipe=recipe, factory=study.factories[recipe.label], directory=Path())
        result = alone(_rehearsed, task.packed(), task.name)
        if isinstance(result, Failure):
            raise result.error
        yield _estimate(plan, recipe.label, recipe.macs, result)


def _estimate(plan: Plan, label: str, macs: int, rehearsal: Rehearsal) -> Estimate:
    speed = rehearsal.images_per_second
    images = plan.budget.images(macs_per_image=macs, train_size=rehearsal.train_size) or round(
        plan.budget.amount * speed
    )
    tests = math.ceil(images / rehearsal.train_size) * rehearsal.test_size
    return Estimate(
        label=label,
        images=images,
        seconds=images / speed,
        test_seconds=tests / speed * _FORWARD,
        memory=rehearsal.memory,
    )


def _rehearsed(packed: bytes, where: str) -> Rehearsal | Failure:
    """Train on a few batches, by the same loop as any trial; runs in a process of its own."""
    try:
        from eyeshot.train import loop

        task: Task = pickle.loads(packed)
        dataset = dataset_of(task.recipe.data)
        batch = task.recipe.options.batch_size
        few = _cut(dataset, _STEPS[1] * batch)

        def trained(steps: int) -> Record:
            budget = Budget(amount=min(steps * batch, len(few.train_images)), unit="img")
            recipe = dataclasses.replace(task.recipe, budget=budget, data_fingerprint=few.fingerprint)
            with tempfile.TemporaryDirectory() as place:
                return loop.run(recipe, task.factory, few, Path(place))

        first = trained(1)
        record = trained(max(_STEPS[0], min(_STEPS[1], round(_SECONDS * first.images_per_second / batch))))
        return Rehearsal(
            images_per_second=record.images_per_second,
            memory=peak(),
            train_size=len(dataset.train_images),
            test_size=len(dataset.test_images),
        )
    except (Exception, SystemExit) as error:  # as in ``worker.outcome``
        return failure(where, error)


def _cut(dataset: Dataset, images: int) -> Dataset:
    """The first images of a data set."""
    return dataclasses.replace(
        dataset,
        train_images=dataset.train_images[:images],
        train_labels=dataset.train_labels[:images],
        test_images=dataset.test_images[:_TESTED],
        test_labels=dataset.test_labels[:_TESTED],
    )
