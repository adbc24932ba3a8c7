"""Every error that eyeshot raises on purpose, with the exit code of the command that meets it.

    EyeshotError
    ├── UsageError          2  a command or an argument that makes no sense
    │   ├── NotationError   2  a design that cannot be parsed; points at the character
    │   │   └── ShapeError  2  a design that does not fit its input, such as a kernel larger than its map
    │   └── DataError       2  images or labels that cannot be used; names the file
    ├── ReadError           3  a model that could not be loaded or traced
    ├── MissingExtraError   5  an optional library that is not installed; says which
    └── RunError            1  work that could not be finished, such as a full disk

A message says where, what was found, why that is wrong, and what to do next.
"""

from __future__ import annotations

from typing import Any


class EyeshotError(Exception):
    """What every deliberate error of eyeshot is."""

    exit_code = 1


class UsageError(EyeshotError):
    """A command or an argument that makes no sense."""

    exit_code = 2


class NotationError(UsageError):
    """A design that cannot be parsed.

    Args:
        message: what is wrong and what would be right.
        text: the whole design.
        position: index of the character at fault.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        self.message, self.text, self.position = message, text, position
        window = max(0, position - 60)
        excerpt = text[window : position + 40].replace("\n", " ")
        super().__init__(f"{message}\n  {excerpt}\n  {' ' * (position - window)}^ character {position + 1}")


class ShapeError(NotationError):
    """A design that does not fit its input; points at the layer that does not."""


class DataError(UsageError):
    """Images or labels that cannot be used."""


class ReadError(EyeshotError):
    """A model that could not be loaded or traced.

    Attributes:
        partial: the Network up to where reading failed, where something was read.
    """

    exit_code = 3
    partial: Any = None


class MissingExtraError(EyeshotError):
    """An optional library that is not installed.

    Args:
        what: what the user wanted to do.
        library: the name to import.
        extra: the extra of eyeshot that brings it.
    """

    exit_code = 5

    def __init__(self, what: str, library: str, extra: str) -> None:
        super().__init__(f"{what} needs {library}, which is not installed: pip install 'eyeshot[{extra}]'")


class RunError(EyeshotError):
    """Work that could not be finished; what was done is kept."""
