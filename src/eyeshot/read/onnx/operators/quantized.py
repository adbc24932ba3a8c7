"""Quantised operators: what they compute, with scales and zero points that are no weights."""

from __future__ import annotations

from eyeshot.network.ops import Aggregate, Arithmetic, Norm, Pointwise, Softmax
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.layout import joined
from eyeshot.read.onnx.operators.mixing import product, transposed
from eyeshot.read.onnx.operators.recurrent import recurrence
from eyeshot.read.onnx.operators.table import broadcast, rule
from eyeshot.read.onnx.operators.windows import convolution, global_pooling, pooling
from eyeshot.read.onnx.values import Value

_MICROSOFT = "com.microsoft"


@rule("QuantizeLinear", "DequantizeLinear")
@rule("QuantizeLinear", "DequantizeLinear", domain=_MICROSOFT)
def _scaled(call: Call) -> Value:
    x = call.x
    name = "quantize" if call.op[0] == "Q" else "dequantize"
    if x.step is None:
        return Value(x.shape, weights=x.weights)
    return call.record(Pointwise(name=name), [x], x.shape)


@rule("DynamicQuantizeLinear")
def _dynamic(call: Call) -> list[Value]:
    """Scale and zero point are statistics of all elements."""
    x = call.x
    out = _quantized(call, x)
    scale = call.record(Aggregate(name="amax", axes=tuple(range(len(x.shape))), keep=False), [x], ())
    return [out, scale, scale]


def _quantized(call: Call, x: Value) -> Value:
    """The elements by the scale of them all."""
    return call.record(Norm(mode="dynamic_quantize", statistics=tuple(range(len(x.shape)))), [x], x.shape)


@rule("DynamicQuantizeLSTM", domain=_MICROSOFT)
def _dynamic_lstm(call: Call) -> list[Value]:
    """Its weights lie the other way round: directions, features, gates of all units."""
    return recurrence(call, _quantized(call, call.x), "lstm", hidden=call[2].shape[1])


@rule("ConvInteger")
def _conv_integer(call: Call) -> Value:
    """The input's zero point is a statistic of the very input, which depends on no more."""
    return convolution(call, call.x, call[1], None)


@rule("QLinearConv")
def _qlinear_conv(call: Call) -> Value:
    return convolution(call, call.x, call[3], call.get(8))


@rule("MatMulInteger")
def _matmul_integer(call: Call) -> Value:
    return product(call, call.x, call[1])


@rule("QLinearMatMul")
def _qlinear_matmul(call: Call) -> Value:
    return product(call, call.x, call[3])


@rule("QGemm", domain=_MICROSOFT)
def _qgemm(call: Call) -> Value:
    a, b = call.x, call[3]
    a = transposed(call, a) if call.integer("transA", 0) else a
    b = transposed(call, b) if call.integer("transB", 0) else b
    return product(call, a, b, call.get(6))


@rule("QLinearAdd", "QLinearMul", domain=_MICROSOFT)
def _qlinear_arithmetic(call: Call) -> Value:
    a, b = call.x, call[3]
    return call.record(Arithmetic(name=call.op[7:].lower()), [a, b], broadcast(a.shape, b.shape))


@rule("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", domain=_MICROSOFT)
def _qlinear_function(call: Call) -> Value:
    if call.op == "QLinearSoftmax":
        axis = call.axis(call.integer("axis", -1), len(call.x.shape))
        return call.record(Softmax(axis=axis), [call.x], call.x.shape)
    name = "sigmoid" if call.op.endswith("Sigmoid") else "leaky_relu"
    return call.record(Pointwise(name=name), [call.x], call.x.shape)


@rule("QLinearConcat", domain=_MICROSOFT)
def _qlinear_concat(call: Call) -> Value:
    return joined(call, [value for value in call.inputs[2::3] if value is not None], call.integer("axis"))


@rule("QLinearAveragePool", domain=_MICROSOFT)
def _qlinear_pool(call: Call) -> Value:
    return pooling(call, call.x, "avg")


@rule("QLinearGlobalAveragePool", domain=_MICROSOFT)
def _qlinear_global_pool(call: Call) -> Value:
    return global_pooling(call, call.x, "avg")
