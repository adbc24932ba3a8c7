"""One window along one axis: which positions each output reads, and what follows from that.

    output i reads (i·s − p + t·d)/b   for t = 0 … k−1, where that is whole and exists

with k the kernel, s the stride, d the dilation, p the padding before, and b the base: b − 1 gaps stand between the
input's positions, as in a transposed convolution. Every analysis takes the formula from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

Reads = tuple[tuple[int, ...], ...]
"""For each output position along an axis the input positions that it reads."""


@dataclass(frozen=True)
class Pattern:
    """What outputs read away from the borders, by phase: output q·P + r reads q·step + o for o in offsets[r].

    P is the number of phases. A phase without offsets reads nothing.
    """

    step: int
    offsets: tuple[tuple[int, ...], ...]

    @cached_property
    def ends(self) -> tuple[int, int] | None:
        """The first and last offset, where there is one phase and it leaves out none between them."""
        if len(self.offsets) > 1 or not self.offsets[0]:
            return None
        low, high = min(self.offsets[0]), max(self.offsets[0])
        return (low, high) if high - low < len(self.offsets[0]) else None

    def reads(self, output: int) -> tuple[int, ...]:
        """The positions that an output reads."""
        turn, phase = divmod(output, len(self.offsets))
        return tuple(turn * self.step + offset for offset in self.offsets[phase])


SAME_PLACE = Pattern(1, ((0,),))
"""Every output reads the position at its own place."""


@dataclass(frozen=True, slots=True)
class Slide:
    """A window along one axis; ``after`` is the padding behind the last position, negative padding cuts off."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    base: int = 1

    @property
    def reach(self) -> int:
        """From a window's first tap to its last: d·(k − 1)."""
        return self.dilation * (self.kernel - 1)

    def count(self, n: int, *, ceil: bool = False) -> int:
        """Windows that are taken over n positions; below 1 where the kernel is larger than its padded input.

            m = ⌊((n − 1)·b + 1 + before + after − d·(k − 1) − 1) / s⌋ + 1

        With ``ceil`` the division rounds up, and a last window that would start in the padding is left out (PyTorch).
        """
        span = (n - 1) * self.base + self.before + self.after - self.reach
        if not ceil:
            return span // self.stride + 1
        m = math.ceil(span / self.stride) + 1
        return m - 1 if (m - 1) * self.stride >= n + self.before else m

    @property
    def pattern(self) -> Pattern:
        """What outputs read away from the borders."""
        return _pattern(self)

    def reads(self, n: int, m: int) -> Reads:
        """For each of m outputs which of the n positions it reads, the padding left out.

        >>> Slide(3, stride=2, before=1).reads(4, 2)
        ((0, 1), (1, 2, 3))
        """
        pattern = self.pattern
        return tuple(tuple(j for j in pattern.reads(i) if 0 <= j < n) for i in range(m))

    def stays(self, n: int, m: int) -> bool:
        """Whether m outputs over n positions are those positions, one by one."""
        return self.kernel == self.stride == self.base == 1 and self.before == 0 and n == m

    def shows_something(self, n: int, m: int) -> bool:
        """Whether each of m windows over n positions is known to hold one of them.

        The first must reach position 0, the last begin at the end or before, and taps not step over it all.
        """
        is_within = self.base == 1 and self.before <= self.reach and (m - 1) * self.stride - self.before < n
        return is_within and (self.dilation == 1 or self.dilation <= n)


@lru_cache(maxsize=512)
def _pattern(slide: Slide) -> Pattern:
    k, s, d, p, b = slide.kernel, slide.stride, slide.dilation, slide.before, slide.base
    phases = b // math.gcd(s, b)
    offsets = tuple(
        tuple((r * s - p + t * d) // b for t in range(k) if (r * s - p + t * d) % b == 0) for r in range(phases)
    )
    return Pattern(s * phases // b, offsets)
