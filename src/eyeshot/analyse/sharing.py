"""Among how many elements does an element of a tensor share its weight?

Under He's initialisation a layer's weights have a variance of 1 over the elements that they sum, so that layer by layer
the variance is kept. A squared gradient is then shared among what a unit reads; where branches are added each gets as
much, and where they are concatenated every channel. Counting paths instead favours the branch of more windows: of two
3×3 beside a skip it leaves to the skip one part in (9·C)² + 1.

Reference: He, Zhang, Ren & Sun 2015, arXiv:1502.01852, section 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from eyeshot.network.relations import Opaque, Reduce, Shape, Taps, Window


def fan_in(relation: object, before: Shape, after: Shape) -> float:
    """Elements of an input that an element of the output reads; the mean where they differ in number."""
    if isinstance(relation, Window):
        channels = 1 if relation.groups is None else before[1] // relation.groups
        # Of a base with gaps a window meets one position in so many.
        return channels * math.prod(max(k / b, 1) for k, b in zip(relation.kernel, relation.bases(), strict=True))
    if isinstance(relation, Taps):
        return math.prod(_mean_length(reads) for reads in relation.reads)
    if isinstance(relation, Reduce):
        return math.prod(before[axis] for axis in relation.axes)
    return math.prod(before) if isinstance(relation, Opaque) else 1


def _mean_length(reads: Sequence[Sequence[int]]) -> float:
    return max(sum(map(len, reads)) / max(len(reads), 1), 1)
