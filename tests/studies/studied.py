"""A study of small nets on small images; networks are built by functions that worker processes can import."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from eyeshot.studies.display import Watcher
from eyeshot.studies.plan import Arm, Plan
from eyeshot.studies.worker import Task, outcome, record_of, tell
from eyeshot.train import data
from eyeshot.train.budget import Budget
from eyeshot.train.idx import STEMS
from eyeshot.train.recipe import Options, Recipe
from eyeshot.train.record import Record, Score


def write_images(folder: Path) -> Path:
    """Noise with a faint bright patch in one of three corners: the corner is the label."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    for (images, labels), count in zip((STEMS[:2], STEMS[2:]), (96, 60), strict=True):
        pixels = draw.integers(0, 170, size=(count, 8, 8), dtype=np.uint8)
        classes = (np.arange(count) % 3).astype(np.uint8)
        for image, label in zip(pixels, classes, strict=True):
            row, column = ((0, 0), (0, 4), (4, 0))[label]
            image[row : row + 4, column : column + 4] += 70
        (folder / images).write_bytes(b"\0\0\x08\x03" + struct.pack(">3I", *pixels.shape) + pixels.tobytes())
        (folder / labels).write_bytes(b"\0\0\x08\x01" + struct.pack(">I", count) + classes.tobytes())
    return folder


def net(width: int = 6) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(width * 16, 3),
    )


class Net(nn.Sequential):
    """A class of one's own, for images of 28 × 28."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, 3, stride=4), nn.Flatten(), nn.Linear(2 * 7 * 7, 10))


def blind() -> nn.Module:
    """A net that sees the mean of the image alone, which tells next to nothing."""
    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(1, 3))


def chatty() -> nn.Module:
    """A net whose maker prints, itself and by a program that it starts."""
    print("made")
    subprocess.run([sys.executable, "-c", "print('by a child')"], check=True)
    return net()


def broken() -> nn.Module:
    raise ValueError("no such layer")


def killed() -> nn.Module:
    os._exit(3)


def lazy() -> nn.Module:
    """A net whose linear layer counts its inputs when it first has some."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))


def sized() -> nn.Module:
    """The same net with all numbers written down, drawn in the order in which the lazy one is."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))


def on_a_gpu() -> nn.Module:
    """A net that is made only where a GPU was set aside."""
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    return net()


def shot() -> nn.Module:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def plan(folder: Path, labels: tuple[str, ...] = ("a", "b"), **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "arms": tuple(Arm(label=label, design=f"net {label}", macs=1000, params=99) for label in labels),
        "seeds": (0, 1),
        "data": str(folder),
        "data_fingerprint": data.load(str(folder)).fingerprint,
        "budget": Budget.parse("2ep"),
        "options": Options(batch_size=16),
        "command": ("eyeshot", "compare", *labels),
    }
    return Plan(**{**values, **changes})


def factories(*labels: str, width: int = 6) -> dict[str, Callable[[], nn.Module]]:
    return {label: partial(net, width) for label in labels}


class Here:
    """An engine that is a for-loop in this process, which starts no other with PyTorch."""

    def carried_out(self, tasks: Sequence[Task], watcher: Watcher) -> dict[int, Record]:
        by_number, records = {task.number: task for task in tasks}, {}
        for task in tasks:
            found = record_of(outcome(task.packed(), task.name, lambda message: tell(watcher, message, by_number)))
            records[task.number] = found
            watcher.ended(found)
        return records


def record(label: str, seed: int, score: float, *, is_diverged: bool = False) -> Record:
    """A finished trial with that score, for statistics that need nothing else."""
    recipe = Recipe(
        label=label,
        design=label,
        macs=1,
        seed=seed,
        data="sample",
        data_fingerprint="",
        budget=Budget.parse("1ep"),
    )
    scores = (Score(epoch=1, images=100, seconds=2.0, loss=0.5, accuracy=score),)
    return Record(recipe=recipe, versions={}, scores=scores, is_diverged=is_diverged, weights="0" * 64)
