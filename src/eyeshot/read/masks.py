"""Masks of numbers beside scores: which keys they leave each query, whatever framework they come from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eyeshot.network.slide import Reads

MOST_PAIRS = 1 << 20
"""Queries by keys of a mask at most that are told one by one; of more any key may be read."""
SILENT = -1e4
"""Scores from here down weigh nothing beside others: e to that is 0 in every type. Networks fill −10⁴, −10⁹ or −∞."""


def weighed(seen: NDArray[np.bool_]) -> tuple[Reads | None, bool] | None:
    """The keys that each query weighs by a table (…, queries, keys), and whether that is a bound.

    None where the table leaves all; keys are None for all up to the query's own place. Heads and images with tables of
    their own have all keys that one of them weighs.
    """
    queries, keys = seen.shape[-2:]
    seen = seen.reshape(-1, queries, keys)
    if bool(seen.all()):
        return None
    some: NDArray[np.bool_] = np.asarray(seen.any(0))
    is_alike = bool((seen == seen[:1]).all())
    if is_alike and np.array_equal(some, np.tri(queries, keys, dtype=bool)):
        return None, False
    if some.size > MOST_PAIRS:
        return (tuple(range(keys)),) * queries, True
    return tuple(tuple(np.flatnonzero(row).tolist()) for row in some), not is_alike
