"""Which tile? The one with the least extra work that fits into a memory, every axis with a size of its own.

Along an axis only some sizes matter: for each number of tiles the smallest tile that makes so many, since a larger one
needs more memory for the same number. All combinations of those are compared, so that the choice is the best under the
model: memory is weights and what is alive at once, work is MACs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeshot.tile.probe import Probe

_MOST = 40_000
"""Combinations compared at most; beyond, sizes are thinned evenly, the largest and the smallest kept."""
_MOST_TRIES = 12
"""Tiles at most of which is asked what PyTorch holds on them."""
_WORK = 1.5
_USUAL = {1: 4096, 2: 256, 3: 64}


@dataclass(frozen=True)
class Choice:
    """A tile, and whether it fits; ``is_best`` where every size that matters was compared."""

    tile: tuple[int, ...]
    fits: bool
    is_best: bool


def within(probe: Probe, most_elements: float, whole_axes: Sequence[int] = ()) -> list[Choice]:
    """The first tiles by their work that should fit into so many elements; the smallest one where none does."""
    choices, is_best = _choices(probe, whole_axes)
    alive, work = probe.alive(choices), probe.work(choices)
    fits = alive <= most_elements
    if not fits.any():
        at = np.unravel_index(int(np.argmin(alive)), alive.shape)
        return [Choice(_at(choices, at), False, is_best)]
    order = np.lexsort((alive[fits].ravel(), np.round(work[fits], 12).ravel()))
    places = np.argwhere(fits)
    return [Choice(_at(choices, tuple(places[i])), True, is_best) for i in order[:_MOST_TRIES]]


def usual(probe: Probe, whole_axes: Sequence[int] = ()) -> tuple[int, ...]:
    """The tile where nothing is asked for: the least memory of those with at most half more work, none of them tiny."""
    choices, _ = _choices(probe, whole_axes)
    floor = _USUAL.get(len(choices), 16)
    choices = [[n for n in sizes if n >= floor] or sizes[:1] for sizes in choices]
    alive, work = probe.alive(choices), probe.work(choices)
    alive = np.where(work <= max(_WORK, float(work.min())), alive, np.inf)
    return _at(choices, np.unravel_index(int(np.argmin(alive)), alive.shape))


def _choices(probe: Probe, whole_axes: Sequence[int]) -> tuple[list[list[int]], bool]:
    choices = [
        [lane.n] if a in whole_axes or probe.small is None else lane.candidates() for a, lane in enumerate(probe.lanes)
    ]
    is_best = True
    while np.prod([len(sizes) for sizes in choices]) > _MOST:
        a = max(range(len(choices)), key=lambda i: len(choices[i]))
        choices[a] = sorted({*choices[a][::2], choices[a][-1]}, reverse=True)
        is_best = False
    return choices, is_best


def _at(choices: Sequence[Sequence[int]], place: Sequence[np.intp]) -> tuple[int, ...]:
    return tuple(sizes[int(i)] for sizes, i in zip(choices, place, strict=True))
