"""Where in the user's model a node was: module paths as exporters tell them, else the node's readable name.

The newer exporter of PyTorch tells the modules around a node in its metadata; the older one, and those of others, in
the node's name: ``/layer1/layer1.0/conv1/Conv``. Files without either have the names of weights, ``conv1.weight``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from eyeshot.read.onnx.messages import NodeProto
from eyeshot.read.steps import CallSite

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NUMBERED = re.compile(r"(.+)_\d+")
_WEIGHTS = frozenset({"weight", "kernel", "gamma", "W", "w_0"})
_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"})
_UNTOLD = re.compile(r"[\d_.]*")


class Sites:
    """The places of a graph's nodes; nodes that one call of a module runs share one."""

    def __init__(self, nodes: Sequence[NodeProto], weights: Iterable[str]) -> None:
        self.weights = frozenset(weights)
        self.prefix = _common_prefix(nodes)
        parts = [self._parts(node) for node in nodes]
        self.scopes = {tuple(each[:i]) for each in parts for i in range(1, len(each))}
        self.paths = {id(node): self._path(node) for node in nodes}
        self.parents = {path[:i] for path in self.paths.values() for i, sign in enumerate(path) if sign == "."}
        self.last = CallSite()

    def of(self, node: NodeProto, within: str = "") -> CallSite:
        """The place of a node, in the order in which nodes run; ``within`` is what the graph around it is called."""
        path = self.paths.get(id(node))
        if path is None:
            path = self._path(node)
        is_scoped = bool(_told(node)) or "/" in node.name
        full = ".".join(filter(None, (within, path)))
        if not (is_scoped and full == self.last.path):
            self.last = CallSite(full, bool(path) and path not in self.parents)
        return self.last

    def _path(self, node: NodeProto) -> str:
        told = _told(node)
        owner = self._owner(node) if node.op in _WEIGHTED else ""
        if told:
            # a batch norm folded into the layer before it left its own place there
            is_folded = node.op != "BatchNormalization" and "BatchNorm" in node.metadata.get(_CLASSES, "")
            return owner if is_folded and owner else told[-2] if len(told) > 1 else ""
        parts = self._parts(node)
        if len(parts) > 1 or node.name.startswith("/"):
            return self._joined(parts[:-1])
        if owner:
            return owner
        # TFLite names all that it fused
        names = [name.partition(";")[0] for name in (node.name, *node.outputs[:1])]
        return next((name for name in names if not _UNTOLD.fullmatch(name)), "")

    def _parts(self, node: NodeProto) -> list[str]:
        return [part for part in node.name.split("/") if part][self.prefix :]

    def _joined(self, parts: Sequence[str]) -> str:
        """Scopes as a path: ``layer1``, ``layer1.0``, ``conv1`` is layer1.0.conv1; ``relu_1`` is relu again."""
        path: list[str] = []
        for i, part in enumerate(parts):
            numbered = _NUMBERED.fullmatch(part)
            if numbered and (*parts[:i], numbered[1]) in self.scopes:
                part = numbered[1]
            if path and part.startswith(path[-1] + "."):
                path.pop()
            path.append(part)
        return ".".join(path)

    def _owner(self, node: NodeProto) -> str:
        """The module whose weights a node uses, by the weights' names."""
        for name in node.inputs[1:]:
            owner, _, kind = name.rpartition(".")
            if kind in _WEIGHTS and owner and name in self.weights:
                return owner
        return ""


_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"


def _told(node: NodeProto) -> list[str]:
    return [a or b for a, b in _QUOTED.findall(node.metadata.get(_SCOPES, ""))]


def class_of(node: NodeProto) -> str:
    """The class of the module that ran a node, where the exporter tells it."""
    classes = [a or b for a, b in _QUOTED.findall(node.metadata.get(_CLASSES, ""))]
    return classes[-2] if len(classes) > 1 else ""


def _common_prefix(nodes: Sequence[NodeProto]) -> int:
    """Scopes around all nodes, which tell nothing: StatefulPartitionedCall/model/…"""
    names = [[part for part in node.name.split("/") if part] for node in nodes if "/" in node.name]
    if not names or any(node.name.startswith("/") for node in nodes):
        return 0
    shared, shortest = 0, min(map(len, names)) - 1
    while shared < shortest and len({parts[shared] for parts in names}) == 1:
        shared += 1
    return shared
