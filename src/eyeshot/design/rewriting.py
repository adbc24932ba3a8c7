"""Moves made one after the other on a design or on a copy of a module: announced, applied, read back and compared."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.design.lower import lower
from eyeshot.design.match import with_all_widths
from eyeshot.design.moves.asked import asked_for
from eyeshot.design.moves.move import DoesNotFitError, Move, Owner, Plan, Subject, Swap
from eyeshot.design.moves.predicted import Prediction, differences, predict, with_biases_of_the_notation
from eyeshot.design.moves.table import MOVES
from eyeshot.design.moves.written import check_expressible, padded_same, rolled, unrolled, written
from eyeshot.design.syntax import Design
from eyeshot.errors import EyeshotError, ReadError, ShapeError, UsageError
from eyeshot.network.graph import Network


class MismatchError(EyeshotError):
    """What was read back is not what was announced: a mistake of eyeshot's, not of the user's."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One move, made.

    Attributes:
        move, text: which, and as it was typed.
        plan: the layers that it swapped, and what it says.
        before, announced, after: the networks before, as predicted, and as read back.
        origins: by the layers' names after the move what they were before.
        refitted: layers behind that read other widths and have new weights.
        errors: by layer the relative error of weights that are least squares.
    """

    move: Move
    text: str
    plan: Plan
    before: Inspection
    announced: Inspection
    after: Inspection
    origins: dict[str, str]
    refitted: tuple[str, ...] = ()
    errors: dict[str, float] = field(default_factory=dict)

    @cached_property
    def is_exact(self) -> bool:
        """Whether what is computed stays the same, away from borders that ``plan.ring`` tells."""
        return self.plan.is_exact and not self.refitted


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """Moves made: the steps, and the design or the module that came of them."""

    steps: tuple[Step, ...]
    design: Design | None = None
    module: Any = None


def announced(network: Network, move: str) -> Network:
    """The network that a move will give, as announced; of a design's network, or any whose layers can be swapped.

    Raises:
        DoesNotFitError: the move does not apply; says to which layers, and why not.
        UsageError: the network is a design, and the notation has no such layers.

    Example:
        >>> from eyeshot.design.named import network_named
        >>> after = announced(network_named("resnet18", (3, 32, 32)), "stem:fine")
        >>> after["conv1"].shape, after["layer1.0.conv1"].shape
        ((1, 64, 32, 32), (1, 64, 32, 32))
    """
    kind, asked = asked_for(move, MOVES)
    subject = Subject(network=network)
    swaps = kind.plan(subject, asked).swaps
    if network.source in ("zoo", "notation"):
        swaps = with_biases_of_the_notation(predict(subject, swaps, asked.text), swaps)
        check_expressible(swaps)
    return predict(subject, swaps, asked.text).network


def rewrite_design(
    design: Design, moves: Sequence[str], input_shape: tuple[int, ...], classes: int, name: str
) -> Rewritten:
    """A design with moves made on it, read back through the notation.

    Raises:
        DoesNotFitError: a move does not apply, or what it gives does not fit.
        UsageError: there is no such move, or the notation has no such layer.
        MismatchError: what came of it is not what was announced.
    """

    current = unrolled(with_all_widths(design, input_shape, classes))

    def again(subject: Subject, prediction: Prediction, plan: Plan, text: str) -> tuple[Network, dict[str, float]]:
        nonlocal current
        try:
            current = written(current, subject.network, plan.swaps, classes)
            network = lower(current, input_shape, name=name, source="notation", classes=classes)
        except ShapeError as error:
            raise MismatchError(f"{text}: announced to fit, but read back: {error.said}") from error
        except UsageError as error:
            raise error.of(text) from None
        current = unrolled(current)
        return network, {}

    def subject_of(network: Network) -> Subject:
        return Subject(network=network, same=padded_same(current, network, classes))

    start = lower(current, input_shape, name=name, source="notation", classes=classes)
    steps = _made(moves, start, subject_of, again, is_named=False)
    return Rewritten(steps=steps, design=rolled(current))


def rewrite_module(
    module: Any, moves: Sequence[str], input_shape: Any, *, name: str, source: str, example: Any = None
) -> Rewritten:
    """A copy of a module with moves made on it, read back as any module is.

    Raises:
        DoesNotFitError: a move does not apply, or what it gives does not fit.
        UsageError: there is no such move.
        ReadError: the module cannot be traced.
        MismatchError: what came of it is not what was announced.
    """
    from eyeshot.build.swaps import Replacement, owners_of, swap_layers
    from eyeshot.read.torch import read_module

    def read(module: Any) -> Network:
        return read_module(module, input_shape, name=name, source=source, example=example)

    def subject_of(network: Network) -> Subject:
        owned = owners_of(twin, network)
        owners = {layer: Owner(path=o.path, kind=o.kind, is_plain=o.is_plain) for layer, o in owned.items()}
        return Subject(network=network, owners=owners, blocks=frozenset(path for path, _ in twin.named_modules()))

    def again(subject: Subject, prediction: Prediction, plan: Plan, text: str) -> tuple[Network, dict[str, float]]:
        owners = subject.owners or {}

        def replacement(swap: Swap) -> Replacement:
            path = owners[swap.layer].path if swap.module is None else swap.module
            sources = {layer: owners[layer].path for layer in swap.sources}
            return Replacement(layer=swap.layer, path=path, names=swap.names, weights=swap.weights, sources=sources)

        replacements = [replacement(swap) for swap in prediction.swaps if swap.module != ""]
        errors = swap_layers(twin, subject.network, prediction.network, replacements)
        try:
            return read(twin), errors
        except ReadError as error:
            raise DoesNotFitError(f"{text}: the changed module does not run: {error.said}") from error

    network = read(module)
    twin = copy.deepcopy(module)
    steps = _made(moves, network, subject_of, again, is_named=True)
    return Rewritten(steps=steps, module=twin)


Again = Callable[[Subject, Prediction, Plan, str], tuple[Network, dict[str, float]]]


def _made(
    moves: Sequence[str], network: Network, subject_of: Callable[[Network], Subject], again: Again, *, is_named: bool
) -> tuple[Step, ...]:
    if not moves:
        raise UsageError(f"no move was asked for; moves are {', '.join(MOVES)}")
    steps: list[Step] = []
    for text in moves:
        move, asked = asked_for(text, MOVES)
        subject = subject_of(network)
        plan = move.plan(subject, asked)
        prediction = predict(subject, plan.swaps, text)
        if subject.is_design:
            plan = replace(plan, swaps=with_biases_of_the_notation(prediction, plan.swaps))
            prediction = predict(subject, plan.swaps, text)
        after, errors = again(subject, prediction, plan, text)
        told, read_back = Inspection(prediction.network), Inspection(after)
        if wrong := differences(told, read_back, is_named=is_named):
            raise MismatchError(
                f"{text}: what was announced is not what was read back, a mistake of eyeshot's that we ask you to"
                f" report: {'; '.join(wrong[:3])}" + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
            )
        asked_of = {swap.layer for swap in plan.swaps}
        steps.append(
            Step(
                move=move,
                text=text,
                plan=plan,
                before=Inspection(network),
                announced=told,
                after=read_back,
                origins=dict(zip((n.name for n in after), prediction.origins.values(), strict=True)),
                refitted=tuple(swap.layer for swap in prediction.swaps if swap.layer not in asked_of),
                errors=errors,
            )
        )
        network = after
    return tuple(steps)
