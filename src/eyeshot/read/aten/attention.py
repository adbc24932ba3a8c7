"""The fused attention kernels of passes on numbers, read as attention is on tensors without: by its parts."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from eyeshot.read.aten.parts import in_parts
from eyeshot.read.trace import Call


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
