"""The walk along a model's calls: each layer's rule records steps; a layer without a rule is a marked bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eyeshot.errors import EyeshotError, ReadError
from eyeshot.network.check import check
from eyeshot.network.graph import Memory, Network, Note
from eyeshot.network.ops import Input, Unknown
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.graph import Graph, Node, Reference, Tensor
from eyeshot.read.keras.inputs import Source, is_channels_first, sources
from eyeshot.read.keras.layers import RULES
from eyeshot.read.keras.values import Value, as_is, channels_first
from eyeshot.read.masks import Masks
from eyeshot.read.naming import modules_of, nodes_of
from eyeshot.read.notes import bounds, other_inputs
from eyeshot.read.steps import MOST_TAPS, CallSite, Step, taps_of

MOST_POSITIONS = 60_000_000
"""Positions along axes, of all outputs together: analyses keep some numbers of each."""
MOST_CALLS = 200_000
DEEPEST = 32
"""Models within models."""
MOST_MASKED = 1 << 26
"""Numbers of masks that are looked at, of all together."""
MODELS = ("Functional", "Model", "Sequential")
_UNFIT = (
    ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError, AttributeError, StopIteration
)  # fmt: skip


class Reader:
    """One model's configuration, walked along."""

    def __init__(self, config: Any, name: str) -> None:
        self.name, self.config = name, config
        self.steps: list[Step] = []
        self.memory: dict[Step, Memory] = {}
        self.modules: list[tuple[str, tuple[Step, ...]]] = []
        self.masks = Masks(MOST_MASKED)
        self.used: set[object] = set()
        self.lost: list[str] = []
        self.positions_left, self.taps_left, self.calls_left = MOST_POSITIONS, MOST_TAPS, MOST_CALLS

    def network(self, input_shape: Any) -> Network:
        """The network of the whole model.

        Raises:
            ReadError: something in the configuration is not as Keras writes it.
            UsageError: sizes were given that do not fit.
        """
        try:
            graph, given, remarks, first = self.opened(input_shape)
            inputs = self._inputs(graph, given, first)
            if not inputs:
                raise ReadError("it has no input, so there is nothing to see")
            results = self._walk(graph, {s.tensor: v for s, (v, _) in zip(given, inputs, strict=True)}, "", 0)
        except ReadError as error:
            raise ReadError(f"{self.name}: {str(error).removeprefix(f'{self.name}: ')}") from error.__cause__
        except RecursionError:
            raise ReadError(f"{self.name}: its settings are nested too deep") from None
        except _UNFIT as error:
            text = str(error).partition("\n")[0] or type(error).__name__
            raise ReadError(f"{self.name}: its configuration is not as Keras writes it: {text}") from error
        names = {value.step: called for value, called in inputs}
        ends = [value.step for value in results if value is not None]
        if not ends and not self.lost:
            raise ReadError(f"{self.name}: its outputs do not depend on its input, so there is nothing to see")
        nodes = nodes_of(self, names)
        try:
            check(nodes.values())
        except ReadError as error:
            raise ReadError(f"{self.name}: {error}") from None
        notes = [Note(None, "remark", text) for text in remarks]
        if self.lost:
            more = f" and {len(self.lost) - 1:,} more layers" if len(self.lost) > 1 else ""
            notes.append(Note(None, "bound", f"left out: {self.lost[0]}{more}; totals are at least"))
        notes += [*other_inputs(names), *bounds(nodes.values())]
        return Network(
            name=self.name,
            source="keras",
            nodes=tuple(nodes.values()),
            notes=tuple(notes),
            outputs=tuple(dict.fromkeys(nodes[step].name for step in ends)),
            modules=modules_of(self, nodes),
        )

    def opened(self, input_shape: Any) -> tuple[Graph, Sequence[Source], list[str], bool]:
        """The calls, the inputs and what is to be said of them, and whether channels stand first."""
        graph = Graph(_config_of(self.config))
        first = is_channels_first(graph)
        given, remarks = sources(graph, input_shape, self.name, channels_first=first)
        return graph, given, remarks, first

    def _inputs(self, graph: Graph, given: Sequence[Source], is_first: bool) -> list[tuple[Value, str]]:
        inputs: list[tuple[Value, str]] = []
        for source in given:
            value = input_of(source, not inputs, is_first_already=is_first)
            self.add(value.step)
            inputs.append((value, source.tensor[0] if len(given) > 1 else "input"))
        return inputs

    def add(self, step: Step) -> None:
        """Append a step, if its positions are not too many."""
        if len(step.shape) > 32 or any(not 1 <= n <= 1 << 31 for n in step.shape):
            raise ReadError(f"it would give {'×'.join(map(str, step.shape[1:9]))}")
        self.positions_left -= sum(step.shape)
        if self.positions_left < 0:
            raise ReadError(f"its outputs have more than {MOST_POSITIONS:,} positions along their axes")
        self.spend(taps_of(step))
        self.steps.append(step)

    def spend(self, taps: int) -> None:
        """Count what is kept besides outputs: taps of windows."""
        self.taps_left -= taps
        if self.taps_left < 0:
            raise ReadError(f"its windows have more than {MOST_TAPS:,} taps")

    def params(self, key: object, count: int) -> int:
        """Weights of a layer at its first call; none at later ones, which share them."""
        if key in self.used:
            return 0
        self.used.add(key)
        return count

    # --- the walk -----------------------------------------------------------------------------------------------------

    def _walk(self, graph: Graph, inputs: Mapping[Tensor, Value], path: str, depth: int) -> list[Value | None]:
        """The outputs of a model whose inputs are known; None for those that were left out."""
        if depth > DEEPEST:
            raise ReadError(f"models within models, {DEEPEST} deep")
        values: dict[Tensor, Value | None] = dict(inputs)
        for node in graph.in_order():
            key = (node.layer.name, node.number)
            if (*key, 0) in inputs:
                continue
            self.calls_left -= 1
            if self.calls_left < 0:
                raise ReadError(f"more than {MOST_CALLS:,} layers are called, which no network needs")
            where = f"{path}.{node.layer.name}" if path else node.layer.name
            if any(values.get(tensor) is None for tensor in node.reads):
                self.lost.append(f"{where} ({node.layer.kind}) reads what was left out")
                values[(*key, 0)] = None
                continue
            outputs = self._called(node, values, where, depth, graph)
            for number, value in enumerate(outputs):
                values[(*key, number)] = value
        return [values.get(tensor) for tensor in graph.outputs]

    def _called(
        self, node: Node, values: Mapping[Tensor, Value | None], where: str, depth: int, graph: Graph
    ) -> Sequence[Value | None]:
        args = resolved(node.args, values)
        kwargs = resolved(node.kwargs, values)
        inputs = [value for value in flat([args, kwargs]) if isinstance(value, Value)]
        if node.layer.kind in MODELS:
            return self._model(node, inputs, where, depth)
        call = Call(self, node, inputs, node.site or CallSite(where, True), args, kwargs)
        return self.outputs_of(call, where, graph.shapes)

    def outputs_of(self, call: Call, where: str, shapes: Mapping[Tensor, Sequence[Any]]) -> Sequence[Value | None]:
        """What a layer's rule makes of a call; a bound where it has none, if the shape is told somewhere."""
        rule = RULES.get(call.layer.kind)
        try:
            if rule is None:
                raise UnreadError("it has no rule")
            result = rule(call)
        except UnreadError as error:
            return self._unread(call, str(error), where, shapes)
        except (ReadError, RecursionError) as error:
            if isinstance(error, RecursionError):
                raise
            raise ReadError(f"{where} ({call.layer.kind}){_got(call)}: {error}") from error.__cause__
        except EyeshotError as error:
            raise ReadError(f"{where} ({call.layer.kind}): {error}") from None
        except _UNFIT as error:
            text = str(error).partition("\n")[0] or type(error).__name__
            raise ReadError(f"{where} ({call.layer.kind}){_got(call)} does not fit its input: {text}") from error
        return [result] if isinstance(result, Value) else list(result)

    def outputs_within(self, call: Call, where: str) -> Sequence[Value | None]:
        """What a layer or a model makes that another layer has among its settings."""
        if call.layer.kind in MODELS:
            return self._model(call.node, call.inputs, where, 1)
        return self.outputs_of(call, where, {})

    def _unread(
        self, call: Call, why: str, where: str, shapes: Mapping[Tensor, Sequence[Any]]
    ) -> Sequence[Value | None]:
        """A layer without a rule: what it may read is all, and its shape is what its readers were told."""
        if call.node.shapes:
            lone = [call.logical(value).step for value in call.inputs]
            owned = self.params(("all of", call.layer.name), call.node.weights) if call.node.weights else 0
            counts = [call.weights() + owned, *(0 for _ in call.node.shapes[1:])]
            unread = Unknown(name=call.layer.kind, reason=why)
            pairs = zip(call.node.shapes, counts, strict=True)
            return [as_is(call.step(unread, lone, shape, count)) for shape, count in pairs]
        told = shapes.get((call.layer.name, call.node.number, 0))
        shape = () if told is None else (1, *told[1:])
        if not call.inputs:
            self.lost.append(f"{where} ({call.layer.kind}), which reads nothing that depends on the input")
            return [None]
        if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
            self.lost.append(f"{where} ({call.layer.kind}), since {why} and nothing says its output's sizes")
            return [None]
        unread = Unknown(name=call.layer.kind, reason=why)
        return [as_is(call.step(unread, [call.logical(value).step for value in call.inputs], shape, call.weights()))]

    def _model(self, node: Node, inputs: list[Value], where: str, depth: int) -> Sequence[Value | None]:
        """A model within the model: its layers, under its name."""
        inner = Graph(node.layer.config)
        if len(inner.inputs) != len(inputs):
            raise ReadError(f"{where} has {len(inner.inputs)} inputs and is given {len(inputs)}")
        before = len(self.steps)
        results = self._walk(inner, dict(zip(inner.inputs, inputs, strict=True)), where, depth + 1)
        made = tuple(value.step for value in results if value is not None)
        if len(self.steps) > before:
            self.modules.append((where, made))
        return results


def input_of(source: Source, is_followed: bool, *, is_first_already: bool) -> Value:
    """An input; its channels are put on axis 1, where Keras has them last."""
    shape = source.shape
    order = tuple(range(len(shape))) if is_first_already else channels_first(len(shape))
    places = sorted(range(len(shape)), key=order.__getitem__)
    axes = tuple(sorted(order[axis] for axis in source.axes)) if is_followed else ()
    step = Step(Input(axes=axes), (), tuple(shape[axis] for axis in places), 0, CallSite())
    return Value(step, shape, order)


def resolved(value: Any, values: Mapping[Tensor, Value | None]) -> Any:
    """Arguments with values where references were."""
    if isinstance(value, Reference):
        return values[value.tensor]
    if isinstance(value, list):
        return [resolved(item, values) for item in value]
    return {key: resolved(item, values) for key, item in value.items()} if isinstance(value, dict) else value


def flat(value: Any) -> list[Any]:
    """All that nested arguments hold, in order."""
    if isinstance(value, list):
        return [each for item in value for each in flat(item)]
    return [each for item in value.values() for each in flat(item)] if isinstance(value, dict) else [value]


def _config_of(config: Any) -> Mapping[str, Any]:
    """The settings of the whole model, whatever wraps them."""
    if isinstance(config, dict) and isinstance(config.get("config"), dict) and "layers" in config["config"]:
        settings: Mapping[str, Any] = config["config"]
        return settings
    if isinstance(config, dict) and isinstance(config.get("config"), list):  # Keras 1 and 2.0 wrote Sequential so
        return {"layers": config["config"]}
    kind = config.get("class_name") if isinstance(config, dict) else type(config).__name__
    raise ReadError(
        f"its configuration is of {str(kind)[:40]!r}, which says nothing of layers; functional and sequential models do"
    )


def _got(call: Call) -> str:
    shapes = " and ".join("×".join(map(str, value.shape[1:])) for value in call.inputs[:4])
    return f", which gets {shapes}" if shapes else ""
