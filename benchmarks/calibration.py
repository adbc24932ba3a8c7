"""How often do the intervals miss? Draws comparisons of designs that do not differ, and counts those that are said to.

    python benchmarks/calibration.py                                            # 1,000 comparisons of each kind
    python benchmarks/calibration.py --trainings 2000                           # and real trainings of a tiny net
    python benchmarks/calibration.py -o docs/calibration.md --comparisons 10000 --trainings 2000    # what is kept

Everything is what a study does: scores, or which images each seed gets right, go in, `eyeshot.report.evidence` comes
out. An interval misses where it leaves out the true difference. That is 0, but for the interval over seeds where
designs differ by image: there it is that of these images. A minute of one core for a thousand, and some for trainings.
"""

from __future__ import annotations

import argparse
import shlex
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray
from scipy import special

from eyeshot.report.evidence import evidence, evidence_of
from eyeshot.studies.scores import Difference, Interval
from eyeshot.train.budget import Budget
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Answers, Record, Score

Scores = NDArray[np.float64]
SEEDS = (3, 5, 10, 20)
LOW, HIGH = 0.035, 0.065
"""What 95 % intervals that hold miss in 1,000 comparisons, give or take two standard deviations."""
TINY, IMAGES = "C3s2-8 C3s2-16 G F10", 5000
"""What is trained, and how many images it sees: a second or two."""


@dataclass(frozen=True)
class Kind:
    """How two arms' scores are drawn, in points of a mean of 88 %."""

    says: str
    first: Callable[[np.random.Generator, int], Scores]
    second: Callable[[np.random.Generator, int], Scores]


def normal(draw: np.random.Generator, seeds: int, spread: float = 0.5) -> Scores:
    """A bell."""
    return 88 + draw.normal(0, spread, seeds)


def skewed(draw: np.random.Generator, seeds: int, spread: float = 0.5) -> Scores:
    """Exponential towards low scores, with the mean of the others: skewness 2."""
    return 88 - spread * (draw.exponential(size=seeds) - 1)


def heavy(draw: np.random.Generator, seeds: int, spread: float = 1.5) -> Scores:
    """Log-normal towards low scores, with the mean of the others: skewness 3.3."""
    sigma = 0.75
    values = draw.lognormal(0, sigma, seeds)
    deviation = np.sqrt(np.expm1(sigma**2) * np.exp(sigma**2))
    return np.asarray(88 - spread * (values - np.exp(sigma**2 / 2)) / deviation)


def falling(draw: np.random.Generator, seeds: int, depth: float) -> Scores:
    """A bell that falls at one of ten seeds; seeds that train have the mean of the others."""
    return normal(draw, seeds) - depth * (draw.random(seeds) < 0.1)


def levelled(draw: np.random.Generator, seeds: int, depth: float) -> Scores:
    """The same, all seeds together with the mean of the others."""
    return falling(draw, seeds, depth) + 0.1 * depth


KINDS = (
    Kind("both normal", normal, normal),
    Kind("one with three times the spread", normal, partial(normal, spread=1.5)),
    Kind("one skewed (exponential)", normal, skewed),
    Kind("both skewed", skewed, skewed),
    Kind("one 2 points lower at one of ten seeds, equal on average", normal, partial(levelled, depth=2)),
    Kind("one collapses by 10 points at one of ten seeds, equal where both train", normal, partial(falling, depth=10)),
    Kind("one collapses by 30 points at one of ten seeds, equal where both train", normal, partial(falling, depth=30)),
    Kind("both collapse by 30 points", partial(falling, depth=30), partial(falling, depth=30)),
)
HARD = (
    Kind("one skewed, with three times the other's spread", normal, partial(skewed, spread=1.5)),
    Kind("one heavily skewed (log-normal), with three times the spread", normal, heavy),
)


def differences_of_scores(kind: Kind, seeds: int, comparisons: int, draw: np.random.Generator) -> Iterator[Difference]:
    """As many comparisons of scores drawn anew."""
    for _ in range(comparisons):
        scores = {"a": kind.first(draw, seeds), "b": kind.second(draw, seeds)}
        (difference,) = evidence_of(
            {label: dict(enumerate(np.clip(values, 0, 100).tolist())) for label, values in scores.items()}
        ).differences
        yield difference


HARDNESS, EASE = 2.5, 3.16
"""Images' hardness in deviations of what chance does to one: 88 % are right, and of seeds' spread on 2,000 images some
two thirds are the images' own noise, as was measured on the sample."""


@dataclass(frozen=True)
class Setting:
    """How far designs differ by image and seeds by luck, both in deviations of what chance does to one image."""

    says: str
    design: float
    seed: float


SETTINGS = (
    Setting("the same design twice, seeds alike", 0.0, 0.0),
    Setting("the same design twice, seeds differ", 0.0, 0.1),
    Setting("designs differ a little by image", 0.5, 0.05),
    Setting("designs differ by image, seeds differ", 0.5, 0.2),
    Setting("designs differ much by image", 1.5, 0.05),
)


def differences_of_images(
    setting: Setting, seeds: int, images: int, comparisons: int, draw: np.random.Generator
) -> Iterator[tuple[Difference, float]]:
    """As many comparisons on images drawn anew, each with what is true of these images, in points."""
    for _ in range(comparisons):
        hardness = draw.normal(EASE, HARDNESS, images)
        records: list[Record] = []
        shares: list[float] = []
        for label in "ab":
            each = hardness + setting.design * draw.normal(size=images)
            shares.append(100 * float(special.ndtr(each / np.hypot(1, setting.seed)).mean()))
            luck = setting.seed * draw.normal(size=(seeds, 1)) + draw.normal(size=(seeds, images))
            records += [record(label, seed, right) for seed, right in enumerate(each + luck > 0)]
        (difference,) = evidence(records).differences
        yield difference, shares[0] - shares[1]


def record(label: str, seed: int, right: NDArray[np.bool_]) -> Record:
    """What a trial leaves that gets these images right."""
    answers = Answers.of(right, chance=10.0)
    recipe = Recipe(
        label=label, design=label, macs=1, seed=seed, data="drawn", data_fingerprint="", budget=Budget.parse("1ep")
    )
    score = Score(epoch=1, images=1, seconds=1.0, loss=0.0, accuracy=answers.accuracy)
    weights = f"{label}{seed}"
    return Record(recipe=recipe, versions={}, scores=(score,), is_diverged=False, weights=weights, answers=answers)


def misses(interval: Interval | None, truth: float = 0.0) -> bool:
    """Whether there is an interval and it leaves the truth out."""
    return interval is not None and not interval.low <= truth <= interval.high


def share(found: list[bool]) -> str:
    """In percent; marked where it is not what 95 % intervals miss."""
    value = float(np.mean(found))
    return f"{100 * value:.1f}" if LOW <= value <= HIGH else f"**{100 * value:.1f}**"


def table_of_scores(kinds: tuple[Kind, ...], comparisons: int) -> list[str]:
    """A row per kind, a column per number of seeds."""
    lines = [f"| scores | {' | '.join(f'{seeds} seeds' for seeds in SEEDS)} |", f"|---|{'--:|' * len(SEEDS)}"]
    for number, kind in enumerate(kinds):
        cells = []
        for seeds in SEEDS:
            draw = np.random.default_rng([number, seeds])
            cells.append(share([misses(each.seeds) for each in differences_of_scores(kind, seeds, comparisons, draw)]))
        lines.append(f"| {kind.says} | {' | '.join(cells)} |")
    return lines


def table_of_images(comparisons: int, seeds_and_images: tuple[tuple[int, int], ...]) -> list[str]:
    """A row per setting, two columns per size: what misses over seeds, and over seeds and images."""
    heads = " | ".join(f"{seeds} × {images:,}" for seeds, images in seeds_and_images)
    lines = [f"| seeds × images | {heads} |", f"|---|{'--:|' * len(seeds_and_images)}"]
    for number, setting in enumerate(SETTINGS):
        cells = []
        for seeds, images in seeds_and_images:
            draw = np.random.default_rng([number, seeds, images])
            found = list(differences_of_images(setting, seeds, images, comparisons, draw))
            on_these = share([misses(each.seeds, truth) for each, truth in found])
            cells.append(f"{on_these} · {share([misses(each.seeds_and_images) for each, _ in found])}")
        lines.append(f"| {setting.says} | {' | '.join(cells)} |")
    return lines


def trained(trainings: int) -> str:
    """As many trainings of a tiny net, compared five seeds with five others, each in one comparison; in words."""
    from eyeshot.studies.run import run
    from eyeshot.studies.study import planned

    study = planned([TINY], data="sample", seeds=trainings, budget=f"{IMAGES}img", lr=0.2, batch_size=32)
    with tempfile.TemporaryDirectory() as folder:
        records = run(study.plan, study.factories, Path(folder))
    found, scores = [], [record.score for record in records]
    for start in range(0, len(records) - 9, 10):
        pairs = [(label, seed, records[start + 5 * arm + seed]) for arm, label in enumerate("ab") for seed in range(5)]
        (difference,) = evidence(
            replace(each, recipe=replace(each.recipe, label=label, seed=seed)) for label, seed, each in pairs
        ).differences
        found.append((misses(difference.seeds), misses(difference.seeds_and_images)))
    rates = [100 * float(np.mean(column)) for column in zip(*found, strict=True)]
    return (
        f"{trainings:,} trainings of `{TINY}` on {IMAGES:,} images of the sample, which score {fmean(scores):.1f} %"
        f" ± {stdev(scores):.1f}, make\n{len(found)} comparisons of two arms of five seeds each: {rates[0]:.1f} % of"
        f" the intervals over seeds missed, and {rates[1]:.1f} % of\nthose over seeds and images. All are tested on the"
        " same images, so that these say little of how the second fares with\nothers."
    )


PAGE = """# How often the intervals miss

Written by `{command}`:
{comparisons:,} comparisons of each kind, in which the designs do not differ. A number is the percentage in which a 95 %
interval leaves out the truth. 5 is right, give or take {error:.1f} by chance (one standard error); what lies outside
{low:.1f} to {high:.1f} is bold. [What the intervals are](training.md#two-intervals).

## Over other seeds

{kinds}

Seeds that collapse are found, told and left out: the difference is that of networks that trained. A design that
collapses now and then and is better otherwise is called better, whatever its average over all seeds. Where a collapse
cannot be told from a wide spread, as with three seeds, and where both arms are skewed alike, intervals may be wider
than they have to be: they miss less often then than in 5 %.

### Where they need not hold

{hard}

What pulls the mean is mostly not among a few seeds, so that no interval from these need hold here. From eight seeds on
the bootstrap-t widens such intervals, which need not be enough. Scores that are clearly skewed are told, from five
seeds on; so few rarely show it, and most of these misses go untold.

## Over other seeds · over other seeds and images

{images}

Images are drawn anew each time for the second interval, so designs that differ by image and not on average are equal to
it. It is never narrower than the first, and wider than it has to be where images seem by chance to add a little and
add nothing, the more of it the fewer they are.

## Real trainings

{real}
"""


def report(comparisons: int, trainings: int, output: Path | None = None) -> str:
    """The page, as it is written to a file or printed."""
    words = [*(["-o", str(output)] if output else []), "--comparisons", str(comparisons)]
    words += ["--trainings", str(trainings)] if trainings else []
    return PAGE.format(
        command=shlex.join(["python", "benchmarks/calibration.py", *words]),
        comparisons=comparisons,
        error=100 * (0.05 * 0.95 / comparisons) ** 0.5,
        low=100 * LOW,
        high=100 * HIGH,
        kinds="\n".join(table_of_scores(KINDS, comparisons)),
        hard="\n".join(table_of_scores(HARD, comparisons)),
        images="\n".join(table_of_images(comparisons, ((3, 2000), (5, 200), (5, 2000)))),
        real=trained(trainings) if trainings else "Not part of this run.",
    )


def main() -> None:
    """Draw, count, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="the page; printed unless given")
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--trainings", type=int, default=0, help="real trainings of a tiny net, 200 say")
    arguments = parser.parse_args()
    text = report(arguments.comparisons, arguments.trainings, arguments.output)
    if arguments.output is None:
        print(text)
    else:
        arguments.output.write_text(text, encoding="utf-8")
        print(arguments.output)


if __name__ == "__main__":
    main()
