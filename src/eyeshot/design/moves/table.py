"""All moves there are, by name, in the order in which one comes to need them."""

from __future__ import annotations

from eyeshot.design.moves import (
    blur_pool,
    bottleneck,
    cut,
    depthwise_separate,
    dilation,
    fold_batch_norm,
    kernel_to_stack,
    output_stride,
    padding,
    pool,
    pool_to_stride,
    stack_to_kernel,
    stem,
    stride_to_pool,
    width,
)
from eyeshot.design.moves.move import Move

MOVES: dict[str, Move] = {
    module.MOVE.name: module.MOVE
    for module in (
        stem,
        cut,
        pool_to_stride,
        stride_to_pool,
        blur_pool,
        output_stride,
        dilation,
        kernel_to_stack,
        stack_to_kernel,
        fold_batch_norm,
        padding,
        depthwise_separate,
        bottleneck,
        pool,
        width,
    )
}


def usual(stride: float) -> tuple[str, ...]:
    """Moves in the words in which one would try each first, on a network whose last map steps by so many pixels.

    ``cut`` is not among them, which needs to be told what.
    """
    halved = (f"output-stride:{int(stride) // 2}",) if stride >= 2 else ()
    return (
        "stem:fine", "stem:half", "stem:coarse", "stem:3x3", "pool-to-stride", "stride-to-pool", "blur-pool", *halved,
        "dilation", "kernel-to-stack", "stack-to-kernel", "fold-batch-norm", "padding:reflect", "padding:alternate",
        "padding:covering", "depthwise-separate", "bottleneck", "pool:earlier", "pool:later", "width:by=0.5",
    )  # fmt: skip
