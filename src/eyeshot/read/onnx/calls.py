"""One node as its rule sees it: inputs, attributes of the types that they must have, and how to record steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eyeshot.errors import ReadError
from eyeshot.network.ops import Index, Op, Rearrange
from eyeshot.network.relations import Shape
from eyeshot.read.onnx.constants import constants_of
from eyeshot.read.onnx.messages import Attribute, Graph, NodeProto, Tensor
from eyeshot.read.onnx.recording import Recording, Scope
from eyeshot.read.onnx.values import LostError, Numbers, Value, known
from eyeshot.read.steps import CallSite, Step


class Call:
    """A node to be read."""

    def __init__(
        self, reader: Recording, node: NodeProto, inputs: list[Value | None], scope: Scope, site: CallSite
    ) -> None:
        self.reader, self.node, self.inputs, self.scope, self.site = reader, node, inputs, scope, site

    @property
    def op(self) -> str:
        """The operator's name."""
        return self.node.op

    @property
    def opset(self) -> int:
        """The version of the set of operators."""
        return self.scope.opsets.get(self.node.domain, self.scope.opsets.get("", 1))

    def __getitem__(self, i: int) -> Value:
        value = self.get(i)
        if value is None:
            raise ReadError(f"its input {i + 1} is missing")
        return value

    def get(self, i: int) -> Value | None:
        """An input, None where it is left out."""
        return self.inputs[i] if i < len(self.inputs) else None

    @property
    def x(self) -> Value:
        """The first input."""
        return self[0]

    @property
    def present(self) -> list[Value]:
        """The inputs that are not left out."""
        return [value for value in self.inputs if value is not None]

    def shapes(self) -> str:
        """The inputs' shapes, for messages."""
        sizes = ["×".join(map(str, value.shape)) or "one number" for value in self.present[:3]]
        return f" on {' and '.join(sizes)}" if sizes else ""

    # --- attributes ---------------------------------------------------------------------------------------------------

    def attribute(self, name: str) -> Any:
        """The value of an attribute; None where it is absent."""
        attribute: Attribute | None = self.node.attributes.get(name)
        if attribute is not None and attribute.refers_to:
            attribute = self.scope.attributes.get(attribute.refers_to)
        return None if attribute is None else attribute.value

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.attribute(name)
        value = default if value is None else value
        if not isinstance(value, int) or abs(value) > 1 << 31:
            raise ReadError(f"its attribute {name} is {_short(value)}; needed is a whole number")
        return value

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Whole numbers; None where they are absent."""
        value = self.attribute(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(n, int) and abs(n) <= 1 << 31 for n in value):
            raise ReadError(f"its attribute {name} is {_short(value)}; needed are whole numbers")
        return tuple(value)

    def fraction(self, name: str, default: float) -> float:
        """A fraction."""
        value = self.attribute(name)
        value = default if value is None else value
        if not isinstance(value, int | float):
            raise ReadError(f"its attribute {name} is {_short(value)}; needed is a number")
        return float(value)

    def text(self, name: str, default: str = "") -> str:
        """A word."""
        value = self.attribute(name)
        value = default if value is None else value
        if not isinstance(value, str):
            raise ReadError(f"its attribute {name} is {_short(value)}; needed is a word")
        return value

    def graph(self, name: str) -> Graph:
        """A graph within the node."""
        value = self.attribute(name)
        if not isinstance(value, Graph):
            raise ReadError(f"its attribute {name} is {_short(value)}; needed is a graph")
        return value

    def tensor(self, name: str) -> Tensor | None:
        """A tensor."""
        value = self.attribute(name)
        return value if isinstance(value, Tensor) else None

    # --- numbers ------------------------------------------------------------------------------------------------------

    def numbers(self, i: int) -> Numbers:
        """The numbers of an input from which shapes or positions are computed.

        Raises:
            LostError: they depend on the data, lie outside the file, or are too many.
        """
        value = self[i]
        if value.step is not None:
            raise LostError(f"its input {i + 1}, which decides on shapes or positions, depends on the data")
        numbers = value.numbers
        if numbers is None:
            raise LostError(f"the numbers of its input {i + 1}, which decide on shapes or positions, are not known")
        return numbers

    def whole(self, i: int) -> list[int]:
        """Whole numbers of an input, such as a shape."""
        numbers = self.numbers(i)
        if numbers.size > 64 * 1024:
            raise ReadError(f"its input {i + 1} has {numbers.size:,} numbers; needed is one an axis")
        return [int(n) for n in numbers.reshape(-1).tolist()]

    # --- steps --------------------------------------------------------------------------------------------------------

    def record(
        self, op: Op, inputs: Iterable[Value | None], shape: Iterable[int], weights: Sequence[Value | None] = ()
    ) -> Value:
        """A step that reads those of the inputs that depend on the input, and uses some weights.

        Without any the result is a constant, whose numbers its rule may say.
        """
        sizes: Shape = tuple(map(int, shape))
        given = list(inputs)
        sources = known(given)
        used = [weight for weight in weights if weight is not None and weight.step is None]
        if not sources or 0 in sizes:
            self.reader.check_shape(sizes)
            parts = [value.weights for value in (*given, *used) if value is not None]
            return Value(sizes, weights=frozenset[str]().union(*parts))
        params = self.reader.params(frozenset[str]().union(*(weight.weights for weight in used)))
        steps = tuple(value.step for value in sources if value.step is not None)
        step = Step(op, steps, sizes, params, self.site, "", bool(used))
        self.reader.add(step)
        if self.reader.constants is not None:
            self.reader.constants[step] = constants_of(op, self.inputs)
        return Value(sizes, step)

    def reads_one(self, op: Op, step: Step, shape: Shape) -> Step:
        """A step that reads one other."""
        if isinstance(op, Index):
            self.reader.spend(len(op.positions))
        made = self.record(op, [Value(step.shape, step)], shape).step
        assert made is not None
        return made

    def reshaped(self, value: Value, shape: Iterable[int], name: str = "reshape") -> Value:
        """The same elements under another shape; no step where that is the same."""
        sizes = tuple(map(int, shape))
        return value if sizes == value.shape else self.record(Rearrange(name=name), [value], sizes)

    def permuted(self, value: Value, order: Sequence[int]) -> Value:
        """Axes in another order; no step where that is the same."""
        if tuple(order) == tuple(range(len(value.shape))):
            return value
        op = Rearrange(name="permute", order=tuple(order))
        return self.record(op, [value], [value.shape[axis] for axis in order])

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= axis < max(rank, 1):
            raise ReadError(f"its axis {axis} is none of {rank}")
        return axis + rank if axis < 0 else axis

    def is_read_in(self, parts: Sequence[Step]) -> bool:
        """Whether nothing reads what some steps made but they themselves and this node."""
        reader = self.reader
        for part in parts:
            reads = sum(reader.readers.get(name, 0) for name in reader.names.get(part, ()))
            among = sum(later.inputs.count(part) for later in parts)
            among += sum(value is not None and value.step is part for value in self.inputs)
            if reads != among:
                return False
        return True


def _short(value: object) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) < 60 else text[:57] + "…"
