"""Modules with numbers in them: drawn at random, or a library's trained weights where they lie on this machine.

Nothing is ever downloaded: a file is used where the library itself would keep it.
"""

from __future__ import annotations

import difflib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from eyeshot.documents import SEAL_LENGTH, has_seal, unsealed_bytes
from eyeshot.errors import MissingExtraError, ReadError
from eyeshot.opening import opened
from eyeshot.read import loading
from eyeshot.read.module_names import ModuleName, module_name


@dataclass(frozen=True, kw_only=True)
class Picture:
    """How a library prepares pictures for a model; ``resize`` None stretches them to ``size``."""

    size: tuple[int, ...]
    resize: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str


def drawn_module(name: str) -> Any:
    """The module that a name stands for, its weights drawn from PyTorch's generator.

    A callable of the user's is called anew; what it loads or draws is its own business.

    Raises:
        ReadError: as for ``load_module``.
    """
    asked = module_name(name)
    if not asked.is_of_library:
        return loading.load_module(name)
    loading.check_arguments(asked)
    return _torchvision(asked, None) if asked.source == "torchvision" else _timm(asked)


def pretrained_module(name: str) -> tuple[Any, str]:
    """A library's model with trained weights that are on this machine, and in words whose they are.

    Raises:
        ReadError: there is no such model, or no weights of it here; says where they would have to be.
    """
    asked = module_name(name)
    loading.check_arguments(asked)
    if asked.source == "torchvision":
        choices = _torchvision_weights(asked.attribute)
        for weights, path in choices.items():
            if path.is_file():
                return _torchvision(asked, weights), f"torchvision's {weights.name} from {path}"
        raise _absent(name, [str(path) for path in choices.values()])
    path = _timm_file(asked.attribute)
    return _timm(asked, pretrained_cfg_overlay={"file": str(path)}, pretrained=True), f"timm's, from {path}"


def picture_of(name: str) -> Picture | None:
    """How a library's model takes pictures; None where nothing says."""
    asked = module_name(name)
    library, model = asked.source, asked.attribute
    if library == "torchvision":
        weights = next(iter(_torchvision_weights(model)), None)
        if weights is None:
            return None
        transform = weights.transforms()
        if not hasattr(transform, "crop_size"):
            return None
        size = (transform.crop_size[0],) * 2
        method = transform.interpolation.value
        return Picture(
            size=size,
            resize=transform.resize_size[0],
            mean=tuple(transform.mean),
            std=tuple(transform.std),
            interpolation=method,
        )
    if library == "timm":
        cfg = loading.import_timm().models.get_pretrained_cfg(model)
        if cfg is None:
            return None
        size = tuple(cfg.input_size[1:])
        # timm cuts the share crop_pct out of the resized picture; other modes than center stretch it.
        resize = int(min(size) / cfg.crop_pct) if cfg.crop_mode == "center" else None
        return Picture(size=size, resize=resize, mean=cfg.mean, std=cfg.std, interpolation=cfg.interpolation)
    return None


def load_weights(module: Any, path: Path) -> None:
    """Put the weights in a file into a module: a state dict, or a checkpoint that holds one.

    Raises:
        ReadError: the file cannot be read, or its weights are not the module's; says which.
    """
    import torch

    state = _state_in(path)
    for key in ("module", "state_dict", "model", "model_state_dict"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ReadError(f"{path}: holds no state dict (names with tensors); save module.state_dict()")
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    there = {str(name).removeprefix("module."): tensor for name, tensor in state.items()}
    for name, shape in shapes.items():
        if name not in there:
            near = difflib.get_close_matches(name, there, 1)
            raise ReadError(f"{path}: has no {name!r}{f'; the nearest is {near[0]!r}' if near else ''}")
        if tuple(there[name].shape) != shape:
            raise ReadError(f"{path}: {name} is {tuple(there[name].shape)} there, and {shape} in the model")
    module.load_state_dict({name: there[name] for name in shapes})


class TrainedOn(NamedTuple):
    """What a training run's checkpoint says of its images: mean and deviation per channel, and which they were."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    data: str


def trained_on(path: Path) -> TrainedOn | None:
    """What the images were that the weights in a file were trained on; None where it does not tell.

    Raises:
        ReadError: as for ``load_weights``.
    """
    values = _state_in(path)
    kept = values.get("normalisation") if isinstance(values, Mapping) else None
    if not isinstance(kept, Mapping) or not {*kept} >= {"mean", "std"}:
        return None
    recipe = values.get("recipe")
    data = recipe.get("data") if isinstance(recipe, Mapping) else None
    return TrainedOn(tuple(kept["mean"]), tuple(kept["std"]), data if isinstance(data, str) else "")


def _state_in(path: Path) -> Any:
    """What a file of weights holds, read without running code from it.

    Raises:
        ReadError: it cannot be read.
    """
    try:
        with opened(path) as file:
            return _read_weights(path, file)
    except MissingExtraError:
        raise
    except OSError as error:
        raise ReadError(f"{path}: cannot be read as weights ({error.strerror or error})") from error
    except Exception as error:  # torch and pickle meet damage with a dozen kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0]
        raise ReadError(f"{path}: cannot be read as weights ({reason})") from error


def _read_weights(path: Path, file: BinaryIO) -> Any:
    if path.suffix == ".safetensors":
        try:
            from safetensors.torch import load_file
        except ModuleNotFoundError:
            raise MissingExtraError(f"reading {path}", "safetensors") from None
        return load_file(path)
    import torch

    # PyTorch checks no sums of its archives; a checkpoint of ours brings one.
    file.seek(-min(file.seek(0, os.SEEK_END), SEAL_LENGTH), os.SEEK_END)
    is_sealed = has_seal(file.read())
    file.seek(0)
    if is_sealed:
        file = io.BytesIO(unsealed_bytes(file.read()))
    # weights_only: a file from elsewhere must not run code.
    return torch.load(file, map_location="cpu", weights_only=True)


def _torchvision(asked: ModuleName, weights: Any) -> Any:
    models = loading.import_torchvision()
    loading.check_known("torchvision", asked.attribute, models.list_models())
    from inspect import signature

    extra: dict[str, Any] = {}
    if "weights_backbone" in signature(models.get_model_builder(asked.attribute)).parameters:
        extra["weights_backbone"] = None
    return loading.built_with(models.get_model, asked, weights=weights, **extra)


def _torchvision_weights(model: str) -> dict[Any, Path]:
    """The weights that torchvision knows for a model, its default first, and where it keeps each."""
    import torch

    models = loading.import_torchvision()
    loading.check_known("torchvision", model, models.list_models())
    known = models.get_model_weights(model)
    if not list(known):
        return {}
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return {weights: folder / weights.url.rsplit("/", 1)[-1] for weights in (known.DEFAULT, *known)}


def _timm(asked: ModuleName, **settings: Any) -> Any:
    timm = loading.import_timm()
    loading.check_known("timm", asked.attribute.partition(".")[0], timm.list_models())
    return loading.built_with(timm.create_model, asked, **settings)


def _timm_file(model: str) -> Path:
    """Where the trained weights of one of timm's models lie on this machine."""
    import torch

    timm = loading.import_timm()
    loading.check_known("timm", model.partition(".")[0], timm.list_models())
    cfg = timm.models.get_pretrained_cfg(model)
    places = []
    if cfg is not None and cfg.hf_hub_id:
        try:
            from huggingface_hub import try_to_load_from_cache
        except ModuleNotFoundError:
            raise MissingExtraError(f"finding weights of timm:{model}", "huggingface_hub") from None
        for file in (cfg.hf_hub_filename or "model.safetensors", "pytorch_model.bin"):
            cached = try_to_load_from_cache(cfg.hf_hub_id, file)
            if isinstance(cached, str):
                return Path(cached)
        places.append(f"the Hugging Face cache, as {cfg.hf_hub_id}")
    if cfg is not None and cfg.url:
        path = Path(torch.hub.get_dir()) / "checkpoints" / str(cfg.url).rsplit("/", 1)[-1]
        if path.is_file():
            return path
        places.append(str(path))
    raise _absent(f"timm:{model}", places)


def _absent(name: str, places: list[str]) -> ReadError:
    if not places:
        return ReadError(f"{name}: its library has no trained weights for it; give yours with --weights FILE")
    return ReadError(
        f"{name}: no trained weights of it on this machine (looked for {' and '.join(dict.fromkeys(places))});"
        " nothing is downloaded: put them there, or give a file with --weights FILE"
    )
