"""Models with layers of a person's own, read from what Keras says of them when they are called on shapes."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eyeshot.errors import EyeshotError, ReadError, UsageError
from eyeshot.network.graph import Network, Note
from eyeshot.read.inputs import inputs_given
from eyeshot.read.keras.calls import Call
from eyeshot.read.keras.graph import Graph, Layer, Node, Reference, Table, Tensor
from eyeshot.read.keras.inputs import Source, sources
from eyeshot.read.keras.reader import Reader
from eyeshot.read.keras.symbolic import Made, Record, Recorded, is_graph, of_keras, recorded
from eyeshot.read.keras.values import Value
from eyeshot.read.steps import CallSite


@dataclass(frozen=True)
class Taken:
    """An input that the model takes, and where it stands among the arguments of its call."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str | None = None


class OwnReader(Reader):
    """One model in memory, called on shapes and then walked along."""

    def __init__(self, model: Any, name: str) -> None:
        super().__init__(None, name)
        self.model = model
        self.record = Record()
        self.taken: list[Taken] = []
        self.places: dict[int, tuple[str, int]] = {}
        self.results: dict[tuple[str, int], Sequence[Value | None]] = {}
        self.counted: list[object] = []
        self.claimed: set[int] = set()

    def network(self, input_shape: Any) -> Network:
        """The network of the whole model; weights that no call shows are noted."""
        network = super().network(input_shape)
        unseen = [each for each in self.record.unseen if each.weight not in self.used]
        if not unseen:
            return network
        first = f"{unseen[0].path}.{unseen[0].name}".removeprefix(".")
        more = f" and {len(unseen) - 1:,} more weights" if len(unseen) > 1 else ""
        text = f"not counted: {first}{more}, used where Keras records nothing; totals are at least"
        return replace(network, notes=(*network.notes, Note(None, "bound", text)))

    def opened(self, input_shape: Any) -> tuple[Graph, Sequence[Source], list[str], bool]:
        """The sizes of the inputs, and then what is called on them."""
        import keras

        first = self._is_channels_first(keras)
        taken = self.taken = self._taken(input_shape, first)
        entries = [
            Node(Layer("InputLayer", each.name, {"batch_shape": [None, *each.shape], "dtype": each.dtype or ""}), 0)
            for each in taken
        ]
        tensors: list[Tensor] = [(each.name, 0, 0) for each in taken]
        given, remarks = sources(Graph.of(entries, tensors, []), input_shape, self.name, channels_first=first)
        shapes = {source.tensor: source.shape for source in given}
        usual = getattr(self.model, "input_dtype", None) or keras.config.floatx()
        symbols = [
            keras.KerasTensor(shapes[tensor], dtype=each.dtype or usual)
            for tensor, each in zip(tensors, taken, strict=True)
        ]
        self.record = recorded(self.model, symbols, self._packed)
        return self._graph(entries, tensors), given, remarks, first

    def _is_channels_first(self, keras: Any) -> bool:
        """Whether its layers keep channels first; Keras' own setting where none says so."""
        layers = self.model._flatten_layers()
        formats = (getattr(layer, "data_format", None) for layer in layers)
        return bool(next((told for told in formats if told), keras.config.image_data_format()) == "channels_first")

    # --- inputs -------------------------------------------------------------------------------------------------------

    def _taken(self, input_shape: Any, first: bool) -> list[Taken]:
        symbols = self._symbols()
        if symbols is not None:
            return [Taken(each.name, tuple(each.shape[1:]), str(each.dtype)) for each in symbols]
        specs = [] if input_shape is None else inputs_given(input_shape)
        built = self._built_on()
        if built is None:
            if not specs:
                raise ReadError(
                    f"nothing says the sizes of what it takes ({', '.join(self._arguments(needed=True))}): give them,"
                    " --input 3x224x224, or call it once"
                )
            names = self._arguments()
            if len(specs) > len(names):
                raise UsageError(f"{self.name} takes {', '.join(names)}; found {len(specs)} inputs")
            free = iter([name for name in names if name not in {spec.name for spec in specs}])
            found = {spec.name or next(free): spec for spec in specs}
            order = sorted(found, key=lambda name: names.index(name) if name in names else len(names))
            return [Taken(name, (None,) * len(found[name].shape), found[name].dtype) for name in order]
        # what it was built on is an example of its sizes; its channels are not
        named, others = {spec.name: spec for spec in specs}, iter([spec for spec in specs if spec.name is None])
        taken = []
        for name, shape in built:
            spec = named.get(name) or next(others, None)
            dtype = spec.dtype if spec is not None else None
            if len(shape) == 1 and dtype is None and self._reads_tokens():
                dtype = "int32"
            taken.append(Taken(name, shape if spec is None else _loosened(shape, spec.shape, first), dtype))
        return taken

    def _reads_tokens(self) -> bool:
        import keras

        return any(isinstance(layer, keras.layers.Embedding) for layer in self.model._flatten_layers())

    def _symbols(self) -> list[Any] | None:
        """The inputs of a functional or sequential model that is built."""
        if not is_graph(self.model):
            return None
        try:
            return list(self.model.inputs)
        except (AttributeError, ValueError):
            return None

    def _arguments(self, *, needed: bool = False) -> list[str]:
        """The names of what its call takes, or of what it cannot do without."""
        parameters = inspect.signature(self.model.call).parameters.values()
        return [
            each.name
            for each in parameters
            if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
            and each.name not in ("training", "mask")
            and not (needed and each.default is not each.empty)
        ]

    def _built_on(self) -> list[tuple[str, tuple[int | None, ...]]] | None:
        """What it was built on, without the batch, by name."""
        shapes = getattr(self.model, "_build_shapes_dict", None)
        if not shapes or len(shapes) < len(
            self._arguments(needed=True)
        ):  # Keras keeps one where build is not told more
            return None
        found = list(_shapes_in("", shapes if len(shapes) > 1 else next(iter(shapes.values()))))
        if any(not shape for _, shape in found) or not found:
            return None
        return [(name.removesuffix("_shape") or "input", shape[1:]) for name, shape in found]

    def _packed(self, tensors: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of its call."""
        args, kwargs = self._tensors_packed(tensors)
        training = inspect.signature(self.model.call).parameters.get("training")
        if training is not None and training.default is training.empty:
            kwargs["training"] = False
        return args, kwargs

    def _tensors_packed(self, tensors: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        if self._symbols() is not None:
            structure = getattr(self.model, "_inputs_struct", None)
            packed = _filled(structure, iter(tensors)) if structure is not None else list(tensors)
            return [packed[0] if isinstance(packed, list) and len(packed) == 1 else packed], {}
        shapes = getattr(self.model, "_build_shapes_dict", None)
        if not shapes or self._built_on() is None:
            return [], dict(zip((each.name for each in self.taken), tensors, strict=True))
        if len(shapes) == 1:
            return [_filled(next(iter(shapes.values())), iter(tensors))], {}
        left = iter(tensors)
        return [], {key.removesuffix("_shape"): _filled(shape, left) for key, shape in shapes.items()}

    # --- calls --------------------------------------------------------------------------------------------------------

    def _graph(self, entries: list[Node], inputs: list[Tensor]) -> Graph:
        """The recorded calls that the outputs depend on."""
        calls = self.record.calls
        needed: set[int] = set()
        waiting = [made.call for made in self.record.outputs]
        while waiting:
            number = waiting.pop()
            if number == -2:
                raise ReadError("its outputs read a tensor that was not made in its call")
            if number >= 0 and number not in needed:
                needed.add(number)
                waiting += [made.call for made in _made_in([calls[number].args, calls[number].kwargs])]
        layers: dict[int, Layer] = {}
        counts: Counter[str] = Counter(node.layer.name for node in entries)
        nodes = list(entries)
        for number in sorted(needed):
            call = calls[number]
            layer = layers.setdefault(id(call.operation), _layer_of(call))
            self.places[number] = (layer.name, counts[layer.name])
            counts[layer.name] += 1

        def reference(made: Made) -> Reference:
            return Reference(inputs[made.output] if made.call == -1 else (*self.places[made.call], made.output))

        for number in sorted(needed):
            call, count = calls[number], self.places[number][1]
            site = None if call.is_layer else CallSite(call.path)
            args, kwargs = (self._claimed(_referring(each, reference), call) for each in (call.args, call.kwargs))
            owned = call.operation.trainable_weights if call.is_layer else ()
            weights = sum(math.prod(each.shape) for each in owned)
            nodes.append(Node(layers[id(call.operation)], count, args, kwargs, call.shapes, site, weights))
        return Graph.of(nodes, inputs, [reference(made).tensor for made in self.record.outputs])

    def _claimed(self, value: Any, call: Recorded) -> Any:
        """Arguments in which numbers as many as a weight of the same layer has, reshaped say, stand for that weight."""
        if isinstance(value, Table) and value.weight is None and not call.is_layer:
            size = math.prod(value.shape)
            found = (each for each in self.record.unseen if (each.path, each.size) == (call.path, size))
            own = next((each for each in found if each.weight not in self.claimed), None)
            if own is None:
                return value
            self.claimed.add(own.weight)
            return Table(value.shape, own.weight)
        if isinstance(value, dict):
            return {key: self._claimed(each, call) for key, each in value.items()}
        return [self._claimed(each, call) for each in value] if isinstance(value, list) else value

    def params(self, key: object, count: int) -> int:
        """As all layers count, in an order that can be taken back."""
        if key not in self.used:
            self.counted.append(key)
        return super().params(key, count)

    def outputs_of(self, call: Call, where: str, shapes: Mapping[Tensor, Sequence[Any]]) -> Sequence[Value | None]:
        """A rule's answer where its sizes are those that Keras tells, and a bound where they are not."""
        told = call.node.shapes
        if not told:
            return super().outputs_of(call, where, shapes)
        if not call.inputs:
            raise ReadError(f"{where} ({call.layer.kind}) reads nothing that depends on the input")
        steps, counted, lost = len(self.steps), len(self.counted), len(self.lost)
        try:
            made = super().outputs_of(call, where, shapes)
            got = [None if value is None else value.shape for value in made]
            why = "" if got == list(told) else f"its rule gives {_told(got)}, and Keras {_told(told)}"
        except EyeshotError as error:
            if self.positions_left < 0:
                raise
            why = f"its rule does not take this: {error}"
        if why:
            del self.steps[steps:]
            self.used.difference_update(self.counted[counted:])
            del self.counted[counted:]
            made = self._unread(call, why, where, shapes)
        del self.lost[lost:]  # of a layer within the layer, which the bound stands for
        self.results[call.layer.name, call.node.number] = made
        return made

    def _walk(self, graph: Graph, inputs: Mapping[Tensor, Value], path: str, depth: int) -> list[Value | None]:
        results = super()._walk(graph, inputs, path, depth)
        if depth:
            return results
        for block, outputs in self.record.blocks:
            values = [
                self.results[self.places[made.call]][made.output]
                for made in outputs
                if made.call in self.places and self.places[made.call] in self.results
            ]
            if values and len(values) == len(outputs):
                self.modules.append((block, tuple(value.step for value in values if value is not None)))
        return results


def _layer_of(call: Recorded) -> Layer:
    """A layer or function by the name of Keras' own class, and its settings as Keras writes them down."""
    import keras

    cls = next(each for each in type(call.operation).__mro__ if of_keras(each))
    try:
        settings = cls.get_config(call.operation)  # type: ignore[attr-defined]
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(settings)))
    except Exception:  # a setting that Keras cannot write down: the rule says what it lacks
        config = {}
    kind = cls.__name__
    name = call.path if call.is_layer else f"{call.path}.{_snake(kind)}".removeprefix(".")
    return Layer(kind, name, config if isinstance(config, dict) else {}, cls.__module__)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _made_in(value: Any) -> list[Made]:
    if isinstance(value, Made):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [made for each in items for made in _made_in(each)]


def _referring(value: Any, reference: Any) -> Any:
    if isinstance(value, Made):
        return reference(value)
    if isinstance(value, dict):
        return {key: _referring(each, reference) for key, each in value.items()}
    return [_referring(each, reference) for each in value] if isinstance(value, list) else value


def _is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(n is None or isinstance(n, int) for n in value)


def _shapes_in(name: str, value: Any) -> list[tuple[str, tuple[int | None, ...]]]:
    """Shapes in nested lists and dictionaries, by name or number."""
    if _is_shape(value):
        return [(name, tuple(value))]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [found for key, each in items for found in _shapes_in(f"{name}.{key}" if name else f"{key}", each)]


def _filled(structure: Any, tensors: Any) -> Any:
    """Nested lists and dictionaries with tensors where shapes or tensors were."""
    if isinstance(structure, dict):
        return {key: _filled(each, tensors) for key, each in structure.items()}
    if isinstance(structure, list | tuple) and not _is_shape(structure):
        return [_filled(each, tensors) for each in structure]
    return next(tensors)


def _loosened(shape: tuple[int | None, ...], given: Sequence[int], first: bool) -> tuple[int | None, ...]:
    """A shape whose sizes along positions are open; a row is one of positions where another length is given."""
    if len(shape) < 2:
        return shape if tuple(given) == shape else (None,)
    channels = 0 if first else len(shape) - 1
    return tuple(n if axis == channels else None for axis, n in enumerate(shape))


def _told(shapes: Sequence[Any]) -> str:
    return " and ".join("nothing" if shape is None else "×".join(map(str, shape)) for shape in shapes)
