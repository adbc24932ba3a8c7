"""Attention: by its parts, fused kernels of passes on numbers too, but for masks, which no product of its own knows."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from eyeshot.network.ops import Attention, Mixing
from eyeshot.read.aten.parts import in_parts
from eyeshot.read.aten.rules import RULES, rule
from eyeshot.read.masks import weighed
from eyeshot.read.recorder import Recorder
from eyeshot.read.shapes import alike
from eyeshot.read.trace import Call, Trace, tensors_in


@rule("scaled_dot_product_attention", "_scaled_dot_product_attention_math")
def _masked(trace: Trace, call: Call) -> Any:
    """Attention under a mask that is known; taken apart where there is none."""
    query, key, value = inputs = [call[name] for name in ("query", "key", "value")]
    op = _under_mask(trace, call, query.shape[-2], key.shape[-2]) if all(map(trace.knows, inputs)) else None
    if op is None:
        return NotImplemented
    out = call.run()
    with Recorder(trace, RULES, has_numbers=call.has_numbers):
        key, value = _for_all_heads(query, key, value)
    if not query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        return NotImplemented
    if isinstance(out, torch.Tensor) and out.shape == query.shape and not call.has_numbers:
        out = alike(query)  # its numbers lie in the order of the query's
    first = tensors_in(out)[0]
    mixed = Mixing(name="keys", axes=(key.dim() - 1,))
    keys = trace.record(mixed, [trace.step_of(key)], (*key.shape[:-1], value.shape[-1]))
    steps = [trace.step_of(query), keys, trace.step_of(value)]
    trace.bind(first, trace.record(op, steps, first.shape))
    return out


def _under_mask(trace: Trace, call: Call, queries: int, keys: int) -> Attention | None:
    """Which keys each query weighs by the call's mask; None where it has none that leaves any out."""
    mask = call["attn_mask"]
    if call["is_causal"]:
        return Attention()
    numbers = None if mask is None or trace.knows(mask) else trace.numbers_of(mask)
    if numbers is None:
        return None
    seen = numbers if numbers.dtype is torch.bool else numbers != float("-inf")
    table = weighed(seen.expand(*seen.shape[:-2], queries, keys).cpu().numpy())
    return None if table is None else Attention(keys=table[0], is_bound=table[1])


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
    key, value = _for_all_heads(query, key, value)
    out: torch.Tensor = torch.ops.aten._scaled_dot_product_attention_math(query, key, value, mask, 0.0, is_causal)[0]
    return out


def _for_all_heads(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values of as many heads as queries have, of which several may share one."""
    if query.dim() < 3 or key.shape[-3] == query.shape[-3]:
        return key, value
    key, value = (tensor.repeat_interleave(query.shape[-3] // tensor.shape[-3], -3) for tensor in (key, value))
    return key, value


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
