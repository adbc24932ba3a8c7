"""How fast is the first answer? Whole commands against the imports that they cannot avoid, in one run, medians.

    make bench

How fast modules are read, against every other tool, is in peers.py; how costs grow, in growth.py.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

REPEATS = 9
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import numpy'": ["-c", "import numpy"],
    "eyeshot show alexnet": ["-m", "eyeshot", "show", "alexnet"],
    "eyeshot show resnet152": ["-m", "eyeshot", "show", "resnet152"],
    "eyeshot why alexnet conv5": ["-m", "eyeshot", "why", "alexnet", "conv5"],
}


def medians(contestants: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each, taken in turn, so that the machine's drift hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(REPEATS):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def command(arguments: list[str]) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    for name, seconds in medians({name: command(arguments) for name, arguments in COMMANDS.items()}).items():
        print(f"{name:28} {1000 * seconds:7.0f} ms")


if __name__ == "__main__":
    main()
