"""A record of the ops that one forward pass calls, as the steps of a network.

A step is recorded for each op that depends on the input. Tensors that share memory are followed too: a view knows its
whole and how it was cut out of it, so that writing into the one changes what the other holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch

from eyeshot.network.graph import Constant, Memory
from eyeshot.network.ops import Op, Rearrange, Unknown
from eyeshot.network.relations import Shape
from eyeshot.read.masks import Masks
from eyeshot.read.shapes import alike
from eyeshot.read.steps import CallSite as CallSite
from eyeshot.read.steps import Step as Step


class NeedsNumbersError(Exception):
    """A pass without numbers cannot tell what comes next; one on numbers can."""


@dataclass(slots=True)  # not frozen, which takes as long again: one is made for each op
class Call:
    """One op as called: its name without overload, its arguments by the schema's names, those of them that are tensors
    or hold some, and how to run it.

    ``has_numbers`` says that the pass runs on real tensors, so that outputs must be computed; ``has_target`` that the
    call writes its output into a tensor that it was given, which is not among the arguments.
    """

    name: str
    arguments: Mapping[str, Any]
    tensors: Sequence[torch.Tensor]
    run: Callable[[], Any]
    has_numbers: bool = False
    has_target: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def x(self) -> Any:
        """The first argument, which schemas call input or self."""
        return self.arguments["input"] if "input" in self.arguments else self.arguments["self"]

    def like(self, tensor: torch.Tensor) -> torch.Tensor:
        """The output, known to have a tensor's shape, without asking PyTorch where nothing need be computed."""
        if self.has_numbers or self.has_target:
            out: torch.Tensor = self.run()
            return out
        if self.name.endswith("_"):
            return tensor
        return alike(tensor)


_NO_PARAMS: tuple[None, frozenset[str]] = (None, frozenset())

AtenRule = Callable[["Trace", Call], Any]
"""Records the steps of a call and returns its output."""


class MemoryView(Protocol):
    """How a tensor shows the memory of another, its whole."""

    def take(self, trace: Trace, whole: Step, shape: Shape) -> Step:
        """What the view holds, from what the whole holds; ``shape`` is the view's."""

    def put(self, trace: Trace, whole: Step | None, part: Step, shape: Shape) -> Step:
        """What the whole holds once the view was written, from what it held; ``shape`` is the whole's."""


@dataclass(slots=True)
class Known:
    """A tensor that depends on the input, the step that made what it holds, and how many writes that step knows of."""

    tensor: torch.Tensor
    step: Step
    writes: int = 0


@dataclass(slots=True)
class Shared:
    """A tensor that shows its whole's memory; ``root`` identifies the tensor whose memory it is."""

    tensor: torch.Tensor
    whole: torch.Tensor
    view: MemoryView
    root: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An op that failed: its name, what it raised, and the steps that made what it was handed, each once."""

    name: str
    error: BaseException
    sources: tuple[Step, ...]


Numbers = torch.Tensor | Callable[[], "torch.Tensor | None"] | None
"""A constant's numbers, or how they are computed."""


@dataclass
class Trace:
    """Steps so far, and which tensors they made. Tensors are held, so that no identity is used twice."""

    steps: list[Step] = field(default_factory=list)
    place: CallSite = field(default_factory=CallSite)
    param_counts: dict[str, int] = field(default_factory=dict)
    line_of_code: Callable[[], str] = str
    memory: dict[Step, Memory] = field(default_factory=dict)
    taking: tuple[Constant, ...] = ()
    taken: dict[Step, tuple[Constant, ...]] = field(default_factory=dict)
    modules: list[tuple[str, tuple[Step, ...]]] = field(default_factory=list)
    refusal: Refusal | None = None
    masks: Masks = field(default_factory=Masks)
    _owners: dict[str, CallSite] = field(default_factory=dict)
    _known: dict[int, Known] = field(default_factory=dict)
    _shared: dict[int, Shared] = field(default_factory=dict)
    _writes: dict[int, int] = field(default_factory=dict)
    _from_params: dict[int, tuple[torch.Tensor, frozenset[str]]] = field(default_factory=dict)
    _twins: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    _originals: dict[int, torch.Tensor] = field(default_factory=dict)
    _numbers: dict[int, tuple[torch.Tensor, Numbers]] = field(default_factory=dict)
    _empty: dict[int, torch.Tensor] = field(default_factory=dict)

    def numbers_of(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """A constant's numbers, computed when first asked for; None where it has none, or depends on the input."""
        if self.knows(tensor):
            return None
        if not tensor.is_meta:
            return tensor
        _, numbers = self._numbers.get(id(tensor), (tensor, None))
        if callable(numbers) and not isinstance(numbers, torch.Tensor):
            numbers = numbers()
            self._numbers[id(tensor)] = (tensor, numbers)
        return numbers

    def has_numbers(self, tensor: torch.Tensor) -> bool:
        """Whether a constant's numbers are there, or known how to be computed."""
        return not tensor.is_meta or id(tensor) in self._numbers

    def lies_at(self, tensor: torch.Tensor) -> tuple[int, ...]:
        """Where a given constant's numbers lie in memory, with its shape; its shape where that is not known."""
        _, numbers = self._numbers.get(id(tensor), (tensor, None))
        return (numbers.data_ptr() if isinstance(numbers, torch.Tensor) else 0, *tensor.shape)

    def param_names(self, tensor: torch.Tensor) -> frozenset[str]:
        """The weights of which a constant was made; it is the one itself where it is one."""
        return self._from_params.get(id(tensor), _NO_PARAMS)[1]

    def without_numbers(self, tensor: torch.Tensor) -> torch.Tensor:
        """A constant's twin without memory, which is remembered."""
        twin, _ = self._twins.setdefault(id(tensor), (tensor.to("meta"), tensor))
        self._numbers[id(twin)] = (twin, tensor)
        self._originals[id(twin)] = tensor
        return twin

    def original_of(self, tensor: torch.Tensor) -> torch.Tensor:
        """The constant whose twin a tensor is; itself where it is none."""
        return self._originals.get(id(tensor), tensor)

    def remember_numbers(self, tensor: torch.Tensor, compute: Callable[[], torch.Tensor | None]) -> None:
        """Say how a constant without memory would get its numbers."""
        self._numbers[id(tensor)] = (tensor, compute)

    def forget_numbers(self) -> None:
        """After a constant was written in place: what was to be computed from others may no longer hold."""
        self._numbers.clear()

    def add_param(self, name: str, tensor: torch.Tensor, count: int) -> None:
        """Register a weight, which the first step that uses it is charged for."""
        self._from_params[id(tensor)] = (tensor, frozenset({name}))
        self.param_counts[name] = count

    def knows(self, value: object) -> bool:
        """Whether a value is a tensor that depends on the input; one without elements does not."""
        key = id(value)
        if key in self._empty:
            return False
        if key in self._known:
            return True
        shared = self._shared.get(key)
        return shared is not None and self.knows(shared.whole)

    def step_of(self, tensor: torch.Tensor) -> Step:
        """The step that made what a tensor holds now."""
        step = self.held_by(tensor)
        if step is None:
            raise LookupError("a tensor that does not depend on the input")
        return step

    def held_by(self, tensor: torch.Tensor) -> Step | None:
        """The step that made what a tensor holds now; None where that does not depend on the input."""
        key = id(tensor)
        if key in self._empty:
            return None
        known, shared = self._known.get(key), self._shared.get(key)
        if shared is None:
            return None if known is None else known.step
        writes = self._writes[shared.root]
        if known is not None and known.writes == writes:
            return known.step
        whole = self.held_by(shared.whole)
        if whole is None:
            return None
        first = len(self.steps)
        step = shared.view.take(self, whole, tuple(tensor.shape))
        self._lie(self.steps[first:], tensor, is_view=True)
        self._known[key] = Known(tensor, step, writes)
        return step

    def refuse(self, name: str, error: BaseException, tensors: Iterable[torch.Tensor]) -> None:
        """Say which op failed on what; the first to know is the op itself, others only pass its error on."""
        if self.refusal is None or self.refusal.error is not error:
            sources = dict.fromkeys(self.step_of(tensor) for tensor in tensors if self.knows(tensor))
            self.refusal = Refusal(name, error, tuple(sources))

    def finish(self, path: str, outputs: Iterable[torch.Tensor]) -> None:
        """Say what a module's call gave; a view of what was written since is no step of its own and is left out."""
        known = [self._known[id(tensor)].step for tensor in outputs if id(tensor) in self._known]
        self.modules.append((path, tuple(dict.fromkeys(known)) if len(known) > 1 else tuple(known)))

    def record(self, op: Op, inputs: Iterable[Step], shape: Iterable[int], params: int = 0, owner: str = "") -> Step:
        """Append a step; ``owner`` is the path of the module whose weights it uses."""
        place = self.place if self.place.path or not owner else self._owners.setdefault(owner, CallSite(owner, True))
        step = Step(op, tuple(inputs), tuple(map(int, shape)), params, place, self.line_of_code(), bool(owner))
        if 0 not in step.shape:  # what has no elements is no layer, and nothing reads it
            self.steps.append(step)
            if self.taking:
                self.taken[step] = self.taking
        return step

    def bind(self, tensor: torch.Tensor, step: Step) -> None:
        """Say which step made what a tensor holds; all that shares its memory changes with it."""
        if 0 in step.shape:
            self._empty[id(tensor)] = tensor
            return
        self._lie([step], tensor)
        first = len(self.steps)
        chain = [(tensor, step)]
        shared = self._shared.get(id(tensor))
        while shared is not None:
            step = shared.view.put(self, self.held_by(shared.whole), step, tuple(shared.whole.shape))
            chain.append((shared.whole, step))
            shared = self._shared.get(id(shared.whole))
        if len(chain) > 1:
            self._lie(self.steps[first:], tensor, is_view=True)
        root = id(chain[-1][0])
        writes = 0
        if root in self._writes:
            writes = self._writes[root] = self._writes[root] + 1
        for written, step in chain:
            self._known[id(written)] = Known(written, step, writes)

    def _lie(self, steps: Iterable[Step], tensor: torch.Tensor, *, is_view: bool = False) -> None:
        """Say that the outputs of steps lie where a tensor does, unless it is known where they lie."""
        if tensor.layout is not torch.strided:
            return
        place: Memory | None = None
        for step in steps:
            if step not in self.memory:
                if place is None:
                    storage = tensor.untyped_storage()
                    place = Memory(storage._cdata, storage.nbytes() // max(tensor.element_size(), 1), is_view)
                self.memory[step] = place

    def copy_before(self, step: Step, copies: tuple[int, ...]) -> None:
        """Say how many elements of each input an op copies before it reads them."""
        if any(copies) and step in self.memory:
            self.memory[step] = self.memory[step]._replace(copies=copies)

    def lie_with(self, step: Step, tensor: torch.Tensor, *, is_view: bool) -> None:
        """Say that a step's output lies where a tensor does; as a view where that was there before."""
        self.memory.pop(step, None)
        self._lie([step], tensor, is_view=is_view)

    def lie_together(self, first: int, *, whole: bool = False) -> None:
        """The steps from a number on are one op's: what leads to its output takes no memory besides that.

        With ``whole`` not even the outputs of the ops into which it was taken apart.
        """
        if len(self.steps) < first + 2:
            return
        steps = [step for step in self.steps[first:] if not isinstance(step.op, Rearrange)]
        place = self.memory.get(steps[-1]) if steps else None
        if place is not None:
            for step in steps[:-1]:
                if whole or step not in self.memory:
                    self.memory[step] = place._replace(is_view=True)

    def share(self, tensor: torch.Tensor, whole: torch.Tensor, view: MemoryView) -> None:
        """Say that a new tensor shows the memory of another."""
        if tensor is whole or id(tensor) in self._shared:
            return
        if 0 in tensor.shape:
            self._empty[id(tensor)] = tensor
            return
        above = self._shared.get(id(whole))
        root = id(whole) if above is None else above.root
        self._writes.setdefault(root, 0)
        self._shared[id(tensor)] = Shared(tensor, whole, view, root)

    def share_as_held(self, tensor: torch.Tensor, whole: torch.Tensor, view: MemoryView) -> None:
        """The same for a tensor that a step was recorded for already."""
        known = self._known[id(tensor)]
        self.share(tensor, whole, view)
        self._known[id(tensor)] = replace(known, writes=self._writes[self._shared[id(tensor)].root])

    def turn(self, tensor: torch.Tensor, step: Step, view: MemoryView) -> None:
        """Say that a tensor now shows its own memory in another way, as in-place transposes do; ``view`` as of now."""
        shared = self._shared.get(id(tensor))
        root = id(tensor) if shared is None else shared.root
        self._known[id(tensor)] = Known(tensor, step, self._writes.get(root, 0))
        if shared is not None:
            self._shared[id(tensor)] = replace(shared, view=view)

    def is_shared(self, tensor: object) -> bool:
        """Whether a tensor is known to show another's memory."""
        return id(tensor) in self._shared

    def drop(self, first: int) -> None:
        """Take back the steps from a number on."""
        dropped = set(self.steps[first:])
        del self.steps[first:]
        self._known = {key: known for key, known in self._known.items() if known.step not in dropped}

    def weights_among(self, values: Iterable[object]) -> tuple[int, str]:
        """Number of weights among the values that no step before has used, and the path of the first one's module."""
        total, first = 0, ""
        for value in values:
            if id(value) in self._from_params:
                for name in self._from_params[id(value)][1]:
                    first = first or name
                    total += self.param_counts.pop(name, 0)
        return total, first.rpartition(".")[0]

    def follow_params(self, inputs: Iterable[object], outputs: Iterable[torch.Tensor]) -> None:
        """Remember that tensors were computed from weights alone."""
        names = frozenset[str]().union(*(self._from_params[id(v)][1] for v in inputs if id(v) in self._from_params))
        if names:
            for out in outputs:
                self._from_params[id(out)] = (out, names)


def unknown(
    trace: Trace, name: str, tensors: Iterable[torch.Tensor], outputs: Iterable[torch.Tensor], reason: str = ""
) -> None:
    """Record an op whose reads are not known."""
    tensors = list(tensors)
    inputs = [trace.step_of(tensor) for tensor in tensors if trace.knows(tensor)]
    params, _ = trace.weights_among(tensors)
    for out in outputs:
        step = trace.record(
            Unknown(name=name.rstrip("_"), reason=reason or "it has no rule"), inputs, out.shape, params
        )
        trace.bind(out, step)
        params = 0


def tensors_in(value: Any) -> list[torch.Tensor]:
    """All tensors in nested lists, tuples and dicts."""
    if isinstance(value, torch.Tensor):
        return [value]
    tensors: list[torch.Tensor] = []
    if isinstance(value, _HOLDERS):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, torch.Tensor):
                tensors.append(item)
            elif isinstance(item, _HOLDERS):
                tensors += tensors_in(item)
    return tensors


_HOLDERS = (list, tuple, dict)  # no union of types, which is made anew at each test
