"""What a move is: layers swapped for others, planned on a network, before anything is changed.

A move looks at a network and says which layers it swaps, each for a chain of none, one or several others. From that
follow, each in its own place: the network that the change will give (``predicted``), the design in the notation
(``written``), and the changed copy of a module (``eyeshot.build.swaps``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from eyeshot.errors import UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Conv, Dropout, EdgePad, LocalResponseNorm, Norm, Op, Pointwise, Sliding

KEPT, ANEW, COMPOSED, FACTORED, FOLDED, AVERAGING = "kept", "anew", "composed", "least squares", "folded", "averaging"
"""Where the weights of a swapped layer come from."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One layer of a chain; ``width`` are its channels, None for as many as it reads; ``suffix`` ends its name.

    Where the suffix is None, the layers of a chain are numbered from 0, and a single one keeps the name.
    """

    op: Op
    width: int | None = None
    suffix: str | None = None


@dataclass(frozen=True, kw_only=True)
class Swap:
    """A layer and the chain that stands in its place; ``weights`` say where those of the chain come from.

    ``sources`` are the layers whose weights are used: the layer itself unless others are named. ``module`` is the path
    of the module that is replaced, where that does more than this layer; "" where another swap replaces it.
    """

    layer: str
    parts: tuple[Part, ...]
    weights: str = KEPT
    sources: tuple[str, ...] = ()
    module: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The chain's names."""
        numbered = (f".{i}" if len(self.parts) > 1 else "" for i in range(len(self.parts)))
        return tuple(
            self.layer + (number if part.suffix is None else part.suffix)
            for part, number in zip(self.parts, numbered, strict=True)
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a move will do.

    Attributes:
        swaps: which layers become what.
        is_exact: the module computes what it computed, away from the borders at least.
        ring: how many rows and columns along the borders of some map differ, where the function is kept inside.
        says: what else a user should know, a sentence each.
    """

    swaps: tuple[Swap, ...]
    is_exact: bool = False
    ring: int = 0
    says: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are swapped."""
        return tuple(swap.layer for swap in self.swaps)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A move as it was asked for: options by name, and patterns of layers; none for all that fit.

    ``words`` are all that the move has, with which a layer's name may have been meant.
    """

    text: str
    patterns: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def number(self, name: str, default: int) -> int:
        """An option that is a whole number from 1 on."""
        text = self.options.get(name, str(default))
        if not text.isdecimal() or not 1 <= int(text[:9]) < 10**6 or len(text) > 8:
            raise UsageError(f"{self.text}: {name} is a whole number from 1 on, found {text!r}")
        return int(text)

    def one_of(self, words: Sequence[str]) -> str:
        """The one of some words that was given; the first unless one was."""
        given = [word for word in words if word in self.options]
        if len(given) > 1:
            raise UsageError(f"{self.text}: {' and '.join(given)} cannot go together; give one")
        return given[0] if given else words[0]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The module that does a layer's work: its path and class; ``is_plain``, that its weights are used as they are."""

    path: str
    kind: str
    is_plain: bool


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is changed: a network; of a module also the owners of its layers by their names, and all modules' paths."""

    network: Network
    owners: Mapping[str, Owner] | None = None
    blocks: frozenset[str] = frozenset()
    same: frozenset[str] = frozenset()

    @property
    def is_design(self) -> bool:
        """Whether it is a design in the notation."""
        return self.owners is None

    @cached_property
    def readers(self) -> Mapping[str, tuple[Node, ...]]:
        """By a node's name the nodes that read it."""
        readers: dict[str, dict[str, Node]] = {node.name: {} for node in self.network}
        for node in self.network:
            for source in node.inputs:
                readers[source][node.name] = node
        return {name: tuple(nodes.values()) for name, nodes in readers.items()}

    def before(self, node: Node) -> Node:
        """The node that a layer reads first."""
        return self.network[node.inputs[0]]

    def after(self, node: Node) -> Node | None:
        """The only node that reads a layer, where there is one and the layer is no result."""
        readers = self.readers[node.name]
        is_result = node.name in (self.network.outputs or (self.network.output.name,))
        return readers[0] if len(readers) == 1 and not is_result else None

    def behind(self, node: Node) -> tuple[Node, ...]:
        """A layer with the batch norm and activation that follow it alone."""
        chain = [node]
        while (reader := self.after(chain[-1])) is not None and isinstance(reader.op, Norm | Pointwise):
            if isinstance(reader.op, Norm) and (reader.op.mode != "batch" or len(chain) > 1):
                break
            chain.append(reader)
            if isinstance(reader.op, Pointwise):
                break
        return tuple(chain)

    def leading(self, node: Node) -> tuple[Node, ...]:
        """The convolution before a node with what stands between, position by position, each alone read; or nothing."""
        chain: list[Node] = []
        while True:
            source = self.before(node if not chain else chain[0])
            if self.after(source) is None:
                return ()
            chain.insert(0, source)
            if isinstance(source.op, Conv):
                return tuple(chain)
            is_plain = isinstance(source.op, Pointwise | LocalResponseNorm | Dropout)
            is_plain |= isinstance(source.op, Norm) and source.op.mode == "batch"
            if not is_plain:
                return ()

    def why_fixed(self, node: Node, *, weights: bool = False, settings: bool = True) -> str:
        """Why a layer cannot be swapped; empty where it can. With ``weights``, why its weights cannot be used.

        ``settings`` is False where kernel and padding stay.
        """
        if self.owners is None:
            return ""
        name, _, call = node.name.partition("#")
        if call or f"{name}#2" in self.network:
            return "it is called more than once"
        if name not in self.owners:
            return "it is called as a function in the module's own code"
        if len(node.inputs) > 1:
            return "its weights depend on the data"
        owner = self.owners[name]
        if weights and not owner.is_plain:
            return f"a {owner.kind} computes its weights from others"
        return f"a {owner.kind} pads by the size of its input" if settings and self.pads_as_needed(node) else ""

    def is_held_with_others(self, node: Node) -> bool:
        """Whether a layer's module does more behind it, as timm's norms bring their activation."""
        owner = (self.owners or {}).get(node.name)
        return owner is not None and owner.path != node.name

    def pads_as_needed(self, node: Node) -> bool:
        """Whether a layer's module pads so that each step gives an output, as TensorFlow does; timm has such."""
        owner = (self.owners or {}).get(node.name)
        if node.name in self.same:
            return isinstance(node.op, Sliding)
        return owner is not None and owner.kind.endswith("Same") and isinstance(node.op, Sliding)

    def edge(self, node: Node) -> Node | None:
        """The padding that a convolution does itself by repeating its map, which is a layer of its own before it."""
        before = self.before(node) if isinstance(node.op, Conv) else None
        return before if before is not None and before.name == _edge_of(node.name, before.op) else None

    def why_padded(self, swap: Swap, swapped: Collection[str]) -> str:
        """Why a convolution that pads so cannot be swapped; empty where it can: for one that reads what is padded."""
        edge = self.edge(self.network[swap.layer])
        if edge is None or edge.name in swapped:
            return ""
        ops = [part.op for part in swap.parts]
        if swap.names == (swap.layer,) and isinstance(ops[0], Conv) and not any(map(any, ops[0].padding)):
            return ""
        return f"it pads by {edge.op.kind} itself; make that zero first (padding:zero)"


def _edge_of(name: str, op: Op) -> str | None:
    return f"{name}.{op.kind}" if isinstance(op, EdgePad) else None


class DoesNotFitError(UsageError):
    """A move that cannot be made: the layers that it would change, or what they would give, do not fit."""


def matching(subject: Subject, asked: Asked) -> list[Node]:
    """The layers that the patterns of a move stand for: by name, or all that lie in a module of that name."""
    layers = list(subject.network.layers)
    if not asked.patterns:
        return layers
    chosen: dict[str, Node] = {}
    for pattern in asked.patterns:
        hits = [node for node in layers if fnmatchcase(node.name, pattern) or fnmatchcase(node.name, f"{pattern}.*")]
        if not hits:
            _check_layer(subject.network, pattern, asked)
        chosen |= {node.name: node for node in hits}
    return [node for node in layers if node.name in chosen]


def _check_layer(network: Network, name: str, asked: Asked) -> None:
    """Complain of a name that there is not, which may be a mistyped word."""
    try:
        network[name]
    except UsageError as error:
        words = f"; words of this move are {', '.join(asked.words)}" if asked.words else ""
        raise DoesNotFitError(f"{asked.text}: {error.said}{words}") from None


def swaps_of(
    subject: Subject,
    asked: Asked,
    kinds: tuple[type[Op], ...],
    fit: Callable[[Node], Sequence[Swap] | str],
    what: str,
    *,
    settings: bool = True,
) -> list[Swap]:
    """The swaps of all matching layers of some kinds; ``fit`` gives a layer's, or why there is none.

    ``settings`` is False where at most strides and dilations change.

    Raises:
        DoesNotFitError: no layer fits; says which were looked at, and why each does not.
    """
    swaps: list[Swap] = []
    reasons: list[str] = []
    taken: set[str] = set()
    nodes = [node for node in matching(subject, asked) if isinstance(node.op, kinds)]
    for node in nodes:
        answer = subject.why_fixed(node, settings=settings) or fit(node)
        if not isinstance(answer, str):
            swapped = {swap.layer for swap in answer}
            answer = next(filter(None, (subject.why_padded(swap, swapped) for swap in answer)), answer)
        if isinstance(answer, str):
            reasons.append(f"{node.name}: {answer}")
        elif not {swap.layer for swap in answer} & taken:
            swaps += answer
            taken |= {swap.layer for swap in answer}
    if swaps:
        return swaps
    if not nodes:
        where = f" among {', '.join(asked.patterns)}" if asked.patterns else ""
        raise DoesNotFitError(f"{asked.text}: {subject.network.name} has no {what}{where}")
    shown = "; ".join(reasons[:6]) + (f"; and {len(reasons) - 6} more" if len(reasons) > 6 else "")
    raise DoesNotFitError(f"{asked.text}: of {len(nodes)} {what} looked at none fits: {shown}")


@dataclass(frozen=True, kw_only=True)
class Move:
    """A move: its name, what it does in a line, what it keeps and what it changes, and its options.

    ``options`` has a line for each word that may stand behind the name; ``plan`` says what becomes of which layers.
    """

    name: str
    does: str
    keeps: str
    changes: str
    plan: Callable[[Subject, Asked], Plan]
    options: Mapping[str, str] = field(default_factory=dict)
