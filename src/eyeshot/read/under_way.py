"""The forward passes under way, for who waits for them: where they are, and how much memory they took for real.

Tensors that a pass makes from its input and from weights have no numbers and take no memory. What a forward pass makes
out of nothing (`torch.randn`, NumPy arrays, lists) is made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MUCH = 10**9
"""Bytes of which a user should know."""


@dataclass
class Pass:
    """A forward pass; ``place`` tells the path of the module that is running, ``before`` is what memory was taken."""

    place: Callable[[], str]
    before: int
    grown: int = 0


passes: list[Pass] = []
"""The innermost is the last."""


@contextmanager
def under_way(place: Callable[[], str]) -> Iterator[Pass]:
    """While this lasts others can ask where the pass is; afterwards it knows how much memory it took at its peak."""
    before, taking = peak() or 0, Pass(place, resident())
    passes.append(taking)
    try:
        yield taking
    finally:
        passes.remove(taking)
        # An earlier peak hides a lower one of this pass; what it still holds is seen in any case.
        highest = peak() or 0
        taking.grown = max(resident(), highest if highest > before else 0) - taking.before


def resident() -> int:
    """Bytes of memory that this process takes up now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _page()
    except OSError:
        return 0


def _page() -> int:
    import resource

    return resource.getpagesize()


def peak() -> int | None:
    """Bytes of memory of this process at its largest so far; None where the system does not tell."""
    # getrusage counts what the program that started this one had taken (Linux keeps it over exec), and would hide all
    # that is less; the mark of the memory itself begins anew.
    try:
        with open("/proc/self/status", "rb") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return told if sys.platform == "darwin" else told * 1024
