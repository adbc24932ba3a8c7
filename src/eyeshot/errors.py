"""Every error that eyeshot raises on purpose, with the exit code of the command that meets it.

    EyeshotError
    ├── UsageError          2  a command or an argument that makes no sense
    │   ├── NotationError   2  a design that cannot be parsed; points at the character
    │   │   └── ShapeError  2  a design that does not fit its input, such as a kernel larger than its map
    │   └── DataError       2  images or labels that cannot be used; names the file
    ├── ReadError           3  a model that could not be loaded or traced
    ├── MissingExtraError   5  an optional library that is not installed; says which
    ├── CheckError          1  a promise that a network does not keep; a line for each
    └── RunError            1  work that could not be finished, such as a full disk

A message says where, what was found, why that is wrong, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from eyeshot.shown import shortened, visible


class EyeshotError(Exception):
    """What every deliberate error of eyeshot is.

    Its text is one line, whatever the names in it hold, and never longer than one reads.

    Args:
        message: where, what was found, why that is wrong, what to do.
        lines: what is to stand below it, such as the place in a design.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, lines: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)

    @property
    def said(self) -> str:
        """The message without what stands below it."""
        return shortened(visible(str(self.args[0])))

    def __str__(self) -> str:
        return "\n".join((self.said, *map(visible, self.lines)))

    def of(self, who: str) -> Self:
        """The same error with the name of what it is about before it."""
        self.args = (f"{who}: {self.args[0]}",)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions travel by their arguments, and those of some kinds are not what their messages are.
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[EyeshotError], args: tuple[Any, ...], values: dict[str, Any]) -> EyeshotError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(values)
    return error


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
        # One cell a character, so that the caret stands below the one at fault.
        excerpt = "".join(c if visible(c) == c else " " for c in text[window : position + 40])
        super().__init__(message, lines=(f"  {excerpt}", f"  {' ' * (position - window)}^ character {position + 1}"))


class ShapeError(NotationError):
    """A design that does not fit its input; points at the layer that does not."""


class DataError(UsageError):
    """Images or labels that cannot be used."""


class ReadError(EyeshotError):
    """A model that could not be loaded or traced.

    Attributes:
        partial: the Network up to where reading failed, where something was read.
        is_of_shapes: a forward pass failed that computed shapes only, so that another input size may pass.
    """

    exit_code = 3
    partial: Any = None
    is_of_shapes = False


class MissingExtraError(EyeshotError):
    """An optional library that is not installed.

    Args:
        what: what the user wanted to do.
        library: the name to import.
        extra: the extra of eyeshot that brings it; None where a user chooses the library and none does.
    """

    exit_code = 5

    def __init__(self, what: str, library: str, extra: str | None = None) -> None:
        super().__init__(f"{what} needs {library}, which is not installed: {install_line(library, extra)}")


def install_line(library: str, extra: str | None) -> str:
    """The command that installs a library, as the extra of eyeshot that brings it where there is one.

    >>> install_line("scipy", "train"), install_line("timm", None)
    ("pip install 'eyeshot[train]'", 'pip install timm')
    """
    return f"pip install 'eyeshot[{extra}]'" if extra else f"pip install {_PACKAGES.get(library, library)}"


_PACKAGES = {"PIL": "pillow"}


class CheckError(EyeshotError):
    """A network that does not keep what was promised of it; a line below for each broken promise."""


class RunError(EyeshotError):
    """Work that could not be finished; what was done is kept."""
