"""One model after another, each in a process of its own that may not take more than its time and memory.

What came of a model is one line of a JSON file, so a sweep that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

MOST_SECONDS = 90
MOST_BYTES = 12 * 2**30
_PROCESSES = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Outcome:
    """What came of one model.

    Attributes:
        verdict: exact, bound, failed (not read, though it runs), unfit (the model itself does not run), or not built.
        reason: why it is not exact.
        violations: what breaks a law, a sentence each, the law's name first.
        truth: layers that were held against NaN in the network, as text.
        unfinished: why not all was tried that there is.
    """

    package: str
    name: str
    verdict: str
    reason: str = ""
    violations: list[str] = field(default_factory=list)
    truth: str = ""
    seconds: float = 0.0
    unfinished: str = ""


Act = Callable[[], Iterator[Outcome]]
"""What to do with a model: what is known so far, again and again."""


def kept(path: Path) -> dict[tuple[str, str], Outcome]:
    """The outcomes of an earlier sweep; a last line that was cut short is left out."""
    outcomes = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            outcome = Outcome(**json.loads(line))
        except (ValueError, TypeError):
            continue
        outcomes[outcome.package, outcome.name] = outcome
    return outcomes


def sweep(subjects: Iterable[tuple[str, str, Act]], path: Path, *, most_seconds: float = MOST_SECONDS) -> list[Outcome]:
    """The outcomes of all subjects (package, name, what to do), those of earlier sweeps taken over."""
    known, outcomes = kept(path), []
    todo = list(subjects)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for i, (package, name, act) in enumerate(todo, start=1):
            outcome = known.get((package, name))
            if outcome is None:
                outcome = _alone(package, name, act, most_seconds)
                file.write(json.dumps(asdict(outcome)) + "\n")
                file.flush()
            outcomes.append(outcome)
            print(f"{i}/{len(todo)} {outcome.seconds:6.1f} s {outcome.verdict:9} {package}:{name}", file=sys.stderr)
            for text in [*outcome.violations[:3], outcome.reason, outcome.unfinished]:
                if text:
                    print(f"      {text[:200]}", file=sys.stderr, flush=True)
    return outcomes


def _alone(package: str, name: str, act: Act, most_seconds: float) -> Outcome:
    """What comes of one model in a process of its own."""
    here, there = _PROCESSES.Pipe(duplex=False)
    start = time.perf_counter()
    process = _PROCESSES.Process(target=_child, args=(there, act))
    process.start()
    there.close()
    outcome, is_done = Outcome(package, name, "failed", "not built or read"), False
    try:
        while here.poll(max(0.0, most_seconds - (time.perf_counter() - start))):
            outcome = here.recv()
    except EOFError:
        is_done = True
    process.join(1)
    if process.is_alive():
        process.kill()
        process.join()
    seconds = round(time.perf_counter() - start, 2)
    if is_done and process.exitcode == 0:
        return replace(outcome, seconds=seconds)
    why = f"ended with {process.exitcode}" if is_done else f"stopped after {most_seconds:.0f} s"
    return replace(outcome, seconds=seconds, unfinished=why)


def _child(there: Any, act: Act) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    os.nice(10)
    for outcome in act():
        there.send(outcome)
