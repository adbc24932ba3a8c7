"""Files that people name: read or refused in words, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from eyeshot import opening
from eyeshot.errors import RunError, UsageError
from eyeshot.opening import what_is_at


def check_new(path: Path, *, force: bool, how: str = "--force") -> None:
    """Complain of a file that writing would replace, or of a folder that is not there; ``how`` lets it be replaced."""
    there = what_is_at(path)
    if there == "a folder":
        raise UsageError(f"{path} is a folder; give a file in it")
    if there not in ("a file", "nothing"):
        raise UsageError(f"{path} is {there}, not a file; give another name")
    if path.exists() and not force:
        raise UsageError(f"{path} exists; give another name, or {how} to replace it")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole, or not at all.

    Raises:
        RunError: the disk is full, or the folder cannot be written to.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(f"{path} could not be written: {error.strerror or error}") from error


def read_file(path: Path) -> bytes:
    """What a file holds.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return opening.read(path)
    except OSError as error:
        raise UsageError(f"{path} could not be read: {error.strerror or error}") from error
