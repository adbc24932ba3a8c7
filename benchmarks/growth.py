"""How does the time grow with layers, edges, branches and the image's side? Measures, reports slopes, draws.

    python benchmarks/growth.py                          # prints a table
    python benchmarks/growth.py -o docs/images/growth.png

Each point reads a module without memory for its weights, computes all fields and costs, the hulls of all units
of the last layer, and the footprint of one of them. The slope is that of the logarithms, over the upper half of the
sizes, by least squares: 1 is linear. Sizes take turns, so that the machine's drift hits all alike.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from eyeshot import inspect


class Dense(nn.Module):
    """Every layer reads all layers before it."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(2 + 2 * i, 2, 3, padding=1) for i in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = [x]
        for layer in self.layers:
            seen.append(layer(torch.cat(seen, 1)))
        return seen[-1]


class Branched(nn.Module):
    """Parallel convolutions of four kinds, crosses among them, side by side and then mixed."""

    KERNELS = ((1, 3), (3, 1), (3, 3), (1, 1))

    def __init__(self, branches: int) -> None:
        super().__init__()
        kernels = [self.KERNELS[i % 4] for i in range(branches)]
        self.paths = nn.ModuleList(nn.Conv2d(2, 2, k, padding=tuple(n // 2 for n in k)) for k in kernels)
        self.last = nn.Conv2d(2 * branches, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.cat([path(x) for path in self.paths], 1))


class Classifier(nn.Module):
    """Strided convolutions, then fully connected layers on the flattened map."""

    def __init__(self, side: int) -> None:
        super().__init__()
        convs: list[nn.Module] = []
        for channels in (3, 8, 8, 8):
            convs += [nn.Conv2d(channels, 8, 3, 2, 1), nn.ReLU()]
            side = (side + 1) // 2
        self.features, self.fc = nn.Sequential(*convs), nn.Linear(8 * side**2, 10)
        self.last = nn.Linear(10, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.fc(self.features(x).flatten(1)))


def chain(layers: int) -> nn.Module:
    pairs = ((nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True)) for _ in range(layers // 2))
    return nn.Sequential(*(module for pair in pairs for module in pair))


@dataclass(frozen=True)
class Series:
    """One way to grow: what is counted, how many of it at each size, and how a network of that size is made."""

    name: str
    unit: str
    sizes: tuple[int, ...]
    make: Callable[[int], nn.Module]
    shape: Callable[[int], tuple[int, ...]]
    count: Callable[[int], int] = int


SERIES = (
    Series("chain of convolutions", "layers", (10, 30, 100, 300, 1000, 3000, 10_000), chain, lambda n: (2, 64, 64)),
    Series(
        "every layer reads all before it",
        "edges",
        (5, 10, 30, 100, 300, 1000),
        Dense,
        lambda n: (2, 32, 32),
        lambda n: n * (n + 3) // 2,
    ),
    Series("parallel branches", "branches", (10, 30, 100, 300, 1000, 3000), Branched, lambda n: (2, 64, 64)),
    Series(
        "convolutions and fully connected",
        "pixels along the image's side",
        (100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
        Classifier,
        lambda n: (3, n, n),
    ),
)


def seconds(series: Series, size: int) -> float:
    """Time of everything that can be asked of one network."""
    with torch.device("meta"):
        module = series.make(size)
    start = time.perf_counter()
    report = inspect(module, series.shape(size))
    report.to_json()
    last = report.layers[-1]
    assert len(last.hulls) == 2
    keeps_axes = len(last.out) == 3
    middle = tuple(n // 2 for n in last.out[1:]) if keeps_axes else (0, 0)
    assert last.unit(*middle).footprint.boxes()
    return time.perf_counter() - start


def measured(series: Series, repeats: int, largest: float) -> list[tuple[int, float]]:
    """(count, seconds) of each size; sizes that are expected to take longer than ``largest`` seconds are left out."""
    seconds(series, series.sizes[0])
    times: dict[int, list[float]] = {}
    for turn in range(repeats):
        for size in series.sizes if turn == 0 else list(times):
            times.setdefault(size, []).append(seconds(series, size))
            if turn == 0 and times[size][0] > largest:
                break
    return [(series.count(size), statistics.median(taken)) for size, taken in times.items()]


def slope(points: list[tuple[int, float]]) -> float:
    """Of the logarithms, over the upper half."""
    upper = [(math.log(n), math.log(t)) for n, t in points[len(points) // 2 :]]
    mean_x, mean_y = (statistics.fmean(values) for values in zip(*upper, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in upper) / sum((x - mean_x) ** 2 for x, _ in upper)


def draw(found: dict[str, list[tuple[int, float]]], path: str) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
    figure, panels = plt.subplots(1, len(SERIES), figsize=(10.4, 2.7), sharey=True, layout="constrained")
    for series, colour, panel in zip(SERIES, colours, panels, strict=True):
        points = found[series.name]
        panel.loglog(*zip(*points, strict=True), color=colour, marker="o", markersize=4, linewidth=1.5)
        (n, t) = points[-1]
        guide = [points[0][0], n]
        panel.loglog(guide, [t * m / n for m in guide], color="0.6", linestyle=":", linewidth=1)
        panel.set_title(f"{series.name}\nslope {slope(points):.2f}", fontsize=8.5)
        panel.set_xlabel(series.unit, fontsize=8.5)
        panel.tick_params(labelsize=8)
        panel.grid(visible=True, which="major", color="0.9", linewidth=0.6)
        panel.set_axisbelow(True)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    panels[0].set_ylim(bottom=min(t for points in found.values() for _, t in points) / 2)
    panels[0].set_ylabel("seconds", fontsize=8.5)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", help="where to draw the picture")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--largest", type=float, default=120, help="seconds after which no larger size is tried")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {}
    for series in SERIES:
        points = found[series.name] = measured(series, options.repeats, options.largest)
        print(f"{series.name}, by {series.unit}: slope {slope(points):.2f}")
        for n, t in points:
            print(f"  {n:>12,} {1000 * t:12,.1f} ms", flush=True)
    if options.output:
        draw(found, options.output)
        print(options.output)


if __name__ == "__main__":
    main()
