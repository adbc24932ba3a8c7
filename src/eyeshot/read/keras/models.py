"""A Keras model in memory, on any backend: its own configuration is read."""

from __future__ import annotations

from typing import Any

from eyeshot.errors import ReadError
from eyeshot.network.graph import Network
from eyeshot.read.keras.archive import parsed
from eyeshot.read.keras.reader import Reader


def is_keras_model(model: Any) -> bool:
    """Whether an object is a model or a layer of Keras, told without importing it."""
    return any(each.__module__.split(".")[0] in ("keras", "tf_keras") for each in type(model).__mro__)


def read_model(model: Any, input_shape: Any = None, *, name: str | None = None) -> Network:
    """The network of a functional or sequential model.

    Raises:
        ReadError: the model is subclassed, so that its configuration does not say what it computes.
    """
    name = name or str(getattr(model, "name", type(model).__name__))
    try:
        text = model.to_json()
    except Exception as error:
        raise ReadError(f"{name}: Keras cannot say its configuration: {type(error).__name__}: {error}") from error
    config = parsed(text, name)
    if not isinstance(config, dict) or "layers" not in (config.get("config") or {}):
        raise ReadError(
            f"{name} is a subclass of keras.Model, whose computation stands in code of its own; functional and"
            " sequential models are read, and with the backend of PyTorch any model is"
        )
    return Reader(config, name).network(input_shape)
