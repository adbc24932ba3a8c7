"""Runs of windows: layers in a row that are one window together, and the window that they are.

kernel  K = 1 + Σ (kᵢ − 1)·dᵢ·Sᵢ       Sᵢ the product of the strides before layer i
stride  S = Π sᵢ
padding P = Σ pᵢ·Sᵢ                    before and after
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from eyeshot.design.moves.move import Subject
from eyeshot.network.graph import Node
from eyeshot.network.ops import Norm, Pointwise, Pool, Sliding, window_sizes
from eyeshot.network.relations import Sides, Sizes


def as_one(ops: Sequence[Sliding]) -> tuple[Sizes, Sizes, Sides]:
    """Kernel, stride and padding of windows in a row.

    Example:
        Two 3×3 at stride 2 are 7×7 at stride 4.

        >>> from eyeshot.network.ops import Conv
        >>> step = dict(kernel=(3, 3), stride=(2, 2), dilation=(1, 1), padding=((1, 1), (1, 1)))
        >>> as_one([Conv(**step), Conv(**step)])
        ((7, 7), (4, 4), ((3, 3), (3, 3)))
    """
    axes = range(len(ops[0].kernel))
    kernel, stride, padding = [1 for _ in axes], [1 for _ in axes], [(0, 0) for _ in axes]
    for op in ops:
        for i in axes:
            before, after = op.padding[i]
            kernel[i] += (op.kernel[i] - 1) * op.dilation[i] * stride[i]
            padding[i] = padding[i][0] + before * stride[i], padding[i][1] + after * stride[i]
            stride[i] *= op.stride[i]
    return tuple(kernel), tuple(stride), tuple(padding)


def hangs_over(pool: Pool, before: Node) -> bool:
    """Whether the last window of a pool that rounds up lies partly beyond its map."""
    sizes = before.shape[-len(pool.kernel) :]
    return pool.ceil and window_sizes(sizes, pool) != window_sizes(sizes, replace(pool, ceil=False))


def ring(ops: Sequence[Sliding]) -> int:
    """Outputs along the borders that read what a layer but the first padded, the most along any axis.

    What a pool pads does not count in its average, so that the first counts where it is one.
    """
    padding_otherwise = ops if isinstance(ops[0], Pool) else ops[1:]
    if not padding_otherwise:
        return 0
    _, stride, padding = as_one(padding_otherwise)
    return max(-(-max(sides) // s) for sides, s in zip(padding, stride, strict=True))


def runs(
    subject: Subject, nodes: Sequence[Node], joins: Callable[[Node], bool], *, activated: bool = False
) -> list[list[Node]]:
    """The longest runs of some layers, each read by the next alone; with ``activated`` norms and activations between.

    Args:
        subject: what is changed.
        nodes: the layers that may take part, in their order.
        joins: whether a layer can take part at all.
        activated: whether pointwise layers and batch norms may stand between, which are then part of the run.
    """
    names = {node.name for node in nodes if joins(node)}
    taken: set[str] = set()
    result: list[list[Node]] = []
    for node in nodes:
        if node.name not in names or node.name in taken:
            continue
        run, between = [node], list[Node]()
        reader = subject.after(node)
        while reader is not None:
            if reader.name in names and reader.shape[1:2] and len(reader.inputs) == 1:
                run += [*between, reader]
                between = []
            elif activated and isinstance(reader.op, Pointwise | Norm) and len(reader.inputs) == 1:
                between.append(reader)
            else:
                break
            reader = subject.after(reader)
        taken |= {each.name for each in run}
        result.append(run)
    return result
