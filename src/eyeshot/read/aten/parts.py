"""Ops that PyTorch runs as one and that are several of ours: each written here as the plain ops that it stands for.

The call's output is PyTorch's own; what the parts record says what it depends on, what it costs, and which weights it
uses, so that a fused op and its parts are read alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from eyeshot.network.ops import Aggregate, Linear, Pointwise, Rearrange
from eyeshot.read.aten.rules import RULES, one, rule
from eyeshot.read.recorder import Recorder
from eyeshot.read.trace import Call, Trace, tensors_in

Parts = Callable[[Call], Any]
"""What a call computes, in plain ops: its outputs, in order; further outputs are left out."""


def in_parts(*names: str) -> Callable[[Parts], Parts]:
    """Register what some ops are made of as their rule."""

    def register(parts: Parts) -> Parts:
        rule(*names)(lambda trace, call: read_in_parts(trace, call, parts))
        return parts

    return register


def read_in_parts(trace: Trace, call: Call, parts: Parts) -> Any:
    """Run the op itself, then its parts, which are recorded."""
    out = call.run()  # first, since it complains where the parts would not
    with Recorder(trace, RULES, has_numbers=call.has_numbers):
        results = tensors_in(parts(call))
    for tensor, result in zip(tensors_in(out), results, strict=False):
        if trace.knows(result):
            trace.bind(tensor, trace.step_of(result))
    return out


# --- products ---------------------------------------------------------------------------------------------------------


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


# --- attention --------------------------------------------------------------------------------------------------------


@in_parts(
    *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention"),
    *("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
    *("_scaled_dot_product_fused_attention_overrideable",),
)
def _attention(call: Call) -> Any:
    mask = call.arguments.get("attn_mask", call.arguments.get("attn_bias"))
    query, key, value = (call[name] for name in ("query", "key", "value"))
    return attention(query, key, value, mask, is_causal=call["is_causal"])


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    is_causal: bool = False,
) -> torch.Tensor:
    """Attention as PyTorch takes it apart on tensors without numbers; several queries' heads may share a key's."""
    if key.shape[-3] != query.shape[-3]:
        key, value = (t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value))
    out: torch.Tensor = torch.ops.aten._scaled_dot_product_attention_math(query, key, value, mask, 0.0, is_causal)[0]
    return out


@in_parts("_flash_attention_forward", "_efficient_attention_forward")
def _attention_of_rows(call: Call) -> Any:
    """Heads on the axis before the last one, positions before them."""
    query, key, value = (t.transpose(1, 2) for t in list(call.arguments.values())[:3])
    is_causal = bool(call.arguments.get("is_causal") or call.arguments.get("custom_mask_type"))
    return attention(query, key, value, call.arguments.get("bias"), is_causal=is_causal).transpose(1, 2)


@in_parts("_native_multi_head_attention")
def _multi_head_attention(call: Call) -> Any:
    return multi_head(call, [call[name] for name in ("query", "key", "value")])


def multi_head(call: Call, inputs: list[torch.Tensor]) -> torch.Tensor:
    """Projections to queries, keys and values, attention of each head, projection back."""
    weight, bias, mask = call["qkv_weight"], call["qkv_bias"], call["mask"]
    if all(each is inputs[0] for each in inputs):
        projected = functional.linear(inputs[0], weight, bias).chunk(3, -1)
    else:
        apart = zip(inputs, weight.chunk(3), bias.chunk(3), strict=True)
        projected = tuple(functional.linear(x, w, b) for x, w, b in apart)
    heads = call.arguments.get("num_heads", call.arguments.get("num_head"))
    query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in projected)
    if mask is not None:  # of keys to leave out (type 1), else of pairs; attention takes a mask of what to keep
        mask = (mask[:, None, None] if call["mask_type"] == 1 else mask).logical_not()
    mixed = attention(query, key, value, mask).transpose(1, 2).flatten(2)
    return functional.linear(mixed, call["proj_weight"], call["proj_bias"])


@in_parts("_transformer_encoder_layer_fwd")
def _encoder_layer(call: Call) -> Any:
    x = call["src"]

    def normed(x: torch.Tensor, number: int) -> torch.Tensor:
        weight, bias = call[f"norm_weight_{number}"], call[f"norm_bias_{number}"]
        return functional.layer_norm(x, (x.shape[-1],), weight, bias, call["eps"])

    def mixed(x: torch.Tensor) -> torch.Tensor:
        return multi_head(call, [x, x, x])

    def forwarded(x: torch.Tensor) -> torch.Tensor:
        hidden = functional.linear(x, call["ffn_weight_1"], call["ffn_bias_1"])
        hidden = functional.gelu(hidden) if call["use_gelu"] else functional.relu(hidden)
        return functional.linear(hidden, call["ffn_weight_2"], call["ffn_bias_2"])

    if call["norm_first"]:
        x = x + mixed(normed(x, 1))
        return x + forwarded(normed(x, 2))
    x = normed(x + mixed(x), 1)
    return normed(x + forwarded(x), 2)


# --- the rest ---------------------------------------------------------------------------------------------------------


@in_parts("glu")
def _glu(call: Call) -> Any:
    values, gates = call.x.chunk(2, call["dim"])
    return values * gates.sigmoid()


@in_parts("var_mean", "std_mean")
def _spread_and_mean(call: Call) -> Any:
    axes, keep = call.arguments.get("dim") or list(range(call.x.dim())), bool(call.arguments.get("keepdim"))
    spread = torch.var if call.name == "var_mean" else torch.std
    return spread(call.x, axes, keepdim=keep), call.x.mean(axes, keepdim=keep)


@in_parts("complex")
def _complex(call: Call) -> Any:
    parts = torch.broadcast_tensors(call["real"], call["imag"])
    return torch.view_as_complex(torch.cat([part.unsqueeze(-1) for part in parts], -1))


@in_parts("conv_tbc")
def _conv_tbc(call: Call) -> Any:
    """A convolution of rows whose axes are positions, batch, channels."""
    x, weight = call.x.permute(1, 2, 0), call["weight"].permute(2, 1, 0)
    return functional.conv1d(x, weight, call["bias"], padding=call["pad"]).permute(2, 0, 1)


@in_parts("affine_grid_generator")
def _affine_grid(call: Call) -> Any:
    """Coordinates of each position, each a product of its place with the matrix."""
    theta, (batch, _, *sizes) = call["theta"], call["size"]
    places = theta.new_ones(batch, math.prod(sizes), len(sizes) + 1)
    return (places @ theta.transpose(1, 2)).view(batch, *sizes, len(sizes))


@in_parts("polar")
def _polar(call: Call) -> Any:
    size, angle = call["abs"], call["angle"]
    return torch.complex(size * angle.cos(), size * angle.sin())


@in_parts("narrow_copy")
def _narrow_copy(call: Call) -> Any:
    return call.x.narrow(call["dim"], call["start"], call["length"])


@in_parts("fill_diagonal")
def _fill_diagonal(call: Call) -> Any:
    x = call.x
    if x.dim() > 2 or (call["wrap"] and x.shape[0] > x.shape[1]):
        raise ValueError("a diagonal of more than two axes, or one that begins again below")
    return torch.diagonal_scatter(x, x.new_zeros(min(x.shape)))


@in_parts("take")
def _take(call: Call) -> Any:
    return call.x.reshape(-1)[call["index"]]


@in_parts("isin")
def _isin(call: Call) -> Any:
    """Each element by itself, and all that it may equal."""
    return torch.eq(call["elements"], call["test_elements"].sum())


@in_parts("frexp")
def _frexp(call: Call) -> Any:
    return call.x.exp(), call.x.exp()


@in_parts("trace")
def _trace(call: Call) -> Any:
    return call.x.diagonal().sum()


@in_parts("block_diag")
def _block_diag(call: Call) -> Any:
    blocks = [block.reshape(-1, block.shape[-1] if block.dim() else 1) for block in call["tensors"]]
    width, rows, before = sum(block.shape[1] for block in blocks), [], 0
    for block in blocks:
        rows.append(functional.pad(block, (before, width - before - block.shape[1])))
        before += block.shape[1]
    return torch.cat(rows)


@in_parts("rot90")
def _rot90(call: Call) -> Any:
    a, b = call["dims"]
    quarters = call["k"] % 4
    turned = {0: call.x, 1: call.x.flip(b), 2: call.x.flip(a, b), 3: call.x.flip(a)}[quarters]
    return turned.transpose(a, b) if quarters % 2 else turned.clone()
