"""How much memory does a module's forward pass hold at once, as PyTorch runs it?

A planner's minimum frees a tensor after its last use; PyTorch frees it when Python lets go of it, and a function holds
its arguments until it returns. So the pass is run once on tensors without numbers, and every block of memory is watched
from its making to its end. To that come what convolutions copy for their kernels, as oneDNN does on processors:

    float32    the input with its channels filled up to a multiple of 16, for kernels larger than 1
    others     a column of the kernel's inputs for each output position
    transposed a column for each input position, twice
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from eyeshot.errors import MissingExtraError

try:
    import torch
    from torch import nn
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.nn.utils.stateless import _reparametrize_module
    from torch.utils._python_dispatch import TorchDispatchMode
except ImportError:
    raise MissingExtraError("watching a forward pass", "torch", "torch") from None

from eyeshot.read.snapshot import left_as_it_was
from eyeshot.read.state import in_evaluation, modules_in

_BLOCK = 16
"""Channels that oneDNN puts side by side."""


class Watch(TorchDispatchMode):
    """Bytes alive at once, at the highest."""

    def __init__(self, on_processor: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.on_processor, self.peak = on_processor, 0
        self._alive: dict[Any, int] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: PyTorch would import its compiler for that, which takes seconds."""
        return False

    def hold(self, value: Any) -> None:
        """Count the memory of a tensor, or of those in a tuple."""
        for tensor in value if isinstance(value, list | tuple) else [value]:
            if isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided:
                storage = tensor.untyped_storage()
                self._alive[StorageWeakRef(storage)] = storage.nbytes()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """PyTorch's entry: called for every op."""
        out = func(*args, **(kwargs or {}))
        self.hold(out)
        self._alive = {ref: size for ref, size in self._alive.items() if not ref.expired()}
        more = _copied(func, args, out) if self.on_processor else 0
        self.peak = max(self.peak, sum(self._alive.values()) + more)
        return out


def _copied(func: Any, args: Any, out: Any) -> int:
    """Bytes that a convolution copies."""
    if func._schema.name not in ("aten::convolution", "aten::_convolution"):
        return 0
    x, weight, is_transposed = args[0], args[1], bool(args[6])
    kernel = math.prod(weight.shape[2:])
    positions = math.prod(x.shape[2:]) * x.shape[0]
    if is_transposed:
        columns = out.shape[1] * kernel * positions
        return int(2 * columns * x.element_size())
    if kernel == 1:
        return 0
    if x.dtype == torch.float32:
        return int(-(-x.shape[1] // _BLOCK) * _BLOCK * positions * 4)
    return int(x.shape[1] * kernel * math.prod(out.shape[2:]) * x.element_size())


def peak(module: nn.Module, run: Callable[[], Any], inputs: Sequence[torch.Tensor]) -> int | None:
    """Bytes that a forward pass holds at once, weights left out; None where it cannot be run without numbers.

    Args:
        module: whose weights stand in without numbers while it runs.
        run: runs it on ``inputs``, tensors without numbers.
        inputs: what goes in, which is held all the time.
    """
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    bare = {name: torch.empty_like(tensor, device="meta") for name, tensor in state.items()}
    watch = Watch(on_processor=all(tensor.device.type in ("cpu", "meta") for tensor in state.values()))
    watch.hold(list(inputs))
    modules = modules_in(module)
    try:
        with (
            left_as_it_was([child for _, child in modules]),
            in_evaluation(modules),
            warnings.catch_warnings(),
            torch.no_grad(),
            _reparametrize_module(module, bare),
            watch,
        ):
            warnings.simplefilter("ignore")
            run()
    except Exception:  # a user's own code may want numbers in any way
        return None
    return watch.peak
