"""What holds of every module that is read: it is as before, it is refused where PyTorch refuses it, and it costs what
PyTorch counts.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.flop_counter import flop_registry

from eyeshot.api.report import Report
from eyeshot.errors import EyeshotError, ReadError

Inputs = tuple[tuple[Any, ...], dict[str, Any]]
_PLAIN = (str, bytes, int, float, complex, bool, type(None), torch.dtype, torch.device, torch.Size)
_NEVER_LOOKED_INTO = (type, types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType)


def state_of(module: nn.Module) -> dict[str, Any]:
    """All that a module holds, by its path, down to what its lists, dictionaries and helpers hold.

    Tensors by identity, device and bits, so that a stand-in or another number is seen, and with their gradients.
    """
    state: dict[str, Any] = {}
    _look(module, "", state, {})
    return state


def _look(value: Any, path: str, state: dict[str, Any], known: dict[int, str]) -> None:
    if isinstance(value, _PLAIN):
        state[path] = repr(value)
        return
    state[path] = f"{type(value).__name__} {id(value)}"
    if id(value) in known or isinstance(value, _NEVER_LOOKED_INTO):
        return
    known[id(value)] = path
    if isinstance(value, torch.Tensor):
        state[f"{path} as a tensor"] = _tensor(value)
        _look(value.grad if value.is_leaf else None, f"{path}.grad", state, known)
    elif isinstance(value, np.ndarray):
        state[f"{path} as an array"] = value.tobytes()
    elif isinstance(value, Mapping):
        state[f"{path} keys"] = repr(list(value)) if all(isinstance(key, _PLAIN) for key in value) else len(value)
        for key, each in list(value.items()):
            _look(each, f"{path}[{key!r}]", state, known)
    elif isinstance(value, list | tuple | set | frozenset):
        state[f"{path} length"] = len(value)
        for i, each in enumerate(value):
            _look(each, f"{path}[{i}]", state, known)
    held = getattr(value, "__dict__", None)
    if isinstance(held, dict):
        state[f"{path} attributes"] = repr(list(held))
        for key, each in list(held.items()):
            _look(each, f"{path}.{key}", state, known)


def _tensor(tensor: torch.Tensor) -> object:
    about = (str(tensor.device), str(tensor.dtype), tuple(tensor.shape), tensor.requires_grad)
    if tensor.device.type == "meta" or tensor.layout != torch.strided or tensor.is_quantized:
        return about
    return (*about, _bits(tensor))


def _bits(tensor: torch.Tensor) -> bytes:
    flat = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def reading_leaves_the_module_as_it_was(module: nn.Module, read: Callable[[], object], inputs: Inputs) -> Iterator[str]:
    """`__dict__` deep, hooks, mode, gradients, and, bit by bit, what the module makes of an input."""
    before = state_of(module)
    read()
    yield from changes(before, state_of(module))
    # the forward pass may keep what it likes: it is compared with the pass of a module that was never read
    twin = copy.deepcopy(module)
    read()
    for i, (one, other) in enumerate(zip(_run(twin, inputs), _run(module, inputs), strict=True)):
        if one != other:
            yield f"its output {i} is another one after reading"


def changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path):
            yield f"{path or 'the module'} is another one after reading"


def _run(module: nn.Module, inputs: Inputs) -> list[object]:
    torch.manual_seed(0)
    with torch.no_grad():
        outputs = module(*inputs[0], **inputs[1])
    return [_tensor(leaf) if isinstance(leaf, torch.Tensor) else repr(leaf) for leaf in tree_leaves(outputs)]


def what_pytorch_refuses_is_refused(module: nn.Module, read: Callable[[], object], inputs: Inputs) -> Iterator[str]:
    """A module that cannot run cannot be read, and one that runs is read."""
    refusal = read_refusal = None
    try:
        _run(module, inputs)
    except Exception as error:
        refusal = error
    try:
        read()
    except ReadError as error:
        read_refusal = error
    if refusal is not None and read_refusal is None:
        yield f"PyTorch refuses it, and it is read: {_first_line(refusal)}"
    if refusal is None and read_refusal is not None:
        yield f"PyTorch runs it, and it is not read: {_first_line(read_refusal)}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


@dataclass
class Counted:
    """Multiply-accumulates by PyTorch's own formulas: by op, and those of products that no input takes part in."""

    by_op: dict[str, int]
    of_constants: int = 0

    @property
    def macs(self) -> int:
        """In all, but for those of constants."""
        return sum(self.by_op.values())


def _distances(x1: torch.Tensor, *args: Any, out_val: torch.Tensor, **kwargs: Any) -> int:
    """FLOPs of distances, which PyTorch computes by the product of all pairs and has no count for."""
    return 2 * x1.shape[-1] * out_val.numel()


FLOPS = {**flop_registry, torch.ops.aten._cdist_forward: _distances, torch.ops.aten._euclidean_dist: _distances}


class _Counting(TorchDispatchMode):
    """Counts as torch.utils.flop_counter does, and knows what depends on the inputs."""

    def __init__(self, inputs: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self.counted = Counted({})
        self._kept = list(inputs)  # so that no storage's address is used again
        self._dependent = {self._address(tensor) for tensor in self._kept}

    @staticmethod
    def _address(tensor: torch.Tensor) -> int:
        return tensor.untyped_storage()._cdata

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        packet = func._overloadpacket
        if packet not in FLOPS and func is not torch.ops.prim.device.default:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        # zeros_like(x), x.new_zeros(3): of x they take the shape or type alone
        is_fresh = func.__name__.startswith("new_") or str(packet).endswith("_like")
        depends = not is_fresh and any(self._address(tensor) in self._dependent for tensor in read)
        written = [leaf for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        self._kept += written
        if depends:
            self._dependent |= {self._address(tensor) for tensor in written}
            if str(packet).endswith("_"):  # in place: what it writes into
                self._dependent.add(self._address(read[0]))
        if packet in FLOPS:
            macs = FLOPS[packet](*args, **kwargs, out_val=out) // 2
            if depends:
                self.counted.by_op[str(packet)] = self.counted.by_op.get(str(packet), 0) + macs
            else:
                self.counted.of_constants += macs
        return out


def counted(module: nn.Module, inputs: Inputs) -> Counted:
    """What PyTorch counts of a forward pass on tensors without memory."""
    bare = copy.deepcopy(module).to("meta").eval()
    args, kwargs = _on_meta(inputs[0]), _on_meta(inputs[1])
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    counting = _Counting(tensors)
    with torch.no_grad(), counting:
        bare(*args, **kwargs)
    return counting.counted


def _on_meta(value: Any) -> Any:
    return tree_map(lambda leaf: leaf.to("meta") if isinstance(leaf, torch.Tensor) else leaf, value)


def macs_equal_pytorchs(report: Report, by_pytorch: Counted) -> Iterator[str]:
    """Half of the FLOPs that PyTorch counts, what no input takes part in left out, or with a known reason."""
    ours = report.totals.macs
    if ours != by_pytorch.macs and reason_of(report) is None:
        yield f"{ours:,} MACs, and PyTorch counts {by_pytorch.macs:,} ({by_pytorch.by_op})"


def reason_of(report: Report) -> str | None:
    """Why a network's MACs may differ from what PyTorch counts; None where nothing is known that may."""
    kinds = {layer.op for layer in report}
    return next((reason for reason, ops in REASONS.items() if kinds & ops), None)


REASONS: dict[str, frozenset[str]] = {
    "PyTorch has no count for deformable convolutions": frozenset({"deform_conv2d"}),
    "PyTorch has no count for recurrent layers": frozenset({"lstm", "gru", "rnn"}),
}
"""What PyTorch's counter leaves out, and the ops for which it does."""


def nothing_but_words_is_raised(read: Callable[[], object]) -> Iterator[str]:
    """Reading ends in a network or in a refusal in words."""
    from tests.laws.of_reports import where

    try:
        read()
    except EyeshotError:
        return
    except Exception as error:
        yield f"reading ends in {where(error)}"
