"""What is handed over where a module of PyTorch is needed; told without PyTorch, which would not help."""

from __future__ import annotations

from typing import Any

from eyeshot.errors import ReadError
from eyeshot.read.module_names import is_module_name, module_name


def no_module(model: Any, name: str) -> ReadError:
    """What to say of an object that is no torch.nn.Module; with what there is for models of other frameworks."""
    kind = f"{name}: a {type(model).__name__} is no torch.nn.Module"
    if is_foreign(model):
        return ReadError(
            f"{kind}, which moves, tiles, training and gradients need; fields, costs and `effective` by path density"
            f" do not, and tiles are planned of {_file_of(model)}"
        )
    return ReadError(f"{kind}, and no name of a model either")


def _file_of(model: Any) -> str:
    from eyeshot.read.keras import is_keras_model

    return "a file: model.save('net.keras')" if is_keras_model(model) else "a file of it, net.onnx"


def is_foreign(model: Any) -> bool:
    """Whether an object is a model of Keras or of JAX."""
    from eyeshot.read.jax import is_jax_model
    from eyeshot.read.keras import is_keras_model

    return is_keras_model(model) or is_jax_model(model)


def check_module(model: Any, name: str | None = None) -> None:
    """Complain of a model of Keras or JAX where a module of PyTorch is needed.

    Args:
        model: a model, or the name of the user's own code that makes one, which is run.
        name: what it is called; as its class unless given.

    Raises:
        ReadError: it is one.
    """
    if isinstance(model, str):
        if not is_module_name(model) or module_name(model).is_of_library:
            return
        from eyeshot.read.loading import load_module

        model, name = load_module(model), model
    if is_foreign(model):
        raise no_module(model, name or type(model).__name__)
