"""Feed the reader of ONNX files with files changed at random: `python scripts/fuzz_onnx.py [FILE…] [--runs N]`.

Each run changes some bytes, cuts off, repeats or swaps pieces, and reads what came out. Only an error of eyeshot's own
may be raised, and none may take longer than the limits say. What breaks that is written beside, to be kept as a test.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from pathlib import Path

from eyeshot.errors import EyeshotError
from eyeshot.read.onnx import read_model

SECONDS, GIGABYTES = 10.0, 2.0
_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x08, 0x12, 0x1A, 0x3A)


def changed(data: bytes, dice: random.Random) -> bytes:
    """A file after one to four changes."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        if not out:
            break
        at, kind = dice.randrange(len(out)), dice.randrange(6)
        end = min(at + dice.randint(1, 64), len(out))
        if kind == 0:
            out[at] = dice.randrange(256)
        elif kind == 1:
            out[at] = dice.choice(_EDGES)
        elif kind == 2:
            del out[at:end]
        elif kind == 3:
            out[at:at] = out[at:end] * dice.randint(1, 8)
        elif kind == 4:
            out[at:end] = bytes([0xFF] * (end - at - 1) + [0x7F])  # a huge number, of as many bytes
        elif len(out) > 2:
            del out[dice.randrange(1, len(out)) :]
    return bytes(out)


def failure(data: bytes) -> str | None:
    """What is wrong with reading these bytes; None where a network or one clear error came out."""
    start = time.perf_counter()
    try:
        read_model(data, None, name="fuzzed.onnx")
    except EyeshotError:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    return f"took {seconds:.1f} s" if seconds > SECONDS else None


def main() -> int:
    """Run until enough was tried; the number of failures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=[])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    dice = random.Random(given.seed)
    files = [path.read_bytes() for path in given.files] or samples()
    failures = 0
    for run in range(given.runs):
        data = changed(dice.choice(files), dice)
        why = failure(data)
        if why is not None:
            failures += 1
            kept = Path(f"fuzzed-{given.seed}-{run}.onnx")
            kept.write_bytes(data)
            print(f"{kept}: {why}")
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{given.runs:,} runs, {failures} failures, at most {gigabytes:.2f} GB")
    return failures + (gigabytes > GIGABYTES)


def samples() -> list[bytes]:
    """Small files of the operators' cases in the onnx package."""
    import warnings

    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = load_model_tests(kind="node")
    files = [case.model.SerializeToString() for case in cases if case.model is not None]
    return [data for data in files if len(data) < 4096]


if __name__ == "__main__":
    raise SystemExit(min(main(), 1))
