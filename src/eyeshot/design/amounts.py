"""Amounts and ranges as people type them: 1.5G, 4-8, 3,4,5."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eyeshot.errors import UsageError
from eyeshot.shown import quoted

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,12})?)\s*([kmgt]?)", re.IGNORECASE)
_RANGE = re.compile(r"(\d{1,9})(?:\s*[-–]\s*(\d{1,9})?)?")


def amount(given: str | float, what: str) -> int:
    """A number of things, with a prefix of powers of 1000.

    Raises:
        UsageError: it is none.

    Example:
        >>> amount("1.5G", "--macs-max"), amount(2_000_000, "params_max")
        (1500000000, 2000000)
    """
    match = _AMOUNT.fullmatch(str(int(given) if isinstance(given, float) and given.is_integer() else given).strip())
    if match is None:
        raise UsageError(f"{what} takes a number, such as 2000000, 2M or 1.5G; found {quoted(str(given))}")
    return round(float(match[1]) * _UNITS[match[2].lower()])


def span(given: str | int | Sequence[int], what: str) -> tuple[int, int | None]:
    """The least and the most of a range; None for no upper end.

    Raises:
        UsageError: it is none.

    Example:
        >>> span("4-8", "--layers"), span(70, "field"), span("100-", "--field")
        ((4, 8), (70, 70), (100, None))
    """
    if not isinstance(given, str | int):
        given = "-".join(map(str, given))
    match = _RANGE.fullmatch(str(given).strip())
    if match is None:
        raise UsageError(f"{what} takes a number or a range, such as 5, 4-8 or 100-; found {quoted(str(given))}")
    low = int(match[1])
    high = int(match[2]) if match[2] else None if match[0] != match[1] else low
    if low < 1 or (high is not None and high < low):
        raise UsageError(f"{what}: {quoted(str(given))} is empty; it runs from the least, 1 or more, to the most")
    return low, high


def whole_numbers(given: str | int | Sequence[int], what: str, most: int) -> tuple[int, ...]:
    """Whole numbers from 1 to ``most``, parted by commas.

    Raises:
        UsageError: there is something else among them.

    Example:
        >>> whole_numbers("3,4,5", "--kernels", 99)
        (3, 4, 5)
    """
    texts = str(given).split(",") if isinstance(given, str | int) else [str(each) for each in given]
    texts = [text.strip() for text in texts]
    if not all(text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most for text in texts):
        raise UsageError(
            f"{what} takes whole numbers from 1 to {most:,}, such as 3,4,5; found {quoted(','.join(texts))}"
        )
    return tuple(int(text) for text in texts)
