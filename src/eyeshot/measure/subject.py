"""What is measured: a network, and how to come by a module of it, with weights drawn at random or with its own."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eyeshot.design.named import network_named
from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.measure.images import Normalisation, Preparation, usual
from eyeshot.network.graph import Network

try:
    import torch
    from torch import nn
except ImportError:
    raise MissingExtraError("measuring gradients", "torch", "torch") from None

from eyeshot.build.anew import drawn_anew
from eyeshot.build.torch import build
from eyeshot.read.module_names import is_module_name, module_name
from eyeshot.read.pretrained import drawn_module, load_weights, picture_of, pretrained_module, trained_on
from eyeshot.read.torch import read_module
from eyeshot.train.data import way_in
from eyeshot.train.fitting import CROP, STRETCH


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network and its modules.

    Attributes:
        network: what the module was read as.
        make: a module; the seed decides its weights, None stands for the weights that it has.
        weights: whose weights, in words.
        input_shape: what it was read with.
        prepare: how it takes pictures; complains where it takes none.
        is_drawn: whether seeds decide the weights.
        is_read: whether the module is a user's, which was read, and not one that was built from the network.
        device: where the module is that was given; None where it is made.
        normalisation: what channels were brought to where the weights were trained; None where nothing tells.
    """

    network: Network
    make: Callable[[int | None], nn.Module]
    weights: str
    prepare: Callable[[], Preparation]
    is_drawn: bool
    is_read: bool = True
    input_shape: Any = None
    device: str | None = None
    normalisation: Normalisation | None = None

    def seeded(self, seed: int | None) -> nn.Module:
        """The module of a seed; the global random generator is as before afterwards."""
        if seed is None:
            return self.make(None)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make(seed)


def subject(model: Any, input_shape: Any, *, source: str, weights: Path | None = None) -> Subject:
    """What a user's model stands for.

    Args:
        model: a name, notation, a Network or a torch.nn.Module.
        input_shape: channels and sizes; the model's own, or 3×224×224, unless given.
        source: init or weights.
        weights: a file with the weights; the model's own unless given.

    Raises:
        UsageError: the model has no weights of its own, or cannot be drawn anew.
        ReadError: it cannot be loaded, or its weights are not here.
    """
    if weights is not None and source == "init":
        raise UsageError(f"--weights {weights}: source init draws its own; give --source weights")
    measured = _subject(model, input_shape, source, weights)
    images = None if weights is None else trained_on(weights)
    if images is None:
        return measured
    whose, way = f"as {weights} was trained", way_in(images.data)
    measured = replace(measured, normalisation=Normalisation(mean=images.mean, std=images.std, whose=whose))
    if way is None:
        return measured
    # by its folder's way to a size, whatever a library does for weights of its own
    return replace(
        measured,
        prepare=lambda: replace(measured.prepare(), way=way, resize=None, interpolation="bilinear"),
    )


def _subject(model: Any, input_shape: Any, source: str, weights: Path | None) -> Subject:
    if isinstance(model, Network) or (isinstance(model, str) and not is_module_name(model)):
        network = model if isinstance(model, Network) else network_named(model, input_shape)
        return _of_design(network, source, weights)
    if isinstance(model, str):
        return _of_name(model, input_shape, source, weights)
    return _of_module(getattr(model, "_orig_mod", model), input_shape, source, weights)  # of a compiled module


def _of_design(network: Network, source: str, weights: Path | None) -> Subject:
    def make(seed: int | None) -> nn.Module:
        module = build(network)
        if weights is not None:
            load_weights(module, weights)
        return module

    if source == "weights" and weights is None:
        is_file = network.source in ("onnx", "keras")
        why = "weights in a file of a model are not read" if is_file else "a design has no weights of its own"
        raise UsageError(
            f"{network.name}: {why}; give them with --weights FILE (checkpoint.pt of a training run, or a state dict)"
        )
    words = "weights drawn after He and Glorot" if weights is None else f"weights from {weights}"
    return Subject(
        network=network,
        make=make,
        weights=words,
        prepare=lambda: usual(network.input.shape[1:]),
        is_drawn=source == "init",
        is_read=False,
    )


def _of_name(name: str, input_shape: Any, source: str, weights: Path | None) -> Subject:
    asked = module_name(name)
    library, is_library = asked.source, asked.is_of_library
    picture = picture_of(name) if is_library else None
    if picture is not None and input_shape is None:
        input_shape = (3, *picture.size)
    network = network_named(name, input_shape)

    def prepare() -> Preparation:
        shape = network.input.shape[1:]
        if picture is None or picture.size != shape[1:] or len(picture.mean) != shape[0]:
            return usual(shape)
        return Preparation(
            size=picture.size,
            way=STRETCH if picture.resize is None else CROP,
            resize=picture.resize,
            mean=picture.mean,
            std=picture.std,
            interpolation=picture.interpolation,
            whose=f"{library}'s for this model",
        )

    if source == "init":
        words = f"weights drawn as {library if is_library else 'the model itself'} draws them"
        return Subject(
            network=network,
            make=lambda seed: drawn_module(name),
            weights=words,
            prepare=prepare,
            is_drawn=True,
            input_shape=input_shape,
        )
    if weights is not None:
        module = drawn_module(name)
        load_weights(module, weights)
        words = f"weights from {weights}"
    elif is_library:
        module, words = pretrained_module(name)
    else:
        module, words = drawn_module(name), "the model's own weights"
    return Subject(
        network=network,
        make=lambda seed: module,
        weights=words,
        prepare=prepare,
        is_drawn=False,
        input_shape=input_shape,
    )


def _of_module(module: Any, input_shape: Any, source: str, weights: Path | None) -> Subject:
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"a {type(module).__name__} has no gradients to measure: give a name, a Network or a torch.nn.Module"
        )
    network = read_module(module, input_shape, name=type(module).__name__, source="torch")

    def make(seed: int | None) -> nn.Module:
        return module if seed is None else drawn_anew(module)

    if weights is not None:
        module = copy.deepcopy(module)
        load_weights(module, weights)
    words = "the module's own weights" if weights is None else f"weights from {weights}"
    if source == "init":
        words = "weights drawn as each layer draws its own"
    return Subject(
        network=network,
        make=make,
        weights=words,
        prepare=lambda: usual(network.input.shape[1:]),
        is_drawn=source == "init",
        input_shape=input_shape,
        device=_device_of(module),
    )


def _device_of(module: nn.Module) -> str | None:
    parameter = next(module.parameters(), None)
    return None if parameter is None else str(parameter.device)


def digest(module: nn.Module) -> str:
    """A hash of all weights and buffers, for a resumed run to know its module by."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode("utf-8", "surrogatepass"))
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
