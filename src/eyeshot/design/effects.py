"""What a move changes in all: field, params, MACs and memory, before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.landmarks import last_convolution
from eyeshot.design.rewriting import announced
from eyeshot.errors import EyeshotError


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A move, and what it changes: field, params, MACs and elements alive at once, before and after."""

    move: str
    field: tuple[tuple[int, ...], tuple[int, ...]]
    params: tuple[int, int]
    macs: tuple[int, int]
    peak_activations: tuple[int, int]


def effects_of(inspection: Inspection, moves: Sequence[str], mends: Callable[[Inspection], bool]) -> tuple[Effect, ...]:
    """The moves that apply and make it better, with their effect."""
    before = inspection
    effects: list[Effect] = []
    for move in moves:
        try:
            after = Inspection(announced(before.network, move))
            if not mends(after):
                continue
        except EyeshotError:  # a move that does not apply to this network is none for it
            continue
        made = effect(move, before, after)
        if not any(replace(made, move=each.move) == each for each in effects):  # what does the same is told once
            effects.append(made)
    return tuple(effects)


def effect(move: str, before: Inspection, after: Inspection) -> Effect:
    """What a move changes; the field is that of the last convolution, along the data path."""
    a, b = last_convolution(before), last_convolution(after)
    return Effect(
        move=move,
        field=(() if a is None else a.data.field.size, () if b is None else b.data.field.size),
        params=(before.totals.params, after.totals.params),
        macs=(before.totals.macs, after.totals.macs),
        peak_activations=(before.totals.peak_activations, after.totals.peak_activations),
    )
