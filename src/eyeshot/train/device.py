"""On what a trial computes: the processor, a GPU of NVIDIA's or AMD's (`cuda`), or Apple's (`mps`)."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Literal, get_args

from eyeshot.errors import UsageError

Device = Literal["cpu", "cuda", "mps"]
DEVICES: tuple[Device, ...] = get_args(Device)


def device_for(asked: str | None) -> Device | None:
    """The device that a plan names, None for the processor; ``asked`` is "auto" or None for the fastest there is.

    Raises:
        UsageError: there is no such device here.
    """
    if asked in (None, "auto"):
        there = _present() if _may_have_gpu() else []
        return there[0] if there else None
    device = named(asked)
    if device == "cpu":
        return None
    if device not in (there := _present()):
        raise UsageError(
            f"device {device}: PyTorch finds none here; there is {', '.join([*there, 'cpu'])}"
            + (" (its build is for processors alone)" if device == "cuda" and not _is_built_for_cuda() else "")
        )
    return device


def named(asked: str | None) -> Device:
    """The device of that name, whether there is one here or not.

    Raises:
        UsageError: there is no such name.
    """
    for device in DEVICES:
        if asked == device:
            return device
    raise UsageError(f"device {asked!r}: needed is auto, {', '.join(DEVICES[:-1])} or {DEVICES[-1]}")


def _may_have_gpu() -> bool:
    """Told without PyTorch, which takes a second to import: who plans and waits does without it where it can."""
    is_apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return is_apple or any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()


def _present() -> list[Device]:
    import torch

    there: list[Device] = []
    if torch.cuda.is_available():
        there.append("cuda")
    if torch.backends.mps.is_available():
        there.append("mps")
    return there


def _is_built_for_cuda() -> bool:
    import torch

    return bool(torch.backends.cuda.is_built())
