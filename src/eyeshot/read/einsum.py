"""Products summed over labels, as in bij,bjk->bik, by what readers can record: products of matrices, sums, moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

from eyeshot.errors import ReadError
from eyeshot.network.relations import Shape


class Shaped(Protocol):
    """A tensor of any reader."""

    @property
    def shape(self) -> Shape:
        """Its sizes."""


V = TypeVar("V", bound=Shaped)


class Algebra(Protocol[V]):
    """What a reader does with tensors, constants among them."""

    def permuted(self, value: V, order: Sequence[int]) -> V:
        """Axis j of what comes out is axis ``order[j]``."""

    def reshaped(self, value: V, shape: Sequence[int]) -> V:
        """The same elements under another shape."""

    def summed(self, value: V, axes: tuple[int, ...]) -> V:
        """Sums over axes, which are no more."""

    def product(self, a: V, b: V) -> V:
        """A product of matrices, one for each of the batch."""


def labels(equation: str, ranks: Sequence[int]) -> tuple[list[list[str]], list[str]]:
    """The labels of each operand and of the output, an ellipsis as labels of its own.

    Raises:
        ReadError: the equation does not fit operands of these ranks.
    """
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    texts = left.split(",")
    if len(texts) != len(ranks):
        raise ReadError(f"the equation {text!r} has {len(texts)} operands, and there are {len(ranks)}")
    widest = max(
        (rank - len(t.replace("...", "")) for t, rank in zip(texts, ranks, strict=True) if "..." in t), default=0
    )
    terms = []
    for term, rank in zip(texts, ranks, strict=True):
        before, dots, behind = term.partition("...")
        wide = rank - len(before) - len(behind)
        if wide < 0 or (wide and not dots):
            raise ReadError(f"{term!r} does not fit an operand of {rank} axes")
        terms.append([*before, *(f".{i}" for i in range(widest - wide, widest)), *behind])
    if not arrow:
        every = [label for term in terms for label in term if not label.startswith(".")]
        return terms, [*(f".{i}" for i in range(widest)), *sorted(each for each in every if every.count(each) == 1)]
    before, dots, behind = right.partition("...")
    return terms, [*before, *(f".{i}" for i in range(widest if dots else 0)), *behind]


def contracted(algebra: Algebra[V], operands: Sequence[tuple[list[str], V]], out: Sequence[str]) -> V:
    """Operands, each axis of which has a label of its own, from left to right; what later ones need is kept."""
    operands = list(operands)
    while len(operands) > 2:
        later = set(out).union(*(term for term, _ in operands[2:]))
        (ta, a), (tb, b) = operands[:2]
        keep = [label for label in dict.fromkeys(ta + tb) if label in later]
        operands = [(keep, _of_two(algebra, ta, a, tb, b, keep)), *operands[2:]]
    if len(operands) == 2:
        (ta, a), (tb, b) = operands
        return _of_two(algebra, ta, a, tb, b, out)
    term, x = operands[0]
    return _summed(algebra, term, x, out)


def _summed(algebra: Algebra[V], term: list[str], x: V, out: Sequence[str]) -> V:
    """Labels that the output does not have are summed over, the others put in its order."""
    axes = tuple(i for i, label in enumerate(term) if label not in out)
    kept = [label for label in term if label in out]
    x = algebra.summed(x, axes) if axes else x
    return algebra.permuted(x, [kept.index(label) for label in out])


def _of_two(algebra: Algebra[V], ta: list[str], a: V, tb: list[str], b: V, out: Sequence[str]) -> V:
    """Two operands as a product of matrices: labels of both, of the first, of the second, and those summed over."""
    sizes = {**dict(zip(ta, a.shape, strict=True)), **dict(zip(tb, b.shape, strict=True))}
    for term, value in ((ta, a), (tb, b)):
        sizes.update({label: n for label, n in zip(term, value.shape, strict=True) if n != 1})
    wanted = set(out)
    a = _summed(algebra, ta, a, only := [x for x in ta if x in wanted or x in tb])
    ta = only
    b = _summed(algebra, tb, b, only := [x for x in tb if x in wanted or x in ta])
    tb = only
    both = [x for x in ta if x in tb and x in wanted]
    inner = [x for x in ta if x in tb and x not in wanted]
    rows, columns = [x for x in ta if x not in tb], [x for x in tb if x not in ta]

    def matrix(term: list[str], value: V, first: list[str], second: list[str]) -> V:
        value = algebra.permuted(value, [term.index(x) for x in (*both, *first, *second)])
        held = dict(zip((*both, *first, *second), value.shape, strict=True))
        merged = [math.prod(held[x] for x in labels) for labels in (first, second)]
        return algebra.reshaped(value, (*(held[x] for x in both), *merged))

    whole = algebra.product(matrix(ta, a, rows, inner), matrix(tb, b, inner, columns))
    order = [*both, *rows, *columns]
    apart = algebra.reshaped(whole, [sizes[x] for x in order])
    return algebra.permuted(apart, [order.index(x) for x in out])
