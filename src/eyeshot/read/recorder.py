"""Watches a forward pass op by op, and hands each op that depends on the input to its rule.

The pass runs in inference mode, in which PyTorch hands over whole ops (aten.conv2d, aten.linear, …) before taking them
apart. Most passes run on meta tensors, which have shapes and no numbers; only constants that a pass makes of numbers
keep theirs, since what is read may depend on them. An op without a rule is taken apart by PyTorch where it can be, and
recorded as unknown where it cannot.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from eyeshot.network.ops import LocalResponseNorm
from eyeshot.read.refusals import refuse
from eyeshot.read.shapes import alike, output_of
from eyeshot.read.trace import AtenRule, Call, Trace, tensors_in, unknown
from eyeshot.read.views import Hidden

if TYPE_CHECKING:
    from eyeshot.read.constants import Constants

RANGES = frozenset({"arange", "linspace", "logspace", "tril_indices", "triu_indices"})
"""Ops that make small constants of numbers alone."""
FILLED = frozenset({"zeros", "ones", "full", "eye", "scalar_tensor"})
"""Ops that make constants of any size, whose numbers are computed when they are asked for."""
ASKING = frozenset({"_local_scalar_dense", "item", "is_nonzero"})
"""Ops by which control flow asks for a tensor's one number."""
PACKED = frozenset({"_pack_padded_sequence", "_pad_packed_sequence", "lstm", "gru", "rnn_tanh", "rnn_relu"})
"""Ops that take the lengths of sequences, which say where each position stands."""
_WRITTEN = (torch.tensor, torch.as_tensor, torch.asarray)
"""Functions that make a tensor of numbers as they are written down."""
_RESPONSE_NORM = torch.nn.functional.local_response_norm
_CHANGED = frozenset({*_WRITTEN, torch.Tensor.new_tensor, torch.Tensor.__getitem__, _RESPONSE_NORM})
"""Functions that are not called as they are."""
_META = torch.device("meta")
_MOST_NUMBERS = 1 << 20
"""Elements of a constant at most whose numbers are computed."""


class Recorder(TorchDispatchMode):
    """Hands every op that depends on the input to its rule; ``has_numbers`` where the pass runs on real tensors.

    ``before_write`` is told of every tensor that an op is about to write in place, and ``constants``, where they are
    followed, of every op.
    """

    def __init__(
        self,
        trace: Trace,
        rules: Mapping[str, AtenRule],
        *,
        has_numbers: bool = False,
        before_write: Callable[[torch.Tensor], None] | None = None,
        constants: Constants | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace, self.rules, self.has_numbers, self.before_write = trace, rules, has_numbers, before_write
        self.constants = constants

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: PyTorch would import its compiler for that, which takes longer than reading most models."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """PyTorch's entry: called for every op."""
        kwargs = kwargs or {}
        signature = _signature(func)
        tensors = tensors_in(args) + tensors_in(kwargs) if kwargs else tensors_in(args)
        try:
            return self._recorded(func, signature, types, args, kwargs, tensors)
        except Exception as error:
            self.trace.refuse(signature.name.strip("_"), error, tensors)
            raise

    def _recorded(
        self, func: Any, signature: _Signature, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
        tensors: list[torch.Tensor],
    ) -> Any:  # fmt: skip
        if not self.has_numbers:
            # [5, 3]: the second sequence ends at 3, and what it reads ends there; without numbers nobody knows
            if signature.name in PACKED:
                args, kwargs = self._with_lengths(signature, args, kwargs)
            # x + torch.arange(8) of a module on the processor: x is on meta here, and PyTorch refuses to mix the two
            elif len(tensors) > 1 and not _are_together(tensors):
                return self._with_twins(func, types, args, kwargs)
            # x[torch.arange(4, device=x.device)]: made on meta, as asked, the indices would have no numbers
            if not tensors and signature.name in RANGES:
                kwargs = {**kwargs, "device": torch.device("cpu")}
        arguments = signature.bind(args, kwargs)
        if signature.writes and self.before_write is not None:
            for tensor in signature.written(arguments):
                self.before_write(tensor)
        # weights and what is made of them: no step, but a table among them may say later what is read
        if not any(map(self.trace.knows, tensors)):
            out = self._constant(func, signature, arguments, args, kwargs, tensors)
            if self.constants is not None:
                self.constants.make(func, arguments, out, signature.written(arguments))
            return out
        if self.constants is not None:
            self.trace.taking = self.constants.taken(func, arguments)
        out = self._step(func, signature, arguments, args, kwargs, tensors)
        if self.constants is not None:
            self.trace.taking = ()
            self.constants.make(func, arguments, out, ())  # such as zeros of the image's shape
        return out

    def _step(
        self, func: Any, signature: _Signature, arguments: dict[str, Any], args: tuple[Any, ...],
        kwargs: dict[str, Any], tensors: list[torch.Tensor],
    ) -> Any:  # fmt: skip
        """An op that depends on the input: by its rule, by its parts, or as unknown."""
        name = signature.name
        # relu_ goes by the rule of relu; that it writes where it read, the signature says
        rule = self.rules.get(name) or self.rules.get(name.removesuffix("_"))
        if rule is not None:
            call = self._call(func, signature, arguments, args, kwargs, tensors)
            out = self._follow(rule, call, tensors, lambda: signature.written(arguments))
            if out is not NotImplemented:  # else the rule leaves it to be taken apart
                return self._hidden(out, tensors) if func.is_view else out
        # no rule, but PyTorch writes it as other ops, which may have one: cosine_similarity by norms, products. While
        # this method runs the recorder is off, and has to be switched on again for the parts to come here.
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            first = len(self.trace.steps)
            with self:
                out = func.decompose(*args, **kwargs)
            if name == "scaled_dot_product_attention":  # one kernel, which keeps no scores
                out = self._fused(arguments["query"], out)
                self.trace.lie_together(first, whole=True)
            return out
        # a kernel without parts: whatever it was handed, it may have read all of it
        out = func(*args, **kwargs)
        unknown(self.trace, name, tensors, _outputs(out, signature.written(arguments)))
        return self._hidden(out, tensors) if func.is_view else out

    def _call(
        self, func: Any, signature: _Signature, arguments: dict[str, Any], args: tuple[Any, ...],
        kwargs: dict[str, Any], tensors: list[torch.Tensor],
    ) -> Call:  # fmt: skip
        name = signature.name
        # a call with out= gives that tensor back, and reads nothing of what it held
        has_target = bool(signature.writes) and not name.endswith("_")

        def run() -> Any:
            out = None if self.has_numbers or has_target else output_of(name, arguments)
            if out is None and not self.has_numbers:
                refuse(name, arguments)
            return func(*args, **kwargs) if out is None else out

        if has_target:
            arguments = {key: value for key, value in arguments.items() if key not in signature.writes}
            tensors = tensors_in(arguments)
        return Call(name, arguments, tensors, run, self.has_numbers, has_target)

    def _fused(self, query: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """The output of fused attention, whose numbers lie in the order of the query's."""
        if self.has_numbers or out.shape != query.shape or not self.trace.knows(out):
            return out
        step, merged = self.trace.step_of(out), alike(query)
        self.trace.bind(merged, step)
        self.trace.lie_with(step, merged, is_view=False)
        return merged

    def _with_lengths(self, signature: _Signature, args: Any, kwargs: Any) -> Any:
        """All arguments of an op on tensors without memory, but lengths of sequences with their numbers."""

        def at(name: str, value: Any) -> Any:
            if name not in {"lengths", "batch_sizes"}:
                return tree_map(self._without_numbers, value)
            numbers = self.trace.numbers_of(value)
            return value if numbers is None else numbers

        return (
            tuple(at(name, value) for name, value in zip(signature.names, args, strict=False)),
            {name: at(name, value) for name, value in kwargs.items()},
        )

    def _with_twins(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The op on twins without memory of the tensors that have some; what it writes is written to those."""
        twin_args, twin_kwargs = tree_map(self._without_numbers, (args, kwargs))
        out = self.__torch_dispatch__(func, types, twin_args, twin_kwargs)
        signature = _signature(func)
        pairs = [signature.written(signature.bind(*call)) for call in ((args, kwargs), (twin_args, twin_kwargs))]
        # buffer.copy_(x) wrote the buffer's twin: from here on the buffer itself holds what the step made
        for original, twin in zip(*pairs, strict=True):
            if original is not twin and self.trace.knows(twin):
                self.trace.bind(original, self.trace.step_of(twin))
                out = original if out is twin else out
        return out

    def _constant(
        self, func: Any, signature: _Signature, arguments: dict[str, Any], args: Any, kwargs: Any,
        tensors: list[torch.Tensor],
    ) -> Any:  # fmt: skip
        """An op on what does not depend on the input; views of memory are remembered, which may be written later."""
        name = signature.name
        if name in ASKING and (numbers := self.trace.numbers_of(tensors[0])) is not None:
            # `if mask.sum() > 0` goes the way that the numbers say, on a tensor that itself has none
            return numbers.item()
        if name == "to" and not self.has_numbers and _is_table(tensors[0]):
            # to where the input is, which has no numbers: they stay where they are, as those of ranges do
            args, kwargs = tree_map(_on_processor, (args, kwargs))
        out = None if self.has_numbers or not tensors else output_of(name, arguments)
        if out is None:
            out = func(*args, **kwargs)
        self.trace.follow_params(tensors, tensors_in(out))
        if func._schema.is_mutable:
            # t[0] = 7 changes its views too, and what was to be computed from any of them; which ones is not followed
            self.trace.forget_numbers()
        elif (
            (tensors or name in FILLED)
            and _is_new_and_bare(out, tensors, is_view=func.is_view)
            and all(map(self.trace.has_numbers, tensors))
        ):
            self.trace.remember_numbers(out, lambda: self._numbers(func, args, kwargs))
        rule = self.rules.get(name) if func.is_view else None
        if rule is not None:
            rule(self.trace, Call(name, arguments, tensors, lambda: out, self.has_numbers))
        return out

    def _numbers(self, func: Any, args: Any, kwargs: Any) -> torch.Tensor | None:
        """What an op on constants computes, where all of them have numbers."""

        def on_processor(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                numbers = self.trace.numbers_of(value)
                if numbers is None:
                    raise LookupError
                return numbers
            return _on_processor(value)

        try:
            own_args, own_kwargs = tree_map(on_processor, (args, kwargs))
        except LookupError:
            return None
        out: torch.Tensor = func(*own_args, **own_kwargs)
        return out

    def _hidden(self, out: Any, tensors: list[torch.Tensor]) -> Any:
        """A view whose rule does not say how it shows its whole: right until the whole is written."""
        whole = tensors[0]
        for view in tensors_in(out):
            is_followed = view is whole or self.trace.is_shared(view)
            if not is_followed and self.trace.knows(view) and _storage(view) == _storage(whole):
                self.trace.share_as_held(view, whole, Hidden())
        return out

    def _without_numbers(self, value: Any) -> Any:
        """A tensor's twin without memory: forward passes make tensors of their own where the model lives."""
        if not isinstance(value, torch.Tensor) or value.is_meta:
            return value
        twin = self.trace.without_numbers(value)
        self.trace.follow_params([value], [twin])
        if self.trace.knows(value):
            self.trace.bind(twin, self.trace.step_of(value))
        return twin

    def _follow(
        self, rule: AtenRule, call: Call, tensors: list[torch.Tensor], written: Callable[[], list[torch.Tensor]]
    ) -> Any:
        """Let a rule record the call; a call of a form that the rule does not know is an unknown op, not a crash."""
        steps = len(self.trace.steps)
        try:
            out = rule(self.trace, call)
            self.trace.lie_together(steps)
            return out
        except (LookupError, TypeError, ValueError, AttributeError, AssertionError):
            # such as a rule for sum(dim) that meets dim=None. Steps that it recorded before it stumbled go again.
            out = call.run()  # raises again what is the user's own error
            self.trace.drop(steps)
            unknown(self.trace, call.name, tensors, _outputs(out, written()), "its rule does not know this form")
            return out


class Whole(TorchFunctionMode):
    """Keeps functions whole that PyTorch writes in Python as many ops, where people know one."""

    def __init__(self, trace: Trace, *, has_numbers: bool = False) -> None:
        super().__init__()
        self.trace, self.has_numbers = trace, has_numbers

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """PyTorch's entry: called for every public function."""
        kwargs = kwargs or {}
        if func not in _CHANGED or self.has_numbers:
            return func(*args, **kwargs)
        if func in _WRITTEN and args and not isinstance(args[0], torch.Tensor):
            kwargs = {**kwargs, "device": torch.device("cpu")}  # where they keep them, as ranges do
        if func is torch.Tensor.new_tensor and not isinstance(args[1], torch.Tensor):
            kwargs = {**kwargs, "device": torch.device("cpu")}
        if func is torch.Tensor.__getitem__:
            args = (args[0], _tables(args[1]))
        if func is _RESPONSE_NORM and args and self.trace.knows(args[0]):
            return self._local_response_norm(*args, **kwargs)
        return func(*args, **kwargs)

    def _local_response_norm(
        self, x: torch.Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
    ) -> torch.Tensor:
        out = alike(x)
        # PyTorch divides alpha by size; the paper, and LocalResponseNorm here, do not
        op = LocalResponseNorm(size=size, alpha=alpha / size, beta=beta, k=k)
        self.trace.bind(out, self.trace.record(op, [self.trace.step_of(x)], out.shape))
        return out


@contextmanager
def eagerly() -> Iterator[None]:
    """While this lasts compiled modules run as they are written."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*when there are global hooks on modules")
        yield


def _are_together(tensors: list[torch.Tensor]) -> bool:
    """Whether tensors are on one device, which nearly always is the one without memory."""
    for tensor in tensors:  # asked of every op: `all(…)` takes twice as long
        if not tensor.is_meta:
            return len({tensor.device for tensor in tensors}) == 1
    return True


def _tables(index: Any) -> Any:
    """An index whose lists of numbers are tensors with numbers; PyTorch would make them without, where the input is."""
    if isinstance(index, tuple):
        return tuple(map(_tables, index))
    is_table = isinstance(index, list) and bool(index) and all(type(n) is int for n in index)
    return torch.tensor(index) if is_table else index


def _on_processor(value: Any) -> Any:
    return torch.device("cpu") if isinstance(value, torch.device) else value


def _is_table(tensor: torch.Tensor) -> bool:
    """Whether a constant is a short list of whole numbers in memory, which may say what is read."""
    is_whole = not tensor.dtype.is_floating_point and not tensor.dtype.is_complex
    return is_whole and tensor.device != _META and tensor.numel() <= _MOST_NUMBERS


def _is_new_and_bare(out: Any, tensors: list[torch.Tensor], *, is_view: bool) -> bool:
    """Whether an op on constants gave one new tensor without memory, and not a large one unless it shows another."""
    is_bare = isinstance(out, torch.Tensor) and out.is_meta
    return is_bare and (is_view or out.numel() <= _MOST_NUMBERS) and not any(out is tensor for tensor in tensors)


def _outputs(out: Any, written: list[torch.Tensor]) -> list[torch.Tensor]:
    """What an op returns and what it writes, each once."""
    return list({id(tensor): tensor for tensor in (*tensors_in(out), *written)}.values())


@dataclass(frozen=True, slots=True)
class _Signature:
    """What an op's schema says: its name without namespace, its arguments in order, their defaults, what it writes."""

    name: str
    names: tuple[str, ...]
    defaults: dict[str, Any]
    writes: tuple[str, ...]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """All arguments of a call by name, in the schema's order."""
        return {**self.defaults, **dict(zip(self.names, args, strict=False)), **kwargs}

    def written(self, arguments: dict[str, Any]) -> list[torch.Tensor]:
        """The arguments that the op writes in place."""
        return tensors_in([arguments[name] for name in self.writes]) if self.writes else []


@cache
def _signature(func: Any) -> _Signature:
    arguments = func._schema.arguments
    return _Signature(
        name=func._schema.name.removeprefix("aten::"),
        names=tuple(a.name for a in arguments),
        defaults={a.name: a.default_value for a in arguments},
        writes=tuple(a.name for a in arguments if a.alias_info is not None and a.alias_info.is_write),
    )


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
