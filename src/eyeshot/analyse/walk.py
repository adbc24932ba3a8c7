"""The machinery that carries a value along the graph with one rule per relation kind.

An analysis is a table of rules and a way to unite what several reads contribute to a tensor of some shape. A forward
rule turns the value of an input into its contribution to the output; a backward rule turns a mark on the output into a
mark on the input.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Input
from eyeshot.network.relations import KINDS, Read, Relation, Reshape, Shape, in_turn

V = TypeVar("V")
Rule = Callable[[Any, V, Shape, Shape], V]
"""(relation, value, shape of the input, shape of the output) → value."""


P = ParamSpec("P")
R = TypeVar("R")


def once(analysis: Callable[Concatenate[Network, P], R]) -> Callable[Concatenate[Network, P], R]:
    """The analysis, computed once per network and settings: networks do not change."""

    # by name: a network goes to other processes with what is known of it, and functions that are wrapped do not
    name = f"{analysis.__module__}.{analysis.__qualname__}"

    @wraps(analysis)
    def known(network: Network, /, *args: P.args, **settings: P.kwargs) -> R:
        memo, key = network.memo, (name, args, tuple(settings.items())) if args or settings else name
        if key not in memo:
            memo[key] = analysis(network, *args, **settings)
        result: R = memo[key]
        return result

    return known


_MOST_WAITING = 8
"""Marks of one node that wait to be united at most: each may hold an array as large as the node's map."""


class _Edge(NamedTuple):
    """One read of a node: the node that it reads, with its shape, and the relations that are followed in turn.

    ``number`` is that of all reads by the same relation between the same shapes, None before the first reshape.
    """

    source: str
    is_gate: bool
    before: Shape
    in_turn: tuple[Relation, ...]
    number: int | None


@once
def _edges(network: Network) -> Sequence[Sequence[_Edge]]:
    """The reads of every node, as all analyses follow them.

    From the first reshape on they are numbered: blocks of tokens do the same to the same value again and again, and
    what was made of it once is shared. Maps of a convolutional network see more from layer to layer.
    """
    shapes: dict[str, Shape] = {}
    numbers: dict[object, int] = {}
    are_tokens = False
    edges = []
    for node in network:
        after = shapes[node.name] = node.shape
        are_tokens = are_tokens or any(isinstance(read.relation, Reshape) for read in node.reads)
        of_node = []
        for read in node.reads:
            source, relation = node.inputs[read.source], read.relation
            before = shapes[source]
            # each is looked up here, once, and not in every pass: a relation that lists what is read is long
            number = numbers.setdefault((relation, before, after), len(numbers)) if are_tokens else None
            of_node.append(_Edge(source, read.gate, before, in_turn(relation), number))
        edges.append(of_node)
    return edges


class _Made(Generic[V]):
    """What a pass made: values of nodes, by the numbers of all their reads and the values that were read.

    Those are told apart by their identity: all of them are held for as long as the pass lasts.
    """

    def __init__(self) -> None:
        self.values: dict[object, V] = {}
        self.distinct: dict[object, V] = {}


class Rules(Generic[V]):
    """A table of rules, one per relation kind; ``question`` names what it answers.

    ``content`` gives what values that say the same have in common; those are shared among layers that repeat.
    """

    def __init__(
        self, question: str, unite: Callable[[Sequence[V], Shape], V], content: Callable[[V], object] = id
    ) -> None:
        self.question = question
        self._unite, self._content = unite, content
        self._table: dict[type, Rule[V]] = {}

    def rule(self, *kinds: type) -> Callable[[Rule[V]], Rule[V]]:
        """Register the rule for some relation kinds; a second rule for a kind is an error."""

        def register(function: Rule[V]) -> Rule[V]:
            for kind in kinds:
                if kind in self._table:
                    raise AssertionError(f"{self.question}: a second rule for {kind.__name__}")
                self._table[kind] = function
            return function

        return register

    def but(self, kind: type, function: Rule[V]) -> Rules[V]:
        """The same table with another rule for one relation kind."""
        other = Rules(self.question, self._unite, self._content)
        other._table = {**self._table, kind: function}
        return other

    def uniting(self, question: str, unite: Callable[[Sequence[V], Shape], V]) -> Rules[V]:
        """The same table with another way to unite what several reads contribute."""
        other = Rules(question, unite)
        other._table = self._table
        return other

    def sharing(self, question: str, share: Callable[[Any, V, V, Shape, Shape], V]) -> Rules[V]:
        """The same table with each contribution weighed: ``share`` is given what a rule took and what it made of it."""

        def weighed(rule: Rule[V]) -> Rule[V]:
            return lambda relation, value, before, after: share(
                relation, value, rule(relation, value, before, after), before, after
            )

        other = Rules(question, self._unite)
        other._table = {kind: weighed(rule) for kind, rule in self._table.items()}
        return other

    @property
    def gaps(self) -> tuple[str, ...]:
        """Relation kinds without a rule."""
        return tuple(kind.__name__ for kind in KINDS if kind not in self._table)

    def forward(
        self, network: Network, start: Callable[[Node], V], absent: Callable[[Node], V], *, gates: bool = True
    ) -> Mapping[str, V]:
        """Carry values from the inputs on; ``gates`` False follows the data path only.

        ``absent`` gives the value of a node that reads nothing.
        """
        values: dict[str, V] = {}
        made: _Made[V] = _Made()
        for node, edges in zip(network, _edges(network), strict=True):
            if isinstance(node.op, Input):
                values[node.name] = start(node) if node is network.input else absent(node)
                continue
            read = edges if gates else [edge for edge in edges if not edge.is_gate]
            if not read:
                values[node.name] = absent(node)
            elif read[0].number is None:
                parts = [self._followed(edge.in_turn, values[edge.source], edge.before, node.shape) for edge in read]
                values[node.name] = parts[0] if len(parts) == 1 else self._unite(parts, node.shape)
            else:
                values[node.name] = self._shared(made, read, values, node.shape)
        return values

    def _shared(self, made: _Made[V], edges: Sequence[_Edge], values: Mapping[str, V], shape: Shape) -> V:
        """The value of a node from those that it reads, which is made once of the same ones."""
        keys = [(edge.number, id(values[edge.source])) for edge in edges]
        of_all: object = keys[0] if len(keys) == 1 else tuple(keys)
        if of_all not in made.values:
            parts = [self._followed(edge.in_turn, values[edge.source], edge.before, shape) for edge in edges]
            value = parts[0] if len(parts) == 1 else self._unite(parts, shape)
            made.values[of_all] = made.distinct.setdefault(self._content(value), value)
        return made.values[of_all]

    def through(self, network: Network, values: Mapping[str, V], node: Node, read: Read) -> V:
        """What one read alone contributes to a node, from the value of what it reads."""
        source = network[node.inputs[read.source]]
        return self._followed(in_turn(read.relation), values[source.name], source.shape, node.shape)

    def _followed(self, relations: Sequence[Relation], value: V, before: Shape, after: Shape) -> V:
        for relation in relations:  # several only where the shape stays
            value = self._table[type(relation)](relation, value, before, after)
        return value

    def backward(
        self,
        network: Network,
        marks: dict[str, V],
        *,
        gates: bool = True,
        until: Container[str] = (),
        to: str | None = None,
    ) -> Mapping[str, V]:
        """Send marks on some nodes back to all they depend on; the marks given are included.

        Nodes of ``until`` are reached but not passed. Where only the mark of one node is asked for, ``to``, others are
        let go once they are sent on: those of a deep network's maps together would not fit.
        """
        # Those of several readers are united at once where they are: each union of large maps is an array of its own.
        waiting: dict[str, list[V]] = {}
        for node in reversed(network.nodes):
            if node.name in waiting:
                self._gather(marks, node, waiting.pop(node.name))
            mark = marks.get(node.name)
            if mark is None or node.name in until:
                continue
            if to not in (None, node.name):
                del marks[node.name]
            for read in node.reads:
                if gates or not read.gate:
                    source = network[node.inputs[read.source]]
                    sent = waiting.setdefault(source.name, [])
                    sent.append(self._followed(in_turn(read.relation), mark, source.shape, node.shape))
                    if len(sent) == _MOST_WAITING:
                        self._gather(marks, source, sent)
                        sent.clear()
        return marks

    def _gather(self, marks: dict[str, V], node: Node, sent: Sequence[V]) -> None:
        """Unite what was sent to a node with what it has."""
        parts = [*([marks[node.name]] if node.name in marks else []), *sent]
        if parts:
            marks[node.name] = parts[0] if len(parts) == 1 else self._unite(parts, node.shape)
