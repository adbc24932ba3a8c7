"""Other ops that are several of ours: gated units, statistics in pairs, complex numbers, turns, copies."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from eyeshot.read.aten.parts import in_parts
from eyeshot.read.trace import Call


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


@in_parts("select_scatter", "slice_scatter")
def _written_apart(call: Call) -> Any:
    """A copy of the whole with one part of it written."""
    out = call.x.clone()
    if call.name == "select_scatter":
        part = out.select(call["dim"], call["index"])
    else:
        part = out[(slice(None),) * (call["dim"] % out.dim()) + (slice(call["start"], call["end"], call["step"]),)]
    part.copy_(call["src"])
    return out


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
