"""Findings in words, with their numbers; and objects drawn over the maps that are to find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eyeshot.analyse.objects import Range, missed
from eyeshot.design.advise import Finding, Sizes
from eyeshot.design.effects import Effect
from eyeshot.report.published import evidence_record
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import NONE, percent, relative, short, times


def says(finding: Finding) -> str:
    """One sentence with its numbers."""
    e = finding.evidence
    if finding.kind == "stem-too-coarse":
        return (
            f"Every unit sees the whole {times(e['image'])} image from {e['sees_all_from']} on, after"
            f" {percent(e['share_of_macs'])} of the MACs, and the last map is {times(e['last_map'])}:"
            f" the stem steps by {e['stem_stride']:g} pixels."
        )
    if finding.kind == "wasted-tail":
        return (
            f"{e['count']} layers from {e['from']} on (field {times(e['field'])}) cannot add context: what they read"
            f" sees the whole {times(e['image'])} image; they take {percent(e['share_of_macs'])} of the MACs and"
            f" {short(e['params'])} weights."
        )
    if finding.kind == "off-centre" and "meet_at" in e:
        names = " and ".join(e["branches"])
        return f"{names} meet at {e['meet_at']} with their middles {e['pixels']:g} pixels apart, {e['steps']:g} steps."
    if finding.kind == "off-centre":
        apart = times(f"{n:+g}".replace("-", "−") for n in e["pixels"] if n is not None)
        return (
            f"From {e['from']} on units look beside their places: {e['worst']} by {apart} pixels, half a step or more."
        )
    if finding.kind == "gridding":
        along = times(f"{seen} of {box}" for seen, box in e["along"])
        box = f"{percent(e['share'])} of the box around them"
        return f"A unit of {e['unit_of']} sees {along} positions of {e['map']}, {box}."
    if finding.kind == "dropped-pixels":
        rows = times(e["positions"])
        return f"Nothing reads {rows} of the rows and columns of {e['map']}, {percent(e['share'])} of it."
    if finding.kind == "padding-exposure":
        text = f"{percent(e['share'])} of what units of {e['layer']} use is padding at {times(e['image'])}"
        if "trained_share" in e:
            text += f", and {percent(e['trained_share'])} at {times(e['trained_image'])}, where it was trained"
        return f"{text}."
    if finding.kind == "object-too-small":
        return (
            f"{_of_objects(e['share'])} are smaller than the finest stride, {e['stride']:g} pixels"
            f" ({finding.layers[0]}); the smallest has {pixels(e['smallest'])}."
        )
    if finding.kind == "object-too-large":
        used = "" if e["used"] is None else f", and 95 % of what it uses lies in {e['used']:.0f}"
        return (
            f"{_of_objects(e['share'])} are larger than the widest field, {e['field']} pixels"
            f" ({finding.layers[0]}){used}; the largest has {pixels(e['largest'])}."
        )
    where, most = (
        ("on maps of the image's own size", "VGG-13")
        if e["way"] == "late"
        else (f"on maps that step by {e['stride']} pixels or more", "RegNetX-400MF")
    )
    return (
        f"{percent(e['share_of_macs'])} of the MACs are {where}; of published classifiers {most} has the most,"
        f" {percent(e['published_at_most'])}. This is practice, not law."
    )


_CURES = {
    "stem-too-coarse": "a first convolution that steps by 1, and no pool behind it",
    "wasted-tail": "fewer layers, or larger images",
    "off-centre": "odd kernels that are padded alike on both sides, and no strides behind maps that were enlarged",
    "gridding": "rates without a common factor in layers behind each other, and kernels no smaller than their strides",
    "dropped-pixels": "windows no smaller than their strides, or images of sizes that fit (eyeshot sizes)",
    "padding-exposure": "larger images, or fewer strides",
    "object-too-small": "a map of a finer stride, or larger images",
    "object-too-large": "a map that sees more, or smaller images",
    "practice": "strides that are spread over the network",
}


def cure(finding: Finding) -> str | None:
    """What would mend it where no move does."""
    return None if finding.moves else f"no move mends it; what would: {_CURES[finding.kind]}"


def _of_objects(share: float | None) -> str:
    return "Some objects" if share is None else f"{percent(share)} of the objects"


def pixels(size: float) -> str:
    """A size of objects, to three digits at least.

    >>> pixels(0.9923), pixels(32.5), pixels(1549.14)
    ('0.992', '32.5', '1,549')
    """
    return f"{size:,.0f}" if size >= 100 else f"{size:.3g}"


def effect_words(effect: Effect) -> str:
    """What a move changes."""
    field = " → ".join(times(sizes) for sizes in effect.field)
    params, macs, peak = (
        f"{short(a)} → {short(b)}" + (f" ({change})" if (change := relative(b, a)) != "=" else "")
        for a, b in (effect.params, effect.macs, effect.peak_activations)
    )
    return f"sees {field}; params {params}; MACs {macs}; alive {peak}"


def effect_record(effect: Effect) -> dict[str, Any]:
    """What a move changes, before and after."""
    return {
        "move": effect.move,
        "field": [list(sizes) for sizes in effect.field],
        "params": list(effect.params),
        "macs": list(effect.macs),
        "peak_activations": list(effect.peak_activations),
    }


def record(finding: Finding, commands: Sequence[str | None]) -> dict[str, Any]:
    """The finding's entry in the document of schema eyeshot.advice/1."""
    return {
        "kind": finding.kind,
        "layers": list(finding.layers),
        "says": says(finding),
        "evidence": finding.evidence | {"cost": finding.cost},
        "cure": cure(finding),
        "published": evidence_record(finding.kind),
        "moves": [
            effect_record(effect) | {"command": command}
            for effect, command in zip(finding.moves, commands, strict=True)
        ],
    }


_BINS = tuple(2.0**n for n in range(1, 13))


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Objects from a size on, up to twice that: their share of all, and the maps that suit them; sizes in pixels."""

    low: float
    share: float
    suits: tuple[str, ...]


def binned(shorter: Sequence[float], longer: Sequence[float], maps: Sequence[Range]) -> list[Bin]:
    """Objects by size, the square root of their area; maps suit by their stride and field."""
    sizes = [(a * b) ** 0.5 for a, b in zip(shorter, longer, strict=True)]
    bins = []
    for low in _BINS:
        count = sum(low <= size < 2 * low for size in sizes)
        suits = tuple(m.layer for m in maps if m.stride <= low and 2 * low <= m.field + 1)
        if count:
            bins.append(Bin(low=low, share=count / len(sizes), suits=suits))
    return bins


def suiting_table(maps: Sequence[Range], ends: tuple[float, float], objects: Sizes | None) -> Table:
    """A line for each of the last maps: the sizes that suit it, and which share of annotated objects does not."""
    counted = objects is not None
    table = Table(
        [
            Column(heading="map", is_number=False, style="strong"),
            Column(heading="stride"),
            Column(heading="sees"),
            Column(heading="uses", priority=3),
            Column(heading=f"suits of {_span(*ends)} px", style="strong"),
            Column(heading="too small" if counted else "", priority=1),
            Column(heading="wider than it uses" if counted else "", priority=2),
            Column(heading="too large" if counted else "", priority=1),
        ]
    )
    for each in maps:
        low, high = max(each.stride, ends[0]), min(each.field, ends[1])
        shares = ["", "", ""]
        if objects is not None:
            no = missed(*objects, each)
            shares = [NONE if n is None else percent(n) for n in (no.below_stride, no.beyond_used, no.beyond_field)]
        table.add(
            each.layer,
            f"{each.stride:g}",
            str(each.field),
            NONE if each.used is None else f"{each.used:.0f}",
            _span(low, high) if low <= high else "none",
            *shares,
        )
    return table


def _span(low: float, high: float) -> str:
    return f"{pixels(low)}–{pixels(high)}"


def objects_record(
    maps: Sequence[Range], ends: tuple[float, float], objects: Sizes | None, bins: Sequence[Bin]
) -> dict[str, Any]:
    """The objects in the document of schema eyeshot.advice/1: their sizes, and what each of the last maps misses."""
    each_misses = [] if objects is None else [{"layer": m.layer, **asdict(missed(*objects, m))} for m in maps]
    return {
        "smallest": ends[0],
        "largest": ends[1],
        "count": None if objects is None else len(objects[0]),
        "missed": each_misses,
        "sizes": [{"from": b.low, "below": 2 * b.low, "share": b.share, "suits": list(b.suits)} for b in bins],
    }


def drawn(bins: Sequence[Bin]) -> list[str]:
    """A line for each size of objects: how many there are, and which maps suit them."""
    return [
        f"{each.low:5g}–{2 * each.low:<5g} {percent(each.share):>7}  {'█' * max(1, round(24 * each.share)):<24}"
        f"  {suits_words(each)}"
        for each in bins
    ]


def suits_words(each: Bin) -> str:
    """The maps that suit objects of a size."""
    return ", ".join(each.suits) if each.suits else "none in full"
