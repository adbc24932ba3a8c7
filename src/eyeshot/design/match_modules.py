"""A module made as costly as another network: by its maker's own arguments for widths, else by the move ``width``.

A width is a whole number, a list of them, or a factor, whose name says so: width=32, channels=(16, 32), width_mult=1.0.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

from eyeshot.analyse.cost import totals
from eyeshot.design.fitting import TOLERANCE, fitted, off
from eyeshot.design.match import cost_words
from eyeshot.design.moves.move import DoesNotFitError
from eyeshot.design.moves.width import widened
from eyeshot.design.named import network_named
from eyeshot.design.rewriting import rewrite_module
from eyeshot.errors import EyeshotError, UsageError
from eyeshot.network.graph import Network
from eyeshot.read.loading import load_module, settings_of
from eyeshot.read.module_names import ModuleName, module_name

_WIDTH = re.compile(
    r"(?:^|_)(?:width|channel|chan|plane|filter|feature|feat|hidden|dim|embed|base|n[gd]?f|ch)s?(?:_|$)"
)
_NO_WIDTH = re.compile(r"^(?:in|out|input|output|image|img)(?:_|$)|classes")
_LEAST = 5
"""A whole number below this counts something else, such as the channels of an image."""
_HUNDREDTHS, _THOUSANDTHS = 100, 1000
"""Steps of a factor: of an argument such as width_mult=1.0, and of the move's."""

Sizes = Mapping[tuple[str, int], int]
"""By an argument and a place in it, where it is a list, a width."""


@dataclass(frozen=True, kw_only=True)
class MatchedModule:
    """A module made to cost a target.

    Attributes:
        model: the name of what makes it, with the arguments that were found; or the module or name that was given.
        moves: made on it.
        network: what came of it.
        how: what was changed, what it costs now, and by how much it misses.
    """

    model: Any
    moves: tuple[str, ...] = ()
    network: Network
    how: str


def match_module(
    model: Any, input_shape: Any, *, quantity: str, target: int, by: str | None = None, example: Any = None
) -> MatchedModule:
    """Scale a module's widths until ``quantity`` (params, macs or activations) is within 1 % of ``target``, or nearest.

    Args:
        model: the name of what makes a module, or a module.
        input_shape, example: as for ``inspect``.
        quantity, target: what is to be how much.
        by: the argument to scale; all whose names say width, channels and the like, and on which the cost depends,
            unless given; the move ``width`` is made where there is none, and on what comes nearest where that is off.

    Raises:
        UsageError: there is no such argument, or it holds no number; or nothing is a width, and the move does not
            apply.
        ReadError: the module cannot be made or traced.
    """
    if by is not None and not isinstance(model, str):
        raise UsageError(f"match_by {by}: a {type(model).__name__} is made already; give the name of what makes it")
    if isinstance(model, str):
        trials = _Trials(module_name(model), settings_of(model), input_shape, quantity)
        if sizes := trials.asked_for(by) if by else trials.found():
            made = _by_arguments(trials, sizes, target)
            return made if by else _nearer(made, input_shape, example, quantity, target)
    return _by_move(model, input_shape, example, quantity, target)


class _Trials:
    """A maker called with other arguments, once with each; ``has_failed`` tells whether it refused some."""

    def __init__(self, name: ModuleName, settings: Mapping[str, Any], input_shape: Any, quantity: str) -> None:
        self.name, self.settings, self.quantity, self.has_failed = name, settings, quantity, False
        self._input = input_shape
        self._costs: dict[str, int | None] = {}

    def asked_for(self, by: str) -> Sizes:
        if by not in self.settings:
            known = ", ".join(self.settings) or "none"
            raise UsageError(f"{self.name.target} has no value for {by!r}, but for {known}; give one: ?{by}=…")
        if not _numbers(self.settings[by]):
            value = self.settings[by]
            raise UsageError(f"{self.name.target}: {by}={value!r} is no width; needed is a number above 0, or a list")
        return self._sizes(by)

    def found(self) -> Sizes:
        """The widths among the arguments: by their names, and by the cost, which depends on them."""
        before = self.price({})
        sizes: dict[tuple[str, int], int] = {}
        for key in filter(self._says_width, self.settings):
            own = self._sizes(key)
            if self.price({place: 2 * n for place, n in own.items()}) not in (None, before):
                sizes |= own
        self.has_failed = False
        return sizes

    def _says_width(self, key: str) -> bool:
        value = self.settings[key]
        is_large = isinstance(value, float) or min(_numbers(value), default=0) >= _LEAST
        return is_large and bool(_WIDTH.search(key)) and not _NO_WIDTH.search(key)

    def _sizes(self, key: str) -> dict[tuple[str, int], int]:
        return {(key, place): n for place, n in enumerate(_numbers(self.settings[key]))}

    def price(self, sizes: Sizes) -> int | None:
        """What the module costs with these sizes; None where it cannot be made."""
        asked = str(self.named(sizes))
        if asked not in self._costs:
            try:
                self._costs[asked] = getattr(totals(self.network(sizes)), self.quantity)
            except EyeshotError:
                if not sizes:  # as it was given, which is not ours to change
                    raise
                self._costs[asked], self.has_failed = None, True
        return self._costs[asked]

    def network(self, sizes: Sizes) -> Network:
        with redirect_stdout(io.StringIO()):  # what the maker prints, it printed when it was first called
            return network_named(str(self.named(sizes)), self._input)

    def named(self, sizes: Sizes) -> ModuleName:
        """The maker's name with these sizes among its arguments."""
        changed = {key: self._value(key, sizes) for key, _ in sizes}
        return replace(self.name, arguments={**self.name.arguments, **changed})

    def _value(self, key: str, sizes: Sizes) -> Any:
        value, own = self.settings[key], [n for (name, _), n in sizes.items() if name == key]
        if isinstance(value, float):
            return own[0] / _HUNDREDTHS
        return type(value)(own) if isinstance(value, list | tuple) else own[0]


def _numbers(value: Any) -> list[int]:
    """The sizes in an argument, a factor in hundredths; none where it holds anything else."""
    if isinstance(value, float):
        return [max(1, round(value * _HUNDREDTHS))] if value > 0 else []
    values = list(value) if isinstance(value, list | tuple) else [value]
    whole = [n for n in values if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    return whole if len(whole) == len(values) else []


def _by_arguments(trials: _Trials, sizes: Sizes, target: int) -> MatchedModule:
    best, gap = sizes, off(trials.price(sizes), target)
    for multiple in _multiples(sizes):
        if gap <= TOLERANCE or (multiple > 1 and not trials.has_failed):
            break
        found, _ = fitted(trials.price, sizes, target, multiple)
        if off(trials.price(found), target) < gap:
            best, gap = found, off(trials.price(found), target)
    name, network = trials.named(best), trials.network(best)
    changes = [
        f"{key}={trials.settings[key]!r} → {name.arguments[key]!r}" for key in dict.fromkeys(key for key, _ in best)
    ]
    how = f"{', '.join(changes)}: {_cost(network, trials.quantity, target)}"
    return MatchedModule(model=str(name), network=network, how=how)


def _nearer(made: MatchedModule, input_shape: Any, example: Any, quantity: str, target: int) -> MatchedModule:
    """What the maker's arguments gave, or that with the move made on it where its steps were too coarse."""
    gap = off(getattr(totals(made.network), quantity), target)
    if gap <= TOLERANCE:
        return made
    try:
        moved_too = _by_move(made.model, input_shape, example, quantity, target)
    except UsageError:  # the move is none for this module
        return made
    if off(getattr(totals(moved_too.network), quantity), target) >= gap:
        return made
    return replace(moved_too, how=f"{made.how.partition(': ')[0]}, {moved_too.how}")


def _multiples(sizes: Sizes) -> list[int]:
    """1, then powers of two from the largest below all sizes on, for makers that take some widths alone."""
    powers = [2**n for n in range(12, 0, -1) if 2**n <= min(sizes.values())]
    return [1, *powers]


def _by_move(model: Any, input_shape: Any, example: Any, quantity: str, target: int) -> MatchedModule:
    from eyeshot.read.torch import read_module

    module = load_module(model) if isinstance(model, str) else model
    name = model if isinstance(model, str) else type(model).__name__
    source = model if isinstance(model, str) else "torch"
    network = read_module(module, input_shape, name=name, source=source, example=example)

    reasons: list[str] = []

    def price(sizes: Mapping[str, int]) -> int | None:
        try:
            return int(getattr(totals(widened(network, sizes["by"] / _THOUSANDTHS)), quantity))
        except DoesNotFitError as error:
            reasons.append(error.said)
            return None

    found, _ = fitted(price, {"by": _THOUSANDTHS}, target, 1)
    if price(found) is None:
        raise DoesNotFitError(f"{name} has no argument that is a width, and the move does not apply: {reasons[-1]}")
    move = f"width:by={found['by'] / _THOUSANDTHS:g}"
    if totals(network) == totals(widened(network, found["by"] / _THOUSANDTHS)):
        return MatchedModule(
            model=model, network=network, how=f"widths as they are: {_cost(network, quantity, target)}"
        )
    made = rewrite_module(module, [move], input_shape, name=name, source=source, example=example)
    after = made.steps[-1].after.network
    return MatchedModule(model=model, moves=(move,), network=after, how=f"{move}: {_cost(after, quantity, target)}")


def _cost(network: Network, quantity: str, target: int) -> str:
    cost = getattr(totals(network), quantity)
    nearest = "" if off(cost, target) <= TOLERANCE else "; nothing that was tried comes nearer"
    return cost_words(cost, quantity, target) + nearest


def moved(module: Any, moves: Sequence[str], input_shape: Any) -> Any:
    """A copy of a module with moves made on it; the module itself where there are none."""
    if not moves:
        return module
    return rewrite_module(module, moves, input_shape, name=type(module).__name__, source="torch").module
