"""How fast is the first answer? Whole commands, medians; and what each takes beyond a Python that does nothing.

    make bench

`eyeshot show alexnet` is to take less than 0.1 s beyond it. CPU time holds on a busy machine too. How fast modules are
read, against every other tool, is in peers.py; how costs grow, in growth.py.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time

REPEATS = 15
NOTHING = "python -c pass"
COMMANDS = {
    NOTHING: ["-c", "pass"],
    "python -c 'import numpy'": ["-c", "import numpy"],
    "eyeshot show alexnet": ["-m", "eyeshot", "show", "alexnet"],
    "eyeshot show resnet152": ["-m", "eyeshot", "show", "resnet152"],
    "eyeshot why alexnet conv5": ["-m", "eyeshot", "why", "alexnet", "conv5"],
}
# who runs a command for the second time has modules compiled, whatever this shell says of writing them
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def took(arguments: list[str]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU, from the start of a command to its end."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=COMPILED)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for arguments in COMMANDS.values():  # compiles
        took(arguments)
    for _ in range(REPEATS):  # in turn, so that the machine's drift hits all alike
        for name, arguments in COMMANDS.items():
            times[name].append(took(arguments))
    medians = {
        name: [1000 * statistics.median(values) for values in zip(*each, strict=True)] for name, each in times.items()
    }
    print(f"{'medians, ms':28} {'clock':>7} {'CPU':>7} {'beyond nothing':>16} {'CPU':>7}")
    for name, (clock, cpu) in medians.items():
        beyond = [value - nothing for value, nothing in zip((clock, cpu), medians[NOTHING], strict=True)]
        print(f"{name:28} {clock:7.0f} {cpu:7.0f} {beyond[0]:16.0f} {beyond[1]:7.0f}")


if __name__ == "__main__":
    main()
