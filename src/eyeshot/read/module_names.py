"""What a user types for a PyTorch module, taken apart: ``source:attribute?name=value&name=value``.

torchvision:resnet50              a library's model
timm:resnet50?output_stride=8     the same, built with arguments
package.module:Net?width=32       what makes a module, called with arguments; or a module as it is
folder/file.py:factory            the same, from a file

Values are Python literals; a word that is none stands for itself. ``factory(width=32)`` is read as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eyeshot.errors import UsageError

LIBRARIES = ("torchvision", "timm")
_NAME = re.compile(
    r"(?P<source>[\w.]+|.+\.py):(?P<attribute>[\w.]+)"
    r"(?:\?(?P<query>.*)|\((?P<call>\s*|\s*\w+\s*=.*)\))?",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_][\w.\-]*")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class ModuleName:
    """Where a module comes from: a library, a file or a package; the attribute there; and what it is called with."""

    source: str
    attribute: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_of_library(self) -> bool:
        """Whether a library has the model, rather than the user's own code."""
        return self.source in LIBRARIES

    @property
    def target(self) -> str:
        """The name without its arguments."""
        return f"{self.source}:{self.attribute}"

    def __str__(self) -> str:
        """The name as one types it."""
        query = "&".join(f"{key}={value!r}" for key, value in self.arguments.items())
        return f"{self.target}?{query}" if query else self.target


def is_module_name(text: str) -> bool:
    """Whether a text asks for a PyTorch module rather than for a design."""
    return _NAME.fullmatch(text) is not None


def module_name(text: str) -> ModuleName:
    """A module's name taken apart.

    Raises:
        UsageError: an argument is not written as name=value.

    Example:
        >>> module_name("net.py:Net?widths=[8, 16]&norm=batch").arguments
        {'widths': [8, 16], 'norm': 'batch'}
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} names no module; write file.py:factory or package.module:factory")
    pieces = _parted(match["query"] or match["call"] or "")
    return ModuleName(match["source"], match["attribute"], dict(_argument(text, piece) for piece in pieces))


def _parted(text: str) -> list[str]:
    """The arguments of a text, parted by & or commas outside quotes and brackets."""
    pieces, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "&," and depth == 0:
            pieces.append("")
            continue
        depth += (sign in _OPENING) - (sign in _CLOSING) if not quote else 0
        pieces[-1] += sign
    return [piece.strip() for piece in pieces if piece.strip()]


def _argument(text: str, piece: str) -> tuple[str, Any]:
    name, is_there, value = (part.strip() for part in piece.partition("="))
    if not is_there or not name.isidentifier():
        raise UsageError(f"{text}: {piece!r} is no argument; write name=value, such as ?width=32&depth=3")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        if _WORD.fullmatch(value):
            return name, value
        raise UsageError(
            f"{text}: {value!r} is no value for {name}; write a Python literal: 8, 0.5, True, None, 'text', [1, 2]"
        ) from None
