"""Sets of positions of a tensor, exact and small: unions of products of sets along each axis.

What one unit reads is a product: some rows, times some columns, times all channels. Where branches meet, it is a union
of such products; a cross is two. A set along an axis is a line of marks from a start on, or None for the whole axis, so
that a unit which sees 100,000 × 100,000 pixels costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt

from eyeshot.errors import RunError
from eyeshot.network.relations import Shape
from eyeshot.network.reshape import dealt, matching_axes

Bits = npt.NDArray[np.bool_]

_MOST = 1 << 30
"""Positions that are ever written out one by one."""
_MANY = 12
"""Products from which on a union is put in order rather than compared pair by pair."""


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Marked positions along an axis: ``bits`` from ``start`` on, the first and the last of them marked."""

    start: int
    bits: Bits
    is_solid: bool

    @property
    def stop(self) -> int:
        """One past the last marked position."""
        return self.start + len(self.bits)


Along = Positions | None
"""The positions along one axis; None for all of them."""
Some = tuple[Along, ...]
"""The positions along one axis, as the only entry; no entry where there are none."""
Term = tuple[Along, ...]
"""A product: the positions along each axis."""
Mark = tuple[Term, ...]
"""A union of products."""


def at(position: int, size: int) -> Along:
    """One position along an axis."""
    return None if size == 1 else Positions(position, np.ones(1, dtype=bool), is_solid=True)


def positions(start: int, bits: Bits, size: int) -> Some:
    """The marks from ``start`` on along an axis, as the only entry; no entry where nothing is marked."""
    count = int(np.count_nonzero(bits))
    if count == 0:
        return ()
    if count == size:
        return (None,)
    first, last = int(bits.argmax()), len(bits) - int(bits[::-1].argmax())
    return (Positions(start + first, bits[first:last], count == last - first),)


def bits_of(along: Along, size: int) -> Bits:
    """The positions from 0 on, one by one."""
    must_fit(size)
    if along is None:
        return np.ones(size, dtype=bool)
    bits = np.zeros(size, dtype=bool)
    bits[along.start : along.stop] = along.bits
    return bits


def count_of(along: Along, size: int) -> int:
    """How many positions are marked."""
    return size if along is None else int(np.count_nonzero(along.bits))


def must_fit(size: int) -> None:
    """Complain before more positions are written out than a machine holds."""
    if size > _MOST:
        raise RunError(f"the set of pixels would have to be written out for {size:,} positions: too many")


def holds(a: Along, b: Along) -> bool:
    """Whether the first has all positions of the second."""
    if a is b or a is None:
        return True
    if b is None or b.start < a.start or b.stop > a.stop:
        return False
    return a.is_solid or not bool(np.any(b.bits & ~a.bits[b.start - a.start : b.stop - a.start]))


def either(a: Along, b: Along, size: int) -> Along:
    """The positions of either."""
    if a is None or b is None:
        return None
    start, stop = min(a.start, b.start), max(a.stop, b.stop)
    bits = np.zeros(stop - start, dtype=bool)
    for part in (a, b):
        bits[part.start - start : part.stop - start] |= part.bits
    return positions(start, bits, size)[0]


# --- unions of products ---------------------------------------------------------------------------------------------


def united(marks: Iterable[Mark], shape: Shape) -> Mark:
    """The union of several sets, with few products."""
    terms: list[Term] = []
    for mark in marks:
        for term in mark:
            _add(terms, term, shape)
    return tuple(terms) if len(terms) <= _MANY else apart(tuple(terms), shape)


def _add(terms: list[Term], term: Term, shape: Shape) -> None:
    """Add a product; products that it makes superfluous go, and two that differ along one axis become one."""
    i = 0
    while i < len(terms):
        other = terms[i]
        if all(map(holds, other, term)):
            return
        differing = [axis for axis, (a, b) in enumerate(zip(other, term, strict=True)) if not _same(a, b)]
        if len(differing) == 1 or all(map(holds, term, other)):
            if len(differing) == 1:
                (axis,) = differing
                term = (*term[:axis], either(other[axis], term[axis], shape[axis]), *term[axis + 1 :])
            del terms[i]
            i = 0
            continue
        i += 1
    terms.append(term)


def _same(a: Along, b: Along) -> bool:
    return a is b or (
        a is not None
        and b is not None
        and a.start == b.start
        and len(a.bits) == len(b.bits)
        and holds(a, b)
        and holds(b, a)
    )


def apart(mark: Mark, shape: Shape) -> Mark:
    """The same set as disjoint products."""
    if len(mark) <= 1:
        return mark
    axis = next((a for a in range(len(shape)) if any(not _same(term[a], mark[0][a]) for term in mark)), None)
    if axis is None:
        return mark[:1]
    groups: dict[object, tuple[Bits, Mark]] = {}
    rest_shape = (*shape[:axis], 1, *shape[axis + 1 :])
    for bits, chosen in _by_pattern([term[axis] for term in mark], shape[axis]):
        rest = united(([(*mark[i][:axis], None, *mark[i][axis + 1 :])] for i in chosen), rest_shape)  # type: ignore[misc]
        rest = apart(rest, rest_shape)
        key = tuple(sorted(map(_key, rest), key=repr))
        if key in groups:
            groups[key] = (groups[key][0] | bits, rest)
        else:
            groups[key] = (bits, rest)
    return tuple(
        (*term[:axis], positions(0, bits, shape[axis])[0], *term[axis + 1 :])
        for bits, rest in groups.values()
        for term in rest
    )


def _by_pattern(lines: Sequence[Along], size: int) -> list[tuple[Bits, list[int]]]:
    """Positions along an axis by which of several lines hold them."""
    table = np.stack([bits_of(along, size) for along in lines])
    packed = np.packbits(table, axis=0).T
    patterns, index = np.unique(packed, axis=0, return_inverse=True)
    index = index.reshape(-1)
    result = []
    for i, pattern in enumerate(patterns):
        chosen = np.flatnonzero(np.unpackbits(pattern)[: len(lines)]).tolist()
        if chosen:
            result.append((index == i, chosen))
    return result


def _key(term: Term) -> tuple[object, ...]:
    return tuple(None if along is None else (along.start, along.bits.tobytes()) for along in term)


# --- other axes -----------------------------------------------------------------------------------------------------


def mapped(mark: Mark, shape: Shape, change: Callable[[Term], Iterable[Term]]) -> Mark:
    """The union of what each product becomes; ``shape`` is the new tensor's."""
    if len(mark) == 1:
        changed = tuple(change(mark[0]))
        return changed if len(changed) <= 1 else united([changed], shape)
    return united([tuple(change(term)) for term in mark], shape)


def along_axis(mark: Mark, axis: int, shape: Shape, change: Callable[[Along], Some]) -> Mark:
    """The set with the positions along one axis changed; ``shape`` is the new tensor's."""
    by_line: dict[int, Some] = {}

    def changed(term: Term) -> Iterable[Term]:
        key = id(term[axis])
        if key not in by_line:
            by_line[key] = change(term[axis])
        return [(*term[:axis], along, *term[axis + 1 :]) for along in by_line[key]]

    return mapped(mark, shape, changed)


def regrouped(term: Term, before: Shape, after: Shape) -> list[Term]:
    """A product in a tensor of shape ``after``, as products in one of shape ``before`` with the same elements."""
    choices: list[list[Term]] = []
    for inner, outer in matching_axes(before, after):
        lines = tuple(term[a] for a in outer)
        have, wanted = [after[a] for a in outer], [before[a] for a in inner]
        if all(along is None for along in lines):
            choices.append([(None,) * len(inner)])
            continue
        fine = _common_parts(have, wanted)
        if fine is None:
            whole = _joined(lines, have)
            choices.append(_split(whole, wanted))
            continue
        parts = [_split(along, sizes) for along, sizes in zip(lines, _dealt(fine, have), strict=True)]
        groups = _dealt(fine, wanted)
        chosen = []
        for combination in product(*parts):
            flat = [along for piece in combination for along in piece]
            joined, start = [], 0
            for sizes in groups:
                joined.append(_joined(tuple(flat[start : start + len(sizes)]), sizes))
                start += len(sizes)
            chosen.append(tuple(joined))
        choices.append(chosen)
    return [tuple(along for piece in combination for along in piece) for combination in product(*choices)]


def _dealt(fine: Sequence[int], sizes: Sequence[int]) -> list[list[int]]:
    """The parts that make up each axis; they were chosen so that none has to be cut."""
    groups = dealt(fine, sizes, int, divmod)
    assert groups is not None
    return groups


def _common_parts(a: Sequence[int], b: Sequence[int]) -> list[int] | None:
    """Sizes of parts of which both lists of axes can be made, outermost first; None if there are none."""
    cuts = {math.prod(sizes[i:]) for sizes in (a, b) for i in range(len(sizes) + 1)}
    chain = sorted(cuts, reverse=True)
    if any(big % small for big, small in pairwise(chain)):
        return None
    return [big // small for big, small in pairwise(chain)]


def _joined(lines: Sequence[Along], sizes: Sequence[int]) -> Along:
    """A product along several axes as positions along one, in row-major order."""
    if all(along is None for along in lines):
        return None
    if len(lines) == 1:
        return lines[0]
    must_fit(math.prod(sizes))
    bits = np.ones(1, dtype=bool)
    for along, size in zip(lines, sizes, strict=True):
        bits = np.logical_and.outer(bits, bits_of(along, size)).reshape(-1)
    return positions(0, bits, math.prod(sizes))[0]


def _split(along: Along, sizes: Sequence[int]) -> list[Term]:
    """Positions along one axis as products along several."""
    if along is None:
        return [(None,) * len(sizes)]
    if len(sizes) <= 1:
        return [(along,) * len(sizes)]
    inner = math.prod(sizes[1:])
    first, last = along.start // inner, (along.stop - 1) // inner
    if first == last:
        rest = positions(along.start - first * inner, along.bits, inner)[0]
        return [(at(first, sizes[0]), *term) for term in _split(rest, sizes[1:])]
    must_fit((last - first + 1) * inner)
    rows = np.zeros((last - first + 1) * inner, dtype=bool)
    rows[along.start - first * inner : along.stop - first * inner] = along.bits
    patterns, index = np.unique(np.packbits(rows.reshape(-1, inner), axis=1), axis=0, return_inverse=True)
    terms: list[Term] = []
    for i, pattern in enumerate(patterns):
        for rest in positions(0, np.unpackbits(pattern)[:inner].astype(bool), inner):
            (outer,) = positions(first, index.reshape(-1) == i, sizes[0])
            terms += [(outer, *term) for term in _split(rest, sizes[1:])]
    return terms
