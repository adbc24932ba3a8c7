"""A record of the ops that one forward pass calls, as the steps of a network.

The pass runs on meta tensors, which have shapes and no numbers, in inference mode, in which PyTorch hands over whole
ops (aten.conv2d, aten.linear, …) before taking them apart. A step is recorded for each op that depends on the input;
its rule comes from a table by the op's name. An op without a rule is taken apart by PyTorch where it can be, and
recorded as unknown where it cannot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from eyeshot.network.graph import Node, node
from eyeshot.network.ops import Conv, Op, Pad, Pool, Unknown
from eyeshot.network.relations import Shape


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the user's model a step was called: the module's path, which call of it, and whether it has children."""

    path: str = ""
    call: int = 0
    is_leaf: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A node in the making: names come when all steps are known."""

    op: Op
    inputs: tuple[Step, ...]
    shape: Shape
    params: int
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """One op as called: its name without overload, its arguments by the schema's names, and how to run it."""

    name: str
    arguments: Mapping[str, Any]
    run: Callable[[], Any]

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def x(self) -> Any:
        """The first argument, which schemas call input or self."""
        return self.arguments["input"] if "input" in self.arguments else self.arguments["self"]


AtenRule = Callable[["Trace", Call], Any]
"""Records the steps of a call and returns its output."""


@dataclass(slots=True)
class Known:
    """A tensor that depends on the input, and the step that made what it holds now.

    ``overwritten`` is a later step that changed some of its memory in place through another view.
    """

    tensor: torch.Tensor
    step: Step
    overwritten: Step | None = None


@dataclass
class Trace:
    """Steps so far, and which tensors they made. Tensors are held, so that no identity is used twice."""

    steps: list[Step] = field(default_factory=list)
    place: Place = field(default_factory=Place)
    param_counts: dict[str, int] = field(default_factory=dict)
    _known: dict[int, Known] = field(default_factory=dict)
    _written: dict[int, tuple[torch.Tensor, Step]] = field(default_factory=dict)
    _from_params: dict[int, tuple[torch.Tensor, frozenset[str]]] = field(default_factory=dict)

    def add_param(self, name: str, tensor: torch.Tensor, count: int) -> None:
        """Register a weight, which the first step that uses it is charged for."""
        self._from_params[id(tensor)] = (tensor, frozenset({name}))
        self.param_counts[name] = count

    def knows(self, value: object) -> bool:
        """Whether a value is a tensor that depends on the input."""
        if id(value) in self._known:
            return True
        if not self._written or not isinstance(value, torch.Tensor) or _storage(value) not in self._written:
            return False
        step = self._written[_storage(value)][1]
        self._known[id(value)] = Known(value, step, overwritten=step)
        return True

    def write(self, tensor: torch.Tensor, step: Step) -> None:
        """Say that a step wrote into memory that did not depend on the input before."""
        self._written[_storage(tensor)] = (tensor, step)

    def step_of(self, tensor: torch.Tensor) -> Step:
        """The step that made what a tensor holds; unknown where another view of its memory was changed in place."""
        known = self._known[id(tensor)]
        if known.overwritten is not None:
            op = Unknown(name="view", reason="its memory was changed in place through another view")
            known.step = self.record(op, (known.step, known.overwritten), tensor.shape)
            known.overwritten = None
        return known.step

    def record(self, op: Op, inputs: Iterable[Step], shape: Iterable[int], params: int = 0) -> Step:
        """Append a step."""
        step = Step(op, tuple(inputs), tuple(int(n) for n in shape), params, self.place)
        self.steps.append(step)
        return step

    def bind(self, tensor: torch.Tensor, step: Step) -> None:
        """Say which step made a tensor. An in-place op makes its tensor anew."""
        before = self._known.get(id(tensor))
        if before is not None and before.step is not step:
            storage = _storage(tensor)
            for other in self._known.values():
                if other.tensor is not tensor and _storage(other.tensor) == storage:
                    other.overwritten = step
            if storage in self._written:
                self.write(tensor, step)
        self._known[id(tensor)] = Known(tensor, step)

    def drop(self, first: int) -> None:
        """Take back the steps from a number on."""
        dropped = set(self.steps[first:])
        del self.steps[first:]
        self._known = {key: known for key, known in self._known.items() if known.step not in dropped}

    def params_of(self, values: Iterable[object]) -> int:
        """Number of weights among the values that no step before has used."""
        total = 0
        for value in values:
            for name in self._from_params.get(id(value), (None, frozenset[str]()))[1]:
                total += self.param_counts.pop(name, 0)
        return total

    def follow_params(self, inputs: Iterable[object], outputs: Iterable[torch.Tensor]) -> None:
        """Remember that tensors were computed from weights alone."""
        names = frozenset[str]().union(*(self._from_params[id(v)][1] for v in inputs if id(v) in self._from_params))
        if names:
            for out in outputs:
                self._from_params[id(out)] = (out, names)


class Recorder(TorchDispatchMode):
    """Hands every op that depends on the input to its rule."""

    def __init__(self, trace: Trace, rules: Mapping[str, AtenRule]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace, self.rules = trace, rules

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """PyTorch's entry: called for every op."""
        kwargs = kwargs or {}
        given = list(tensors_in((args, kwargs)))
        written = args[0] if args and func._schema.is_mutable and isinstance(args[0], torch.Tensor) else None
        if len({tensor.device.type for tensor in given}) > 1:
            args, kwargs = tree_map(self._without_numbers, (args, kwargs))
            given = list(tensors_in((args, kwargs)))
        if not any(self.trace.knows(tensor) for tensor in given):
            out = func(*args, **kwargs)
            self.trace.follow_params(given, tensors_in(out))
            return out
        name = func._schema.name.removeprefix("aten::")
        rule = self.rules.get(name.removesuffix("_"))
        if written is not None and (written is not args[0] or not self.trace.knows(written)):
            func(*args, **kwargs)
            unknown(self.trace, name, given, [written], "it writes into memory that others may read")
            self.trace.write(written, self.trace.step_of(written))
            return written
        if rule is not None:
            call = Call(name, _bind(func, args, kwargs), lambda: func(*args, **kwargs))
            return self._follow(rule, call, given)
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        unknown(self.trace, name, given, tensors_in(out))
        return out

    def _without_numbers(self, value: Any) -> Any:
        """A tensor's twin without memory: forward passes make tensors of their own where the model lives."""
        if not isinstance(value, torch.Tensor) or value.device.type == "meta":
            return value
        twin = value.to("meta")
        if self.trace.knows(value):
            self.trace.bind(twin, self.trace.step_of(value))
        return twin

    def _follow(self, rule: AtenRule, call: Call, given: list[torch.Tensor]) -> Any:
        """Let a rule record the call; a call of a form that the rule does not know is an unknown op, not a crash."""
        steps = len(self.trace.steps)
        try:
            return rule(self.trace, call)
        except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
            out = call.run()  # raises again what is the user's own error
            self.trace.drop(steps)
            reason = f"its rule does not know this form ({type(error).__name__}: {error})"
            unknown(self.trace, call.name, given, tensors_in(out), reason)
            return out


def unknown(
    trace: Trace, name: str, given: Iterable[torch.Tensor], outputs: Iterable[torch.Tensor], reason: str = ""
) -> None:
    """Record an op whose reads are not known."""
    given = list(given)
    inputs = [trace.step_of(tensor) for tensor in given if trace.knows(tensor)]
    params = trace.params_of(given)
    for out in outputs:
        step = trace.record(
            Unknown(name=name.rstrip("_"), reason=reason or "it has no rule"), inputs, out.shape, params
        )
        trace.bind(out, step)
        params = 0


def tensors_in(value: Any) -> Iterable[torch.Tensor]:
    """All tensors in nested lists, tuples and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def nodes_of(trace: Trace, input_node: Node) -> list[Node]:
    """Name the steps and link them.

    A module that makes one step gives it its path; other steps take their module's path and their op. A second step of
    one name is ``name#2``.
    """
    folded = _folded_padding(trace.steps)
    dropped = set(folded.values())
    steps = [step for step in trace.steps[1:] if step not in dropped]
    per_call: dict[Place, int] = {}
    for step in steps:
        per_call[step.place] = per_call.get(step.place, 0) + 1
    made: dict[Step, Node] = {trace.steps[0]: input_node}
    used: dict[str, int] = {input_node.name: 1}
    for step in steps:
        place = step.place
        base = place.path
        if not (place.is_leaf and place.path and per_call[place] == 1):
            base = f"{place.path}.{step.op.kind}" if place.path else step.op.kind
        used[base] = used.get(base, 0) + 1
        name = base if used[base] == 1 else f"{base}#{used[base]}"
        made[step] = node(
            name=name,
            op=_padded(step.op, folded[step].op) if step in folded else step.op,
            inputs=tuple(made[source] for source in (folded[step].inputs if step in folded else step.inputs)),
            shape=step.shape,
            params=step.params,
        )
    return list(made.values())


def _folded_padding(steps: list[Step]) -> dict[Step, Step]:
    """Window steps and the constant padding just before each, in the same module, that nothing else reads.

    PyTorch pads in a step of its own for uneven padding; people and the relation know one op.
    """
    readers = Counter(source for step in steps for source in step.inputs)
    return {
        step: before
        for before, step in pairwise(steps)
        if isinstance(before.op, Pad)
        and isinstance(step.op, Conv | Pool)
        and step.inputs == (before,)
        and readers[before] == 1
        and before.place == step.place
        and before.place.is_leaf
        and min(before.op.axes) >= 2
    }


def _padded(op: Op, pad: Op) -> Op:
    assert isinstance(op, Conv | Pool)
    assert isinstance(pad, Pad)
    extra = dict(zip(pad.axes, pad.padding, strict=True))
    sides = tuple(
        (a + extra.get(axis, (0, 0))[0], b + extra.get(axis, (0, 0))[1])
        for axis, (a, b) in enumerate(op.padding, start=2)
    )
    return replace(op, padding=sides)


def _bind(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    bound = {}
    for i, argument in enumerate(func._schema.arguments):
        if i < len(args):
            bound[argument.name] = args[i]
        else:
            bound[argument.name] = kwargs.get(argument.name, argument.default_value)
    return bound


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
