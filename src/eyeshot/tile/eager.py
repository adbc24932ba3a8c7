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
from collections.abc import Callable, Mapping, Sequence
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

from eyeshot.read.aten.pointwise import CHANGING, POINTWISE
from eyeshot.read.shapes import alike, output_of
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
        kwargs = kwargs or {}
        name = func._schema.name.removeprefix("aten::")
        arguments = {each.name: each.default_value for each in func._schema.arguments}
        arguments |= {**dict(zip(list(arguments), args, strict=False)), **kwargs}
        # much of PyTorch is written in Python for tensors without numbers, and imports much
        out = _like(name, arguments) if name.rstrip("_") in _OF_ONE else output_of(name, arguments)
        if out is None and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            with self:
                out = func.decompose(*args, **kwargs)
        elif out is None:
            out = func(*args, **kwargs)
        self.hold(out)
        self._alive = {ref: size for ref, size in self._alive.items() if not ref.expired()}
        more = _copied(name, arguments, out) if self.on_processor else 0
        self.peak = max(self.peak, sum(self._alive.values()) + more)
        return out


_OF_ONE = frozenset(POINTWISE) - CHANGING | {"dropout", "feature_dropout", "alpha_dropout"}
"""Functions of one element: what they give has the shape and type of what they take."""


def _like(name: str, arguments: Mapping[str, Any]) -> torch.Tensor | None:
    """What such a function gives; itself where it is written in place, or in evaluation mode left out."""
    x = arguments.get("self", arguments.get("input"))
    if not isinstance(x, torch.Tensor) or not x.dtype.is_floating_point:
        return None
    return x if name.endswith("_") or "dropout" in name else alike(x)


def _copied(name: str, arguments: Mapping[str, Any], out: Any) -> int:
    """Bytes that an op takes besides its output while it runs."""
    if name.startswith("max_pool"):  # where each maximum was
        return int(8 * out.numel())
    if not name.startswith("conv"):
        return 0
    x, weight = arguments["input"], arguments["weight"]
    kernel = math.prod(weight.shape[2:])
    positions = math.prod(x.shape[2:]) * x.shape[0]
    if name.startswith("conv_transpose"):
        return int(2 * out.shape[1] * kernel * positions * x.element_size())
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
    # empty_like is written in Python for such tensors, and imports much
    bare = {name: torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device="meta") for name, t in state.items()}
    watch = Watch(on_processor=all(tensor.device.type in ("cpu", "meta") for tensor in state.values()))
    watch.hold(list(inputs))
    modules = modules_in(module)
    try:
        with (
            left_as_it_was([child for _, child in modules]),
            in_evaluation(modules),
            warnings.catch_warnings(),
            torch.inference_mode(),
            _reparametrize_module(module, bare),
            watch,
        ):
            warnings.simplefilter("ignore")
            run()
    except Exception:  # a user's own code may want numbers in any way
        return None
    return watch.peak
