"""Which rows and columns of a map does nothing read?

A window that steps by s over n positions may end before the last ones, and one whose stride is larger than its reach
passes between positions. What one reader leaves out another may read: a strided 1×1 shortcut beside a 3×3 loses
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.inspection import Inspection
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import EdgePad, Sliding
from eyeshot.network.relations import Sides, Window


@dataclass(frozen=True)
class Dropped:
    """A map of which some positions are read by nothing.

    Attributes:
        layer: the layer whose output it is; the input's name for the image itself.
        readers: the layers that read it.
        positions: per axis of the map how many positions nothing reads.
        share: of the whole map.
    """

    layer: str
    readers: tuple[str, ...]
    positions: tuple[int, ...]
    share: float


def dropped(inspection: Inspection) -> Iterator[Dropped]:
    """The maps on the data path of which something is dropped, in order."""
    network = inspection.network
    carrying = data_path(network)
    readers: dict[str, list[Node]] = {}
    for node in network.layers:
        for name in {node.inputs[read.source] for read in node.reads if not read.gate}:
            readers.setdefault(name, []).append(node)
    for node in network:
        after = readers.get(node.name, [])
        if node.name not in carrying or not after or node.name in network.outputs:
            continue
        windows = [_window(node, reader, network) for reader in after]
        if any(window is None for window in windows):
            continue
        missing = _missing(node, list(zip(after, [w for w in windows if w is not None], strict=True)))
        if any(missing):
            sizes = [n - sum(sides) for n, sides in zip(node.shape[2:], _repeated(node), strict=True)]
            read = 1.0
            for n, out in zip(sizes, missing, strict=True):
                read *= 1 - out / n
            yield Dropped(node.name, tuple(reader.name for reader in after), missing, 1 - read)


def _repeated(node: Node) -> Sides:
    """Per axis how many positions at both ends of a map only repeat others of it, which nobody misses."""
    return node.op.padding if isinstance(node.op, EdgePad) else ((0, 0),) * len(node.shape[2:])


def _window(node: Node, reader: Node, network: Network) -> Window | None:
    """The window by which a convolution or pool reads a map."""
    relations = [r.relation for r in reader.reads if not r.gate and reader.inputs[r.source] == node.name]
    is_window = isinstance(reader.op, Sliding) and len(relations) == 1 and isinstance(relations[0], Window)
    relation = relations[0] if is_window else None
    if not isinstance(relation, Window) or relation.base is not None or len(relation.axes) != len(node.shape) - 2:
        return None
    return relation


def _missing(node: Node, readers: list[tuple[Node, Window]]) -> tuple[int, ...]:
    missing = []
    for i, (n, (before, behind)) in enumerate(zip(node.shape[2:], _repeated(node), strict=True)):
        seen: set[int] = set()
        for reader, window in readers:
            slide, m = window.slides[i], reader.shape[2 + i]
            if slide.stride <= slide.kernel and slide.dilation == 1:  # without gaps, in one go
                seen |= {*range(max(0, -slide.before), min(n, (m - 1) * slide.stride - slide.before + slide.kernel))}
            else:
                seen |= {j for positions in slide.reads(n, m) for j in positions}
        missing.append(n - before - behind - len(seen & {*range(before, n - behind)}))
    return tuple(missing)
