"""The verdict of a study: sentences that claim no more than the wider interval allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eyeshot.report.wording import listed
from eyeshot.shown import counted, visible
from eyeshot.studies.scores import ArmScores, Difference, Interval, Noise, Power

_WHOLE_SCALE = 100
"""Points between the lowest and the highest score: no difference is larger."""


def verdict(arms: Sequence[ArmScores], differences: Sequence[Difference]) -> str:
    """Sentences, one per line: what differs, what it would take to see more, and what is odd about an arm."""
    by_label = {arm.label: arm for arm in arms}
    lines = [_sentence(each, by_label[each.first], by_label[each.second]) for each in differences]
    lines += _what_it_takes(differences)
    claims = [each for each in differences if each.widest is not None]
    if len(differences) > 1 and claims:
        confidence = claims[0].widest.confidence if claims[0].widest else 0.0
        lines.append(
            f"Each is at {sureness(confidence)} confidence, so that all {len(differences)} "
            "hold together at 95 % (Bonferroni)."
        )
    if any(each.seeds_and_images is None for each in claims):
        is_known = arms[0].scored != "score"
        what = "images: which of them were right is not known here" if is_known else "test data"
        lines.append(f"That is for other seeds on the same {what}.")
    if len(arms) == 1:
        lines += [_on_noise(arm.label, arm.noise) for arm in arms if arm.noise is not None]
    lines += [line for arm in arms for line in _oddities(arm)]
    if any(each.left_out and not each.is_broken for each in differences):
        lines.append("Differences leave such seeds out, and so say nothing of how often a design fails to train.")
    return "\n".join(map(visible, lines))


def _sentence(difference: Difference, first: ArmScores, second: ArmScores) -> str:
    names = f"{difference.first} against {difference.second}"
    if difference.is_identical:
        both = f"{difference.first} and {difference.second}"
        seeds = _each(len({*difference.paired, *difference.left_out}))
        return f"{both} are the same runs, to the last bit at {seeds}: nothing is compared."
    if difference.is_broken:
        causes = " and ".join(_failure(arm) for arm in (first, second) if arm.failed)
        return f"{names}: no comparison: {causes}."
    amount = _points(difference.mean, difference.widest)
    if len(difference.paired) == 1:
        return f"{names}: {amount}, one seed: no interval, no claim."
    if difference.widest is None or difference.seeds is None:
        return f"{names}: {amount} at {_each(len(difference.paired))}: no spread, no interval, no claim."
    seeds = _seeds(len(difference.paired))
    if difference.is_seen_here:
        return _higher(difference, difference.widest, difference.seeds, seeds)
    able = difference.power
    if first.unit and able and able.visible > _WHOLE_SCALE:
        return f"{names}: too few seeds to see any difference: {amount} at {seeds}."
    reach = f" (one of {_number(able.visible, _digits(able.visible))} would likely have been seen)" if able else ""
    images = f" and {counted(difference.images or 0, 'image')}" if difference.seeds_and_images else ""
    return f"{names}: no difference seen at {seeds}{images}: {amount}{reach}."


def _on_noise(label: str, noise: Noise) -> str:
    """Of one design alone there is nothing to compare, but its spread to explain."""
    ends = f"{noise.interval.low:.0f} … {noise.interval.high:.0f} %"
    left = noise.deviation * math.sqrt(1 - noise.share / 100)
    return (
        f"Seeds of {label} have a standard deviation of {noise.deviation:.2f} points, and {noise.share:.0f} % of that"
        f" variance ({ends}) is due to the {counted(noise.images, 'test image')}:"
        f" on endless ones it would be {left:.2f}."
    )


def _failure(arm: ArmScores) -> str:
    how = "did not train" if arm.fallen else "diverged"
    return f"{arm.label} {how} at {len(arm.failed)} of {_seeds(len(arm.scores))}"


def _higher(difference: Difference, widest: Interval, on_these: Interval, seeds: str) -> str:
    higher, lower, mean = difference.first, difference.second, difference.mean
    if mean < 0:
        higher, lower, mean = lower, higher, -mean
        widest, on_these = _turned(widest), _turned(on_these)
    if difference.seeds_and_images is None:
        return f"{higher} scores higher than {lower} by {_points(mean, widest)} at {seeds}."
    images = counted(difference.images or 0, "image")
    if difference.is_seen:
        return f"{higher} scores higher than {lower} by {_points(mean, widest)} at {seeds} and {images}."
    return (
        f"{higher} scores higher than {lower} on these {images}, by {_points(mean, on_these)} at {seeds}; "
        f"on others like them it need not: {_points(mean, widest)}."
    )


def _turned(interval: Interval) -> Interval:
    return Interval(low=-interval.high, high=-interval.low, confidence=interval.confidence)


@dataclass(frozen=True)
class Need:
    """What it would take to see a smaller difference: the largest need of all that were not seen."""

    points: float
    """The smaller difference."""
    differences: int
    """How many were not seen."""
    now: int
    """Seeds that there are."""
    seeds: int | None
    """That would do on these images."""
    images: int | None
    """That would do at these seeds; None too where it is not known which images were right."""
    together: tuple[int, int] | None
    """Seeds and images."""
    knows_images: bool


def need(differences: Sequence[Difference]) -> Need | None:
    """What it takes to see less; None where all is seen, or nothing tells."""
    unseen = [each for each in differences if not (each.is_seen or each.is_identical)]
    powers = [(each.power, each) for each in unseen if each.power is not None and each.widest is not None]
    if not powers:
        return None

    def most(needed: Callable[[Power], int | None]) -> int | None:
        needs = [needed(power) for power, _ in powers]
        return None if None in needs else max(count for count in needs if count is not None)

    together = (
        most(lambda power: power.together and power.together[0]),
        most(lambda power: power.together and power.together[1]),
    )
    return Need(
        points=powers[0][0].points,
        differences=len(powers),
        now=max(len(each.paired) for _, each in powers),
        seeds=most(lambda power: power.seeds),
        images=most(lambda power: power.images),
        together=(together[0], together[1]) if together[0] and together[1] else None,
        knows_images=any(each.seeds_and_images is not None for _, each in powers),
    )


def _what_it_takes(differences: Sequence[Difference]) -> list[str]:
    """How many seeds or images would see a smaller difference."""
    needed = need(differences)
    if needed is None:
        return []
    points, seeds, images, together = needed.points, needed.seeds, needed.images, needed.together
    each_of = "" if needed.differences == 1 else " in each"
    start = f"To see {points:g} point{'s' * (points != 1)}{each_of} it may take"
    if not needed.knows_images:
        return [f"{start} about {_seeds(seeds)}."] if seeds else [f"{start} more seeds than anybody trains."]
    tested = f"{_seeds(needed.now)} tested on about {_about(images)} images" if images else ""
    if seeds and images:
        return [f"{start} about {_seeds(seeds)} on these images, or {tested}."]
    if images:
        return [f"{start} {tested}: more seeds alone cannot do."]
    if seeds:
        return [f"{start} about {_seeds(seeds)}: more images alone may not do."]
    if together:
        return [
            f"{start} about {_seeds(together[0])} tested on about {_about(together[1])} images: neither alone can do."
        ]
    return [f"{start} more seeds and images than anybody has."]


def _about(count: int | None) -> str:
    """A count to two digits, upwards."""
    if not count:
        return "0"
    scale = 10 ** max(len(str(count)) - 2, 0)
    return f"{math.ceil(count / scale) * scale:,}"


def _oddities(arm: ArmScores) -> list[str]:
    lines = []
    if arm.diverged:
        lines.append(
            f"{arm.label} diverged at {_seeds(len(arm.diverged))} ({', '.join(map(str, arm.diverged))}); its "
            "scores there are those of a broken network."
        )
    if arm.fallen:
        scores = listed([f"{arm.told(arm.scores[seed])} at seed {seed}" for seed in arm.fallen])
        others = [score for seed, score in arm.scores.items() if seed not in arm.failed]
        lines.append(
            f"{arm.label} did not train at {len(arm.fallen)} of {_seeds(len(arm.scores))}: {scores}, "
            f"{_range(others)} % at the other{'s' * (len(others) > 1)}."
        )
    if arm.is_at_chance:
        lines.append(
            f"{arm.label} scores no more than guesses reach, {arm.chance:.3g} % and what luck adds: nothing shows that"
            " it learnt."
        )
    if arm.is_saturated:
        lines.append(f"{arm.label} scores {arm.told(arm.mean)}: there is no room for a difference to show.")
    if arm.is_skewed and not arm.failed:
        lines.append(
            f"The scores of {arm.label} reach far to one side: from so few seeds an interval may miss twice as often"
            " as it says."
        )
    return lines


def _range(scores: Sequence[float]) -> str:
    ends = dict.fromkeys((f"{min(scores):.2f}", f"{max(scores):.2f}"))
    return " … ".join(ends)


def sureness(confidence: float) -> str:
    """A confidence in percent, with as many digits as its error needs.

    >>> sureness(0.95), sureness(1 - 0.05 / 3), sureness(1 - 0.05 / 200)
    ('95 %', '98.3 %', '99.975 %')
    """
    digits = max(1, 1 - math.floor(math.log10(100 * (1 - confidence))))
    return f"{float(f'{100 * confidence:.{digits}f}'):g} %"


def _each(count: int) -> str:
    return f"each of {count} seeds" if count > 1 else "its one seed"


def _seeds(count: int) -> str:
    return counted(count, "seed")


def _points(mean: float, interval: Interval | None) -> str:
    if interval is None:
        return f"{_number(mean, 2)} points"
    digits = _digits(interval.half_width)
    if interval.is_even(mean):
        return f"{_number(mean, digits)} ± {_number(interval.half_width, digits)} points"
    return f"{_number(mean, digits)} points ({_number(interval.low, digits)} … {_number(interval.high, digits)})"


def _digits(width: float) -> int:
    """Decimals that give a width two digits, so that rounding never turns 0.54 ± 0.46 into 0.5 ± 0.5."""
    return 1 if width <= 0 else min(3, max(1, 1 - math.floor(math.log10(width))))


def _number(value: float, digits: int) -> str:
    rounded = round(value, digits) + 0.0  # + 0.0: no "−0.0"
    return f"{rounded:.{digits}f}".replace("-", "−")
