"""While a user's own code runs: who waits is told where it is, and Ctrl-C ends it whatever the code makes of that."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import FrameType
from typing import Any, TextIO

from eyeshot.complaints import innermost

FIRST_SECONDS, NEXT_SECONDS = 5.0, 30.0
"""After so long a silence a line says where the code is, and again after each of the next."""
_GRACE_SECONDS = 1.0
"""A user's code that still runs so long after Ctrl-C has swallowed it."""
_TICK_SECONDS = 0.2
_INTERRUPTED = 130


class _Heard:
    """A stream that remembers when it was last written to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.at = time.monotonic()

    def write(self, text: str) -> int:
        self.at = time.monotonic()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def patience() -> Iterator[None]:
    """What is printed while this lasts goes to stderr, since stdout is for data, and a thread waits with the user."""
    is_main = threading.current_thread() is threading.main_thread()
    if (
        not is_main or os.name == "nt"
    ):  # Python takes signals in the main thread only; pipes can be waited for elsewhere
        with redirect_stdout(sys.stderr):
            yield
        return
    signals, written = os.pipe()
    os.set_blocking(written, False)
    # The system itself writes the signal's number there, also while a long computation keeps Python from seeing it.
    before = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    heard: Any = _Heard(sys.stderr)
    waiting = _Waiting(signals, heard, sys.stderr, sys._getframe(2))
    waiting.start()
    try:
        with redirect_stdout(heard), redirect_stderr(heard):
            yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(written)
        waiting.join()
        os.close(signals)


class _Waiting(threading.Thread):
    """Waits beside the main thread."""

    def __init__(self, signals: int, heard: _Heard, stream: TextIO, base: FrameType) -> None:
        super().__init__(daemon=True)
        self._signals, self._heard, self._stream, self._base = signals, heard, stream, base
        self._interrupts = 0
        self._interrupted_at = self._told_at = 0.0
        self._is_much_told = False

    def run(self) -> None:
        """Look around until the other end is closed."""
        while True:
            ready, _, _ = select.select([self._signals], [], [], _TICK_SECONDS)
            if ready:
                received = os.read(self._signals, 64)
                if not received:
                    return
                self._count(received.count(signal.SIGINT))
            if self._interrupts:
                self._end_what_goes_on()
            else:
                self._tell_memory()
                self._tell_place()

    def _count(self, interrupts: int) -> None:
        if interrupts and not self._interrupts:
            self._interrupted_at = time.monotonic()
        self._interrupts += interrupts

    def _end_what_goes_on(self) -> None:
        """End the process where the user's code does not; what is ours, such as a file half written, is waited for."""
        is_late = time.monotonic() - self._interrupted_at > _GRACE_SECONDS
        if self._interrupts > 1 or (is_late and innermost(self._calls())):
            self._say("interrupted")
            os._exit(_INTERRUPTED)

    def _tell_place(self) -> None:
        now = time.monotonic()
        silence = now - max(self._heard.at, self._told_at)
        if silence < FIRST_SECONDS:
            return
        place = self._place()
        # Without a place it is our own work that lasts, such as importing PyTorch on a busy machine.
        if silence > (FIRST_SECONDS if place and not self._told_at else NEXT_SECONDS):
            self._told_at = now
            self._say(f"still at work after {silence:.0f} s of silence{place}; Ctrl-C ends it")

    def _tell_memory(self) -> None:
        grown = _grown()
        if grown is not None and not self._is_much_told:
            self._is_much_told = True
            self._say(f"forward takes memory for real, {grown / 1e9:.1f} GB so far{self._place()}; Ctrl-C ends it")

    def _place(self) -> str:
        """Which module runs, and the line of the user's code; nothing where it is not in that."""
        words = ", ".join(part for part in (_path(), innermost(self._calls())) if part)
        return f", in {words}" if words else ""

    def _calls(self) -> Iterator[tuple[FrameType, int]]:
        """What runs in the main thread, innermost first."""
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        while frame is not None and frame is not self._base:
            yield frame, frame.f_lineno
            frame = frame.f_back

    def _say(self, text: str) -> None:
        from eyeshot.cli.terminal import printable

        self._stream.write(printable(self._stream, f"eyeshot: {text}") + "\n")
        self._stream.flush()


def _grown() -> int | None:
    """Bytes that the forward pass under way has taken, where they are many."""
    module = sys.modules.get("eyeshot.read.under_way")
    passes = _passes()
    if module is None or not passes:
        return None
    grown = int(module.resident() - passes[-1].before)
    return grown if grown > module.MUCH else None


def _path() -> str:
    """The path of the module that runs; nothing outside a forward pass that is read."""
    passes = _passes()
    return str(passes[-1].place()) if passes else ""


def _passes() -> list[Any]:
    """The passes under way, as of now: they may end while they are asked, and their module may be half imported."""
    return list(getattr(sys.modules.get("eyeshot.read.under_way"), "passes", ()))
