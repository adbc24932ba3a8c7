"""What users name a model by, as a network: a name, a notation, a module, a program, or the network itself."""

from __future__ import annotations

from typing import Any

from eyeshot.design.named import network_named
from eyeshot.network.graph import Network


def network_of(model: Any, input_shape: Any, example: Any = None, lines: bool = False) -> Network:
    """The network that a model is; the arguments are those of ``eyeshot.inspect``."""
    if isinstance(model, Network):
        return model
    if isinstance(model, str):
        return network_named(model, input_shape, example=example, with_lines=lines)
    name = type(model).__name__
    if name == "ModelProto" and hasattr(model, "SerializeToString"):
        from eyeshot.read.onnx import read_model

        return read_model(model.SerializeToString(), input_shape, name=model.graph.name or "model")
    from eyeshot.read.torch import read_module

    return read_module(model, input_shape, name=name, source="torch", example=example, with_lines=lines)
