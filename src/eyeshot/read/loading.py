"""From ``library:model``, ``package.module:factory`` or ``file.py:factory`` to a module, without weights."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

from eyeshot.errors import MissingExtraError, ReadError
from eyeshot.opening import what_is_at
from eyeshot.shown import said

LIBRARIES = ("torchvision", "timm")


def load_module(name: str) -> Any:
    """The torch.nn.Module that a name stands for.

    A library's model is built without weights and, where it can be, without memory for them. Any other name runs the
    user's own code.

    Raises:
        ReadError: if there is no such library, model, file or factory, or if it fails.
        MissingExtraError: if torch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError(f"reading {name}", "torch", "torch") from None
    source, _, model = name.rpartition(":")
    if source in LIBRARIES:
        try:
            with torch.device("meta"):
                return _from_library(source, model)
        except NotImplementedError:
            return _from_library(source, model)
    return _from_factory(source, model)


def _from_library(library: str, model: str) -> Any:
    if library == "torchvision":
        models = import_torchvision()
        names, build = models.list_models(), _build_torchvision
    else:
        import_torchvision()
        timm = import_library(library)
        names, build = timm.list_models(), timm.create_model
    check_known(library, model, names)
    return build(model)


def check_known(library: str, model: str, names: list[str]) -> None:
    """Complain of a model that a library does not have."""
    if model not in names:
        near = difflib.get_close_matches(model, names, 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; it has {len(names)} others"
        raise ReadError(f"{library} has no model {model!r}{hint}")


def _build_torchvision(model: str) -> Any:
    from torchvision.models import get_model, get_model_builder

    quick: dict[str, Any] = {"init_weights": False} if model in {"googlenet", "inception_v3"} else {}
    if "weights_backbone" in inspect.signature(get_model_builder(model)).parameters:
        quick["weights_backbone"] = None
    return get_model(model, weights=None, **quick)


def import_torchvision() -> Any:
    """torchvision.models, also where its compiled part does not fit the torch at hand (a CPU build, say).

    The architectures are plain Python; only the schemas of two compiled ops must exist for the import to pass.
    """
    import torch

    try:
        return importlib.import_module("torchvision.models")
    except ModuleNotFoundError:
        raise MissingExtraError("a torchvision model", "torchvision", "torch") from None
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


def import_library(library: str) -> Any:
    """A library by its name."""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError:
        raise ReadError(f"{library} is not installed: pip install {library}") from None


def _from_factory(source: str, attribute: str) -> Any:
    name = f"{source}:{attribute}"
    scope = _users_code(source, name)
    factory: Any = scope
    for part in attribute.split("."):
        if not hasattr(factory, part):
            callables = [n for n, v in vars(scope).items() if callable(v) and not n.startswith("_")]
            raise ReadError(f"{source} has no {attribute!r}; it has {', '.join(callables) or 'nothing to call'}")
        factory = getattr(factory, part)
    import torch

    if isinstance(factory, torch.nn.Module):
        return factory
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise ReadError(f"{name}: calling it without arguments failed: {_kind_and_words(error)}") from error


def _kind_and_words(error: BaseException) -> str:
    words = said(error)
    return words if isinstance(error, SystemExit) else f"{type(error).__name__}: {words}"


def _users_code(source: str, name: str) -> Any:
    """The module that a file or a dotted name stands for, run."""
    try:
        return _run_file(Path(source)) if source.endswith(".py") else importlib.import_module(source)
    except ReadError:
        raise
    except ModuleNotFoundError as error:
        raise ReadError(f"{name}: cannot import {error.name!r} (run from the folder that holds it?)") from error
    except (Exception, SystemExit) as error:
        if "torchvision::" in str(error) and not _kept:
            import_torchvision()
            return _users_code(source, name)
        raise ReadError(f"{name}: running {source} failed: {_kind_and_words(error)}") from error


def _run_file(path: Path) -> Any:
    there = what_is_at(path)
    if there != "a file":
        raise ReadError(f"{path}: {'no such file' if there == 'nothing' else f'{there}, not a file'}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
