"""Tiles along one axis: where each begins, what it reads, and which core it delivers.

Cores follow one another without gaps from 0 to n, and begin at multiples of the lattice L, as tiles do. A tile reads b
positions before its core, b the halo before rounded up to L, and at least the halo after behind it:

    core of the first tile    ⌊(T − after)/L⌋·L
    of those that follow      ⌊(T − b − after)/L⌋·L

The image's own border needs no halo: there a tile is padded as the whole image is. The last tile ends with the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class AxisTile:
    """One tile along an axis: it reads ``size`` positions from ``start`` on and delivers ``first`` … ``end`` − 1."""

    start: int
    size: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Lane:
    """An axis of the image that is cut.

    Attributes:
        n: its positions.
        lattice: tiles and cores begin at multiples of it.
        before, after: the halo.
        residue: what tiles' sizes leave when divided by the lattice.
        least: the smallest last tile; a smaller one moves inwards.
    """

    n: int
    lattice: int
    before: int
    after: int
    residue: int = 0
    least: int = 1

    @property
    def ahead(self) -> int:
        """Positions that a tile reads before its core: the halo before, on the lattice."""
        return -(-self.before // self.lattice) * self.lattice

    def of_halo(self, halo: int) -> Lane:
        """The axis with a halo of at most so many positions."""
        return replace(self, before=min(halo, self.before), after=min(halo, self.after))

    def fitting(self, size: int) -> int:
        """The smallest tile of at least a size that the lattice allows; the whole axis if that is no larger."""
        more = (self.residue - size) % self.lattice
        return min(size + more, self.n)

    @property
    def smallest(self) -> int:
        """The smallest tile: one lattice step with its halo."""
        return self.fitting(self.ahead + self.lattice + self.after)

    def core(self, tile: int) -> int:
        """What a tile in the middle delivers."""
        return self.n if tile >= self.n else self._floor(tile - self.ahead - self.after)

    def count(self, tile: int) -> int:
        """The number of tiles."""
        if tile >= self.n:
            return 1
        first = self._floor(tile - self.after)
        return 2 + max(0, -(-(self.n - tile + self.ahead - first) // self.core(tile)))

    def tiles(self, tile: int) -> list[AxisTile]:
        """All tiles, in order."""
        if tile >= self.n:
            return [AxisTile(0, self.n, 0, self.n)]
        rows: list[AxisTile] = []
        first = 0
        while True:
            start = max(0, first - self.ahead)
            if start + tile >= self.n:
                if self.n - start < self.least:
                    start = max(0, -(-(self.n - self.least - self.lattice + 1) // self.lattice) * self.lattice)
                return [*rows, AxisTile(start, self.n - start, first, self.n)]
            end = self._floor(start + tile - self.after)
            rows.append(AxisTile(start, tile, first, end))
            first = end

    def candidates(self) -> list[int]:
        """For each number of tiles that can be had the smallest tile, from the whole axis to the smallest tile."""
        sizes, size = [self.n], self.fitting(self.n - 1) if self.n > 1 else 1
        if size >= self.n:
            size -= self.lattice
        while size >= self.smallest and size < self.n:
            count = self.count(size)
            least = -(-(self.n + (count - 1) * (self.ahead + self.after)) // count)
            size = max(min(self.fitting(least), size), self.smallest)
            while self.count(size) > count:
                size += self.lattice
            sizes.append(size)
            size -= self.lattice
        return sizes

    def _floor(self, position: int) -> int:
        return position // self.lattice * self.lattice
