"""What training does to effective fields: two small AlexNet layouts, and three 3×3 against one 7×7, before and after.

Trains each design with several seeds on the embedded sample of real images, measures one layer's effective field at the
same weights before and after, on test images, and writes the numbers and the figure that docs/effective.md shows:

    python scripts/effective_fields.py               # about four minutes on one core; goes on where it was stopped
    python scripts/effective_fields.py --seeds 8 --budget 5ep
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import nn

import eyeshot
from eyeshot.api.report import Report
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.measure.images import of_dataset
from eyeshot.network.graph import Network
from eyeshot.read.pretrained import load_weights
from eyeshot.report.effective import EffectiveField
from eyeshot.report.figures.effective import profile_panel
from eyeshot.report.figures.style import Drawing
from eyeshot.report.wording import plain
from eyeshot.studies.statistics import half_width
from eyeshot.train import directory as files
from eyeshot.train.budget import Budget
from eyeshot.train.data import load
from eyeshot.train.loop import run
from eyeshot.train.recipe import Recipe

DESIGNS = {
    "alexnet-28": ("alexnet-28", "conv5"),
    "alexnet-28-alternating": ("alexnet-28-alternating", "conv5"),
    "three 3×3": ("C3-16 C3-16 C3-16 P4 C3-32 G F10", "conv3"),
    "one 7×7": ("C7-16 P4 C3-32 G F10", "conv1"),
}
IMAGES = 64
SOURCES = ("path density", "at random weights", "trained")
HOME = Path(__file__).parent.parent
PAGE, FIGURE = HOME / "docs" / "effective.md", HOME / "docs" / "images" / "effective-training.png"


@dataclass(frozen=True)
class Found:
    """One design: its density, and per seed its field before and after training, and the score."""

    label: str
    density: EffectiveField
    before: tuple[EffectiveField, ...]
    after: tuple[EffectiveField, ...]
    scores: tuple[float, ...]


def studied(label: str, seeds: int, budget: Budget, directory: Path) -> Found:
    """Train and measure one design."""
    name, layer = DESIGNS[label]
    dataset = load("sample")
    network = network_named(name, dataset.shape, classes=len(dataset.classes))
    images = torch.from_numpy(of_dataset("sample", dataset.shape, IMAGES).values)
    before, after, scores = [], [], []
    for seed in range(seeds):
        recipe = Recipe(
            label=label, design=name, macs=Report(network).totals.macs, seed=seed, data="sample",
            data_fingerprint=dataset.fingerprint, budget=budget,
        )  # fmt: skip
        place = directory / re.sub(r"\W+", "-", label) / str(seed)
        record = run(recipe, lambda: build(network), dataset, place)
        torch.manual_seed(seed)
        module = build(network)
        before.append(measured(module, layer, network, images))
        load_weights(module, place / files.CHECKPOINT)
        after.append(measured(module, layer, network, images))
        scores.append(record.score)
        print(f"{label}, seed {seed}: {record.score:.1f} %", flush=True)
    density = eyeshot.effective(network, layer, unit="all")
    return Found(label, density, tuple(before), tuple(after), tuple(scores))


def measured(module: nn.Module, layer: str, network: Network, images: torch.Tensor) -> EffectiveField:
    """The layer's mean over all units and images, aligned by the units' fields."""
    return eyeshot.effective(
        module, layer, source="weights", images=images, unit="all", input_shape=network.input.shape[1:], device="cpu"
    )


def with_interval(values: Sequence[float], decimals: int) -> str:
    """Mean and half of its 95 % interval over the seeds."""
    half = half_width(list(values))
    return plain(fmean(values), decimals) + ("" if half is None else f" ± {half:.{decimals}f}")


def sigma(field: EffectiveField) -> float:
    """One number for both axes: the root of the mean variance."""
    return math.sqrt(fmean(s**2 for s in field.sigma))


def width(field: EffectiveField, share: int) -> float:
    """One number for both axes: the mean width."""
    return fmean(field.widths[share])


def table(found: Sequence[Found]) -> list[str]:
    """The numbers as the page shows them."""
    lines = [
        "| design, layer | sees, px | σ by path density | σ at random weights | σ trained | trained against random | "
        "half along an axis, random → trained | 95 % along an axis, random → trained | accuracy, % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        befores, afters = [[sigma(field) for field in fields] for fields in (one.before, one.after)]
        changes = [100 * (b / a - 1) for a, b in zip(befores, afters, strict=True)]
        spans = [
            _change([width(f, share) for f in one.before], [width(f, share) for f in one.after]) for share in (50, 95)
        ]
        sees = "×".join(map(str, one.density.field_size))
        lines.append(
            f"| {one.label}, {one.density.layer} | {sees} | {sigma(one.density):.2f} | {with_interval(befores, 2)} |"
            f" {with_interval(afters, 2)} | {with_interval(changes, 1)} % | {spans[0]} px | {spans[1]} px |"
            f" {with_interval(one.scores, 1)} |"
        )
    return lines


def _change(before: Sequence[float], after: Sequence[float]) -> str:
    return f"{fmean(before):.1f} → {with_interval(after, 1)}"


def drawn(found: Sequence[Found]) -> bytes:
    """Profiles of every design: density, each seed before, each seed after."""
    panels = [
        profile_panel(
            [one.density, *one.before, *one.after],
            [SOURCES[0], *[SOURCES[1]] * len(one.before), *[SOURCES[2]] * len(one.after)],
            title=f"{one.label}, {one.density.layer}",
        )
        for one in found
    ]
    return Drawing(rows=[panels[:2], panels[2:]], size=(10.8, 6.8)).content("png")


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--budget", type=Budget.parse, default=Budget.parse("2ep"))
    parser.add_argument("--directory", type=Path, default=HOME / "runs" / "effective-fields")
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = [studied(label, args.seeds, args.budget, args.directory) for label in DESIGNS]
    lines = table(found)
    FIGURE.write_bytes(drawn(found))
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    start, end = "<!-- made by scripts/effective_fields.py -->", "<!-- end -->"
    if start in text:
        first, last = text.index(start) + len(start), text.index(end)
        PAGE.write_text(f"{text[:first]}\n{chr(10).join(lines)}\n{text[last:]}", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
