"""Bounds on what one run may take: seconds of the processor, and memory beyond what was taken before."""

from __future__ import annotations

import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SECONDS, MEBIBYTES = 10, 512
"""What one run may take. Small files need milliseconds and next to nothing; analyses of large nets are bounded, too."""
_PEAK = Path("/proc/self/clear_refs")


class _TooLongError(BaseException):
    """No `Exception`, so that nothing on the way takes it for a file that does not fit."""


@contextmanager
def bounded() -> Iterator[Callable[[Callable[[], str | None]], str | None]]:
    """What runs a function within the bounds, and tells what went wrong, or None."""

    def stop(*_: object) -> None:
        raise _TooLongError

    def run(function: Callable[[], str | None]) -> str | None:
        _forget_peak()
        least, began = _peak(), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            wrong = function()
        except _TooLongError:
            wrong = f"not done after {SECONDS} s of the processor"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if wrong is None and time.process_time() - began > SECONDS:
            wrong = f"it took {time.process_time() - began:.1f} s"
        if wrong is None and _peak() - least > MEBIBYTES:
            wrong = f"it took {_peak() - least:,} MiB"
        return wrong

    before = signal.signal(signal.SIGPROF, stop)
    try:
        yield run
    finally:
        signal.signal(signal.SIGPROF, before)


def in_memory() -> tempfile.TemporaryDirectory[str]:
    """A folder for files that come and go, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)


def _forget_peak() -> None:
    """Let the peak be what is held now. Where the system has no such thing, only what is more than ever is seen."""
    with suppress(OSError):
        _PEAK.write_text("5")


def _peak() -> int:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
