"""How one tensor shows another's memory: the same elements, a cut, other axes, another shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eyeshot.network.ops import Arithmetic, Concatenate, Insert, Pointwise, Rearrange, Slice, Unknown
from eyeshot.network.relations import Shape
from eyeshot.read.trace import Step, Trace


@dataclass(frozen=True, slots=True)
class Same:
    """The same elements in the same shape."""

    def take(self, trace: Trace, whole: Step, shape: Shape) -> Step:
        """What the whole holds."""
        return whole

    def put(self, trace: Trace, whole: Step | None, part: Step, shape: Shape) -> Step:
        """What was written."""
        return part


@dataclass(frozen=True, slots=True)
class Cut:
    """Every ``step``-th position along ``axis`` from ``start`` on; ``squeezed`` where one position lost its axis."""

    axis: int
    start: int
    step: int = 1
    squeezed: bool = False

    def take(self, trace: Trace, whole: Step, shape: Shape) -> Step:
        """A slice."""
        size = 1 if self.squeezed else shape[self.axis]
        piece = self._piece(trace, whole, self.start, size, self.step)
        return trace.record(Rearrange(name="select"), [piece], shape) if self.squeezed else piece

    def put(self, trace: Trace, whole: Step | None, part: Step, shape: Shape) -> Step:
        """What was written, between what the whole held before and behind it."""
        if self.squeezed:
            part = trace.record(Rearrange(name="unsqueeze"), [part], _with(shape, self.axis, 1))
        if whole is None:
            return self._inserted(trace, part, self.start, shape)
        if self.step > 1 and part.shape[self.axis] > 1:
            return self._interleaved(trace, whole, part, shape)
        end = self.start + part.shape[self.axis]
        parts = [part]
        if self.start > 0:
            parts.insert(0, self._piece(trace, whole, 0, self.start, 1))
        if end < shape[self.axis]:
            parts.append(self._piece(trace, whole, end, shape[self.axis] - end, 1))
        return part if len(parts) == 1 else trace.record(Concatenate(axis=self.axis), parts, shape)

    def _interleaved(self, trace: Trace, whole: Step, part: Step, shape: Shape) -> Step:
        """Every ``step``-th position as written, those between as they were."""
        size = shape[self.axis]
        if self.start >= self.step or len(range(self.start, size, self.step)) > part.shape[self.axis]:
            return _hidden(trace, [whole, part], shape)
        mixed = self._inserted(trace, part, self.start, shape)
        for start in range(self.step):
            if start != self.start and start < size:
                kept = self._piece(trace, whole, start, len(range(start, size, self.step)), self.step)
                inserted = self._inserted(trace, kept, start, shape)
                mixed = trace.record(Arithmetic(name="add"), [mixed, inserted], shape)
        return mixed

    def _inserted(self, trace: Trace, part: Step, start: int, shape: Shape) -> Step:
        return trace.record(Insert(axis=self.axis, start=start, step=self.step), [part], shape)

    def _piece(self, trace: Trace, whole: Step, start: int, size: int, step: int) -> Step:
        shape = _with(whole.shape, self.axis, size)
        if shape == whole.shape:
            return whole
        return trace.record(Slice(axis=self.axis, start=start, step=step), [whole], shape)


@dataclass(frozen=True, slots=True)
class Reordered:
    """Axis j of the view is axis ``order[j]`` of the whole."""

    order: tuple[int, ...]

    def take(self, trace: Trace, whole: Step, shape: Shape) -> Step:
        """A permutation."""
        return trace.record(Rearrange(name="permute", order=self.order), [whole], shape)

    def put(self, trace: Trace, whole: Step | None, part: Step, shape: Shape) -> Step:
        """The permutation back."""
        back = tuple(self.order.index(axis) for axis in range(len(shape)))
        return trace.record(Rearrange(name="permute", order=back), [part], shape)


@dataclass(frozen=True, slots=True)
class Reshaped:
    """The same elements in row-major order; ``name`` is what the model calls it."""

    name: str = "reshape"

    def take(self, trace: Trace, whole: Step, shape: Shape) -> Step:
        """A reshape."""
        return trace.record(Rearrange(name=self.name), [whole], shape)

    def put(self, trace: Trace, whole: Step | None, part: Step, shape: Shape) -> Step:
        """The reshape back."""
        return trace.record(Rearrange(name="reshape"), [part], shape)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Axes of size one shown with a larger size, without copies."""

    name: str = "expand"

    def take(self, trace: Trace, whole: Step, shape: Shape) -> Step:
        """A broadcast."""
        return trace.record(Pointwise(name=self.name), [whole], shape)

    def put(self, trace: Trace, whole: Step | None, part: Step, shape: Shape) -> Step:
        """Several writes to one element: not followed."""
        return _hidden(trace, [part] if whole is None else [whole, part], shape)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A view of a kind that is not followed, such as a diagonal."""

    def take(self, trace: Trace, whole: Step, shape: Shape) -> Step:
        """Unknown, once the whole has changed."""
        return _hidden(trace, [whole], shape)

    def put(self, trace: Trace, whole: Step | None, part: Step, shape: Shape) -> Step:
        """Unknown."""
        return _hidden(trace, [part] if whole is None else [whole, part], shape)


def _hidden(trace: Trace, inputs: Sequence[Step], shape: Shape) -> Step:
    op = Unknown(name="view", reason="its memory was changed in place through a view of a kind that is not followed")
    return trace.record(op, inputs, shape)


def _with(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])
