"""Which layers lead to an output, which carry the data there, and which only compute gates and statistics?"""

from __future__ import annotations

from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network, Node


@once
def data_path(network: Network, *ends: str) -> frozenset[str]:
    """Names of the nodes from which an output, or one of some ends, can be reached without passing a gate.

    Squeeze-excitation's convolutions are not among them: they only scale what others compute.

    Example:
        >>> from eyeshot.design.named import network_named
        >>> sorted(data_path(network_named("C3-8 P2")))
        ['conv1', 'input', 'pool1', 'relu1']
    """
    on_path = set(ends or network.outputs or (network.output.name,))
    for node in reversed(network.nodes):
        if node.name in on_path:
            on_path.update(node.inputs[read.source] for read in node.reads if not read.gate)
    return frozenset(on_path)


def below(network: Network, *ends: str) -> list[Node]:
    """Some layers and all that they depend on, in order."""
    wanted = set(ends)
    for node in reversed(network.nodes):
        if node.name in wanted:
            wanted.update(node.inputs)
    return [node for node in network if node.name in wanted]
