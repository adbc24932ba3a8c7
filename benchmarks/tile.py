"""A 16,384² image through a U-Net in tiles: peak resident memory beside the plan's, and time beside a bare loop.

python benchmarks/tile.py [SIZE] [MEMORY]
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import threading
import time
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


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 16384
    memory = sys.argv[2] if len(sys.argv) > 2 else "2G"
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
        before = resident()["RssAnon"]
        highest = Highest()
        highest.start()
        started = time.perf_counter()
        run = eyeshot.tiled(net, plan)
        run(image, out=Path(folder) / "out.npy")
        seconds = time.perf_counter() - started
        highest.goes_on = False
        planned = plan.memory.tile * min(plan.memory.batch, 64)
        print(f"peak {(highest.peak - before) / 2**20:.0f} MiB beside {planned / 2**20:.0f} MiB planned")
        out = np.lib.format.open_memmap(
            Path(folder) / "bare.npy", mode="w+", dtype=np.float32, shape=(1, 2, size, size)
        )
        started = time.perf_counter()
        bare_loop(net, plan, image, out)
        bare = time.perf_counter() - started
        print(f"{seconds:.1f} s; a bare loop over the same tiles {bare:.1f} s: {100 * (seconds / bare - 1):+.1f} %")


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
