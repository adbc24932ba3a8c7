"""The directory of one run: `recipe.json` first, `checkpoint.pt` after each epoch, `record.json` at the end.

Every file is written whole under another name and then renamed, so a kill or a full disk leaves the former
one. Each ends with a digest, and says whose it is: what was damaged, edited or copied is told of and made again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eyeshot import opening
from eyeshot.documents import reason, sealed, unsealed
from eyeshot.errors import RunError, UsageError
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Record

_LONGEST = 60
"""Characters of a value that a message shows."""
RECIPE, CHECKPOINT, RECORD = "recipe.json", "checkpoint.pt", "record.json"


def claim(directory: Path, recipe: Recipe, notice: Callable[[str], None]) -> None:
    """Make the directory this recipe's own, or find that it is.

    What was trained there says whose it is where the recipe cannot be read; then that is written anew.

    Raises:
        UsageError: the directory belongs to another recipe.
        RunError: it cannot be written.
    """
    path, former = directory / RECIPE, None
    try:
        directory.mkdir(parents=True, exist_ok=True)
        former = _recipe_in(directory)
    except FileNotFoundError:
        pass  # nobody's yet
    except ValueError as error:
        notice(f"{path}: cannot be read ({reason(error)}); it is written anew")
    except OSError as error:
        raise _not_written(path, error) from error
    owner = former or _recipe_of_record(directory) or recipe
    if owner != recipe:
        raise UsageError(
            f"{directory}: holds the run of another recipe ({told_apart(owner, recipe)}); give another directory"
        )
    if former is None:
        write_sealed(path, recipe.to_json())


def _recipe_in(directory: Path) -> Recipe:
    return Recipe.from_json(unsealed(opening.read(directory / RECIPE)))


def _recipe_of_record(directory: Path) -> Recipe | None:
    try:
        return record_in(directory).recipe
    except (OSError, ValueError):
        return None


def told_apart(there: Recipe, here: Recipe) -> str:
    """In what two recipes differ, in one line."""
    return "; ".join(differences(there.to_json(), here.to_json()))


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


def record_in(directory: Path) -> Record:
    """The record in a directory, whosever it is.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is damaged or was changed.
    """
    return Record.from_json(unsealed(opening.read(directory / RECORD)))


def finished(directory: Path, recipe: Recipe, notice: Callable[[str], None]) -> Record | None:
    """The record of this recipe's run where it came to its end; one that is not to be believed is reported."""
    path = directory / RECORD
    try:
        record = record_in(directory)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        notice(f"{path}: cannot be read ({reason(error)}); this run is made again")
        return None
    if record.recipe != recipe:
        notice(f"{path}: is the record of another recipe ({told_apart(record.recipe, recipe)}) and is not used")
        return None
    return record


def write_sealed(path: Path, values: Mapping[str, Any]) -> None:
    """Put values with their digest into a file, whole or not at all."""
    write(path, encoded(values))


def encoded(values: Mapping[str, Any]) -> bytes:
    """Values with their digest, as they lie in a file."""
    text = json.dumps(sealed(values), indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def write(path: Path, content: bytes | memoryview, end: bytes = b"") -> None:
    """Put bytes into a file, whole or not at all.

    Raises:
        RunError: the disk is full or the place cannot be written; the former file is as it was.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.write(end)
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
