"""Where a run takes place: versions for its record, and settings under which PyTorch repeats its numbers."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

PROCESSOR = torch.device("cpu")


def versions(threads: int, device: torch.device = PROCESSOR) -> dict[str, str]:
    """What the numbers of a run may depend on."""
    # A plain str for PyTorch's version: a checkpoint with its own class in it would not load again.
    return {
        "eyeshot": _eyeshot(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": _processor() if device.type == "cpu" else _accelerator(device),
        "threads": str(threads),
    }


def _eyeshot() -> str:
    try:
        return importlib.metadata.version("eyeshot")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The processor's name with what PyTorch uses of it, since both change the last bits."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or a processor without a name: the architecture says enough
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def _accelerator(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA {torch.version.cuda or torch.version.hip})"
    return f"{platform.machine()} ({device.type})"


@contextmanager
def repeatable(threads: int, device: torch.device = PROCESSOR) -> Iterator[None]:
    """PyTorch with a fixed number of threads and repeatable algorithms, put back at the end."""
    if device.type == "cuda":
        # cuBLAS repeats its sums with a workspace of its own only; read when the first product is computed.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    former = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    former_warn = torch.is_deterministic_algorithms_warn_only_enabled()
    filling: Any = torch.utils.deterministic  # a module that PyTorch swaps for an object, which no type tells
    former_fill = filling.fill_uninitialized_memory
    torch.set_num_threads(threads)
    # Only warn: an operation without a repeatable form must not forbid a user's model.
    _use_deterministic_algorithms(True, warn_only=True)
    # Filling fresh memory finds bugs in PyTorch and costs time on every step.
    filling.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []):
            yield
    finally:
        torch.set_num_threads(former[0])
        _use_deterministic_algorithms(former[1], warn_only=former_warn)
        filling.fill_uninitialized_memory = former_fill


def _use_deterministic_algorithms(mode: bool, *, warn_only: bool) -> None:
    # PyTorch's own function imports its compiler to tell it too, which takes 1.7 s, and nothing is compiled here.
    if "torch._inductor" in sys.modules:
        torch.use_deterministic_algorithms(mode, warn_only=warn_only)
    else:
        torch._C._set_deterministic_algorithms(mode, warn_only=warn_only)
