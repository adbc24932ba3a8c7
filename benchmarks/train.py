"""Does training by eyeshot cost more than a bare loop of PyTorch? Both in one run, in turns; prints medians.

    python benchmarks/train.py                           # a small net and a large one, on the processor
    python benchmarks/train.py --repeats 9 --precision bf16
    python benchmarks/train.py --halves                  # our own training in bfloat16 beside float32
    python benchmarks/train.py --ray                     # and what Ray adds to each training

The bare loop is what one would write and tune by hand for the same work: all images normalised once and kept as floats
in channels-last order, the same batches in the same order, the same optimiser in the fastest of PyTorch's forms (tried
first), the same schedule and clipping, no check of anything, no loss read before the end. Ours is ``loop.run`` whole:
images as bytes, flags for repeatable algorithms, a loss read each step; network, digests, a test of 100 images and
files are in its seconds too. Ratios are those of neighbours in turn, so that what else runs on the machine hits both;
seconds of the processor are the fairer ones where it is busy. Threads: one, as trials have.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from eyeshot.studies.display import Silent
from eyeshot.studies.engines import Engine
from eyeshot.studies.plan import Arm, Plan
from eyeshot.studies.processes import Processes
from eyeshot.studies.run import run
from eyeshot.studies.study import planned
from eyeshot.train import data, loop
from eyeshot.train.batches import Labelled, Normaliser
from eyeshot.train.budget import Budget
from eyeshot.train.dataset import Dataset
from eyeshot.train.machine import repeatable
from eyeshot.train.recipe import Options, Recipe

_TRIALS = 4, 40
"""Of which the difference in time says what one more takes."""


def net(width: int) -> nn.Module:
    """Seven convolutions with batch norms, as in the All Convolutional Net."""
    layers: list[nn.Module] = []
    channels = 1
    for number, out in enumerate([width, width, width, 2 * width, 2 * width, 2 * width, 10]):
        stride = 2 if number in (2, 5) else 1
        layers += [nn.Conv2d(channels, out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock and of the processor."""

    clock: float
    processor: float

    @classmethod
    def on(cls, work: Callable[[], object]) -> Spent:
        clock, processor = time.perf_counter(), time.process_time()
        work()
        return cls(time.perf_counter() - clock, time.process_time() - processor)


def ours(recipe: Recipe, make: Callable[[], nn.Module], images: Dataset) -> None:
    with tempfile.TemporaryDirectory() as name:
        loop.run(recipe, make, images, Path(name))


def bare(recipe: Recipe, make: Callable[[], nn.Module], images: Dataset, form: str) -> None:
    options = recipe.options
    torch.manual_seed(recipe.seed)
    module = make().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(
        module.parameters(),
        lr=options.learning_rate,
        momentum=options.momentum,
        nesterov=True,
        weight_decay=options.weight_decay,
        **({form: True} if form else {}),
    )
    train = Labelled.on(torch.device("cpu"), images.train_images, images.train_labels)
    floats = Normaliser(images)(train.images)
    count = len(floats)
    generator = torch.Generator().manual_seed(recipe.seed)
    seen, losses = 0, []
    for chosen in torch.randperm(count, generator=generator).tensor_split(-(-count // options.batch_size)):
        for group in optimiser.param_groups:
            group["lr"] = options.rate(seen / count)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            logits = module(floats[chosen])
        loss = functional.cross_entropy(logits.float(), train.labels[chosen])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), options.clip, foreach=True)
        optimiser.step()
        losses.append(loss.detach())
        seen += len(chosen)
    assert torch.stack(losses).isfinite().all()


def prepared(name: str, count: int, options: Options) -> tuple[Dataset, Recipe]:
    """So many images of the sample, and an epoch of them."""
    sample = data.load("sample")
    images = dataclasses.replace(
        sample,
        train_images=sample.train_images[:count],
        train_labels=sample.train_labels[:count],
        test_images=sample.test_images[:100],
        test_labels=sample.test_labels[:100],
    )
    recipe = Recipe(label=name, design=name, macs=1, seed=0, data="sample", data_fingerprint=images.fingerprint,
                    budget=Budget.parse("1ep"), options=options)  # fmt: skip
    return images, recipe


def compared(name: str, width: int, count: int, repeats: int, options: Options) -> None:
    """Print a line."""
    images, recipe = prepared(name, count, options)
    make = partial(net, width)
    torch.set_num_threads(options.threads)
    forms = {form: Spent.on(partial(bare, recipe, make, images, form)).processor for form in ("", "foreach", "fused")}
    form = min(forms, key=lambda each: forms[each])
    works = partial(ours, recipe, make, images), partial(bare, recipe, make, images, form)
    print(f"{name:24}{count:8,}{in_turns(works, repeats)}   {form or 'plain'}", flush=True)


def in_turns(works: tuple[Callable[[], object], Callable[[], object]], repeats: int) -> str:
    """The medians of two works, and those of their ratios: of the processor, and on the clock."""
    works[0]()  # what is imported and chosen once
    pairs = []
    for number in range(repeats):
        # who goes first changes
        spent = [Spent.on(work) for work in (works if number % 2 else works[::-1])]
        pairs.append(spent if number % 2 else spent[::-1])
    cells = []
    for what in ("processor", "clock"):
        mine, other = ([getattr(pair[side], what) for pair in pairs] for side in (0, 1))
        ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
        cells.append(f"{statistics.median(mine):8.2f}{statistics.median(other):8.2f}{ratio:8.3f}")
    return "".join(cells)


HALVED = (
    "C3s2-8 C3s2-16 G F10",
    "C5s2-16 P2 C3-32 P2 F64 F10",
    "alexnet-28",
    "C3b-16 C3b-16 C3s2b-16 C3b-32 C3b-32 C3s2b-32 G F10",
    "C3b-64 C3b-64 C3s2b-64 C3b-128 C3b-128 C3s2b-128 G F10",
)
"""From one that takes a millisecond a batch to one that takes a tenth of a second."""


def halved(design: str, count: int, repeats: int) -> None:
    """Print a line: our training in float32, and in bfloat16."""
    make = planned([design], data="sample", seeds=1).factories[design]
    works = []
    for precision in ("fp32", "bf16"):
        images, recipe = prepared(design, count, Options(precision=precision))
        works.append(partial(ours, recipe, make, images))
    print(f"{design:56}{count:6,}{in_turns((works[0], works[1]), repeats)}", flush=True)


def per_trial(engine: Engine | None) -> tuple[float, float]:
    """Seconds on the clock that an engine takes to be ready, about, and that each further trial takes."""
    # by this file's name: processes that train do not import the program that runs
    small = partial(import_module(Path(__file__).stem).net, 2)
    sample = data.load("sample")

    def seconds(trials: int) -> float:
        plan = Plan(arms=(Arm(label="a", design="a", macs=1, params=1),), seeds=tuple(range(trials)), data="sample",
                    data_fingerprint=sample.fingerprint, budget=Budget.parse("64img"))  # fmt: skip
        with tempfile.TemporaryDirectory() as name:
            if engine is None:
                return Spent.on(lambda: [loop.run(recipe, small, sample, Path(name) / f"{recipe.seed}")
                                         for recipe in plan.recipes()]).clock  # fmt: skip
            return Spent.on(lambda: run(plan, {"a": small}, Path(name), engine=engine, watcher=Silent())).clock

    few, many = map(seconds, _TRIALS)
    each = (many - few) / (_TRIALS[1] - _TRIALS[0])
    return few - _TRIALS[0] * each, each


def main() -> None:
    """Train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--only", choices=("small", "large"))
    parser.add_argument("--halves", action="store_true", help="bfloat16 beside float32 instead")
    parser.add_argument("--ray", action="store_true")
    asked = parser.parse_args()
    if asked.halves:
        print(f"1 thread; load {os.getloadavg()[0]:.1f}\n{'':62}{'of the processor, s':>24}{'on the clock, s':>24}")
        print(f"{'design':56}{'images':>6}" + f"{'fp32':>8}{'bf16':>8}{'ratio':>8}" * 2)
        for design in HALVED:
            halved(design, 640 if "64" in design.split()[0] else 2560, asked.repeats)
        return
    options = Options(precision=asked.precision)
    print(
        f"{asked.precision}, batches of {options.batch_size}, {options.threads} thread; load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':32}{'of the processor, s':>24}{'on the clock, s':>24}")
    print(f"{'net':24}{'images':>8}" + f"{'ours':>8}{'bare':>8}{'ratio':>8}" * 2 + "   the bare loop's SGD")
    with repeatable(options.threads):
        pass  # the same libraries are loaded for both
    for name, width, count in (("small", 16, 6400), ("large", 64, 1280)):
        if asked.only in (None, name):
            compared(f"{name}, {width} channels", width, count, asked.repeats, options)
    if asked.ray:
        from eyeshot.studies.on_ray import OnRay

        engines = {"a for-loop": None, "processes": Processes(jobs=1), "Ray on this machine": OnRay(jobs=1)}
        print(f"\n{'engine, one at once':24}{'start, s':>12}{'a trial, s':>12}")
        for name, engine in engines.items():
            start, each = per_trial(engine)
            print(f"{name:24}{start:12.2f}{each:12.3f}", flush=True)


if __name__ == "__main__":
    main()
