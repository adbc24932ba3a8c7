"""What a model in memory does, by calling it on tensors of shapes alone, as Keras does when it builds a model.

Layers of a person's own are run through, so that what is recorded are calls of Keras' layers and of keras.ops. Nothing
is computed of the input; numbers of variables stay as they are.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from eyeshot.errors import ReadError
from eyeshot.read.keras.keeping import kept

_LOOPS = frozenset({
    "Cond", "Switch", "WhileLoop", "ForiLoop", "Scan", "AssociativeScan", "Map", "VectorizedMap",
})  # fmt: skip
"""Functions of keras.ops that take functions, which read more than their arguments show."""
_LOCK = threading.RLock()


@dataclass(frozen=True)
class Made:
    """An output of a recorded call; call −1 is the model's input, −2 one that is not of this model's call."""

    call: int
    output: int


@dataclass(frozen=True)
class Recorded:
    """One call of a layer or of a function of keras.ops."""

    operation: Any
    path: str
    is_layer: bool
    args: Any
    kwargs: Any
    shapes: tuple[tuple[int, ...], ...]


@dataclass
class _Scope:
    """A layer that is being run through."""

    layer: Any
    path: str
    result: Any = None
    names: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unseen:
    """A weight of a layer of a person's own that stands in no recorded call as it is."""

    path: str
    name: str
    weight: int
    size: int


@dataclass
class Record:
    """All calls in order, what layers of a person's own and the model gave, and own weights that no call shows."""

    calls: list[Recorded] = field(default_factory=list)
    blocks: list[tuple[str, list[Made]]] = field(default_factory=list)
    outputs: list[Made] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)


def is_own(layer: Any) -> bool:
    """Whether a layer or model has code of a person's own in its call, or is a model that holds such a layer."""
    owner = next((cls for cls in type(layer).__mro__ if "call" in vars(cls)), object)
    if not of_keras(owner) or type(layer).__name__ == "Lambda" or _is_own_at_each_time(layer):
        return True
    return is_graph(layer) and (
        not of_keras(type(layer)) or any(is_own(each) or _holds_own(each) for each in layer.layers)
    )


def _holds_own(layer: Any) -> bool:
    """Whether a layer, or one within it, as a cell or what a wrapper calls, is of a class of a person's own."""
    return any(not of_keras(type(each)) for each in layer._flatten_layers())


def _is_own_at_each_time(layer: Any) -> bool:
    """Whether it is Keras' TimeDistributed around a layer with code of a person's own."""
    return type(layer).__name__ == "TimeDistributed" and is_own(layer.layer)


def is_graph(layer: Any) -> bool:
    """Whether a layer is a functional or sequential model, a subclass of one included."""
    return any(cls.__name__ in ("Functional", "Sequential") and of_keras(cls) for cls in type(layer).__mro__)


def of_keras(cls: type) -> bool:
    """Whether a class is one of Keras' own."""
    return cls.__module__.split(".")[0] == "keras"


def recorded(
    model: Any, inputs: Sequence[Any], pack: Callable[[Sequence[Any]], tuple[list[Any], dict[str, Any]]]
) -> Record:
    """Call a model on symbolic tensors and write down what is called; the model is as before.

    Args:
        model: a layer or model of Keras 3.
        inputs: symbolic tensors.
        pack: from these to the arguments of the model's call.

    Raises:
        ReadError: its code decides by values, or calls what Keras cannot follow.
    """
    import keras

    recorder = _Recorder(keras, inputs)
    uids: Any = None
    try:
        from keras.src.backend.common.global_state import get_global_attribute

        uids = get_global_attribute("object_name_uids")
    except ImportError:  # names of later layers count on, which is all that this is for
        pass

    def is_followed(each: Any) -> bool:
        return isinstance(each, keras.Operation) or (type(each).__name__ == "Tracker" and of_keras(type(each)))

    args, kwargs = pack(inputs)
    with _LOCK, kept([model, uids], is_followed), recorder.watching(), keras.StatelessScope():
        try:
            result = model(*args, **kwargs)
        except ReadError:
            raise
        except Exception as error:
            raise recorder.explained(error) from error
        recorder.record.unseen = recorder.unseen(model)
    recorder.record.outputs = [recorder.made_of(each) for each in recorder.tensors(result)]
    return recorder.record


class _Recorder:
    """The calls as they happen."""

    def __init__(self, keras: Any, inputs: Sequence[Any]) -> None:
        self.keras, self.record = keras, Record()
        self.made: dict[int, Made] = {id(tensor): Made(-1, i) for i, tensor in enumerate(inputs)}
        self.alive: list[Any] = list(inputs)
        self.scopes: list[_Scope] = []
        self.paths: dict[int, str] = {}
        self.taken: set[str] = set()
        self.leaves = 0
        self.failed = ""
        self.met: set[int] = set()

    # --- Keras, watched -----------------------------------------------------------------------------------------------

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Calls of layers and functions on symbolic tensors, in this thread, come by here."""
        keras, thread = self.keras, threading.get_ident()
        call, layers, functions = keras.Layer.__call__, keras.Layer.symbolic_call, keras.Operation.symbolic_call
        recorder = self

        def is_watched(args: Any, kwargs: Any) -> bool:
            return threading.get_ident() == thread and not recorder.leaves and bool(recorder.tensors((args, kwargs)))

        def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_watched(args, kwargs):
                return call(layer, *args, **kwargs)
            return recorder.called(call, layer, args, kwargs)

        def through(layer: Any, *args: Any, **kwargs: Any) -> Any:
            scope = recorder.scopes[-1] if recorder.scopes else None
            if scope is None or scope.layer is not layer or not is_watched(args, kwargs):
                return layers(layer, *args, **kwargs)
            scope.result = layer.call(*args, **kwargs)
            return recorder.tensors(scope.result)

        def function(operation: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_watched(args, kwargs):
                return functions(operation, *args, **kwargs)
            return recorder.function(functions, operation, args, kwargs)

        def of_variables(name: str, original: Any) -> Any:
            def either(variable: Any, other: Any) -> Any:
                # the other's own method is asked next, which Keras records
                return NotImplemented if isinstance(other, keras.KerasTensor) else original(variable, other)

            return either

        methods = [
            (keras.Variable, f"__{name}__")
            for name in ("add", "sub", "mul", "truediv", "floordiv", "pow", "matmul", "mod")
        ]
        before = {(cls, name): getattr(cls, name) for cls, name in methods}
        keras.Layer.__call__, keras.Layer.symbolic_call, keras.Operation.symbolic_call = called, through, function
        for (cls, name), original in before.items():
            setattr(cls, name, of_variables(name, original))
        is_filtering = keras.config.is_traceback_filtering_enabled()
        keras.config.disable_traceback_filtering()  # which rewrites messages, with all arguments in them
        try:
            yield
        finally:
            if is_filtering:
                keras.config.enable_traceback_filtering()
            keras.Layer.__call__, keras.Layer.symbolic_call, keras.Operation.symbolic_call = call, layers, functions
            for (cls, name), original in before.items():
                setattr(cls, name, original)

    def called(self, call: Any, layer: Any, args: Any, kwargs: Any) -> Any:
        """A layer: run through where it is a person's own or a model, recorded where it is Keras'."""
        path = self._path_of(layer)
        if not is_graph(layer) and not is_own(layer):
            outputs = self._as_leaf(call, layer, args, kwargs)
            self._add(layer, path, args, kwargs, outputs, is_layer=True)
            return outputs
        if of_keras(type(layer)) and type(layer).__name__ == "Lambda":
            return self._tried(call, layer, path, args, kwargs)
        return self._run_through(call, layer, path, args, kwargs)

    def _tried(self, call: Any, layer: Any, path: str, args: Any, kwargs: Any) -> Any:
        """A Lambda: run through, and recorded as one where its function hands tensors to others than Keras."""
        calls, blocks, failed = len(self.record.calls), len(self.record.blocks), self.failed
        try:
            return self._run_through(call, layer, path, args, kwargs)
        except Exception:
            del self.record.calls[calls:], self.record.blocks[blocks:]
            self.failed = failed
        outputs = self._as_leaf(call, layer, args, kwargs)
        self._add(layer, path, args, kwargs, outputs, is_layer=True)
        return outputs

    def _run_through(self, call: Any, layer: Any, path: str, args: Any, kwargs: Any) -> Any:
        """A layer of a person's own, or a model."""
        scope = _Scope(layer, path)
        self.scopes.append(scope)
        try:
            if _is_own_at_each_time(layer):
                scope.result = self._at_each_time(layer, *args, **kwargs)
            else:
                call(layer, *args, **kwargs)
        except Exception:
            self.failed = self.failed or path or type(layer).__name__
            raise
        finally:
            self.scopes.pop()
        if path:
            self.record.blocks.append((path, [self.made_of(each) for each in self.tensors(scope.result)]))
        return scope.result

    def _at_each_time(self, layer: Any, x: Any, **kwargs: Any) -> Any:
        """The layer within on all positions of axis 1 at once, which stand with the batch meanwhile."""
        lead, rest = tuple(x.shape[:2]), tuple(x.shape[2:])
        out = layer.layer(self.keras.ops.reshape(x, (math.prod(lead), *rest)))
        return self.keras.ops.reshape(out, (*lead, *out.shape[1:]))

    def function(self, call: Any, operation: Any, args: Any, kwargs: Any) -> Any:
        """A function of keras.ops."""
        kind = type(operation).__name__
        path = self.scopes[-1].path if self.scopes else ""
        if kind in _LOOPS and of_keras(type(operation)):
            raise ReadError(
                f"{path or 'its call'} uses control flow on values (keras.ops' {kind}), whose branches and loops are"
                " functions that Keras does not record"
            )
        outputs = self._as_leaf(call, operation, args, kwargs)
        self._add(operation, path, args, kwargs, outputs, is_layer=False)
        return outputs

    def _as_leaf(self, call: Any, operation: Any, args: Any, kwargs: Any) -> Any:
        """Call what is recorded as one: of what Keras calls inside it nothing is."""
        self.leaves += 1
        try:
            return call(operation, *args, **kwargs)
        finally:
            self.leaves -= 1

    # --- what is written down -----------------------------------------------------------------------------------------

    def tensors(self, value: Any) -> list[Any]:
        """The symbolic tensors in nested values."""
        return [each for each in self.keras.tree.flatten(value) if isinstance(each, self.keras.KerasTensor)]

    def made_of(self, tensor: Any) -> Made:
        """What made a symbolic tensor."""
        return self.made.get(id(tensor), Made(-2, 0))

    def _add(self, operation: Any, path: str, args: Any, kwargs: Any, outputs: Any, *, is_layer: bool) -> None:
        tensors = self.tensors(outputs)
        given = self._argument(list(args)), self._argument(dict(kwargs))
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        for i, tensor in enumerate(tensors):
            self.made[id(tensor)] = Made(len(self.record.calls), i)
        self.alive += tensors  # an id is another tensor's once this one is gone
        self.record.calls.append(Recorded(operation, path, is_layer, *given, shapes))

    def _argument(self, value: Any) -> Any:
        """An argument with places of tensors in place of tensors, and tables in place of numbers by the thousand."""
        from eyeshot.read.keras.graph import Table

        if isinstance(value, self.keras.KerasTensor):
            return self.made_of(value)
        if isinstance(value, self.keras.Variable):
            self.met.add(id(value))
            is_weight = bool(value.trainable)
            return Table(tuple(value.shape), id(value) if is_weight else None, None if is_weight else self._of(value))
        if isinstance(value, dict):
            return {key: self._argument(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            items = [self._argument(each) for each in value]
            return (
                items
                if isinstance(value, list) or any(isinstance(each, Made | Table | list) for each in items)
                else value
            )
        if getattr(value, "shape", None) and hasattr(value, "dtype"):
            return Table(tuple(value.shape), compute=self._of(value))
        return value

    def _of(self, value: Any) -> Callable[[], Any]:
        """How the numbers of an array are found."""
        return lambda: self.keras.ops.convert_to_numpy(value)

    # --- names --------------------------------------------------------------------------------------------------------

    def _path_of(self, layer: Any) -> str:
        """A layer's path: by attributes of layers of a person's own, by name in models; the same at each call."""
        if not self.scopes:
            return ""
        if id(layer) not in self.paths:
            scope = self.scopes[-1]
            if not scope.names:
                scope.names.update(_names_in(scope.layer, self.keras))
            name = scope.names.get(id(layer), str(layer.name))
            path = wished = f"{scope.path}.{name}" if scope.path else name
            number = 1
            while path in self.taken:
                number += 1
                path = f"{wished}_{number}"
            self.taken.add(path)
            self.paths[id(layer)] = path
            self.alive.append(layer)
        return self.paths[id(layer)]

    def unseen(self, model: Any) -> list[Unseen]:
        """Weights of layers of a person's own that no recorded call reads."""
        found = []
        for layer in {id(each): each for each in (model, *_flattened(model, self.keras))}.values():
            if not is_own(layer):
                continue
            inner = {id(w) for each in _flattened(layer, self.keras) for w in each.weights}
            path = self.paths.get(id(layer), "")
            for weight in layer.weights:
                if weight.trainable and id(weight) not in inner | self.met:
                    found.append(Unseen(path, str(weight.name), id(weight), math.prod(weight.shape)))
        return found

    def explained(self, error: Exception) -> ReadError:
        """Why Keras could not follow the call."""
        text, where = str(error), self.failed or "its call"
        if "KerasTensor" in text and ("boolean" in text or "You cannot convert it to a" in text or "Iterating" in text):
            return ReadError(
                f"{where} has control flow on values, or reads them: its code asks for a number where there is a shape"
                " alone; keras.ops.where chooses without that"
            )
        if "KerasTensor" in text:
            return ReadError(
                f"{where} hands tensors to functions of the backend or of NumPy, which Keras cannot record; those of"
                f" keras.ops and Keras' layers are: {_first_line(text)}"
            )
        return ReadError(f"{where} fails on a tensor of this shape: {type(error).__name__}: {_first_line(text)}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]


def _flattened(layer: Any, keras: Any) -> list[Any]:
    """All layers within a layer."""
    found: list[Any] = []
    seen = {id(layer)}
    waiting = [layer]
    while waiting:
        for _, each in _children(waiting.pop(), keras):
            if id(each) not in seen:
                seen.add(id(each))
                found.append(each)
                waiting.append(each)
    return found


def _children(layer: Any, keras: Any) -> Iterator[tuple[str, Any]]:
    """Layers in a layer's attributes, lists and dictionaries, by name; those of a model by their own names."""
    if is_graph(layer):
        yield from ((str(each.name), each) for each in layer.layers)
    # PyTorch's backend keeps layers where PyTorch keeps modules
    attributes = {**vars(layer), **(vars(layer).get("_modules") or {})}
    names = [name for name in attributes if name not in ("_layers", "_modules", "_functional", "_operations")]
    # a layer's own attribute names it before a list that holds it too
    for name in sorted(names, key=lambda name: (name.startswith("_"), not isinstance(attributes[name], keras.Layer))):
        yield from _within(name, attributes[name], keras, 0)


def _within(name: str, value: Any, keras: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, keras.Layer):
        yield name, value
    elif isinstance(value, list | tuple | dict) and depth < 4:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in list(items):
            yield from _within(f"{name}.{key}", each, keras, depth + 1)


def _names_in(root: Any, keras: Any) -> dict[int, str]:
    """The shortest path by attributes to each layer within a layer."""
    names: dict[int, str] = {id(root): str(root.name)}
    level = [("", root)]
    while level:
        deeper = []
        for path, layer in level:
            for name, each in _children(layer, keras):
                if id(each) not in names:
                    names[id(each)] = f"{path}.{name}" if path else name
                    deeper.append((names[id(each)], each))
        level = deeper
    return names
