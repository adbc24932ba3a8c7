"""What exporters take apart, put together again: biases added behind a product, activations made of several operators.

Each is known by its form alone, and by nothing else reading what lies between.
"""

from __future__ import annotations

from dataclasses import replace

from eyeshot.network.ops import Arithmetic, Conv, ConvTranspose, Linear, Pointwise
from eyeshot.network.relations import Shape
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.values import Value
from eyeshot.read.steps import Step


def recognised(call: Call, shape: Shape) -> Value | None:
    """What an addition, product or quotient ends, where it is part of something that has a name."""
    if len(call.inputs) != 2:
        return None
    if call.op == "Add":
        return _with_bias(call, shape)
    if call.op == "Mul":
        return _gated_by_itself(call) or _gelu(call)
    return _by_division(call)


def _with_bias(call: Call, shape: Shape) -> Value | None:
    """A bias behind a fully connected layer or a convolution that has none."""
    for i in (0, 1):
        value, bias = call[i], call[1 - i]
        step = value.step
        if step is None or bias.step is not None or not bias.weights or shape != value.shape:
            continue
        if not isinstance(step.op, Linear | Conv | ConvTranspose) or step.op.bias or not call.is_read_in([step]):
            continue
        axis = len(shape) - 1 if isinstance(step.op, Linear) else 1
        padded = (1,) * (len(shape) - len(bias.shape)) + bias.shape
        if isinstance(step.op, Linear) and step.op.axis != -1:
            continue
        if all(n == (shape[a] if a == axis else 1) for a, n in enumerate(padded)):
            params = step.params + call.reader.params(bias.weights)
            return _replaced(call, [step], replace(step, op=replace(step.op, bias=True), params=params))
    return None


def _gated_by_itself(call: Call) -> Value | None:
    """x·sigmoid(x), x·hardsigmoid(x), x·tanh(softplus(x))."""
    for i in (0, 1):
        x, gate = call[i].step, call[1 - i].step
        if x is None or gate is None or not isinstance(gate.op, Pointwise):
            continue
        names = {"sigmoid": "silu", "hardsigmoid": "hardswish"}
        if gate.op.name in names and gate.inputs == (x,):
            return _named(call, [gate], x, names[gate.op.name])
        before = gate.inputs[0]
        if gate.op.name == "tanh" and _is(before, "softplus", x):
            return _named(call, [before, gate], x, "mish")
    return None


def _is(step: Step, name: str, *inputs: Step) -> bool:
    """Whether a step is arithmetic or a function of that name, on these inputs."""
    return isinstance(step.op, Arithmetic | Pointwise) and step.op.name == name and step.inputs == inputs


def _gelu(call: Call) -> Value | None:
    """x·(1 + erf(x/√2))/2, in any order of its factors."""
    steps = [value.step for value in call.inputs if value is not None and value.step is not None]
    if len(steps) == 1:  # the half comes last: (x·(1 + erf))·½
        product = steps[0]
        if not _is_product(product):
            return None
        return _gelu_of(call, product.inputs, [product])
    if len(steps) != 2:
        return None
    a, b = steps
    for x, factor in ((a, b), (b, a)):
        if _is_scaled(x) and _is_erf(factor, x.inputs[0]):  # (x/2)·(1 + erf)
            return _named(call, [x, *_of_erf(factor)], x.inputs[0], "gelu")
        if _is_scaled(factor) and _is_erf(factor.inputs[0], x):  # x·((1 + erf)/2)
            return _named(call, [*_of_erf(factor.inputs[0]), factor], x, "gelu")
    return None


def _gelu_of(call: Call, inputs: tuple[Step, ...], ends: list[Step]) -> Value | None:
    for x, factor in (inputs, inputs[::-1]):
        if _is_erf(factor, x):
            return _named(call, [*_of_erf(factor), *ends], x, "gelu")
    return None


def _is_product(step: Step) -> bool:
    return isinstance(step.op, Arithmetic) and step.op.name == "mul" and len(step.inputs) == 2


def _is_scaled(step: Step) -> bool:
    return isinstance(step.op, Arithmetic) and step.op.name in ("mul", "div") and len(step.inputs) == 1


def _is_erf(step: Step, x: Step) -> bool:
    """1 + erf(x·c)."""
    if not (isinstance(step.op, Arithmetic) and step.op.name == "add" and len(step.inputs) == 1):
        return False
    erf = step.inputs[0]
    return (
        isinstance(erf.op, Pointwise)
        and erf.op.name == "erf"
        and _is_scaled(erf.inputs[0])
        and erf.inputs[0].inputs == (x,)
    )


def _of_erf(step: Step) -> list[Step]:
    return [step.inputs[0].inputs[0], step.inputs[0], step]


def _by_division(call: Call) -> Value | None:
    """x·clip(x + 3, 0, 6)/6."""
    product, six = call[0].step, call[1]
    if product is None or six.step is not None or six.count != 1 or not _is_product(product):
        return None
    for x, gate in (product.inputs, product.inputs[::-1]):
        is_clip = isinstance(gate.op, Pointwise) and gate.op.name == "relu6"
        if is_clip and _is(gate.inputs[0], "add", x):
            return _named(call, [gate.inputs[0], gate, product], x, "hardswish")
    return None


def _named(call: Call, parts: list[Step], x: Step, name: str) -> Value | None:
    """The parts as one function, if nothing else reads them."""
    return _replaced(call, parts, Step(Pointwise(name=name), (x,), x.shape, 0, parts[-1].place))


def _replaced(call: Call, parts: list[Step], whole: Step) -> Value | None:
    """A step in place of those that it is made of, where all are among the last and nothing else reads them."""
    steps = call.reader.steps
    near = steps[-24:]
    if not all(part in near for part in parts) or not call.is_read_in(parts):
        return None
    if any(part.params for part in parts) and not whole.params:
        return None
    for part in parts:
        steps.remove(part)
    steps.append(whole)
    return Value(whole.shape, whole)
