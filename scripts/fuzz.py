"""Does a file that nobody wrote get through a reader? Fuzzing guided by coverage: what takes a new way is changed next.

    make fuzz                              ten minutes of each reader
    make fuzz ONLY=onnx RUNS=1000000       as many executions of one
    python -m scripts.fuzz --only onnx --again FILE    one file again

The changes are libFuzzer's own and those of `make stress`, as are the files that it begins with and the limits of time
and memory. What goes wrong is kept as a file, of which one may make a test. libFuzzer never returns from its loop, so
that each reader has a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random

from scripts.stress.__main__ import REPORT, ROOT, Row, ended, outcome

_MOST_KEPT = 20
"""Files that are kept of one reader; the fuzzing ends there."""


@dataclass(frozen=True)
class Target:
    """What is fuzzed: files to begin with, one run, and changes that know what the bytes mean."""

    seeds: Sequence[bytes]
    run: Callable[[bytes], str | None]
    changed: Callable[[bytes, Random], bytes]


def _onnx(stack: ExitStack) -> Target:
    """Files of ONNX, changed as bytes and as messages."""
    files = importlib.import_module("scripts.stress.onnx_files")
    limits, told = (importlib.import_module(f"scripts.stress.{name}") for name in ("limits", "told"))
    within = stack.enter_context(limits.bounded())
    small = [sample for sample in files.samples() if len(sample.data) <= _LARGEST["onnx"]]

    def changed(data: bytes, draw: Random) -> bytes:
        return bytes(files.rewritten(files.Sample(data), draw, small))

    def run(data: bytes) -> str | None:
        found: str | None = within(lambda: told.wrong(lambda: files.read(data)))
        return found

    return Target([sample.data for sample in small], run, changed)


def _keras(stack: ExitStack) -> Target:
    """Archives of Keras as they are, and configurations, which are put into one."""
    files = importlib.import_module("scripts.stress.keras_files")
    limits, told = (importlib.import_module(f"scripts.stress.{name}") for name in ("limits", "told"))
    exported = importlib.import_module("scripts.stress.exports").exported("keras")
    within = stack.enter_context(limits.bounded())
    path = Path(stack.enter_context(limits.in_memory())) / "net.keras"
    archives = [data for name, data in exported.items() if name.endswith(".keras")]
    configs = [files.config_in(data) for data in archives]

    def changed(data: bytes, draw: Random) -> bytes:
        return bytes(files.mixed(data, draw.choice(configs), draw))

    def run(data: bytes) -> str | None:
        whole = data if data.startswith(b"PK") else files.archive(data)
        found: str | None = within(lambda: told.wrong(lambda: files.read(path, whole)))
        return found

    seeds = [data for data in (*configs, *archives) if len(data) <= _LARGEST["keras"]]
    return Target(seeds, run, changed)


_LARGEST = {"onnx": 12_000, "keras": 64_000}
"""Bytes of a file that is changed."""
_WHAT = {"onnx": "ONNX files, guided by coverage", "keras": "Keras archives, guided by coverage"}
_TARGETS = {"onnx": _onnx, "keras": _keras}


def _fuzzed(name: str, words: Sequence[str], corpus: Path, kept: Path) -> None:
    """Fuzz one reader in this process, which libFuzzer ends."""
    import atheris

    with ExitStack() as stack:
        with atheris.instrument_imports(include=["eyeshot"]):
            target = _TARGETS[name](stack)
        for data in target.seeds:
            (corpus / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)

        def one(data: bytes) -> None:
            found = outcome(lambda _: target.run(data), Random(0))
            if found is None:
                return
            # one file for each message, whatever numbers and names are in it
            kind = hashlib.sha1(re.sub(r"\d+", "0", found[-300:]).encode(), usedforsecurity=False).hexdigest()[:12]
            file = kept / f"{name}-{kind}"
            if not file.exists():
                file.write_bytes(data)
                print(f"{file}: {found}", file=sys.stderr, flush=True)
            if len(list(kept.iterdir())) >= _MOST_KEPT:
                raise RuntimeError(f"{_MOST_KEPT} files are kept")

        def mutated(data: bytes, most: int, seed: int) -> bytes:
            draw = Random(seed)
            if draw.random() < 0.5:
                try:
                    other = target.changed(data, draw)
                except Exception:  # no message any more, nor JSON
                    other = b""
                if 0 < len(other) <= most:
                    return other
            return bytes(atheris.Mutate(data, most))

        atheris.Setup([sys.argv[0], *words, str(corpus)], one, custom_mutator=mutated)
        atheris.Fuzz()


def _row(name: str, asked: argparse.Namespace, corpus: Path, kept: Path) -> Row:
    """Fuzz one reader in a process of its own; what libFuzzer says of its runs."""
    limit = f"-runs={asked.runs}" if asked.runs else f"-max_total_time={asked.seconds}"
    # what is too long or too large ends in a message of `bounded`, before libFuzzer's own limits end the process
    words = [limit, f"-seed={asked.seed}", f"-max_len={_LARGEST[name]}", "-timeout=120", "-rss_limit_mb=4096"]
    words += ["-report_slow_units=120"]  # by the clock, which tells nothing on a machine that is busy
    words += ["-print_final_stats=1", f"-artifact_prefix={kept}/{name}-"]
    before, began = len(list(kept.iterdir())), time.monotonic()
    child = [sys.executable, "-m", "scripts.fuzz", "--child", name, str(corpus), str(kept), *words]
    process = subprocess.Popen(child, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    runs = 0
    for line in process.stderr:
        if match := re.match(r"stat::number_of_executed_units:\s*(\d+)|#(\d+)\s", line):
            runs = int(match[1] or match[2])
        if asked.verbose or not re.match(r'#\d|INFO|stat::|Done|"|###|\s*$', line):
            print(line, end="", file=sys.stderr, flush=True)
    process.wait()
    failures = len(list(kept.iterdir())) - before
    seconds = time.monotonic() - began
    return Row(what=_WHAT[name], name=f"{name}_guided", seed=asked.seed, runs=runs, failures=failures, seconds=seconds)


def main() -> None:
    """Fuzz what was asked for; the exit code is 1 where something is kept."""
    if sys.argv[1:2] == ["--child"]:
        name, corpus, kept, *words = sys.argv[2:]
        _fuzzed(name, words, Path(corpus), Path(kept))
        return
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(_TARGETS), action="append", help="one reader; may be given again")
    parser.add_argument("--runs", type=int, default=0, help="executions of each; otherwise seconds say how long")
    parser.add_argument("--seconds", type=int, default=600, help="for each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=ROOT / "runs" / "fuzz", help="what goes wrong is kept there")
    parser.add_argument("--corpus", type=Path, help="folder of files to begin with, and where new ways are kept")
    parser.add_argument("--again", type=Path, help="run one file that was kept")
    parser.add_argument("--verbose", action="store_true", help="print what libFuzzer prints")
    parser.add_argument("--report", action="store_true", help=f"put the rows into {REPORT.relative_to(ROOT)}")
    asked = parser.parse_args()
    names = asked.only or sorted(_TARGETS)
    if asked.again is not None:
        with ExitStack() as stack:
            target = _TARGETS[names[0]](stack)
            found = outcome(lambda _: target.run(asked.again.read_bytes()), Random(0))
        print(found or "nothing is wrong")
        sys.exit(found is not None)
    if find_spec("atheris") is None:
        sys.exit("atheris is not installed: make fuzz, or pip install -r requirements-fuzz.txt (Linux)")
    asked.keep.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            corpus = (asked.corpus or Path(folder)) / name
            corpus.mkdir(parents=True, exist_ok=True)
            rows.append(_row(name, asked, corpus, asked.keep))
        print(rows[-1], flush=True)
    ended(rows, is_reported=asked.report)


if __name__ == "__main__":
    main()
