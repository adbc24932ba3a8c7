"""How a long measurement goes, on standard error once it has taken half a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.cli.terminal import echo, printable

if TYPE_CHECKING:
    from eyeshot.measure.run import Progress

_LINE_SECONDS = 30.0
"""Without a terminal a line appears that often."""


@contextmanager
def measured(directory: Path | None, words: Callable[[Any], str] | None = None) -> Iterator[Callable[[Any], None]]:
    """Shows how a measurement goes while it lasts, in ``words``; when it is interrupted, says how to go on."""
    stream, is_terminal = sys.stderr, sys.stderr.isatty()
    shown, last = 0, time.monotonic()

    def show(progress: Any) -> None:
        nonlocal shown, last
        text = printable(stream, (words or _words)(progress))
        if is_terminal:
            stream.write("\r" + text + " " * max(0, shown - len(text)))
            stream.flush()
            shown = len(text)
        elif time.monotonic() - last > _LINE_SECONDS:
            stream.write(text + "\n")
            last = time.monotonic()

    try:
        yield show
    except KeyboardInterrupt:
        if directory is not None:
            echo("", f"eyeshot: what is done is kept in {directory}; the same command goes on from there", err=True)
        raise
    finally:
        if shown:
            stream.write("\r" + " " * shown + "\r")
            stream.flush()


def _words(progress: Progress) -> str:
    sure = "" if progress.half_width is None else f", sigma known to {100 * progress.half_width:.1f} %"
    return f"{progress.done:,} of {progress.total:,} images{sure}"
