"""From a PyTorch module to a network: no weight is copied, no number computed, nothing changed afterwards.

Most passes run on tensors without numbers. Where control flow depends on values, one pass on numbers is the fall-back,
and the network says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from eyeshot.complaints import complaint, rest
from eyeshot.errors import MissingExtraError, ReadError, UsageError
from eyeshot.network.graph import Network, Note
from eyeshot.network.ops import Input

try:
    import torch
except ImportError:
    raise MissingExtraError("reading a PyTorch module", "torch", "torch") from None

from torch.utils._pytree import tree_leaves

from eyeshot.garbage import uncollected
from eyeshot.read.arguments import Arguments, arguments_for
from eyeshot.read.aten import RULES
from eyeshot.read.constants import Constants
from eyeshot.read.foreign import no_module
from eyeshot.read.naming import modules_of, nodes_of
from eyeshot.read.notes import bounds, other_inputs
from eyeshot.read.places import Places, line_of_user
from eyeshot.read.recorder import Recorder, Whole, eagerly
from eyeshot.read.snapshot import Snapshot, left_as_it_was
from eyeshot.read.state import (
    Modules,
    as_they_are,
    device_of,
    has_lazy_weights,
    in_evaluation,
    initialised_copy,
    modules_in,
    stand_ins,
    weights_of,
)
from eyeshot.read.trace import NeedsNumbersError, Step, Trace, tensors_in
from eyeshot.read.under_way import MUCH, Pass, under_way

Watching = Callable[[Trace], AbstractContextManager[Any]]


def read_module(
    module: Any,
    input_shape: Any = None,
    *,
    name: str,
    source: str,
    notes: tuple[Note, ...] = (),
    example: Any = None,
    with_lines: bool = False,
    watching: Watching | None = None,
    with_constants: bool = False,
) -> Network:
    """The network of a module's forward pass in evaluation mode.

    Args:
        module: a torch.nn.Module on any device, meta included, scripted modules too; or a torch.export program.
        input_shape: what goes in, the batch left out: a shape, a text as `eyeshot.read.inputs` says, or several by
            name; 3×224×224, or what a program was exported for, unless given.
        name: the network's name.
        source: where the module came from.
        notes: what to tell readers of the results.
        example: what forward is called with, instead of a shape: a tensor, a tuple or a dictionary; its numbers are
            used only where control flow depends on values.
        with_lines: keep the line of code of each layer.
        with_constants: keep what constants each layer takes, to tell readings at two sizes apart.
        watching: a context for the pass, made with its trace: it sees what the pass calls, and the steps that it makes.

    Fields are of the first input. A forward pass whose control flow depends on values is read on numbers where the
    module has weights in memory, else up to there, with a note.

    Raises:
        ReadError: if the forward pass fails; says in which module, with the user's own message, and holds what was
            read before.
    """
    if isinstance(module, torch.export.ExportedProgram):
        example = module.example_inputs if example is None and input_shape is None else example
        module = module.module()
    module = getattr(module, "_orig_mod", module)  # of a compiled module
    if not isinstance(module, torch.nn.Module):
        raise no_module(module, name)
    if example is not None and input_shape is not None:
        raise UsageError("give either input_shape or example, not both: an example has a shape of its own")
    arguments = arguments_for(module, name, input_shape, example)
    modules = modules_in(module)
    if has_lazy_weights(modules):
        modules = modules_in(_initialised(module, arguments, name))
    reading = _Reading(modules, name, source, with_lines, watching=watching, with_constants=with_constants)
    with uncollected():  # nothing large is left behind: no tensor has memory
        error = reading.run(arguments.without_numbers())
        if error is None:
            network = reading.network(notes)
            # let go before Python looks for what is unreachable: it would look through all that was recorded
            del reading, arguments, modules
            return network
    if not _needs_numbers(error):
        raise reading.failure(error, notes) from error
    why = reading.explain(error)
    device = device_of(modules[0][1])
    if device.type != "meta":
        again = _Reading(
            modules, name, source, with_lines, watching=watching, with_constants=with_constants, has_numbers=True
        )
        error = again.run(arguments.with_numbers(device))
        if error is not None:
            raise again.failure(error, notes) from error
        # what a detector finds on random numbers may be nothing at all; what it was computed from is there
        if again.results or not _is_empty(again.output):
            return again.network((*notes, Note(None, "remark", _on_numbers(why, arguments))))
        why += ", and on random numbers its output has no elements"
    if not any(step.params for step in reading.trace.steps):
        raise ReadError(why) from error
    text = f"reading stopped: {why}; what comes after is missing, and totals are at least"
    return reading.network((*notes, Note(None, "bound", text)), is_partial=True)


def _on_numbers(why: str, arguments: Arguments) -> str:
    numbers = "the example's numbers" if arguments.is_given else "random numbers"
    hint = "" if arguments.is_given else " (give your own with example=)"
    return f"read in a real forward pass on {numbers}{hint}, since {why}; other inputs may take other paths"


class _Reading:
    """One forward pass of a module, watched."""

    def __init__(
        self,
        modules: Modules,
        name: str,
        source: str,
        with_lines: bool,
        *,
        watching: Watching | None = None,
        with_constants: bool = False,
        has_numbers: bool = False,
    ) -> None:
        self.modules, self.name, self.source, self.has_numbers = modules, name, source, has_numbers
        self.trace = Trace()
        self.constants = Constants(self.trace) if with_constants else None
        self.watched = nullcontext() if watching is None else watching(self.trace)
        if with_lines:
            self.trace.line_of_code = line_of_user
        self.places = Places(modules, self.trace, watches_all=has_numbers or watching is not None)
        self.inputs: dict[Step, str] = {}
        self.output: Any = None
        self.taking: Pass | None = None
        self.shape = ""

    def run(self, arguments: Arguments) -> BaseException | None:
        """Run and record; returns what the forward pass raised."""
        self.shape = " and ".join("×".join(map(str, spec.shape)) for spec, _ in arguments.specs)
        for number, (spec, tensor) in enumerate(arguments.specs):
            axes = spec.axes if number == 0 else ()
            step = self.trace.record(Input(axes=axes), (), tensor.shape)
            self.trace.bind(tensor, step)
            self.inputs[step] = "input" if len(arguments.specs) == 1 else spec.name or f"input{number + 1}"
        weights, set_aside = (as_they_are, []) if self.has_numbers else (stand_ins, weights_of(self.modules))
        try:
            with (
                left_as_it_was([child for _, child in self.modules], set_aside) as snapshot,
                weights(self.modules, self.trace),
                in_evaluation(self.modules),
                warnings.catch_warnings(),
                self.places.followed(),
            ):
                warnings.simplefilter("ignore")  # what PyTorch warns of, it warns of again when the module is used
                self.output = self._forward(arguments, snapshot)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit in a forward pass is an error of the model's, and no end of ours
            return error
        return None

    def _forward(self, arguments: Arguments, snapshot: Snapshot) -> Any:
        trace = self.trace  # not `self`, which holds what comes of this: it would only be found by a look for cycles
        with under_way(lambda: trace.place.path) as self.taking:
            return self._called(arguments, snapshot)

    def _called(self, arguments: Arguments, snapshot: Snapshot) -> Any:
        whole = Whole(self.trace, has_numbers=self.has_numbers)
        recorder = Recorder(
            self.trace,
            RULES,
            has_numbers=self.has_numbers,
            before_write=snapshot.before_write,
            constants=self.constants,
        )
        with torch.inference_mode(), eagerly(), whole, self.watched, recorder:
            return self.modules[0][1](*arguments.args, **arguments.kwargs)

    def network(self, notes: tuple[Note, ...], *, is_partial: bool = False) -> Network:
        """The network of what was recorded."""
        results = self.results
        if not results and not is_partial:
            raise ReadError(f"{self.name}: {_without_results(self.output)}")
        ends = [self.trace.step_of(tensor) for tensor in results]
        nodes = nodes_of(self.trace, self.inputs)
        all_notes = (
            *notes,
            *other_inputs(self.inputs),
            *bounds(nodes.values()),
            *_unused(self.trace),
            *self._memory(),
        )
        outputs = tuple(dict.fromkeys(nodes[step].name for step in ends))
        return Network(
            name=self.name,
            source=self.source,
            nodes=tuple(nodes.values()),
            notes=all_notes,
            outputs=outputs,
            modules=modules_of(self.trace, nodes),
            constants={nodes[step].name: taken for step, taken in self.trace.taken.items() if step in nodes},
        )

    @property
    def results(self) -> list[torch.Tensor]:
        """The tensors that forward returned and that come from its input."""
        return [tensor for tensor in tensors_in(_plain(self.output)) if self.trace.knows(tensor)]

    def _memory(self) -> list[Note]:
        """What the pass took for real, where that is much."""
        if self.taking is None or self.taking.grown < MUCH:
            return []
        why = "" if self.has_numbers else ": what it makes from neither input nor weights (torch.randn, arrays) is made"
        return [Note(None, "remark", f"its forward took {self.taking.grown / 1e9:.1f} GB of memory for real{why}")]

    def failure(self, error: BaseException, notes: tuple[Note, ...]) -> ReadError:
        """The user's own error, said as theirs, with what was read before."""
        failure = ReadError(self.explain(error) + self._meeting(error), lines=rest(error))
        failure.is_of_shapes = isinstance(error, RuntimeError | ValueError | AssertionError | IndexError)
        if len(self.trace.steps) > len(self.inputs):
            stopped = Note(None, "bound", "what comes after the failure is missing, and totals are at least")
            failure.partial = self.network((*notes, stopped), is_partial=True)
        return failure

    def _meeting(self, error: BaseException) -> str:
        """The layers whose outputs an op did not take together, and their sizes."""
        refusal = self.trace.refusal
        if refusal is None or refusal.error is not error or len(refusal.sources) < 2:
            return ""
        nodes = nodes_of(self.trace, self.inputs)
        met = [f"{nodes[step].name} ({'×'.join(map(str, step.shape[1:]))})" for step in refusal.sources]
        return f" ({refusal.name} of {' and '.join(met[:4])})"

    def explain(self, error: BaseException) -> str:
        """Where the forward pass stopped, and why."""
        text = complaint(error)
        if _needs_numbers(error):
            text = f"its computation needs numbers, not only shapes ({str(error).partition(',')[0]})"
        return f"{self.name} cannot be traced on an input of {self.shape}: {self.places.of_failure()}: {text}"


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
    """Outputs of any kind as nested lists: dictionaries, tuples, dataclasses and other objects that hold tensors."""
    leaves = tree_leaves(out)
    return [
        leaf if isinstance(leaf, torch.Tensor) or not hasattr(leaf, "__dict__") else _plain(list(vars(leaf).values()))
        for leaf in leaves
    ]


def _is_empty(output: Any) -> bool:
    """Whether forward returned tensors, and one without elements among them."""
    return any(not tensor.numel() for tensor in tensors_in(_plain(output)))


def _without_results(output: Any) -> str:
    """Why there is nothing to see in what forward returned."""
    if output is None:
        return "its forward returns nothing; let it return the tensor that it computes"
    tensors = tensors_in(_plain(output))
    if not tensors:
        return f"its forward returns no tensor, but {type(output).__name__}; let it return the tensor that it computes"
    if empty := [tensor for tensor in tensors if not tensor.numel()]:
        shape = "×".join(map(str, empty[0].shape))
        return f"the module's output has no elements (its shape is {shape}): nothing to see; try a larger input"
    return "the module's output does not depend on its input, so there is nothing to see"


def _initialised(module: torch.nn.Module, arguments: Arguments, name: str) -> torch.nn.Module:
    meta = arguments.without_numbers()
    try:
        return initialised_copy(module, meta.args, dict(meta.kwargs))
    except (Exception, SystemExit) as error:
        raise ReadError(
            f"{name}: its lazy layers cannot take their shapes from an input of that shape: {error};"
            " run the module once on an example input"
        ) from error


def _needs_numbers(error: BaseException) -> bool:
    """Whether an error says that control flow or a shape depends on values."""
    return (
        isinstance(error, NotImplementedError | NeedsNumbersError)
        or "meta tensor" in str(error)
        or "Meta" in str(error)
    )
