"""How long does a study with very many trials take to open? Makes one, opens it in several ways, prints seconds.

    python benchmarks/store.py                           # 100 arms × 1,000 seeds
    python benchmarks/store.py --arms 1000 --seeds 10

What is made is what so many trainings leave of a study: its plan, a directory per trial, and in it a record of three
epochs with 2,000 test images. First without the index of the records, which the study's own command then writes, then
with it. Each line is the median of several openings, each in a process of its own; seconds are those on the clock from
a process's start to its end, and those of the processor. The machine's cache of files is warm.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from eyeshot.documents import sealed
from eyeshot.studies.index import INDEX
from eyeshot.studies.plan import Arm, Plan
from eyeshot.train.budget import Budget
from eyeshot.train.directory import RECORD, write_sealed
from eyeshot.train.record import Answers, Record, Score

_IMAGES = 2_000
_VERSIONS = {
    "python": "3.11.7", "torch": "2.13.0", "numpy": "2.4.0", "eyeshot": "0.1.0", "platform": "Linux-6.1-x86_64",
    "processor": "x86_64", "threads": "1",
}  # fmt: skip
_RUN = """
import sys
from pathlib import Path
from eyeshot.studies.kept import plan_of
from eyeshot.studies.run import run
directory = Path(sys.argv[1])
assert len(run(plan_of(directory, print), {}, directory)) == int(sys.argv[2])
"""
_KEPT = """
import sys
from pathlib import Path
from eyeshot.studies.kept import kept
assert len(kept(Path(sys.argv[1]), print)[1]) == int(sys.argv[2])
"""
_EYESHOT = [sys.executable, "-m", "eyeshot"]


def make(directory: Path, arms: int, seeds: int) -> Plan:
    """A study of which every trial is done."""
    draw = np.random.default_rng(0)
    plan = Plan(
        arms=tuple(Arm(label=f"arm {number}", design="C3-8", macs=1000, params=99) for number in range(arms)),
        seeds=tuple(range(seeds)),
        data="sample",
        data_fingerprint="0" * 64,
        budget=Budget.parse("3ep"),
        command=("eyeshot", "study", "large.toml"),
    )
    for recipe in plan.recipes():
        answers = Answers.of(draw.random(_IMAGES) < draw.normal(0.8, 0.01), chance=10.0)
        scores = [
            Score(epoch=epoch, images=8000 * epoch, seconds=1.25 * epoch, loss=0.5, accuracy=70.0, test_loss=0.6)
            for epoch in (1, 2)
        ]
        last = dataclasses.replace(scores[-1], epoch=3, images=24000, seconds=3.75, accuracy=answers.accuracy)
        record = Record(
            recipe=recipe,
            versions=_VERSIONS,
            scores=(*scores, last),
            is_diverged=False,
            weights=draw.bytes(32).hex(),
            answers=answers,
        )
        place = directory / plan.place(recipe)
        place.mkdir(parents=True)
        # as write_sealed does, which waits for the disk each time: minutes for so many
        (place / RECORD).write_text(json.dumps(sealed(record.to_json()), indent=1) + "\n", "utf-8")
    write_sealed(directory / "plan.json", plan.to_json())
    return plan


def seconds(command: list[str], repeats: int) -> tuple[float, float]:
    """On the clock and of the processor, the median of each."""
    clock, processor = [], []
    for _ in range(repeats):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clock.append(time.perf_counter() - started)
        processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(clock), statistics.median(processor)


def main() -> None:
    """Make a store, open it, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--show", action="store_true", help="time `study show` too, which computes all intervals")
    parser.add_argument("--at", type=Path, help="make it there and keep it, or use what is there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = asked.at or Path(name) / "study"
        count = asked.arms * asked.seeds
        if not directory.exists():
            print(f"making {count:,} trials", file=sys.stderr)
            make(directory, asked.arms, asked.seeds)
        status = [*_EYESHOT, "study", "status", str(directory)]
        opened = [sys.executable, "-c", _KEPT, str(directory), str(count)]
        again = [sys.executable, "-c", _RUN, str(directory), str(count)]
        show = [("eyeshot study show", [*_EYESHOT, "study", "show", str(directory), "--json"])] if asked.show else []
        ways = [("eyeshot study status", status), ("plan and records in Python", opened)]
        print(f"{asked.arms} arms × {asked.seeds:,} seeds = {count:,} trials; load {os.getloadavg()[0]:.1f}")
        print(f"{'':42}{'seconds':>10}{'of the processor':>20}")
        (directory / INDEX).unlink(missing_ok=True)
        for what, command, repeats in [
            ("without the index: eyeshot study status", status, 1),
            ("once: the study's own command writes it", again, 1),
            *(
                (what, command, asked.repeats)
                for what, command in [*ways, ("asked for again: nothing to train", again)]
            ),
            *((what, command, 1) for what, command in show),
        ]:
            clock, processor = seconds(command, repeats)
            print(f"{what:42}{clock:10.2f}{processor:20.2f}", flush=True)
        print(json.dumps({"index_bytes": (directory / INDEX).stat().st_size}))


if __name__ == "__main__":
    main()
