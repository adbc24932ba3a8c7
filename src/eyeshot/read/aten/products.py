"""Products beside those of two matrices, distances, and functions of a whole matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from eyeshot.network.ops import Aggregate, Linear, Pointwise, Rearrange
from eyeshot.read.aten.parts import in_parts, read_in_parts
from eyeshot.read.aten.rules import one, rule
from eyeshot.read.trace import Call, Trace, tensors_in


@in_parts("mv", "dot", "vdot")
def with_vector(call: Call) -> Any:
    """A product with a vector, as one of matrices with a row or a column."""
    a, b = list(call.arguments.values())[:2]
    product = (a.unsqueeze(0) if a.dim() == 1 else a) @ (b.unsqueeze(1) if b.dim() == 1 else b)
    if b.dim() == 1:
        product = product.squeeze(-1)
    return product.squeeze(-1 if b.dim() == 1 else -2) if a.dim() == 1 else product


@rule("addmm", "baddbmm", "_addmm_activation")
def _addmm(trace: Trace, call: Call) -> Any:
    """With weights a fully connected layer; else a sum of a product."""
    added, a, b = list(call.arguments.values())[:3]
    if trace.knows(a) and not trace.knows(b) and not trace.knows(added) and "activation" not in call.name:
        return one(trace, call, Linear(), [a], call.run())
    return read_in_parts(trace, call, _added)


@in_parts("addmv", "addbmm")
def _added(call: Call) -> Any:
    added, a, b = list(call.arguments.values())[:3]
    product = a @ b
    total = sum_of(call, added, product.sum(0) if call.name.startswith("addbmm") else product)
    if "use_gelu" not in call.arguments:
        return total
    return functional.gelu(total) if call["use_gelu"] else total.relu()


def sum_of(call: Call, added: torch.Tensor, product: Any) -> Any:
    """β·added + product; PyTorch does not read what is added where β is 0."""
    return product if call["beta"] == 0 else added + product


@in_parts("addr")
def _addr(call: Call) -> Any:
    return sum_of(call, call.x, call["vec1"].unsqueeze(1) * call["vec2"])


@in_parts("_cdist_forward", "_euclidean_dist")
def _cdist(call: Call) -> Any:
    """As PyTorch computes Euclidean distances of many points; other norms read and cost as much."""
    a, b = call["x1"], call["x2"]
    squares = a.square().sum(-1, keepdim=True) + b.square().sum(-1).unsqueeze(-2)
    return (squares - a @ b.transpose(-2, -1)).sqrt()


@in_parts("_pdist_forward")
def _pdist(call: Call) -> Any:
    """Each row and each one behind it."""
    first, second = torch.triu_indices(len(call.x), len(call.x), 1)
    return (call.x[first] - call.x[second]).norm(dim=-1)


@in_parts("dist")
def _dist(call: Call) -> Any:
    return (call.x - call["other"]).norm()


@in_parts("linalg_cross")
def _cross(call: Call) -> Any:
    a, b, axis = call.x, call["other"], call["dim"]
    one, two = (-1, axis), (-2, axis)
    return a.roll(*one) * b.roll(*two) - a.roll(*two) * b.roll(*one)


_DECOMPOSED = {
    "linalg_inv_ex": "inverse", "_linalg_det": "det", "_linalg_slogdet": "slogdet", "_linalg_svd": "svd",
    "_linalg_eigh": "eigh", "_linalg_eigvals": "eigvals", "linalg_eig": "eig", "linalg_matrix_exp": "matrix_exp",
    "linalg_pinv": "pinv",
}  # fmt: skip
"""Functions of a whole matrix, each of whose results depends on all of it."""


@rule(*_DECOMPOSED)
def _of_matrix(trace: Trace, call: Call) -> Any:
    x = next(iter(call.arguments.values()))
    out, rank = call.run(), x.dim()
    op = Aggregate(name=_DECOMPOSED[call.name], axes=(rank - 2, rank - 1), keep=False)
    whole = trace.record(op, [trace.step_of(x)], x.shape[:-2])
    for result in tensors_in(out):
        wide = (*whole.shape, *(1 for _ in result.shape[rank - 2 :]))
        step = trace.record(Rearrange(name="unsqueeze"), [whole], wide) if wide != whole.shape else whole
        trace.bind(result, trace.record(Pointwise(name="expand"), [step], result.shape))
    return out


@in_parts("_linalg_solve_ex")
def _solve(call: Call) -> Any:
    """The inverse by the right-hand side, as far as reads go; PyTorch counts no operations for it, nor is this it."""
    a, b = call["A"], call["B"]
    b = b.unsqueeze(-1) if (is_vector := b.dim() == a.dim() - 1) else b
    inverse = torch.linalg.inv_ex(a)[0]
    result = inverse @ b if call["left"] else b @ inverse
    return result.squeeze(-1) if is_vector else result
