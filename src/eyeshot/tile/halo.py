"""How many pixels around a core do the units that lie in it see?

Cores lie on the lattice, so of units that differ in a fixed turn each has its place in the core: unit u of a core that
begins at pixel c sees c + first(u) … c + last(u), and

    before = max of −first(u),    after = max of last(u) − (L − 1)    over the units of one lattice step L
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from eyeshot.analyse.field import Fields
from eyeshot.analyse.sights import NEVER, Moving


def halo(fields: Fields, layer: str, axis: int, lattice: int, rate: Fraction) -> tuple[int, int]:
    """Pixels before and after a core along an axis; ``rate`` units per pixel."""
    sight = fields.form(layer)[axis]
    if isinstance(sight, Moving) and Fraction(sight.period, sight.step) == rate:
        units = range(int(lattice * rate))
        firsts = [sight.first(u) for u in units if sight.firsts[u % sight.period] != NEVER]
        lasts = [sight.last(u) for u in units if sight.firsts[u % sight.period] != NEVER]
        return max(0, -min(firsts, default=0)), max(0, max(lasts, default=0) - (lattice - 1))
    return _seen(fields, layer, axis, lattice, rate)


def _seen(fields: Fields, layer: str, axis: int, lattice: int, rate: Fraction) -> tuple[int, int]:
    """The same of the units inside the image, where no form says so."""
    first, last = (ends.reshape(-1) for ends in fields.hulls(layer)[axis])
    cores = np.arange(len(first)) * rate.denominator // rate.numerator // lattice * lattice
    sees = last >= first
    if not sees.any():
        return 0, 0
    before, after = (cores - first)[sees].max(), (last - cores - (lattice - 1))[sees].max()
    return max(0, int(before)), max(0, int(after))
