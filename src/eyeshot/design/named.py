"""From what a user types for a model to a network.

alexnet                    a design of the zoo
C11s4-96 P3s2, CONV-POOL   the notation
torchvision:resnet50       a PyTorch module of a library (see ``eyeshot.read.module_names``)
net.py:make_net            a module of PyTorch, Keras, Flax or Equinox, or a function of JAX, that the user's code makes
net.onnx, net.keras        a file, of which neither weights are read nor code is run
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from eyeshot.design.lower import lower
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Design
from eyeshot.design.zoo import entries
from eyeshot.errors import EyeshotError, MissingExtraError, NotationError, ShapeError, UsageError
from eyeshot.nearest import nearest
from eyeshot.network.graph import Network, Note
from eyeshot.read.inputs import DEFAULT_INPUT, shape_given
from eyeshot.read.module_names import is_module_name
from eyeshot.shown import LONGEST_WORD, quoted, shortened

KERAS_FILES = (".keras", ".h5", ".hdf5")
_BARE_NAME = re.compile(r"[A-Za-z][\w.]*(-[\w.]+)*")


def network_named(
    name: str,
    input_shape: Any = None,
    *,
    classes: int | None = None,
    example: Any = None,
    with_lines: bool = False,
) -> Network:
    """The network that a name stands for.

    Args:
        name: a zoo name, notation, or ``source:model``; see the module's docstring.
        input_shape: channels and sizes; the model's own, or 3×224×224, unless given; modules take other inputs too
            (see ``eyeshot.read.inputs``).
        example, with_lines: for modules, as ``eyeshot.read.torch.read_module`` has them.
        classes: width of a design's last F, where that gives none.

    Raises:
        UsageError: if the name is neither a known model nor a design.
        ReadError: if a model cannot be loaded or traced.
    """
    check_typed(name)
    if name.lower().endswith(".onnx"):
        from eyeshot.read.onnx import read_file

        return read_file(name, input_shape)
    if name.lower().endswith(KERAS_FILES):
        from eyeshot.read.keras import read_file as read_keras

        return read_keras(name, input_shape)
    if is_module_name(name):
        return _module_reader(name)(input_shape, example=example, with_lines=with_lines)
    entry = entries().get(name.lower())
    design = design_named(name)
    shape = None if input_shape is None else shape_given(input_shape, name)
    if shape and entry and len(shape) != len(entry.input_shape):
        usual, typed = ("x".join(map(str, sizes)) for sizes in (entry.input_shape, shape))
        meant = "x".join(map(str, (entry.input_shape[0], *shape[-2:]))) if len(shape) > 1 else usual
        takes = f"{name} takes channels and {len(entry.input_shape) - 1} sizes, such as {usual}"
        raise UsageError(f"{takes}; found {typed}: give --input {meant}")
    notes = () if entry is None or entry.slip is None else (Note(None, "slip", entry.slip),)
    return lower(
        design,
        shape or (entry.input_shape if entry else DEFAULT_INPUT),
        name=name.lower() if entry else " ".join(name.split()),
        source="zoo" if entry else "notation",
        classes=classes or (entry.classes if entry else 1000),
        notes=notes,
    )


def check_typed(name: str) -> None:
    """Complain of what is no model's name and is recognised as something else."""
    if any(sign in name for sign in ".:/\\"):  # else it is a word or a design, and nothing more is imported
        from eyeshot.read.unreadable import check_readable

        check_readable(name)


def reader_named(name: str) -> Callable[[Any], Network]:
    """The network that a name stands for, by its input; a module is loaded once."""
    return _module_reader(name) if is_module_name(name) else partial(network_named, name)


def _module_reader(name: str) -> Callable[..., Network]:
    from eyeshot.read import jax, keras
    from eyeshot.read.loading import load_module

    module = load_module(name)
    if keras.is_keras_model(module):
        return lambda input_shape, example=None, with_lines=False: keras.read_model(module, input_shape, name=name)
    if jax.is_jax_model(module):
        return jax.Reading(module, name)
    from eyeshot.read.torch import read_module

    return partial(read_module, module, name=name, source=name)


def design_named(name: str) -> Design:
    """The design that a zoo name or notation stands for."""
    entry = entries().get(name.lower())
    if entry is not None:
        return replace(parse(entry.notation), text=entry.notation)
    try:
        return parse(name)
    except NotationError as error:
        near = nearest(name, entries())
        if not near and _BARE_NAME.fullmatch(name) and error.position == 0:
            from eyeshot.read.library_names import library_models

            models = library_models()
            near = [models[each] for each in nearest(name, models)]
        if near or (_BARE_NAME.fullmatch(name) and error.position == 0):
            hint = f"; did you mean {' or '.join(near)}?" if near else ";"
            raise UsageError(
                f"{quoted(name)} is no model of the zoo{hint} `eyeshot models` lists it. As a design: {error.message}"
            ) from error
        raise


@contextmanager
def naming(model: str) -> Iterator[None]:
    """Among several models: a failure names the one that it comes from, unless its message shows it already."""
    try:
        yield
    except EyeshotError as error:
        is_shown = isinstance(error, NotationError) and not isinstance(error, ShapeError)
        if not (is_shown or isinstance(error, MissingExtraError) or str(error).startswith((model, quoted(model)))):
            error.of(shortened(model, LONGEST_WORD))
        raise
