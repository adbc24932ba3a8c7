"""How many pixels around a core do the units that lie in it see?

Cores lie on the lattice, so of units that differ in a fixed turn each has its place in the core: unit u of a core that
begins at pixel c sees c + first(u) … c + last(u), and

    before = max of −first(u),    after = max of last(u) − (L − 1)    over the units of one lattice step L
"""

from __future__ import annotations

from fractions import Fraction

from eyeshot.analyse.field import Fields
from eyeshot.analyse.sights import NEVER, Moving


def halo(fields: Fields, layer: str, axis: int, lattice: int, rate: Fraction) -> tuple[int, int]:
    """Pixels before and after a core along an axis; ``rate`` units per pixel. None where no form says it."""
    sight = fields.form(layer)[axis]
    if not isinstance(sight, Moving) or Fraction(sight.period, sight.step) != rate:
        return 0, 0
    units = [u for u in range(int(lattice * rate)) if sight.firsts[u % sight.period] != NEVER]
    before = -min((sight.first(u) for u in units), default=0)
    after = max((sight.last(u) for u in units), default=0) - (lattice - 1)
    return max(0, before), max(0, after)
