"""Tables as values: columns that leave by priority when there is little room, and cells that are never cut.

A table becomes lines of styled pieces; what the styles look like is the business of whoever prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Piece = tuple[str, str]
"""A text and its style: one of "", "head", "dim", "strong", "rule", or several parted by spaces."""
Line = list[Piece]
GAP = 2
"""Blanks between columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column; the one with the largest ``priority`` leaves first, and one of 0 stays."""

    heading: str
    is_number: bool = True
    priority: int = 0
    style: str = ""


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
    """Columns, and rows in their order."""

    columns: Sequence[Column]
    rows: list[Row | Rule] = field(default_factory=list)

    def add(self, *cells: str, style: str = "") -> None:
        """Append a row."""
        if len(cells) != len(self.columns):
            raise AssertionError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(Row(cells, style))

    def rule(self, text: str = "") -> None:
        """Append a line across."""
        self.rows.append(Rule(text))

    def lines(self, width: int | None, measure: Callable[[str], int] = len) -> list[Line]:
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
        kept = self._kept(width, widths)
        total = sum(widths[i] + GAP for i in kept) - GAP
        lines = [self._line([column.heading for column in self.columns], "head", kept, widths, measure)]
        lines.append([("─" * total, "rule")])
        for row in self.rows:
            if isinstance(row, Row):
                lines.append(self._line(row.cells, row.style, kept, widths, measure))
            else:
                lines.append(_across(row.text, total, measure))
        return lines

    def _kept(self, width: int | None, widths: Sequence[int]) -> list[int]:
        kept = [i for i, w in enumerate(widths) if w]
        while width is not None and sum(widths[i] + GAP for i in kept) - GAP > width:
            weakest = max(kept, key=lambda i: self.columns[i].priority)
            if not self.columns[weakest].priority:
                break
            kept.remove(weakest)
        return kept

    def _line(
        self,
        cells: Sequence[str],
        style: str,
        kept: Sequence[int],
        widths: Sequence[int],
        measure: Callable[[str], int],
    ) -> Line:
        line: Line = []
        for place, i in enumerate(kept):
            column, text = self.columns[i], cells[i]
            blanks = " " * (widths[i] - measure(text))
            padded = blanks + text if column.is_number else text + blanks
            if place == len(kept) - 1:
                padded = padded.rstrip()
            line.append((padded, style or column.style))
            line.append((" " * GAP, ""))
        return line[:-1]


def _across(text: str, total: int, measure: Callable[[str], int]) -> Line:
    """A rule that names itself where there is room for its words; else the words alone, wrapped by the printer."""
    if not text:
        return [("─" * total, "rule")]
    rest = total - measure(text) - 5
    return [("── ", "rule"), (text, "strong"), (" " + "─" * max(rest, 1) if rest >= 1 else "", "rule")]
