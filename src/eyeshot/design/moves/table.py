"""All moves there are, by name, in the order in which one comes to need them."""

from __future__ import annotations

from eyeshot.design.moves import (
    blur_pool,
    bottleneck,
    cut,
    depthwise_separate,
    fold_batch_norm,
    kernel_to_stack,
    output_stride,
    padding,
    pool,
    pool_to_stride,
    stack_to_kernel,
    stem,
    stride_to_pool,
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
        kernel_to_stack,
        stack_to_kernel,
        fold_batch_norm,
        padding,
        depthwise_separate,
        bottleneck,
        pool,
    )
}
