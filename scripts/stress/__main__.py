"""Does anything damaged, hostile or endless get through? Runs every fuzzer and prints runs and failures.

    make stress                                       some minutes: COUNT=20000 SEED=1
    make stress COUNT=1000000 REPORT=--report         the whole of it, written to docs/stress.md
    python -m scripts.stress --only notations         one fuzzer
    python -m scripts.stress --only notations --first 8123 --runs 1   one run again

COUNT is the number of the cheapest runs; dearer fuzzers run once in so many of them (their EVERY), and once at least.
A run draws all it does from the seed, the fuzzer's name and its own number, so each failure can be had again.

A fuzzer is a module in this folder with WHAT (its row in the table), EVERY, and ``tried()``: a context that makes
what all runs need and gives the function of one run: from a ``random.Random`` to what went wrong, or None.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NoReturn, Protocol, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "stress.md"
_AIDS = ("damage", "exports", "limits", "messages", "told")
"""Modules that fuzzers share."""
FUZZERS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem not in _AIDS)
GUIDED = ("keras_guided", "onnx_guided")
"""Rows that `make fuzz` writes."""
_SHOWN = 20
"""Failures that are printed of one fuzzer."""
_HEAD = """# What the stress found

What `make stress` last found: runs of each fuzzer, and how many of them ended in anything but the right numbers or one
clear message. Those are mended when they are found, and counted here until the next whole run.
`python -m scripts.stress --only NAME --first N --runs 1 --seed S` repeats one run. Those that are *guided* are
`make fuzz`'s: what is changed next is what took a new way through the reader.

| tests | name | seed | runs | failures | seconds |
|---|---|---:|---:|---:|---:|
"""

Run = Callable[[Random], str | None]


class Fuzzer(Protocol):
    """What a module of this folder has."""

    WHAT: str
    EVERY: int

    def tried(self) -> AbstractContextManager[Run]:
        """What one run does, with what all runs need made before and gone afterwards."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one fuzzer went."""

    what: str
    name: str
    seed: int
    runs: int
    failures: int
    seconds: float

    def __str__(self) -> str:
        counts = f"{self.runs:,} | {self.failures:,} | {self.seconds:,.0f}"
        return f"| {self.what} | `{self.name}` | {self.seed} | {counts} |"


def stressed(name: str, *, seed: int, count: int, first: int = 0, runs: int | None = None) -> Row:
    """All runs of one fuzzer, or those until Ctrl-C; what fails is printed as it comes."""
    fuzzer = cast("Fuzzer", importlib.import_module(f"scripts.stress.{name}"))
    runs, failures, began = runs or max(1, count // fuzzer.EVERY), 0, time.monotonic()
    number = first
    with fuzzer.tried() as run, suppress(KeyboardInterrupt):
        for number in range(first, first + runs):
            wrong = outcome(run, Random(f"{seed} {name} {number}"))
            if wrong is not None:
                failures += 1
                if failures <= _SHOWN:
                    print(f"{name} {number}: {wrong}", file=sys.stderr, flush=True)
        number += 1
    runs = number - first
    return Row(what=fuzzer.WHAT, name=name, seed=seed, runs=runs, failures=failures, seconds=time.monotonic() - began)


def outcome(run: Run, draw: Random) -> str | None:
    """What one run found wrong; an exception that it lets through is wrong, too."""
    try:
        return run(draw)
    except Exception:
        return traceback.format_exc()


def reported(rows: Sequence[Row], text: str) -> str:
    """The report with these rows, and with those of other fuzzers that were in it."""
    lines = {match[1]: line for line in text.splitlines() if (match := re.match(r"\| [^|]+ \| `(\w+)` \|", line))}
    lines |= {row.name: str(row) for row in rows}
    return _HEAD + "".join(f"{lines[name]}\n" for name in sorted((*FUZZERS, *GUIDED)) if name in lines)


def ended(rows: Sequence[Row], *, is_reported: bool) -> NoReturn:
    """Put the rows into the report, where that was asked for; the exit code is 1 where something failed."""
    if is_reported:
        REPORT.write_text(reported(rows, REPORT.read_text("utf-8") if REPORT.exists() else ""), "utf-8")
    sys.exit(any(row.failures for row in rows))


def main() -> None:
    """Run what was asked for; the exit code is 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.stress", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000, help="runs of the cheapest fuzzers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--runs", type=int, help="runs of each fuzzer, whatever --count makes of it")
    parser.add_argument("--only", choices=FUZZERS, action="append", help="one fuzzer; may be given again")
    parser.add_argument("--report", action="store_true", help=f"put the rows into {REPORT.relative_to(ROOT)}")
    asked = parser.parse_args()
    rows = []
    print(_HEAD[_HEAD.index("|") :], end="")
    for name in asked.only or FUZZERS:
        rows.append(stressed(name, seed=asked.seed, count=asked.count, first=asked.first, runs=asked.runs))
        print(rows[-1], flush=True)
    ended(rows, is_reported=asked.report)


if __name__ == "__main__":
    main()
