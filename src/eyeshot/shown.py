"""Text from elsewhere as people may see it: in one line, short enough to read, and without power over a terminal.

Names of layers, files and classes, and what other libraries complain of, hold what their authors like. A terminal takes
some characters for orders: to clear what stands there, to write over it, to turn what follows around.
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (C0, C1), formats (turning text around, of no width), halves of pairs, ends of lines and paragraphs."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
LONGEST = 2_000
"""Characters that a message may have."""
LONGEST_WORD = 120
"""Characters of a user's own text that are worth showing again."""


def visible(text: str) -> str:
    r"""A text whose control characters are written out, which leaves them without effect; always one line.

    >>> visible("conv\x1b[2J\n")
    'conv\\x1b[2J\\n'
    """
    return text if text.isprintable() else _UNUSUAL.sub(_escaped, text)


def visible_json(text: str) -> str:
    r"""A JSON document that says the same, the control characters in its strings written out as JSON does.

    >>> visible_json('"\x9b2J"')
    '"\\u009b2J"'
    """
    return _UNUSUAL.sub(_escaped_in_json, text)


_UNUSUAL = re.compile(r"[^ -~]")


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def _escaped(match: re.Match[str]) -> str:
    character, code = match[0], ord(match[0])
    if not _is_hidden(character):
        return character
    if code < 0x100:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped_in_json(match: re.Match[str]) -> str:
    import json

    character = match[0]
    # The ends of lines are the document's own: those in strings are written out already.
    return character if character == "\n" or not _is_hidden(character) else json.dumps(character)[1:-1]


def encodable(text: str) -> str:
    """A text that every file can hold: halves of surrogate pairs, as in names that are no UTF-8, are written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shortened(text: str, most: int = LONGEST) -> str:
    """A text as it is, or its two ends and how much was left out between them.

    >>> shortened("a" * 1_000_000, 30)
    'aaaaaa… 999,990 more …aaaa'
    """
    if len(text) <= most:
        return text
    rest = max(most - 20, 10)
    head, tail = rest - rest * 2 // 5, rest * 2 // 5
    return f"{text[:head]}… {len(text) - head - tail:,} more …{text[len(text) - tail :]}"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "input"), counted(1_200, "image")
    ('1 input', '1,200 images')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def quoted(text: str) -> str:
    """A user's own word in a message, in quotation marks; long ones are shortened."""
    return repr(shortened(text, LONGEST_WORD))
