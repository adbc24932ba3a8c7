"""The side view as an inline picture: SVG without script, style sheets or identifiers, small enough for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

from eyeshot.report.cone import Cone, Level
from eyeshot.report.wording import middle_out

_WIDTH, _RIGHT, _LETTER = 420, 90, 6.3
"""Pixels for the view, for counts, and for a letter of a name."""
_LONGEST_NAME = 30
_MOST_CELLS = 48
_MOST_LEVELS = 100
_MOST_NAMES = 36
_SEEN, _OTHER = "#0072B2", "#E69F00"


def cone_svg(cone: Cone) -> str:
    """The side view of at most two units; of more than 100 levels every second, third … is drawn."""
    step = -(-len(cone.levels) // _MOST_LEVELS)
    drawn = _Drawing(cone, _thinned(cone, step))
    last = "" if step == 1 else f", every {step}th level"
    title = escape(middle_out(f"{', '.join(cone.names)} of {cone.fields.network.name}", 200), quote=False)
    height = drawn.bottom + 34
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawn.width} {height}"'
        f' width="{drawn.width}" role="img" font-size="11" fill="currentColor">'
        f"<title>What {title} sees, level by level{last}</title>" + "".join(drawn.parts()) + "</svg>"
    )


def _thinned(cone: Cone, step: int) -> tuple[Level, ...]:
    if step == 1:
        return cone.levels
    first, *between, last = cone.levels
    kept = [first, *between[step - 1 :: step], last]
    return tuple(replace(level, inputs=(i - 1,) if i else ()) for i, level in enumerate(kept))


@dataclass(frozen=True)
class _Drawing:
    cone: Cone
    levels: tuple[Level, ...]

    @property
    def pitch(self) -> float:
        return 24.0 if len(self.levels) <= 24 else max(6.0, 576 / len(self.levels))

    @property
    def thick(self) -> float:
        return round(self.pitch * (0.55 if self.pitch > 16 else 0.8), 1)

    @property
    def left(self) -> int:
        """Where the view begins: as far in as the longest name needs."""
        return round(16 + _LETTER * max(min(len(level.name), _LONGEST_NAME) for level in self.levels))

    @property
    def width(self) -> int:
        return self.left + _WIDTH + _RIGHT

    @property
    def bottom(self) -> int:
        return round(10 + self.pitch * len(self.levels))

    def y(self, row: int) -> float:
        """Top of a level's cells."""
        return 8 + self.pitch * (len(self.levels) - 1 - row)

    def x(self, pixel: float) -> float:
        """From pixels of the image to the picture, all levels inside."""
        low, high = self._ends()
        return self.left + _WIDTH * (pixel - low) / (high - low)

    def _ends(self) -> tuple[float, float]:
        edges = [level.place.edges(0, level.place.count - 1) for level in self.levels]
        return min(a for a, _ in edges), max(b for _, b in edges)

    def parts(self) -> Iterator[str]:
        yield f'<path opacity=".12" d="{"".join(self._reading())}"/>'
        yield f'<path fill="none" stroke="currentColor" stroke-opacity=".35" d="{"".join(self._cells())}"/>'
        for unit, paint in zip(range(len(self.cone.units)), (_SEEN, _OTHER), strict=False):
            yield f'<path fill="{paint}" d="{"".join(self._seen(unit))}"/>'
        yield from self._words()

    def _reading(self) -> Iterator[str]:
        for row, level in enumerate(self.levels):
            if row - 1 not in level.inputs or not row:
                continue
            below = self.levels[row - 1]
            for above, under in zip(level.seen, below.seen, strict=True):
                if above and under:
                    a, b = map(self.x, level.place.edges(above[0][0], above[-1][1]))
                    c, d = map(self.x, below.place.edges(under[0][0], under[-1][1]))
                    top, base = self.y(row) + self.thick, self.y(row - 1)
                    yield f"M{_n(a)} {_n(top)}H{_n(b)}L{_n(d)} {_n(base)}H{_n(c)}z"

    def _is_cellular(self, level: Level) -> bool:
        return level.place.count <= _MOST_CELLS and len(self.levels) <= 24

    def _cells(self) -> Iterator[str]:
        for row, level in enumerate(self.levels):
            where = level.place
            singles = [(i, i) for i in range(where.count)] if self._is_cellular(level) else [(0, where.count - 1)]
            for first, last in singles:
                yield self._box(row, where.edges(first, last), 0.0, 1.0, inset=0.8 if len(singles) > 1 else 0)

    def _seen(self, unit: int) -> Iterator[str]:
        part = 1 / len(self.cone.units)
        for row, level in enumerate(self.levels):
            runs = level.seen[unit]
            is_cellular = self._is_cellular(level)
            for first, last in [(p, p) for a, b in runs for p in range(a, b + 1)] if is_cellular else runs:
                yield self._box(row, level.place.edges(first, last), unit * part, part, inset=0.8 if is_cellular else 0)

    def _box(self, row: int, edges: tuple[float, float], top: float, share: float, *, inset: float) -> str:
        a, b = self.x(edges[0]) + inset, self.x(edges[1]) - inset
        if b <= a:
            a, b = (a + b) / 2 - 0.3, (a + b) / 2 + 0.3
        return f"M{_n(a)} {_n(self.y(row) + top * self.thick)}H{_n(b)}v{_n(share * self.thick)}H{_n(a)}z"

    def _words(self) -> Iterator[str]:
        step = -(-len(self.levels) // _MOST_NAMES)
        for row, level in enumerate(self.levels):
            if row and row != len(self.levels) - 1 and (row % step or row > len(self.levels) - step):
                continue
            y = _n(self.y(row) + self.thick / 2 + 4)
            name = escape(middle_out(level.name, _LONGEST_NAME), quote=False)
            yield f'<text x="{self.left - 8}" y="{y}" text-anchor="end">{name}</text>'
            yield f'<text x="{self.left + _WIDTH + 8}" y="{y}" opacity=".75">{escape(self.cone.counts(level))}</text>'
        for pixel, anchor in ((0, "start"), (self.cone.extent - 1, "end")):
            x = _n(self.x(pixel))
            yield f'<text x="{x}" y="{self.bottom + 12}" text-anchor="{anchor}" opacity=".75">{pixel}</text>'
        middle = f"{self.left + _WIDTH // 2}"
        yield f'<text x="{middle}" y="{self.bottom + 12}" text-anchor="middle" opacity=".75">{self._axis()}</text>'

    def _axis(self) -> str:
        notes = [f"input, {self.cone.along}, px", *self.cone.notes]
        return escape("; ".join(notes), quote=False)


def _n(value: float) -> str:
    """A coordinate to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
