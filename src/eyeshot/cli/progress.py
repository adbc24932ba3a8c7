"""How a long measurement goes, on standard error once it has taken half a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.cli.terminal import echo, printable

if TYPE_CHECKING:
    from eyeshot.measure.run import Progress

_FIRST_SECONDS = 0.5
_LINE_SECONDS = 30.0
"""Without a terminal a line appears that often."""


@contextmanager
def measured(
    directory: Path | None, words: Callable[[Any], str] | None = None, *, can_be_kept: bool = True
) -> Iterator[Callable[[Any], None]]:
    """Shows how a measurement goes while it lasts, in ``words``; when it is interrupted, says what is kept."""
    line: _Line | _Lines = _Line() if sys.stderr.isatty() else _Lines()
    try:
        with line:
            yield lambda progress: line.show((words or _words)(progress))
    except KeyboardInterrupt:
        if not can_be_kept:
            raise
        kept = f"what is done is kept in {directory}; the same command goes on from there"
        echo(f"eyeshot: {kept if directory else 'nothing is kept; with --run DIR it would go on from there'}", err=True)
        raise


class _Line:
    """One line of a terminal, written over again and again; a first one comes though nothing is known yet."""

    def __init__(self) -> None:
        self._stream, self._shown, self._text = sys.stderr, 0, "getting ready …"
        self._is_due = False
        # A first batch may take minutes, and before it libraries are imported.
        self._timer = threading.Timer(_FIRST_SECONDS, self._begin)
        self._timer.daemon = True
        self._writing = threading.Lock()

    def __enter__(self) -> _Line:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        with self._writing:
            self._is_due = False
            if self._shown:
                self._stream.write("\r" + " " * self._shown + "\r")
                self._stream.flush()

    def show(self, text: str) -> None:
        """Say where it stands, once half a second is over."""
        with self._writing:
            self._text = text
            if self._is_due:
                self._write()

    def _begin(self) -> None:
        with self._writing:
            self._is_due = not self._timer.finished.is_set()
            if self._is_due:
                self._write()

    def _write(self) -> None:
        text = printable(self._stream, self._text)
        self._stream.write("\r" + text + " " * max(0, self._shown - len(text)))
        self._stream.flush()
        self._shown = len(text)


class _Lines:
    """Lines of a file, far apart."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, text: str) -> None:
        """Say where it stands, once in a while."""
        if time.monotonic() - self._last > _LINE_SECONDS:
            echo(text, err=True)
            self._last = time.monotonic()


def _words(progress: Progress) -> str:
    sure = "" if progress.half_width is None else f", sigma known to {100 * progress.half_width:.1f} %"
    return f"{progress.done:,} of {progress.total:,} images{sure}"
