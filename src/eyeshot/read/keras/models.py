"""A Keras model in memory, on any backend: its own configuration is read, or what it does with shapes."""

from __future__ import annotations

from typing import Any

from eyeshot.errors import ReadError
from eyeshot.network.graph import Network
from eyeshot.read.keras.archive import parsed
from eyeshot.read.keras.own import OwnReader
from eyeshot.read.keras.reader import Reader
from eyeshot.read.keras.symbolic import is_own, of_keras


def is_keras_model(model: Any) -> bool:
    """Whether an object is a model or a layer of Keras, told without importing it."""
    return any(each.__module__.split(".")[0] in ("keras", "tf_keras") for each in type(model).__mro__)


def read_model(model: Any, input_shape: Any = None, *, name: str | None = None) -> Network:
    """The network of a model.

    A functional or sequential model of Keras' layers says what it computes; one with code of a person's own is called
    on shapes.

    Raises:
        ReadError: neither is possible, and why.
    """
    name = name or str(getattr(model, "name", type(model).__name__))
    if _is_of_keras_3(model) and is_own(model):
        return OwnReader(model, name).network(input_shape)
    try:
        text = model.to_json()
    except Exception as error:
        raise ReadError(f"{name}: Keras cannot say its configuration: {type(error).__name__}: {error}") from error
    config = parsed(text, name)
    if not isinstance(config, dict) or "layers" not in (config.get("config") or {}):
        raise ReadError(
            f"{name} is a subclass of keras.Model, whose computation stands in code of its own; models of Keras 3 are"
            " called on shapes, those of older ones are read where they are functional or sequential"
        )
    return Reader(config, name).network(input_shape)


def _is_of_keras_3(model: Any) -> bool:
    if not any(of_keras(each) for each in type(model).__mro__):
        return False
    import keras

    return hasattr(keras, "KerasTensor") and isinstance(model, keras.Layer)
