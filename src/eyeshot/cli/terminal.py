"""Printing: to a terminal with colour and within its width, to anything else plainly and without limit."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from eyeshot.report.table import Pieces, Table
from eyeshot.shown import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES = {"head": "dim", "dim": "dim", "strong": "bold", "rule": "dim", "good": "green", "warn": "yellow"}
_ASCII = str.maketrans(
    {
        "×": "x", "·": ".", "−": "-", "–": "-", "—": "-", "…": "..", "─": "-", "│": "|", "≤": "<=", "≥": ">=",
        "→": "->", "±": "+-", "²": "^2", "√": "sqrt ", "σ": "sigma", "Σ": "sum ", "█": "#", "▓": "=", "▒": "+",
        "░": "-", "└": "`", "├": "|", "●": "o", "━": "=", "’": "'", "“": '"', "”": '"',
    }
)  # fmt: skip


def is_unicode(stream: Any) -> bool:
    """Whether a stream can show every sign."""
    encoding = getattr(stream, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").startswith("utf")


def printable(stream: Any, text: str) -> str:
    """One line as a stream can show it, its control characters written out. All that is printed passes here."""
    return in_encoding_of(stream, visible(text))


def in_encoding_of(stream: Any, text: str) -> str:
    """A text in which no control is left, as a stream can show it: in ASCII where the stream is not in UTF-8."""
    if is_unicode(stream):
        return text
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def echo(*lines: str, err: bool = False) -> None:
    """Print lines on stdout, or on stderr."""
    stream = sys.stderr if err else sys.stdout
    stream.write("".join(f"{printable(stream, line)}\n" for line in lines))
    stream.flush()


def warn(text: str) -> None:
    """Say on stderr what was found wrong and does not end the command."""
    echo(f"eyeshot: {text}", err=True)


def cells(text: str) -> int:
    """Cells of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _columns() -> int:
    """The width that the terminal has, or COLUMNS says."""
    import shutil  # here: it loads four kinds of compression, and output that goes elsewhere asks for no width

    return shutil.get_terminal_size().columns


class Terminal:
    """One of the two streams, and how to print to it.

    Args:
        stream: stdout unless given.
        colour: False for none; otherwise a terminal gets it, unless NO_COLOR or TERM=dumb says no.
        width: cells a line; the terminal's unless given, and any number where the stream is no terminal.
    """

    def __init__(self, stream: IO[str] | None = None, *, colour: bool = True, width: int | None = None) -> None:
        self.stream = sys.stdout if stream is None else stream
        is_terminal = self.stream.isatty()
        self.width = _columns() if width is None and is_terminal else width
        wanted = colour and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.is_coloured = wanted and is_terminal

    def say(self, *pieces: str | tuple[str, str]) -> None:
        """Print a paragraph of texts or (text, style) pairs, wrapped between words where there is a width."""
        line = [(piece, "") if isinstance(piece, str) else piece for piece in pieces]
        if self.width is None or sum(cells(text) for text, _ in line) <= self.width:
            self.lines([line])
            return
        for part in self._text(line).wrap(self._console, self.width):
            part.rstrip()
            self._print(part)

    def table(self, table: Table) -> None:
        """Print a table; in a narrow terminal columns leave by priority, and no cell is cut."""
        self.lines(table.lines(self.width, lambda text: cells(printable(self.stream, text))))

    def lines(self, lines: Iterable[Pieces]) -> None:
        """Print lines of pieces as they are."""
        for line in lines:
            if self.is_coloured:
                self._print(self._text(line))
            else:
                self.stream.write(printable(self.stream, "".join(text for text, _ in line)).rstrip() + "\n")

    def _text(self, line: Pieces) -> Text:
        from rich.text import Text

        return Text.assemble(*((printable(self.stream, text), _STYLES.get(style, style)) for text, style in line))

    def _print(self, text: Text) -> None:
        # crop would cut what is wider than the terminal; a line that wraps can still be read.
        self._console.print(text, soft_wrap=True, crop=False, overflow="ignore")

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console

        return Console(
            file=self.stream,
            color_system="standard" if self.is_coloured else None,
            force_terminal=self.is_coloured,
            markup=False,
            highlight=False,
            emoji=False,
            width=self.width,
        )
