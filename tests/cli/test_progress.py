"""Who waits for a measurement is told of it after half a second, and after Ctrl-C what is kept."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from eyeshot.cli import progress


class _Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch, first: float = 0.01) -> _Terminal:
    """Standard error as a terminal; set when the test runs, since pytest sets its own before."""
    stream = _Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(progress, "_FIRST_SECONDS", first)
    return stream


def _until(terminal: _Terminal, text: str) -> None:
    for _ in range(1000):
        if text in terminal.getvalue():
            return
        time.sleep(0.005)
    raise AssertionError(f"{text!r} is not in {terminal.getvalue()!r}")


def test_something_is_shown_before_anything_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)

    with progress.measured(None, str) as show:
        _until(terminal, "getting ready …")
        show("3 of 4")

    ready, shown = "getting ready …", "3 of 4"
    blank = " " * (len(ready) - len(shown))
    assert terminal.getvalue() == f"\r{ready}\r{shown}{blank}\r{' ' * len(shown)}\r"


def test_what_is_soon_over_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch, first=60.0)

    with progress.measured(None, str) as show:
        show("3 of 4")

    assert terminal.getvalue() == ""


@pytest.mark.parametrize(
    ("directory", "words"),
    [
        (None, "nothing is kept; with --run DIR it would go on from there"),
        (Path("runs/a"), "what is done is kept in runs/a; the same command goes on from there"),
    ],
)
def test_an_interrupt_says_what_is_kept(directory: Path | None, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)

    with pytest.raises(KeyboardInterrupt), progress.measured(directory, str):
        raise KeyboardInterrupt

    assert f"eyeshot: {words}\n" in terminal.getvalue()
