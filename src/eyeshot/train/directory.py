"""The directory of one run: `recipe.json` first, `checkpoint.pt` after each epoch, `record.json` at the end.

Every file is written whole under another name and then renamed, so a kill or a full disk leaves the former
one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eyeshot.errors import RunError, UsageError
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Record

_LONGEST = 60
"""Characters of a value that a message shows."""
RECIPE, CHECKPOINT, RECORD = "recipe.json", "checkpoint.pt", "record.json"


def claim(directory: Path, recipe: Recipe) -> None:
    """Make the directory this recipe's own, or find that it is.

    Raises:
        UsageError: the directory belongs to another recipe.
        RunError: it cannot be written.
    """
    path = directory / RECIPE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        former = json.loads(path.read_text("utf-8")) if path.exists() else None
    except OSError as error:
        raise _not_written(path, error) from error
    except ValueError:
        former = None  # only a hand or a failing disk damages it, and it can be written anew
        if (directory / CHECKPOINT).exists() or (directory / RECORD).exists():
            raise UsageError(
                f"{path}: cannot be read, so nothing says what was trained here; delete {directory}"
            ) from None
    ours = json.loads(json.dumps(recipe.to_json()))
    if former is None:
        write_json(path, ours)
    elif former != ours:
        raise UsageError(
            f"{directory}: holds the run of another recipe ({'; '.join(differences(former, ours))}); "
            "give another directory or delete this one"
        )


def differences(there: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Where two JSON objects differ, one short line per key."""
    apart_at: list[str] = []
    for key in dict.fromkeys((*there, *here)):
        old, new = there.get(key), here.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            apart_at += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            apart_at.append(f"{prefix}{key}: {apart(repr(old), repr(new))}")
    return apart_at


def apart(there: str, here: str) -> str:
    """Two texts that differ; of long ones the part around the first character that does."""
    if max(len(there), len(here)) > _LONGEST:
        same = next(
            (i for i, (a, b) in enumerate(zip(there, here, strict=False)) if a != b), min(len(there), len(here))
        )
        start = max(0, same - _LONGEST // 4)
        there, here = (_excerpt(text, start) for text in (there, here))
    return f"{there} there, {here} here"


def _excerpt(text: str, start: int) -> str:
    end = start + _LONGEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"


def finished(directory: Path, notice: Callable[[str], None]) -> Record | None:
    """The record of a run that came to its end; one that cannot be read is reported and made again."""
    path = directory / RECORD
    try:
        return Record.from_json(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        notice(f"{path}: cannot be read ({type(error).__name__}: {error}); it is made again")
        return None


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Put values into a file, whole or not at all."""
    write(
        path,
        (json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "backslashreplace"),
    )


def write(path: Path, content: bytes) -> None:
    """Put bytes into a file, whole or not at all.

    Raises:
        RunError: the disk is full or the place cannot be written; the former file is as it was.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the first failure says more
            part.unlink(missing_ok=True)
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> RunError:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    reason = f"no space left ({error.strerror})" if is_full else error.strerror or str(error)
    cure = "Make room" if is_full else "Make it writable"
    return RunError(
        f"{path}: could not be written: {reason}. What was saved before is kept in {path.parent}. "
        f"{cure}, then give the same command again: it goes on from there"
    )
