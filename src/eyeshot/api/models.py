"""What users name a model by, as a network: a name, a notation, a module, a program, or the network itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.design.named import network_named, reader_named
from eyeshot.errors import EyeshotError, ReadError, UsageError
from eyeshot.network.graph import Network

if TYPE_CHECKING:
    from eyeshot.analyse.input_sizes import InputSizes, Trials
    from eyeshot.read.inputs import InputSpec


_WORK = 4_000
"""Nodes that are read at most in search of a size that a module takes, where it fails at the one given."""


def network_of(model: Any, input_shape: Any, example: Any = None, lines: bool = False) -> Network:
    """The network that a model is; the arguments are those of ``eyeshot.inspect``."""
    if isinstance(model, Inspection):
        model = model.network
    if isinstance(model, Network):
        return _at_its_size(model, input_shape)
    try:
        if isinstance(model, str):
            return network_named(model, input_shape, example=example, with_lines=lines)
        return _read(model, input_shape, example, lines)
    except ReadError as error:
        if error.is_of_shapes and example is None:
            _name_a_size(error, model, input_shape)
        raise


def _at_its_size(network: Network, input_shape: Any) -> Network:
    """A network that was read already, which cannot be had at another size than its own."""
    from eyeshot.read.inputs import inputs_given

    if input_shape is None:
        return network
    given = inputs_given(input_shape)
    if [spec.shape for spec in given] != [node.shape[1:] for node in network.inputs]:
        asked, own = (", ".join(map(str, specs)) for specs in (given, inputs_of(network)))
        raise UsageError(f"{network.name} was read at {own}, and {asked} is asked for; give what it was read from")
    return network


def _read(model: Any, input_shape: Any, example: Any = None, lines: bool = False) -> Network:
    name = type(model).__name__
    if name == "ModelProto" and hasattr(model, "SerializeToString"):
        from eyeshot.read.onnx import read_model

        return read_model(model.SerializeToString(), input_shape, name=model.graph.name or "model")
    from eyeshot.read import keras

    if keras.is_keras_model(model):
        return keras.read_model(model, input_shape)
    from eyeshot.read import jax

    if jax.is_jax_model(model):
        return jax.Reading(model)(input_shape, example=example, with_lines=lines)
    from eyeshot.read.torch import read_module

    return read_module(model, input_shape, name=name, source="torch", example=example, with_lines=lines)


def sizes_of(model: Any, input_shape: Any = None) -> InputSizes:
    """The input sizes that a model takes; the arguments are those of ``eyeshot.sizes``."""
    from eyeshot.analyse.input_sizes import input_sizes

    if isinstance(model, Inspection):
        model = model.network
    if isinstance(model, Network):
        raise UsageError(f"{model.name} is a network at one size; give what it was read from, or a design")
    trials, asked, _ = _trials(_reader(model), input_shape)
    return input_sizes(trials, asked)


def _name_a_size(error: ReadError, model: Any, input_shape: Any) -> None:
    """Add to what a forward pass says of an input a size that it takes, where a short search finds one."""
    from eyeshot.analyse.input_sizes import nearby

    try:
        trials, asked, specs = _trials(_reader(model), input_shape)
    except UsageError:
        return  # an input without positions has no other size
    sizes = nearby(trials, asked, most=max(12, _WORK // (len(error.partial.nodes) if error.partial else 1)))
    if sizes is not None and sizes != asked:
        told = " ".join(f"--input {spec}" for spec in _resized(specs, sizes))
        error.args = (f"{str(error.args[0]).rstrip('.')}; it takes {told} (eyeshot sizes lists what fits)",)


def _reader(model: Any) -> Callable[[Any], Network]:
    from eyeshot.read import jax

    if isinstance(model, str):
        return reader_named(model)
    return jax.Reading(model) if jax.is_jax_model(model) else lambda shape: _read(model, shape)


def _trials(read: Callable[[Any], Network], input_shape: Any) -> tuple[Trials, tuple[int, ...], Sequence[InputSpec]]:
    """Trials of a model at other sizes than those asked for, those, and all that goes in at them."""
    from eyeshot.analyse.input_sizes import Trials
    from eyeshot.read.inputs import DEFAULT_INPUT, inputs_given
    from eyeshot.read.jax import Reading

    try:
        network: Network | None = read(input_shape)
    except EyeshotError as error:
        network = getattr(error, "partial", None)
    if isinstance(read, Reading):
        specs = read.laid_out(input_shape)
    elif input_shape is not None:
        specs = inputs_given(input_shape)
        if network is not None and len(specs[0].shape) == len(network.input.shape):  # files take the batch as well
            specs = [spec.without_batch() for spec in specs]
    else:
        specs = inputs_given(DEFAULT_INPUT) if network is None else inputs_of(network)
    asked = specs[0].positions
    if not asked:
        raise UsageError(f"an input of {specs[0]} has no axis of positions, whose size could be another")

    def read_at(sizes: tuple[int, ...]) -> Network:
        with redirect_stdout(io.StringIO()):  # what the model's own code prints, it printed when it was first read
            return read(_resized(specs, sizes))

    return Trials(read_at), asked, specs


def _resized(specs: Sequence[InputSpec], sizes: tuple[int, ...]) -> list[InputSpec]:
    """The inputs at other sizes: the first, and with it all that have its sizes."""
    return [spec.of(sizes) if spec.positions == specs[0].positions else spec for spec in specs]


def inputs_of(network: Network) -> list[InputSpec]:
    """What goes into a network, as it was read."""
    from eyeshot.read.inputs import InputSpec, inputs_given

    (first, *others) = inputs_given([node.shape[1:] for node in network.inputs])
    letters = iter("HWDTABEFG")
    layout = "".join(next(letters) if axis in network.axes else "C" for axis in range(1, len(first.shape) + 1))
    first = first if network.axes == first.axes else InputSpec(shape=first.shape, layout=layout)
    if not others:
        return [first]
    return [replace(spec, name=node.name) for spec, node in zip([first, *others], network.inputs, strict=True)]
