"""The one door for files that a user names: plain files are opened, all else is refused at once.

A named pipe waits for ever for someone to write, a device may never end, links may lead in a circle. What is there is
asked before it is opened, and again of what was opened, since the two may differ.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_FILE = "a file"


def what_is_at(path: Path) -> str:
    """What a path leads to, in words: a file, a folder, nothing, a named pipe …"""
    try:
        return _kind(path.stat().st_mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads to itself"
        return "nothing"
    except ValueError:  # no file has a name with a null character in it
        return "nothing"


def opened(path: Path) -> BinaryIO:
    """A plain file, opened for reading.

    Raises:
        OSError: there is none, it may not be read, or what is there is no plain file; ``strerror`` says what it is.
    """
    there = what_is_at(path)
    if there not in (_FILE, "nothing"):
        raise _refused(path, there)
    # Without waiting, should a pipe have come to lie there by now.
    file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    there = _kind(os.fstat(file.fileno()).st_mode)
    if there != _FILE:
        file.close()
        raise _refused(path, there)
    return file


def read(path: Path) -> bytes:
    """What a plain file holds.

    Raises:
        OSError: as for ``opened``.
    """
    with opened(path) as file:
        return file.read()


def _kind(mode: int) -> str:
    return next((words for is_kind, words in _KINDS if is_kind(mode)), _FILE)


def _refused(path: Path, there: str) -> OSError:
    return OSError(errno.EINVAL, f"{there}, not a file", str(path))
