"""Masks of numbers beside scores: what they leave out of scores, of softmax's weights, of products, in any framework.

Scores are filled with −∞ where a key is not to be weighed, or −∞ is added; softmax makes that 0, and a product with 0
reads nothing. So a reading notes which elements of a step are silenced, and which are 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from eyeshot.network.ops import Dropout, Index, Masked, MaskedMatMul, MatMul, Op, Pointwise, Rearrange
from eyeshot.network.relations import Shape
from eyeshot.network.slide import Reads

MOST_POSITIONS = 1 << 16
"""Elements of scores or of a map at most that are told one by one where some are left out."""
MOST_PAIRS = 1 << 20
"""Queries by keys of a mask at most that are told one by one; of more any key may be read."""
SILENT = -1e4
"""Scores from here down weigh nothing beside others: e to that is 0 in every type. Networks fill −10⁴, −10⁹ or −∞."""
_MOST_MARKED = 1 << 22
"""Elements of a mask at most that are told from each other; of more any may be left out."""

Bits = NDArray[np.bool_]
Array = NDArray[Any]


class Made(Protocol):
    """A step of any reader, or what becomes one."""

    @property
    def op(self) -> Op:
        """What makes it."""

    @property
    def inputs(self) -> Sequence[Made]:
        """What it reads."""

    @property
    def shape(self) -> Shape:
        """Its output's."""


S = TypeVar("S", bound=Made)
Record = Callable[[Op, S, Shape], S]
"""Appends a step that reads one other and makes an output of that shape."""


@dataclass(frozen=True, slots=True)
class Constant:
    """An operand that does not depend on the input; ``numbers`` finds its numbers, None where they cannot be compared.

    Axes are the step's that it is an operand of, those in front may be missing. ``varies``: whether its numbers differ.
    """

    numbers: Callable[[], Array | None]
    varies: bool = True


@dataclass(frozen=True, slots=True)
class Marks:
    """Elements that a mask left out, with size 1 along axes on which it is alike; ``is_told``: they are read no more.

    ``most`` is the largest number of the mask at silenced scores: a factor may bring it up to where it weighs again.
    ``is_bound``: it is not known which; any may be.
    """

    elements: Bits
    is_told: bool
    most: float = -math.inf
    is_bound: bool = False


class Masks:
    """What masks of numbers left out of the steps of one reading."""

    def __init__(self, most: float = math.inf) -> None:
        """``most``: numbers and marks that are looked at in all, where a file may hold any number of them."""
        self.silent: dict[Made, Marks] = {}
        """Elements of scores at which a mask leaves nothing to weigh."""
        self.zeros: dict[Made, Marks] = {}
        """Elements that are 0, whatever the input is."""
        self._left = most
        self._tables: dict[tuple[Shape, bytes], tuple[Reads | None, bool] | None] = {}

    @property
    def left_out_some(self) -> bool:
        """Whether some mask left something out so far: else sums and products of maps have nothing to hand on."""
        return bool(self.silent or self.zeros)

    # --- what steps make of them --------------------------------------------------------------------------------------

    def choose(self, out: Made, choices: Sequence[tuple[Made | Constant, Bits]]) -> None:
        """Note what a choice by numbers leaves silent or 0: of each case the elements where it is taken."""
        silent: list[Marks] = []
        zeros: list[Marks] = []
        for case, taken in choices:
            if isinstance(case, Constant):
                numbers = self._looked_at(case)
                if numbers is None:
                    continue
                silent.append(Marks(_both(taken, numbers <= SILENT), is_told=True, most=_most(numbers)))
                zeros.append(Marks(_both(taken, numbers == 0), is_told=True))
            elif (before := self._of(self.silent, case)) is not None:  # a second mask, upon what a first one silenced
                elements = _both(taken, before.elements)
                silent.append(Marks(elements, before.is_told, before.most, before.is_bound))
        self._note(self.silent, out, silent)
        self._note(self.zeros, out, zeros)

    def choose_by_data(self, out: Made, cases: Sequence[Made | Constant]) -> None:
        """Note what a choice by the data leaves 0: what is 0 in each case."""
        marked = [self._of(self.zeros, case) for case in cases if not isinstance(case, Constant)]
        numbers = [self._looked_at(case) for case in cases if isinstance(case, Constant) and all(marked)]
        marks = [each for each in marked if each is not None]
        if marks and all(marked) and all(each is not None for each in numbers):
            elements = [each.elements for each in marks] + [each == 0 for each in numbers if each is not None]
            is_bound = any(each.is_bound for each in marks)
            self._note(self.zeros, out, [Marks(reduce(_both, elements), is_told=False, is_bound=is_bound)])

    def follow(self, out: Made, name: str, operands: Sequence[Made | Constant]) -> None:
        """Note what a sum leaves silent, or a product 0, and what a factor leaves silent.

        What a difference takes away, or takes from, silences nothing.
        """
        if name not in FOLLOWED or len(operands) != 2:
            return
        if name != "div":
            self._join(out, name, operands)
        if name in {"mul", "div"} and self.silent:
            self._scale(out, name, operands)

    def _join(self, out: Made, name: str, operands: Sequence[Made | Constant]) -> None:
        noted = self.zeros if name == "mul" else self.silent
        gone: list[Marks] = []
        for place, operand in enumerate(operands):
            if isinstance(operand, Constant):
                # sums of maps are many and masks are few: what is the same everywhere is not looked at
                numbers = self._looked_at(operand) if operand.varies and not (name == "sub" and not place) else None
                if numbers is None:
                    continue
                numbers = -numbers.astype("f8") if name == "sub" else numbers
                elements = numbers == 0 if name == "mul" else numbers <= SILENT
                gone.append(Marks(elements, is_told=False, most=_most(numbers)))
            elif not (name == "sub" and place) and (marks := self._of(noted, operand)) is not None:
                gone.append(Marks(marks.elements, False, marks.most, marks.is_bound))
        self._note(noted, out, gone)

    def _scale(self, out: Made, name: str, operands: Sequence[Made | Constant]) -> None:
        """−10⁹ by 1/8 is silent, by −1 is not, and −10⁴ by 1/8 may weigh again."""
        place = 0 if isinstance(operands[0], Constant) else 1
        factor, scores = operands[place], operands[1 - place]
        if isinstance(scores, Constant) or not isinstance(factor, Constant) or (name, place) == ("div", 0):
            return
        marks = self._of(self.silent, scores)
        numbers = None if marks is None else self._looked_at(factor)
        if marks is None or numbers is None:
            return
        with np.errstate(all="ignore"):
            numbers = marks.most / numbers.astype("f8") if name == "div" else marks.most * numbers.astype("f8")
        elements = _both(marks.elements, numbers <= SILENT)
        is_bound = marks.is_bound and bool((numbers <= SILENT).any())
        self._note(self.silent, out, [Marks(elements, marks.is_told, _most(numbers), is_bound)])

    def scored(self, record: Record[S], scores: S) -> S:
        """What softmax reads of scores; what was filled is read no more, what had −∞ added to it was, up to here."""
        marks = self._of(self.silent, scores)
        return scores if marks is None or marks.is_told else _without(record, "mask", scores, marks)

    def weigh(self, out: Made, scores: Made, axis: int) -> None:
        """Note which of softmax's weights are 0."""
        marks = self._of(self.silent, scores)
        if marks is not None:
            # where no key of a row is left, softmax makes them all alike, or no number at all
            weightless = marks.elements & ~marks.elements.all(axis, keepdims=True)
            self._note(self.zeros, out, [Marks(weightless, is_told=True, is_bound=marks.is_bound)])

    def product(self, record: Record[S], a: S, b: S) -> tuple[Op, list[S]]:
        """A product of two matrices, of which one may have zeros that a mask left, and what it reads.

        What those would weigh is not read; softmax's weights read their row, without what its mask left out.
        """
        steps = [a, b]
        for side in (0, 1):
            zeros = self._of(self.zeros, steps[side])
            if zeros is None:
                continue
            rows = (*zeros.elements.shape[:-2], *steps[side].shape[-2:])
            if zeros.is_bound or math.prod(rows) > _MOST_MARKED:
                return MatMul(), [record(Masked(), each, each.shape) for each in steps]
            gone = np.broadcast_to(zeros.elements, rows)
            table = self._table(~(gone if side == 0 else gone.swapaxes(-2, -1)))
            if table is None:
                continue
            steps[side] = steps[side] if zeros.is_told else _without(record, "mask", steps[side], zeros)
            if table[0] is not None and not table[0]:
                steps[1 - side] = record(Masked(), steps[1 - side], steps[1 - side].shape)
                return MatMul(), steps
            return MaskedMatMul(keys=table[0], side=side, is_bound=table[1]), steps
        return MatMul(), steps

    def _table(self, seen: Bits) -> tuple[Reads | None, bool] | None:
        """As `weighed`, once for all layers under one mask; no keys at all where they are too many to tell."""
        key = seen.shape, np.packbits(seen).tobytes()
        if key not in self._tables:
            is_told = math.prod(seen.shape[-2:]) <= min(self._left, MOST_PAIRS)
            self._tables[key] = weighed(seen) if is_told or is_causal(seen) else ((), True)
            self._left -= seen.size
        return self._tables[key]

    # --- what is known ------------------------------------------------------------------------------------------------

    def _looked_at(self, constant: Constant) -> Array | None:
        numbers = constant.numbers() if self._left > 0 else None
        if numbers is None or numbers.dtype.kind not in "fiub":
            return None
        self._left -= numbers.size
        return numbers

    def _note(self, noted: dict[Made, Marks], step: Made, found: Sequence[Marks]) -> None:
        """Note what is left out by one or another of some masks, besides what was noted before."""
        before = [noted[step]] if step in noted else []
        found = [marks for marks in (*before, *found) if marks.is_bound or bool(marks.elements.any())]
        if not found:
            return
        rank = len(step.shape)
        parts = [marks.elements.reshape((1,) * (rank - marks.elements.ndim) + marks.elements.shape) for marks in found]
        size = math.prod(np.broadcast_shapes(*(part.shape for part in parts)))
        self._left -= size
        is_bound = self._left < 0 or any(marks.is_bound for marks in found)
        elements = np.zeros((1,) * rank, dtype=bool) if is_bound else reduce(np.logical_or, parts)
        most = max(marks.most for marks in found)
        noted[step] = Marks(elements, all(marks.is_told for marks in found), most, is_bound)

    def _of(self, noted: dict[Made, Marks], step: Made) -> Marks | None:
        """What was noted of a step, followed through what moves elements only; None where nothing was."""
        moves: list[Made] = []
        while noted and step not in noted and _is_move(step):
            moves.append(step)
            step = step.inputs[0]
        marks = noted.get(step)
        if marks is None:
            return None
        for move in reversed(moves):
            if isinstance(move.op, Rearrange):
                elements = _rearranged(marks.elements, move)
                is_bound = marks.is_bound or elements is None
                elements = np.zeros((1,) * len(move.shape), dtype=bool) if elements is None else elements
                marks = Marks(elements, marks.is_told, marks.most, is_bound)
        return marks


FOLLOWED = frozenset({"add", "sub", "mul", "div"})


def _is_move(step: Made) -> bool:
    if isinstance(step.op, Pointwise):
        return step.op.name == "expand" and len(step.inputs[0].shape) == len(step.shape)
    return isinstance(step.op, Rearrange | Dropout)


def _rearranged(elements: Bits, move: Made) -> Bits | None:
    """Elements where a move puts them; None where that takes more of them than are looked at."""
    assert isinstance(move.op, Rearrange)
    if move.op.order is not None:
        return elements.transpose(move.op.order)
    before, after = move.inputs[0].shape, move.shape
    same = 0  # axes from behind that stay as they are
    while same < min(len(before), len(after)) and before[-1 - same] == after[-1 - same]:
        same += 1
    lead = len(before) - same
    if all(n == 1 for n in elements.shape[:lead]):  # heads and images under one mask
        return elements.reshape((1,) * (len(after) - same) + elements.shape[lead:])
    return np.broadcast_to(elements, before).reshape(after) if math.prod(before) <= _MOST_MARKED else None


def _both(a: Bits, b: Bits) -> Bits:
    return np.logical_and(a, b)


def _most(numbers: Array) -> float:
    """The largest of the numbers that silence."""
    silent = numbers[numbers <= SILENT]
    return float(silent.max()) if silent.size else -math.inf


def _without(record: Record[S], name: str, step: S, marks: Marks) -> S:
    return record(Masked(), step, step.shape) if marks.is_bound else without(record, name, step, marks.elements)


def without(record: Record[S], name: str, step: S, gone: Bits) -> S:
    """A step's output with nothing read where a mask says so; a bound where too many elements would have to be told."""
    if not bool(gone.any()):
        return step
    rank = len(step.shape)
    gone = gone.reshape((1,) * (rank - gone.ndim) + gone.shape)
    wide = [axis for axis, n in enumerate(gone.shape) if n > 1 and bool((gone != gone.take([0], axis)).any())]
    # heads and images under one mask share its table: only the axes are told along which it differs
    first, behind = (wide[0], wide[-1] + 1) if wide else (0, min(1, rank))
    count = math.prod(step.shape[first:behind])
    if count > MOST_POSITIONS:
        return record(Masked(), step, step.shape)
    part = gone[(0,) * first + (slice(None),) * (behind - first) + (0,) * (rank - behind)]
    told = np.broadcast_to(part, step.shape[first:behind]).reshape(-1).tolist()
    places = tuple(-1 if is_gone else i for i, is_gone in enumerate(told))
    rows = (*step.shape[:first], count, *step.shape[behind:])
    row = step if rows == step.shape else record(Rearrange(name="flatten"), step, rows)
    picked = record(Index(axis=first, positions=places, name=name), row, rows)
    return picked if rows == step.shape else record(Rearrange(name="reshape"), picked, step.shape)


def is_mask(numbers: Array | None) -> bool:
    """Whether some of an array's numbers are as low as no weight is, as those of masks of attention are."""
    return numbers is not None and numbers.dtype.kind == "f" and bool((numbers <= SILENT).any())


def is_causal(seen: Bits) -> bool:
    """Whether each query weighs all keys up to its own place, in all heads and images."""
    return bool((seen == np.tri(*seen.shape[-2:]).astype(bool)).all())


def weighed(seen: Bits) -> tuple[Reads | None, bool] | None:
    """The keys that each query weighs by a table (…, queries, keys), and whether that is a bound.

    None where the table leaves all; keys are None for all up to the query's own place. Heads and images with tables of
    their own have all keys that one of them weighs.
    """
    queries, keys = seen.shape[-2:]
    seen = seen.reshape(-1, queries, keys)
    if bool(seen.all()):
        return None
    if is_causal(seen):
        return None, False
    some: Bits = np.asarray(seen.any(0))
    if some.size > MOST_PAIRS:
        return (tuple(range(keys)),) * queries, True
    return tuple(tuple(np.flatnonzero(row).tolist()) for row in some), not bool((seen == seen[:1]).all())
