"""The state of a run after an epoch, saved and read back to the last bit.

No state of a random generator is in it: weights are drawn once from the seed, and order, augmentation and
dropout anew from seed and epoch.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from eyeshot import opening
from eyeshot.documents import converted, reason, seal_of, unsealed_bytes
from eyeshot.errors import RunError
from eyeshot.train.directory import RECORD, differences, told_apart, write
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Score, check_scores

_FORMAT = "eyeshot.checkpoint/2"


@dataclass(kw_only=True)
class State:
    """What a run carries from one epoch to the next, beside the weights."""

    scores: list[Score] = field(default_factory=list)
    seconds: float = 0.0
    """Training time so far."""
    images: int = 0
    """Images seen so far."""
    is_diverged: bool = False


def save(
    path: Path,
    recipe: Recipe,
    module: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    state: State,
    versions: Mapping[str, str],
    normalisation: Mapping[str, Sequence[float]],
) -> None:
    """Write the checkpoint with its digest, whole or not at all; ``normalisation`` goes with the weights.

    Raises:
        RunError: the disk is full; the former checkpoint is as it was.
    """
    values = {
        "format": _FORMAT,
        "recipe": recipe.to_json(),
        "state": asdict(state),
        "versions": dict(versions),
        "module": module.state_dict(),
        "optimiser": optimiser.state_dict(),
        "normalisation": {key: list(values) for key, values in normalisation.items()},
    }
    # In memory first: torch.save on a full disk fails with a RuntimeError that does not say so.
    buffer = io.BytesIO()
    torch.save(values, buffer)
    content = buffer.getbuffer()
    write(path, content, seal_of(content))


def restore(
    path: Path,
    recipe: Recipe,
    module: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    versions: Mapping[str, str],
    notice: Callable[[str], None],
) -> State:
    """Put a checkpoint's weights into a module and an optimiser; a fresh state where there is none to use.

    Whatever is wrong with one is reported and training starts again; module and optimiser are then as they were.
    """
    if not path.exists():
        return State()
    fresh = copy.deepcopy((module.state_dict(), optimiser.state_dict()))
    try:
        values = _read(path)
        state, there = _checked(values, recipe, module)
        optimiser.load_state_dict(values["optimiser"])
        module.load_state_dict(values["module"])
    except Exception as error:  # PyTorch meets damage with a dozen kinds, and none of them may block a study
        notice(f"{path}: cannot be read ({reason(error)}); this run starts again from its first epoch")
        module.load_state_dict(fresh[0])
        optimiser.load_state_dict(fresh[1])
        return State()
    if there != dict(versions):
        changed = "; ".join(differences(there, versions))
        notice(f"{path}: was made elsewhere ({changed}); the last digits may differ from an undisturbed run's")
    return state


def restore_weights(path: Path, recipe: Recipe, module: torch.nn.Module) -> None:
    """Put a checkpoint's weights into a module, to measure it.

    Raises:
        RunError: there are none, or not those of this recipe.
    """
    try:
        values = _read(path)
        _checked(values, recipe, module)
    except Exception as error:  # as above
        raise no_weights(path, reason(error)) from error
    module.load_state_dict(values["module"])


def no_weights(path: Path, why: str) -> RunError:
    """What is said where weights are gone that are to be measured."""
    return RunError(
        f"{path}: what was trained cannot be measured any more ({why}); leave the measure out, or delete"
        f" {path.with_name(RECORD)} to train it again"
    )


def _read(path: Path) -> Any:
    # PyTorch checks no sum of its archives. weights_only: a checkpoint from elsewhere must not run code.
    return torch.load(io.BytesIO(unsealed_bytes(opening.read(path))), weights_only=True, map_location="cpu")


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What a checkpoint holds beside its tensors."""

    format: Literal["eyeshot.checkpoint/2"]
    recipe: dict[str, Any]
    state: State
    versions: dict[str, str]
    module: dict[str, Any]
    optimiser: dict[str, Any]
    normalisation: dict[str, list[float]] = field(default_factory=dict)
    """Mean and deviation per channel of the images as trained on; missing in older checkpoints."""


def _checked(values: Any, recipe: Recipe, module: torch.nn.Module) -> tuple[State, dict[str, str]]:
    """The state and the versions in a checkpoint, found right before any weight is overwritten."""
    kept = converted(values, _Kept)
    if (owner := Recipe.from_json(kept.recipe)) != recipe:
        raise ValueError(f"it is that of another recipe: {told_apart(owner, recipe)}")
    check_scores(kept.state.scores, is_diverged=kept.state.is_diverged)
    if (kept.state.images, kept.state.seconds) != (kept.state.scores[-1].images, kept.state.scores[-1].seconds):
        raise ValueError("its state is not that of its last score")
    expected, there = ({name: (each.shape, each.dtype) for name, each in tensors.items()}
                       for tensors in (module.state_dict(), kept.module))  # fmt: skip
    if there != expected:
        raise ValueError("its weights are those of another network")
    # Parameters alone: buffers may hold what is infinite, such as masks.
    if not kept.state.is_diverged and not all(
        kept.module[name].isfinite().all() for name, _ in module.named_parameters()
    ):
        raise ValueError("its weights are not finite")
    return kept.state, kept.versions
