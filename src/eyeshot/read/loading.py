"""From ``library:model``, ``package.module:factory`` or ``file.py:factory`` to a module, without weights.

What such names look like, arguments included, is said in ``module_names``.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from eyeshot.errors import MissingExtraError, ReadError, UsageError
from eyeshot.nearest import did_you_mean
from eyeshot.read.module_names import ModuleName, module_name
from eyeshot.read.users_code import make, settings


def load_module(name: str) -> Any:
    """The torch.nn.Module that a name stands for; or what else the user's own code makes, of Keras or of JAX.

    A library's model is built without weights and, where it can be, without memory for them. Any other name runs the
    user's own code.

    Raises:
        ReadError: if there is no such library, model, file or factory, or if it fails.
        MissingExtraError: if torch is not installed, and the name is a library's, or the user's code imports it.
    """
    asked = module_name(name)
    if not asked.is_of_library:
        return make(asked, repair=_repair)
    try:
        import torch
    except ImportError:
        raise MissingExtraError(f"reading {name}", "torch", "torch") from None
    check_arguments(asked)
    try:
        with torch.device("meta"):
            return _from_library(asked)
    except NotImplementedError:
        return _from_library(asked)


def settings_of(name: str) -> dict[str, Any]:
    """The arguments with which what a name stands for is made: those given, and what the user's own code has else.

    Raises:
        ReadError: there is no such code, or it takes other arguments.
    """
    asked = module_name(name)
    return dict(asked.arguments) if asked.is_of_library else settings(asked, repair=_repair)


def _repair() -> Any:
    return not _kept and import_torchvision()


def check_arguments(asked: ModuleName) -> None:
    """Complain of arguments that ask a library for weights."""
    for argument in ("pretrained", "weights", "weights_backbone", "checkpoint_path"):
        if argument in asked.arguments:
            raise UsageError(
                f"{asked.target}: {argument} asks for weights, which fields and costs do not depend on; leave it out"
                " (`effective --source weights` uses those on this machine)"
            )


def _from_library(asked: ModuleName) -> Any:
    build: Callable[..., Any]
    if asked.source == "torchvision":
        models = import_torchvision()
        names, build = models.list_models(), _build_torchvision
    else:
        timm = import_timm()
        names, build = timm.list_models(), timm.create_model
    check_known(asked.source, asked.attribute, names)
    return built_with(build, asked)


def built_with(build: Callable[..., Any], asked: ModuleName, **settings: Any) -> Any:
    """A library's model, built with the arguments that were asked for."""
    try:
        return build(asked.attribute, **settings, **asked.arguments)
    except NotImplementedError:
        raise
    except Exception as error:
        if not asked.arguments:
            raise
        given = ", ".join(f"{key}={value!r}" for key, value in asked.arguments.items())
        raise ReadError(f"{asked.target} cannot be built with {given}: {type(error).__name__}: {error}") from error


def check_known(library: str, model: str, names: list[str]) -> None:
    """Complain of a model that a library does not have."""
    if model not in names:
        raise ReadError(
            f"{library} has no model {model!r}; {did_you_mean(model, names) or f'it has {len(names)} others'}"
        )


def _build_torchvision(model: str, **arguments: Any) -> Any:
    from torchvision.models import get_model, get_model_builder

    quick: dict[str, Any] = {"init_weights": False} if model in {"googlenet", "inception_v3"} else {}
    if "weights_backbone" in inspect.signature(get_model_builder(model)).parameters:
        quick["weights_backbone"] = None
    return get_model(model, weights=None, **(quick | arguments))


def import_torchvision() -> Any:
    """torchvision.models, also where its compiled part does not fit the torch at hand (a CPU build, say).

    The architectures are plain Python; only the schemas of two compiled ops must exist for the import to pass.
    """
    import torch

    try:
        return importlib.import_module("torchvision.models")
    except ModuleNotFoundError as error:
        raise _missing("torchvision", error) from None
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise ReadError(f"torchvision cannot be imported: {error}") from error
    for loaded in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[loaded]
    library = torch.library.Library("torchvision", "FRAGMENT")
    _kept.append(library)
    for op in ("nms", "qnms"):
        library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("torchvision.models")


_kept: list[Any] = []
"""Library fragments; their ops last as long as they do."""


def import_timm() -> Any:
    """timm, which itself imports torchvision."""
    import_torchvision()
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise _missing("timm", error) from None


def _missing(library: str, error: ModuleNotFoundError) -> MissingExtraError:
    """The library itself is missing, or one that it imports."""
    absent = (error.name or library).partition(".")[0]
    return MissingExtraError(f"a model of {library}", absent)
