"""The state of a run after an epoch, saved and read back to the last bit.

No state of a random generator is in it: weights are drawn once from the seed, and order, augmentation and
dropout anew from seed and epoch.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from eyeshot.train.directory import differences, write
from eyeshot.train.record import Score

_FORMAT = "eyeshot.checkpoint/1"


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
    module: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    state: State,
    versions: Mapping[str, str],
) -> None:
    """Write the checkpoint, whole or not at all.

    Raises:
        RunError: the disk is full; the former checkpoint is as it was.
    """
    values = {
        "format": _FORMAT,
        "state": {**asdict(state), "scores": [asdict(score) for score in state.scores]},
        "versions": dict(versions),
        "module": module.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    # In memory first: torch.save on a full disk fails with a RuntimeError that does not say so.
    buffer = io.BytesIO()
    torch.save(values, buffer)
    write(path, buffer.getvalue())


def restore(
    path: Path,
    module: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    versions: Mapping[str, str],
    notice: Callable[[str], None],
) -> State:
    """Put a checkpoint's weights into a module and an optimiser; a fresh state where there is none to use.

    One that cannot be read is reported and training starts again; `module` is then as it was.
    """
    try:
        # weights_only: a checkpoint from elsewhere must not run code.
        values: dict[str, Any] = torch.load(path, weights_only=True)
        if values["format"] != _FORMAT:
            raise ValueError(f"format {values['format']!r}, needed is {_FORMAT!r}")
        state = State(**{**values["state"], "scores": [Score(**score) for score in values["state"]["scores"]]})
        _check_fit(module, values["module"])
        optimiser.load_state_dict(values["optimiser"])
        module.load_state_dict(values["module"])
    except FileNotFoundError:
        return State()
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        pickle.UnpicklingError,
    ) as error:
        # PyTorch's own messages run over pages and advise to load unsafely.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0]
        notice(f"{path}: cannot be read ({reason}); this run starts again from its first epoch")
        optimiser.state.clear()
        return State()
    if values["versions"] != dict(versions):
        changed = "; ".join(differences(values["versions"], versions))
        notice(f"{path}: was made elsewhere ({changed}); the last digits may differ from an undisturbed run's")
    return state


def _check_fit(module: torch.nn.Module, saved: Mapping[str, torch.Tensor]) -> None:
    """Tensors must have the module's names and shapes, found out before any is overwritten."""
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in saved.items()}:
        raise ValueError("its weights are those of another network")
