"""Which designs are looked through? Convolutions in a row, each followed by a pool or none.

A step is what one layer may be: kernel k, stride s, dilation d, and a pool k′/s′ behind it or none. The field's
recurrence and what a layer costs follow from the step and from what came before:

    field' = field + d·(k − 1)·J + (k′ − 1)·J·s      J' = J·s·s′
    variance' = variance + (J·d)²·(k² − 1)/12 + (J·s)²·(k′² − 1)/12

A unit sees a whole interval, without holes, as long as the steps over which a window reads are no longer than what each
of its positions sees: d·J ≤ field. Other steps are left out, and so are those whose units leave pixels between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from eyeshot.design.lower import FIRST_WIDTH, LARGEST_WIDTH
from eyeshot.errors import UsageError

PADDINGS = ("half", "none", "causal")
POOLS = {2: (2, 2), 3: (3, 2)}
"""The pools in use: 2/2, and AlexNet's overlapping 3/2."""


@dataclass(frozen=True)
class Step:
    """One layer; ``pool`` is the pool's kernel and stride, (1, 1) where there is none."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    pool: tuple[int, int] = (1, 1)

    @property
    def reach(self) -> int:
        """From the convolution's first tap to its last."""
        return self.dilation * (self.kernel - 1)

    @property
    def pace(self) -> int:
        """Stride of convolution and pool together."""
        return self.stride * self.pool[1]

    def growth(self, jump: int) -> int:
        """What the step adds to the field at ``jump`` pixels per position."""
        return (self.reach + (self.pool[0] - 1) * self.stride) * jump

    def leaves_holes(self, field: int, jump: int) -> bool:
        """Whether units behind the step, or what lies between them, would miss pixels."""
        behind = field + self.reach * jump
        is_apart = self.kernel > 1 and self.dilation * jump > field
        return is_apart or jump * self.stride > behind or jump * self.pace > field + self.growth(jump)

    def padding(self, kind: str) -> tuple[int, int]:
        """Padding of the convolution before and behind."""
        if kind == "causal":
            return self.reach, 0
        return (self.reach // 2, self.reach // 2) if kind == "half" else (0, 0)

    def written(self, width: int, kind: str) -> str:
        """The step in the notation."""
        before, after = self.padding(kind)
        is_default = self.reach == before + after and before == after
        sides = f"p{before}" if before == after else f"p({before},{after})"
        conv = f"C{self.kernel}" + (f"s{self.stride}" if self.stride > 1 else "")
        conv += (f"d{self.dilation}" if self.dilation > 1 else "") + ("" if is_default else sides) + f"-{width}"
        kernel, stride = self.pool
        return conv if kernel == 1 else f"{conv} P{kernel}" + (f"s{stride}" if stride != kernel else "")


@dataclass(frozen=True, kw_only=True)
class Space:
    """All designs of ``layers`` from the least to the most, made of ``first`` and then ``others``.

    Attributes:
        input_shape: channels and sizes.
        layers: the least and the most convolutions.
        first, others: what the first layer may be, and what each later one.
        padding: half of what keeps the map's size on both sides, none, or causal.
        widths: one, doubled after each halving of the map up to 512; or one a layer, the last repeated.
    """

    input_shape: tuple[int, ...]
    layers: tuple[int, int]
    first: tuple[Step, ...]
    others: tuple[Step, ...]
    padding: str = "half"
    widths: tuple[int, ...] = (FIRST_WIDTH,)

    def steps(self, level: int) -> tuple[Step, ...]:
        """What the layer number ``level``, counted from 0, may be."""
        return self.others if level else self.first

    @cached_property
    def size(self) -> int:
        """Number of designs."""
        low, high = self.layers
        return sum(len(self.first) * len(self.others) ** (n - 1) for n in range(low, high + 1))

    def width(self, level: int, before: int, halved: bool) -> int:
        """Width of a layer, from that of the one before it and whether the map was halved since."""
        if len(self.widths) > 1 or level == 0:
            return self.widths[min(level, len(self.widths) - 1)]
        return min(2 * before, max(LARGEST_WIDTH, before)) if halved else before

    def written(self, steps: Sequence[Step]) -> str:
        """A design in the notation."""
        words, width, halved = [], 0, False
        for level, step in enumerate(steps):
            width = self.width(level, width, halved)
            halved = step.pace > 1
            words.append(step.written(width, self.padding))
        return " ".join(words)


def space(
    input_shape: tuple[int, ...],
    *,
    layers: tuple[int, int],
    kernels: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pools: Sequence[int],
    padding: str,
    widths: Sequence[int],
) -> Space:
    """The space of all combinations; strides above 2 are for the first layer, as in stems.

    Steps stand in the order in which they are preferred where numbers are equal: small dilations and large kernels
    first.

    Raises:
        UsageError: a choice is none.
    """
    if padding not in PADDINGS:
        raise UsageError(f"padding is {', '.join(PADDINGS)}; found {padding!r}")
    if unknown := sorted(set(pools) - set(POOLS)):
        raise UsageError(f"pools are 2 (2/2) and 3 (3/2); found {unknown[0]}")
    if padding == "causal" and (len(input_shape) != 2 or pools):
        raise UsageError("a causal net runs along one axis, such as --input 1x1000, and has no pools")
    steps = [
        Step(kernel, stride, dilation, pool)
        for dilation in sorted(set(dilations))
        for kernel in sorted(set(kernels), reverse=True)
        for stride in sorted(set(strides))
        for pool in [(1, 1), *(POOLS[each] for each in sorted(set(pools)))]
        if dilation == 1 or kernel > 1
    ]
    others = [step for step in steps if step.stride <= 2]
    if not others or not steps:
        raise UsageError("no layer is left to choose from: give strides of 1 or 2 among --strides")
    return Space(
        input_shape=input_shape,
        layers=layers,
        first=tuple(steps),
        others=tuple(others),
        padding=padding,
        widths=tuple(widths),
    )
