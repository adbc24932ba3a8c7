"""From a PyTorch module to a network: no weight is copied, no number computed, nothing changed afterwards."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eyeshot.errors import MissingExtraError, ReadError
from eyeshot.network.graph import Network, Node, Note, node
from eyeshot.network.ops import Input, LocalResponseNorm, Unknown

try:
    import torch
    from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
    from torch.overrides import TorchFunctionMode
except ImportError:
    raise MissingExtraError("reading a PyTorch module", "torch", "torch") from None

from eyeshot.read.aten import RULES
from eyeshot.read.trace import Place, Recorder, Trace, nodes_of, tensors_in


def read_module(
    module: Any, input_shape: tuple[int, ...], *, name: str, source: str, notes: tuple[Note, ...] = ()
) -> Network:
    """The network of a module's forward pass in evaluation mode.

    Args:
        module: a torch.nn.Module whose forward takes one tensor; on any device, meta included.
        input_shape: channels and sizes, without the batch.
        name: the network's name.
        source: where the module came from.
        notes: what to tell readers of the results.

    A forward pass that needs numbers at some point, as detectors do to choose boxes, is read up to there, with a note.

    Raises:
        ReadError: if the forward pass fails; says in which module, with the user's own message.
    """
    if not isinstance(module, torch.nn.Module):
        raise ReadError(f"{name}: a {type(module).__name__} is no torch.nn.Module, and no name of a model either")
    _check_signature(module, name)
    shape = (1, *input_shape)
    trace = Trace()
    place = _Places(module, trace)
    x = torch.empty(shape, dtype=_dtype(module), device="meta")
    start = trace.record(Input(axes=tuple(range(2, len(shape)))), (), shape)
    trace.bind(x, start)
    state = _meta_state(module, trace)
    with _in_evaluation(module), place.followed(), torch.inference_mode(), _Whole(trace):
        try:
            with Recorder(trace, RULES):
                out = torch.func.functional_call(module, state, (x,))
        except Exception as error:
            explained = _explain(error, name, place, input_shape)
            if not (_needs_numbers(error) and any(step.params for step in trace.steps)):
                raise ReadError(explained) from error
            text = f"reading stopped: {explained}; what comes after is missing, and totals are at least"
            out, notes = None, (*notes, Note(None, "bound", text))
    if out is not None and not any(trace.knows(tensor) for tensor in tensors_in(_plain(out))):
        raise ReadError(f"{name}: the module's output does not depend on its input, so there is nothing to see")
    input_node = node(name="input", op=Input(axes=tuple(range(2, len(shape)))), inputs=(), shape=shape)
    nodes = nodes_of(trace, input_node)
    found = (*notes, *_bounds(nodes), *_unused(trace))
    return Network(name=name, source=source, nodes=tuple(nodes), notes=found)


def _bounds(nodes: list[Node]) -> list[Note]:
    """What the ops without a rule mean for the numbers."""
    bounds = [
        Note(n.name, "bound", f"the op {n.op.kind}: {n.op.reason}; fields from here on are bounds from above")
        for n in nodes
        if isinstance(n.op, Unknown)
    ]
    if bounds:
        bounds.append(Note(None, "bound", "totals are at least: operations of ops without a rule are not counted"))
    return bounds


def _unused(trace: Trace) -> list[Note]:
    """Weights that the forward pass in evaluation mode never touched, such as those of auxiliary heads."""
    left = trace.param_counts
    if not left:
        return []
    places = list(dict.fromkeys(name.split(".")[0] for name in left))
    named = ", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")
    text = f"{sum(left.values()):,} more params, in {named}, are not used by the forward pass in evaluation mode"
    return [Note(None, "remark", text)]


def _plain(out: Any) -> Any:
    """Outputs of any kind as nested lists: dicts, tuples, dataclasses."""
    if hasattr(out, "__dict__") and not isinstance(out, torch.Tensor | dict | list | tuple):
        return list(vars(out).values())
    return list(out.values()) if isinstance(out, dict) else out


def _check_signature(module: torch.nn.Module, name: str) -> None:
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind in positional]
    if len(needed) > 1:
        raise ReadError(
            f"{name}: {type(module).__name__}.forward needs {len(needed)} inputs ({', '.join(needed)});"
            " modules with one input can be read so far. Wrap it in a module that takes the image and makes the rest"
        )


def _dtype(module: torch.nn.Module) -> torch.dtype:
    for parameter in module.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.get_default_dtype()


def _meta_state(module: torch.nn.Module, trace: Trace) -> dict[str, torch.Tensor]:
    """Stand-ins without memory for all weights and buffers; weights that are shared stay shared."""
    twins: dict[int, torch.Tensor] = {}
    state = {}
    for named, is_param in ((module.named_parameters, True), (module.named_buffers, False)):
        for name, tensor in named(remove_duplicate=False):
            if torch.nn.parameter.is_lazy(tensor):
                raise ReadError(f"{name} is not initialised yet; run the module once on an example input")
            if id(tensor) not in twins:
                twins[id(tensor)] = torch.empty_like(tensor, device="meta")
                if is_param:
                    trace.add_param(name, twins[id(tensor)], tensor.numel())
            state[name] = twins[id(tensor)]
    return state


@contextmanager
def _in_evaluation(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode, each module's own mode restored afterwards; no method of the user's is called."""
    modes = [(child, child.training) for child in module.modules()]
    for child, _ in modes:
        child.training = False
    try:
        yield
    finally:
        for child, mode in modes:
            child.training = mode


class _Places:
    """Follows which of a model's modules is running, by hooks that are gone afterwards."""

    def __init__(self, root: torch.nn.Module, trace: Trace) -> None:
        self.trace = trace
        self.paths = {id(child): path for path, child in reversed(list(root.named_modules()))}
        self.kinds = {path: type(child).__name__ for path, child in root.named_modules()}
        self.calls: dict[str, int] = {}
        self.stack: list[Place] = []
        self.failed: Place | None = None

    @contextmanager
    def followed(self) -> Iterator[None]:
        """While this lasts the trace knows its place."""
        handles = (
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: torch.nn.Module, inputs: Any) -> None:
        path = self.paths.get(id(module))
        if path is None:
            path = self.trace.place.path
        self.calls[path] = self.calls.get(path, 0) + 1
        self.stack.append(self.trace.place)
        self.trace.place = Place(path, self.calls[path], next(module.children(), None) is None)
        self.failed = self.trace.place

    def _leave(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        if output is not None:
            self.failed = None
        self.trace.place = self.stack.pop() if self.stack else Place()


class _Whole(TorchFunctionMode):
    """Keeps functions whole that PyTorch writes in Python as many ops, where people know one."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """PyTorch's entry: called for every public function."""
        kwargs = kwargs or {}
        if func is torch.nn.functional.local_response_norm and args and self.trace.knows(args[0]):
            return self._local_response_norm(*args, **kwargs)
        return func(*args, **kwargs)

    def _local_response_norm(
        self, x: torch.Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
    ) -> torch.Tensor:
        out = torch.empty_like(x)
        # PyTorch divides alpha by size; the paper, and LocalResponseNorm here, do not
        op = LocalResponseNorm(size=size, alpha=alpha / size, beta=beta, k=k)
        self.trace.bind(out, self.trace.record(op, [self.trace.step_of(x)], out.shape))
        return out


def _needs_numbers(error: Exception) -> bool:
    """Whether an error says that control flow or a shape depends on values."""
    return isinstance(error, NotImplementedError) or "meta tensor" in str(error) or "Meta" in str(error)


def _explain(error: Exception, name: str, place: _Places, input_shape: tuple[int, ...]) -> str:
    at = place.failed
    where = f"in {at.path} ({place.kinds.get(at.path, 'module')})" if at is not None and at.path else "in forward"
    shape = "×".join(map(str, input_shape))
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if _needs_numbers(error):
        text = text.partition(",")[0]
        why = f"its computation needs numbers, not only shapes ({text})"
    else:
        why = text
    return f"{name} cannot be traced on an input of {shape}: {where}: {why}"
