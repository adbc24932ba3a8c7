"""How fast is the first answer, and reading a module? Side by side, in one run, medians.

    make bench

Whole commands against the imports that they cannot avoid; reading a module against PyTorch's own operation counter,
which gives no fields.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from eyeshot import inspect
from eyeshot.read.loading import load_module

REPEATS = 9
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import numpy'": ["-c", "import numpy"],
    "eyeshot show alexnet": ["-m", "eyeshot", "show", "alexnet"],
    "eyeshot show resnet152": ["-m", "eyeshot", "show", "resnet152"],
    "eyeshot why alexnet conv5": ["-m", "eyeshot", "why", "alexnet", "conv5"],
}
MODELS = ("resnet50", "resnet152", "densenet201", "vgg16", "efficientnet_b0")


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


def count_flops(module: torch.nn.Module) -> None:
    with torch.device("meta"), FlopCounterMode(display=False), torch.no_grad():
        module.eval()(torch.empty(1, 3, 224, 224))


def main() -> None:
    for name, seconds in medians({name: command(arguments) for name, arguments in COMMANDS.items()}).items():
        print(f"{name:28} {1000 * seconds:7.0f} ms")
    print()
    print(f"{'model':18} {'inspect':>9} {'all fields':>11} {'torch FlopCounterMode':>22}")
    for name in MODELS:
        module = load_module(f"torchvision:{name}")
        found = medians(
            {
                "inspect": lambda module=module: inspect(module),
                "fields": lambda module=module: inspect(module).to_json(),
                "flops": lambda module=module: count_flops(module),
            }
        )
        inspected, fields, flops = (1000 * found[key] for key in ("inspect", "fields", "flops"))
        print(f"{name:18} {inspected:6.0f} ms {fields:8.0f} ms {flops:19.0f} ms")


if __name__ == "__main__":
    main()
