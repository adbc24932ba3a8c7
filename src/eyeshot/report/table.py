"""Tables as values: columns that leave by priority when there is little room, and cells that are never cut.

A table becomes lines of styled pieces; what the styles look like is the business of whoever prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Piece = tuple[str, str]
"""A text and its style: one of "", "head", "dim", "strong", "rule", or several parted by spaces."""
Pieces = list[Piece]
GAP = 2
"""Blanks between columns."""
_NARROWEST = 24
"""Cells that a column that wraps needs at least."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column; those with the largest ``priority`` leave first, together, and those of 0 stay.

    The last column may wrap between words where there is little room.
    """

    heading: str
    is_number: bool = True
    priority: int = 0
    style: str = ""
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the table, with or without words in it."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of cells, as many as there are columns."""

    cells: tuple[str, ...]
    style: str = ""


@dataclass
class Table:
    """Columns, and rows in their order.

    Before columns whose priority is below ``kept_below`` leave, the first column's cells go up onto lines of their own.
    """

    columns: Sequence[Column]
    rows: list[Row | Rule] = field(default_factory=list)
    kept_below: int = 0

    def plain(self) -> dict[str, Any]:
        """Heads and cells as plain values, for pages; columns without a heading and rules are left out."""
        kept = [i for i, column in enumerate(self.columns) if column.heading]
        return {
            "heads": [self.columns[i].heading for i in kept],
            "rows": [[row.cells[i] for i in kept] for row in self.rows if isinstance(row, Row)],
        }

    def add(self, *cells: str, style: str = "") -> None:
        """Append a row."""
        if len(cells) != len(self.columns):
            raise AssertionError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(Row(cells, style))

    def rule(self, text: str = "") -> None:
        """Append a line across."""
        self.rows.append(Rule(text))

    def lines(self, width: int | None, measure: Callable[[str], int] = len) -> list[Pieces]:
        """The table as lines of pieces.

        Args:
            width: cells at hand; None for any number. Columns of priority 0 are kept even where they need more.
            measure: cells that a text takes.
        """
        cells = [row.cells for row in self.rows if isinstance(row, Row)]
        widths = [
            max(measure(text) for text in (column.heading, *(row[i] for row in cells)))
            for i, column in enumerate(self.columns)
        ]
        is_wrapping = width is not None and self.columns[-1].wraps
        if is_wrapping:
            widths[-1], whole = min(widths[-1], _NARROWEST), widths[-1]
        kept = self._kept(width, widths)
        if width is not None and self._lacks(kept, widths, width):
            return self._stacked(width, measure)
        if width is not None and is_wrapping and len(self.columns) - 1 in kept:
            others = sum(widths[i] + GAP for i in kept[:-1])
            widths[-1] = min(whole, max(width - others, _NARROWEST))
        total = sum(widths[i] + GAP for i in kept) - GAP
        lines = [self._line([column.heading for column in self.columns], "head", kept, widths, measure)]
        lines.append([("─" * total, "rule")])
        for row in self.rows:
            if isinstance(row, Rule):
                lines.append(_across(row.text, total, measure))
                continue
            *cells_before, last = row.cells
            parts = _wrapped(last, widths[-1], measure) if is_wrapping else [last]
            lines.append(self._line([*cells_before, parts[0]], row.style, kept, widths, measure))
            if len(self.columns) - 1 in kept:
                blank = [""] * len(cells_before)
                lines += [self._line([*blank, part], row.style, kept, widths, measure) for part in parts[1:]]
        return lines

    def _kept(self, width: int | None, widths: Sequence[int]) -> list[int]:
        kept = [i for i, w in enumerate(widths) if w]
        while width is not None and sum(widths[i] + GAP for i in kept) - GAP > width:
            weakest = max(self.columns[i].priority for i in kept)
            if not weakest:
                break
            # Columns of one priority belong together: one design's map says nothing without the other's.
            kept = [i for i in kept if self.columns[i].priority != weakest]
        return kept

    def _lacks(self, kept: Sequence[int], widths: Sequence[int], width: int) -> bool:
        """Whether a column is missing, or cut, that is worth a line of its own for each row's first cell."""
        needed = [i for i, column in enumerate(self.columns) if column.priority < self.kept_below and widths[i]]
        return bool(needed) and (not set(needed) <= set(kept) or sum(widths[i] + GAP for i in kept) - GAP > width)

    def _stacked(self, width: int, measure: Callable[[str], int]) -> list[Pieces]:
        """The lines with each row's first cell above the others, which have the width to themselves."""
        below = Table([replace(self.columns[0], heading=""), *self.columns[1:]])
        below.rows = [Row(("", *row.cells[1:]), row.style) if isinstance(row, Row) else row for row in self.rows]
        heading, across, *lines = below.lines(width - GAP, measure)
        indent: Piece = (" " * GAP, "")
        stacked = [[indent, *heading], [indent, *across]]
        for row, line in zip(self.rows, lines, strict=True):
            if isinstance(row, Row):
                stacked.append([(row.cells[0], row.style or self.columns[0].style)])
            stacked.append([indent, *line])
        return stacked

    def _line(
        self,
        cells: Sequence[str],
        style: str,
        kept: Sequence[int],
        widths: Sequence[int],
        measure: Callable[[str], int],
    ) -> Pieces:
        line: Pieces = []
        for place, i in enumerate(kept):
            column, text = self.columns[i], cells[i]
            blanks = " " * (widths[i] - measure(text))
            padded = blanks + text if column.is_number else text + blanks
            if place == len(kept) - 1:
                padded = padded.rstrip()
            line.append((padded, style or column.style))
            line.append((" " * GAP, ""))
        return line[:-1]


def _across(text: str, total: int, measure: Callable[[str], int]) -> Pieces:
    """A rule that names itself where there is room for its words; else the words alone, wrapped by the printer."""
    if not text:
        return [("─" * total, "rule")]
    rest = total - measure(text) - 5
    return [("── ", "rule"), (text, "strong"), (" " + "─" * max(rest, 1) if rest >= 1 else "", "rule")]


def _wrapped(text: str, width: int, measure: Callable[[str], int]) -> list[str]:
    """A text in lines of at most ``width`` cells, parted between words; a longer word stays whole."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".lstrip()
        if measure(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
