"""On which line of a TOML file a value stands, for messages: Python's own reader of TOML tells where it fails, no more.

The line of a value is the first up to which the file, its open lists closed, holds it. So TOML is understood by its one
reader, and nothing is looked for that only looks like the value, as in a comment or a text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyeshot import opening
from eyeshot.documents import reason
from eyeshot.errors import EyeshotError, UsageError

_CLOSED = ("", "\n]", "\n]]")
"""What may be missing behind a line within a list, and within a list in a list."""
_AT = re.compile(r"(?P<says>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", re.DOTALL)


@dataclass(frozen=True)
class TomlFile:
    """A file's text and the values in it."""

    name: str
    text: str
    values: dict[str, Any]

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """An error inside is said to be of the value to which these keys lead."""
        try:
            yield
        except EyeshotError as error:
            raise error.of(self.place(path)) from error.__cause__

    def place(self, path: tuple[str | int, ...]) -> str:
        """Where a value stands, such as ``pays.toml, line 7 (arm 2, moves)``; what lies in lists is counted from 1."""
        # Of an arm that is a name alone, its design is the arm itself.
        lines = (line_of(self.text, path[:count]) for count in range(len(path), 0, -1))
        line = next(filter(None, lines), None)
        words = ", ".join(f"no. {key + 1}" if isinstance(key, int) else key for key in path)
        words = re.sub(r"^arms, no\. (\d+)", r"arm \1", words)
        return self.name + (f", line {line}" if line else "") + (f" ({words})" if words else "")


def read_toml(path: Path) -> TomlFile:
    """A TOML file.

    Raises:
        UsageError: there is none, or it is no TOML; says on which line.
    """
    name = str(path)
    try:
        text = opening.read(path).decode()
        return TomlFile(name, text, tomllib.loads(text))
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({reason(error)}); give a study's file, such as pays.toml") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: byte {error.start + 1} is no UTF-8; save it as UTF-8") from None
    except RecursionError:
        raise UsageError(f"{name}: its values are nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        found = _AT.fullmatch(str(error))
        says = found["says"] if found else str(error)
        line = (found["line"] if found else None) or text.rstrip().count("\n") + 1
        raise UsageError(f"{name}, line {line}: this is no TOML: {says}") from None


def line_of(text: str, path: tuple[str | int, ...]) -> int | None:
    """The line on which the value begins to which some keys lead, from 1 on; None where there is no such value.

    >>> text = 'seeds = 3\\narms = [\\n  "lenet",\\n  {design = "alexnet", moves = []},\\n]'
    >>> line_of(text, ("seeds",)), line_of(text, ("arms",)), line_of(text, ("arms", 1, "moves"))
    (1, 2, 4)
    """
    lines = text.splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        begun = "".join(lines[:count])
        for closed in _CLOSED:
            try:
                values = tomllib.loads(begun + closed)
            except tomllib.TOMLDecodeError:
                continue
            if _is_in(values, path):
                return count
    return None


def _is_in(values: Any, path: tuple[str | int, ...]) -> bool:
    for key in path:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True
