"""Whether images fit into memory, asked before they are decoded."""

from __future__ import annotations

import os
from pathlib import Path

from eyeshot.errors import DataError


class TooLargeError(DataError):
    """Images that would fill the memory: no more of them is to be read."""


def check_memory(size: int, where: Path | str) -> None:
    """Complain of decoded images that take more than half of the machine's memory.

    Raises:
        TooLargeError: they do.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 1 << 36
    if size > memory // 2:
        raise TooLargeError(
            f"{where}: {size / 2**30:.1f} GiB once decoded, more than half of this machine's memory; shrink the images"
        )
