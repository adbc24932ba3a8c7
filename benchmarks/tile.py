"""A 16,384² image through a U-Net in tiles: peak resident memory beside the plan's, and time beside a bare loop.

python benchmarks/tile.py [SIZE] [MEMORY] [REPEATS]
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import eyeshot
from eyeshot.tile.plan import TilePlan
from tests.tile.nets import UNet


def resident() -> dict[str, int]:
    """Bytes of the process in memory, by kind."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line and line[0].startswith("Rss")}


class Highest(threading.Thread):
    """The most anonymous memory of the process while this runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.goes_on = 0, True

    def run(self) -> None:
        while self.goes_on:
            self.peak = max(self.peak, resident()["RssAnon"])
            time.sleep(0.001)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor, and MiB more than before at the highest."""
    before = resident()["RssAnon"]
    highest = Highest()
    highest.start()
    started = time.process_time()
    work()
    seconds = time.process_time() - started
    highest.goes_on = False
    return seconds, (highest.peak - before) / 2**20


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 16384
    memory = sys.argv[2] if len(sys.argv) > 2 else "2G"
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = UNet(3, "bilinear", c=8).eval()
    plan = eyeshot.tile_plan(net, (1, size, size), memory=memory)
    print(f"plan: {plan.tiles} tiles of {plan.tile}, work {plan.work:.3f}, {plan.memory}")
    with tempfile.TemporaryDirectory() as folder:
        image = np.lib.format.open_memmap(
            Path(folder) / "in.npy", mode="w+", dtype=np.float32, shape=(1, 1, size, size)
        )
        rows = np.random.default_rng(0).random((256, size), dtype=np.float32)
        for start in range(0, size, 256):
            image[0, 0, start : start + 256] = rows[: size - start]
        with torch.no_grad():
            net(torch.zeros(1, 1, 64, 64))
        runs, bare = [], []
        for i in range(repeats):
            target = Path(folder) / f"out{i}.npy"
            runs.append(measured(lambda target=target: eyeshot.tiled(net, plan)(image, out=target)))
            out = np.lib.format.open_memmap(
                Path(folder) / "bare.npy", mode="w+", dtype=np.float32, shape=(1, 2, size, size)
            )
            bare.append(measured(lambda out=out: bare_loop(net, plan, image, out)))
            target.unlink()
    planned = plan.memory.tile * min(plan.memory.batch, 64) / 2**20
    peaks = [", ".join(f"{peak:.0f}" for _, peak in each) for each in (runs, bare)]
    print(f"peak {peaks[0]} MiB beside {planned:.0f} MiB planned; a bare loop over the same tiles {peaks[1]} MiB")
    ours, theirs = min(seconds for seconds, _ in runs), min(seconds for seconds, _ in bare)
    print(f"{ours:.1f} s of the processor, the bare loop {theirs:.1f} s: {100 * (ours / theirs - 1):+.1f} %")


@torch.no_grad()
def bare_loop(net: torch.nn.Module, plan: TilePlan, image: Any, out: Any) -> None:
    """Read, run and write each tile, and nothing else."""
    for y, x in itertools.product(*plan.rows):
        piece = np.array(image[:, :, y.start : y.start + y.size, x.start : x.start + x.size])
        result = net(torch.from_numpy(piece))
        core = result[:, :, y.first - y.start : y.end - y.start, x.first - x.start : x.end - x.start]
        out[:, :, y.first : y.end, x.first : x.end] = core.numpy()
    out.flush()


if __name__ == "__main__":
    main()
