"""Networks as Python that people read: a design layer by layer, and a module as its maker with the moves made on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eyeshot.errors import UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import (
    AdaptivePool,
    Arithmetic,
    Concatenate,
    Conv,
    Dropout,
    Linear,
    LocalResponseNorm,
    Norm,
    Pointwise,
    Pool,
    Rearrange,
)
from eyeshot.network.relations import Sides
from eyeshot.read.inputs import inputs_given
from eyeshot.read.module_names import module_name

_ACTIVATIONS = {"relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "sigmoid": "Sigmoid", "tanh": "Tanh"}
_HEAD = '''"""{title}

Made by: eyeshot rewrite. Weights are as PyTorch draws them.
"""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
'''


def source(network: Network, title: str) -> str:
    """A module of a design's network in plain PyTorch; its weights have the names that a built design's have.

    Raises:
        UsageError: there is no module for some layer.
    """
    lines = [_HEAD.format(title=_quoted(title))]
    tree: dict[str, object] = {}
    for node in network.layers:
        if (made := _module(network, node)) is not None:
            *path, last = node.name.split(".")
            branch = tree
            for part in path:
                inner = branch.setdefault(part, {})
                assert isinstance(inner, dict)
                branch = inner
            branch[last] = made
    for name, value in tree.items():
        lines.append(f"        self.{name} = {_written(value, 2)}\n")
    lines.append("\n    def forward(self, x):\n")
    lines += [f"        {line}\n" for line in _forward(network)]
    lines.append("\n\ndef net():\n    return Net()\n")
    return "".join(lines)


def source_of_moves(model: str, moves: Sequence[str], shape: Any) -> str:
    """A function that makes a named module and then the moves on it."""
    asked = module_name(model)
    arguments = ", ".join(f"{key}={value!r}" for key, value in asked.arguments.items())
    if asked.source == "torchvision":
        imports = "import torchvision"
        made = f"torchvision.models.get_model({', '.join(filter(None, (repr(asked.attribute), arguments)))})"
    elif asked.source == "timm":
        imports = "import timm"
        made = f"timm.create_model({', '.join(filter(None, (repr(asked.attribute), arguments)))})"
    elif asked.source.endswith(".py"):
        path = Path(asked.source)
        imports = (
            "import sys\nfrom pathlib import Path\n\n"
            f"sys.path.insert(0, {str(path.resolve().parent)!r})\nimport {path.stem} as theirs"
        )
        made = f"theirs.{asked.attribute}({arguments})"
    else:
        imports, made = f"import {asked.source} as theirs", f"theirs.{asked.attribute}({arguments})"
    listed = "".join(f"        {move!r},\n" for move in moves)
    return (
        f'"""{_quoted(model)} with moves made on it: {_quoted(", ".join(moves))}."""\n\n'
        f"{imports}\n\nimport eyeshot\n\n\n"
        f"def changed(module):\n"
        f'    """A changed copy of a module, which may have trained weights."""\n'
        f"    return eyeshot.rewrite(\n        module,\n{listed}"
        f"        input_shape={_shape(shape)},\n    ).model\n\n\n"
        f"def net():\n    return changed({made})\n"
    )


def _shape(shape: Any) -> str:
    """What goes in, as ``eyeshot.inspect`` takes it."""
    specs = inputs_given(shape)
    if len(specs) == 1:
        return repr(specs[0].shape) if specs[0].is_plain else repr(str(specs[0]))
    return repr({spec.name or f"input{i + 1}": str(replace(spec, name=None)) for i, spec in enumerate(specs)})


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _written(value: object, depth: int) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    pad = "    " * (depth + 1)
    inner = "".join(f'{pad}"{name}": {_written(each, depth + 1)},\n' for name, each in value.items())
    return f"nn.ModuleDict({{\n{inner}{'    ' * depth}}})"


def _forward(network: Network) -> Iterator[str]:
    """One line a layer; a value that several layers read keeps a name of its own."""
    readers: dict[str, int] = {}
    for node in network.layers:
        for name in node.inputs:
            readers[name] = readers.get(name, 0) + 1
    last_of = {name: node.name for node in network.layers for name in node.inputs}
    held = {network.input.name: "x"}
    count = 0
    free: list[str] = []
    nodes = network.layers
    for node, following in zip(nodes, (*nodes[1:], None), strict=True):
        values = [held[name] for name in node.inputs]
        done = [held[name] for name in dict.fromkeys(node.inputs) if last_of[name] == node.name]
        if "x" in done or "x" not in held.values():
            target = "x"
        else:
            count += not free
            target = free.pop() if free else f"y{count}"
        free += [value for value in done if value not in ("x", target)]
        held = {name: value for name, value in held.items() if last_of.get(name) != node.name}
        held[node.name] = target
        yield f"{target} = {_called(network, node, values)}"
        if following is None:
            yield f"return {target}"


def _called(network: Network, node: Node, values: Sequence[str]) -> str:
    if isinstance(node.op, Arithmetic):
        return " + ".join(values)
    if isinstance(node.op, Concatenate):
        return f"torch.cat([{', '.join(values)}], {node.op.axis})"
    if isinstance(node.op, Rearrange):
        return f"{values[0]}.flatten(1)"
    first, *rest = node.name.split(".")
    place = f"self.{first}" + "".join(f'["{part}"]' for part in rest)
    padding = _uneven(node)
    if padding is None:
        return f"{place}({values[0]})"
    amounts = [amount for side in reversed(padding) for amount in side]
    fill = ', value=float("-inf")' if isinstance(node.op, Pool) and node.op.mode == "max" else ""
    return f"{place}(nn.functional.pad({values[0]}, {amounts}{fill}))"


def _uneven(node: Node) -> Sides | None:
    """The padding that PyTorch's layers cannot do themselves."""
    if not isinstance(node.op, Conv | Pool):
        return None
    is_even = all(a == b for a, b in node.op.padding)
    if isinstance(node.op, Pool):
        is_even = is_even and all(2 * a <= k for (a, _), k in zip(node.op.padding, node.op.kernel, strict=True))
    return None if is_even else node.op.padding


def _module(network: Network, node: Node) -> str | None:
    """A layer's constructor; None for what is written in ``forward`` itself."""
    op, before = node.op, network[node.inputs[0]].shape
    rank = len(before) - 2
    if isinstance(op, Arithmetic) and op.name == "add":
        return None
    if isinstance(op, Concatenate) or (isinstance(op, Rearrange) and op.name == "flatten"):
        return None
    if isinstance(op, Conv):
        settings = _settings(stride=op.stride, padding=_sides(node), dilation=op.dilation)
        settings += f", groups={op.groups}" if op.groups > 1 else ""
        settings += "" if op.bias else ", bias=False"
        return f"nn.Conv{rank}d({before[1]}, {node.shape[1]}, {_size(op.kernel)}{settings})"
    if isinstance(op, Pool):
        name = "MaxPool" if op.mode == "max" else "AvgPool"
        settings = f", stride={_size(op.stride)}" if op.stride != op.kernel else ""
        settings += _settings(padding=_sides(node), dilation=op.dilation) + (", ceil_mode=True" if op.ceil else "")
        return f"nn.{name}{rank}d({_size(op.kernel)}{settings})"
    if isinstance(op, Linear) and op.axis == -1:
        return f"nn.Linear({before[-1]}, {node.shape[-1]}{'' if op.bias else ', bias=False'})"
    if isinstance(op, Norm) and op.mode == "batch":
        return f"nn.BatchNorm{max(rank, 1)}d({before[1]})"
    if isinstance(op, LocalResponseNorm):
        size = op.size_over(before[1])
        return f"nn.LocalResponseNorm({size}, alpha={op.alpha * size:g}, beta={op.beta:g}, k={op.k:g})"
    if isinstance(op, Pointwise) and op.name in _ACTIVATIONS:
        return f"nn.{_ACTIVATIONS[op.name]}()"
    if isinstance(op, Dropout):
        return f"nn.Dropout({op.p:g})"
    if isinstance(op, AdaptivePool) and op.mode == "avg":
        return f"nn.AdaptiveAvgPool{rank}d({_size(op.size)})"
    raise UsageError(f"{node.name} of {network.name}: {op.kind} cannot be written as code yet")


def _sides(node: Node) -> tuple[int, ...]:
    assert isinstance(node.op, Conv | Pool)
    return tuple(0 for _ in node.op.padding) if _uneven(node) else tuple(a for a, _ in node.op.padding)


def _settings(**sizes: tuple[int, ...]) -> str:
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    return "".join(f", {key}={_size(value)}" for key, value in sizes.items() if set(value) != {usual[key]})


def _size(sizes: tuple[int, ...]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else str(sizes)
