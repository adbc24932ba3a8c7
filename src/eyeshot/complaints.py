"""What a user's own code complains of, in words: the line of theirs where it did, the exception's kind, its whole text.

Of a traceback only the innermost line that is theirs helps a user: frames of PyTorch, of Python and of eyeshot around
it are how the complaint came about. A library's line stands in where nothing of the user's ran.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import FrameType

from eyeshot.shown import LONGEST_WORD, shortened

_OURS = f"{Path(__file__).parent}{os.sep}"
_MOST_LINES = 40
"""Lines of an exception's text that are shown."""


def complaint(error: BaseException) -> str:
    """Where in the user's code an exception was raised, its kind, and the first line of its text.

    >>> complaint(KeyError("stem"))
    "KeyError: 'stem'"
    """
    place = innermost((frame, line) for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))))
    return ": ".join(part for part in (place, _kind_and_text(error)) if part)


def rest(error: BaseException) -> tuple[str, ...]:
    """The lines of an exception's text after its first."""
    lines = _lines(error)[1:]
    more = len(lines) - _MOST_LINES
    return tuple(f"  {line}" for line in (*lines[:_MOST_LINES], *([f"… {more} more lines"] if more > 0 else [])))


def _kind_and_text(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({shortened(repr(error.code), LONGEST_WORD)}), which would end the program"
    kind, lines = type(error).__name__, _lines(error)
    return f"{kind}: {lines[0]}" if lines else kind


def _lines(error: BaseException) -> list[str]:
    try:
        return str(error).strip().splitlines()
    except Exception:  # a user's own kind of error may fail to say what is wrong
        return []


def innermost(calls: Iterable[tuple[FrameType, int]]) -> str:
    """The first of frames and lines, innermost first, that is the user's, as ``file:line``; else a library's.

    Libraries are what is installed beside Python, PyTorch aside; nothing where none is either.
    """
    of_library = ""
    for frame, line in calls:
        path = frame.f_code.co_filename
        if path.startswith(("<", _OURS)) or _is_machinery(path):
            continue
        place = f"{path.removeprefix(os.getcwd() + os.sep)}:{line}"
        if not path.startswith(_libraries()):
            return place
        of_library = of_library or place
    return of_library


def _is_machinery(path: str) -> bool:
    """Whether a file is PyTorch's or Python's own."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.__file__ is not None and path.startswith(f"{Path(torch.__file__).parent}{os.sep}"):
        return True
    return path.startswith(sysconfig.get_path("stdlib") + os.sep) and not path.startswith(_libraries())


@cache
def _libraries() -> str:
    return sysconfig.get_path("purelib") + os.sep
